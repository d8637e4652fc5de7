/** One round of search beside the run: whom it tested out of sample, and what stopped each. */

import { count, figure, words } from "../format";
import { Copy } from "../parts/copy";
import { Conditions, Fact } from "../parts/ledger";
import { Scatter } from "../parts/scatter";
import { became, whyOf } from "../parts/rounds";
import { useGet } from "../parts/use";
import { variantPath } from "../state/route";
import { narrow } from "../state/settings";
import { rowOf, rows, status } from "../state/store";
import type { Finalist, RoundDetail, Searched } from "../wire";

const AGAIN_MS = 5000;

export function RoundPage({ id }: { id: string }) {
  const { data, error, loading } = useGet<RoundDetail>(`/api/v1/rounds/${id}`, AGAIN_MS);
  const live = status.value.search;
  const own = live?.number === Number(id) ? live : null;
  return (
    <>
      <h1 tabIndex={-1}>Round {id}</h1>
      <p>
        <a href="/jobs">All rounds</a>
      </p>
      {error && <p class="bad">{error}</p>}
      {loading && <p class="muted">Loading…</p>}
      {data && (
        <>
          <dl class="facts wide">
            <Fact name="began because" value={whyOf(data.why, data.by)} />
            <Fact
              name="became"
              value={became({ ...data, phase: own?.phase ?? "", symbols: null })}
            />
            {own && own.wanted > 0 && (
              <Fact name="trials of this round" value={`${figure(own.done)} of ${figure(own.wanted)}`} />
            )}
            <Fact name="proposed" value={figure(data.outcome?.proposed)} />
            <Fact name="deaths of its process" value={figure(data.outcome?.deaths)} />
            {data.outcome?.trouble && data.outcome.phase !== "given up" && (
              <Fact name="trouble" value={data.outcome.trouble} />
            )}
          </dl>
          {data.searched === null && <p class="muted">Its search has not come to an end.</p>}
          {data.searched?.map((one) => (
            <Symbol key={one.symbol} of={one} />
          ))}
          <p>
            <Copy text={`liveopt reoptimize --show ${id}`} />
          </p>
        </>
      )}
    </>
  );
}

function Symbol({ of }: { of: Searched }) {
  void rows.value;
  const points = of.finalists.map((one) => ({ name: one.variant.id, x: one.in_sample, y: one.out_of_sample }));
  return (
    <section class="panel" aria-label={of.symbol}>
      <h2>{of.symbol}</h2>
      <p>
        {figure(of.bars)} signal bars, {figure(of.trials)} trials in this run so far; {of.finalists.length} tested
        out of sample, {of.proposals.length} proposed.
      </p>
      {of.skipped && <p class="bad">Not searched: {of.skipped}</p>}
      {of.finalists.length > 0 && (
        <p class="muted">
          Finalists. Sharpe ratios are a bar, of the worse account; those in sample were searched for.
        </p>
      )}
      {of.finalists.length > 0 && narrow.value && <Cards of={of.finalists} />}
      {of.finalists.length > 0 && !narrow.value && (
        <div class="scroll tall" tabIndex={0} role="region" aria-label={`finalists of ${of.symbol}`}>
          <Finalists of={of.finalists} />
        </div>
      )}
      {points.length > 1 && (
        <Scatter title="Sharpe ratio a bar of each" x="in sample" y="out of sample" points={points} />
      )}
      {of.studies.length > 0 && (
        <p class="muted">
          Studies:{" "}
          {of.studies.map((study, n) => (
            <span key={study}>
              {n > 0 && ", "}
              <a href={`/jobs/${encodeURIComponent(study)}`}>{study}</a>
            </span>
          ))}
        </p>
      )}
    </section>
  );
}

function Name({ of }: { of: Finalist }) {
  const { id } = of.variant;
  return rowOf(id) ? <a href={variantPath(id)}>{id}</a> : <>{id}</>;
}

function Stopped({ of }: { of: Finalist }) {
  return (
    <>
      {of.stopped_by.length ? of.stopped_by.map(words).join(", ") : <strong>● proposed</strong>}{" "}
      <details class="beside">
        <summary>conditions</summary>
        <Conditions of={of.conditions} />
      </details>
    </>
  );
}

function three(value: number): string {
  return figure(Number(value.toPrecision(3)));
}

/** On a telephone what stopped each is seen without a scroll to the side. */
function Cards({ of }: { of: Finalist[] }) {
  return (
    <ol class="finalists" aria-label="finalists, the best out of sample first">
      {of.map((one) => (
        <li key={one.variant.id}>
          <strong class="id">
            <Name of={one} />
          </strong>{" "}
          <span class="muted">
            {one.variant.strategy}, {words(one.variant.origin)}
          </span>
          <div>
            in sample {three(one.in_sample)}, out {three(one.out_of_sample)}, {count(one.trades, "trade")}
          </div>
          <div>
            {one.stopped_by.length > 0 && "Stopped by "}
            <Stopped of={one} />
          </div>
        </li>
      ))}
    </ol>
  );
}

function Finalists({ of }: { of: Finalist[] }) {
  return (
    <table>
      <caption class="sr">Finalists, the best out of sample first</caption>
      <thead>
        <tr>
          <th scope="col">Variant</th>
          <th scope="col" class="less">
            Strategy
          </th>
          <th scope="col" class="less">
            Origin
          </th>
          <th scope="col" class="num">
            In sample
          </th>
          <th scope="col" class="num">
            Out of sample
          </th>
          <th scope="col" class="num">
            Trades
          </th>
          <th scope="col">Stopped by</th>
        </tr>
      </thead>
      <tbody>
        {of.map((one) => (
          <tr key={one.variant.id}>
            <th scope="row" class="id">
              <Name of={one} />
            </th>
            <td class="less">{one.variant.strategy}</td>
            <td class="less">{words(one.variant.origin)}</td>
            <td class="num">{three(one.in_sample)}</td>
            <td class="num">{three(one.out_of_sample)}</td>
            <td class="num">{figure(one.trades)}</td>
            <td class="wrap">
              <Stopped of={one} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
