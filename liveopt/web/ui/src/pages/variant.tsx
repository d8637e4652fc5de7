/** One variant: its bars and trades, its equity beside the champion's, and what it still lacks. */

import { useMemo } from "preact/hooks";
import { figure, fixed, fromNs, moment } from "../format";
import { palette } from "../charts/theme";
import { CandleChart, Plot } from "../parts/chart";
import { Confirm } from "../parts/confirm";
import { Unearned } from "../parts/unearned";
import { Copy } from "../parts/copy";
import { Ledger } from "../parts/dots";
import { EquityChart, drawdownLines } from "../parts/equity";
import { Exports } from "../parts/exports";
import { Explained, Fact, Parameters } from "../parts/ledger";
import { Trades, folder } from "../parts/trades";
import { useAct, useGet } from "../parts/use";
import { post } from "../state/api";
import { mark, marked } from "../state/board";
import { candlesOf } from "../state/bars";
import { knownSince } from "../state/since";
import { champions, rowOf, rows, writable } from "../state/store";
import type { Position, VariantDetail } from "../wire";
import { Figures } from "./live";

const AGAIN_MS = 5000;

export function VariantPage({ id }: { id: string }) {
  const path = `/api/v1/variants/${encodeURIComponent(id)}`;
  const { data, error, loading, again } = useGet<VariantDetail>(path, AGAIN_MS);
  void rows.value;
  const row = rowOf(id);
  const symbol = row?.symbol ?? data?.variant.symbol;
  const champion = champions.value.find((one) => one.symbol === symbol && one.id !== id);
  const other = useGet<VariantDetail>(
    champion ? `/api/v1/variants/${encodeURIComponent(champion.id)}` : null,
    AGAIN_MS,
  );
  const below = useMemo(() => drawdownLines(data), [data, palette.value]);
  const late = knownSince(data);
  const candles = useMemo(() => candlesOf(data), [data]);
  if (error && !data && !row)
    return (
      <>
        <h1 tabIndex={-1}>Variant {id}</h1>
        <p class="bad">{error}</p>
        <p>
          Who is there now: <a href="/">Live</a>. What it did while it was: <a href={past(id)}>its trades</a>.
        </p>
      </>
    );
  return (
    <>
      <h1 tabIndex={-1}>Variant {id}</h1>
      {error && <p class="bad">{error}</p>}
      {loading && <p class="muted">Loading…</p>}
      {row && <Figures row={row} />}
      {data && <Acts id={id} detail={data} done={again} />}
      <div class="split two">
        <section class="panel">
          <h2>Gate</h2>
          {row && !row.champion && <Ledger row={row} said={data?.explain} />}
          {data?.explain ? <Explained said={data.explain} /> : <p class="muted">Nothing to explain yet.</p>}
        </section>
        <section class="panel">
          {data?.variant.parameters ? (
            <Parameters own={data.variant.parameters} other={other.data?.variant.parameters ?? null} />
          ) : (
            <p class="muted">Parameters: only the engine knows them, and it does not answer.</p>
          )}
        </section>
      </div>
      <section class="panel">
        {candles.candles.length > 0 ? (
          <CandleChart title={`Signal bars of ${symbol ?? ""}`} data={candles} />
        ) : (
          data && <p class="muted">No signal bar has closed yet.</p>
        )}
        {data?.position && <Holding of={data.position} />}
      </section>
      <section class="panel">
        <EquityChart own={data} champion={other.data} />
        <Plot
          title={late ? `Drawdown since ${late}, from the peak since then, %` : "Drawdown from the peak, %"}
          lines={below}
          height={130}
        />
      </section>
      <section class="panel">
        <h2>Trades</h2>
        {data?.trades?.length ? (
          <div class="scroll tall" tabIndex={0} role="region" aria-label="trades of this variant">
            <Trades of={data.trades} alone />
          </div>
        ) : (
          <p class="muted">No closed trade yet.</p>
        )}
      </section>
    </>
  );
}

function past(id: string): string {
  return `/trades?variant=${encodeURIComponent(id)}`;
}

function Acts({ id, detail, done }: { id: string; detail: VariantDetail; done: () => void }) {
  const { busy, said, act } = useAct();
  const status = detail.variant.status;
  const path = `/api/v1/variants/${encodeURIComponent(id)}`;
  const send = (verb: string, reason: string) => async () => {
    await post(`${path}/${verb}`, { body: { reason } });
    done();
    return `${verb}: done`;
  };
  const promote = async (reason: string) => {
    await post("/api/optimizer/promote", { body: { variantId: id, reason } });
    done();
    return "promotion asked for; the Promotions page has the answer";
  };
  const off = busy || !writable.value;
  const gone = status === "stopped" || status === "retired";
  const paused = status === "paused";
  const fixture = gone || detail.variant.champion;
  return (
    <div class="tools">
      <button type="button" disabled={off || gone || paused} onClick={() => act(send("pause", "dashboard"))}>
        Pause
      </button>
      <button type="button" disabled={off || !paused} onClick={() => act(send("resume", "dashboard"))}>
        Resume
      </button>
      <Confirm
        name="Retire"
        question={`Retire ${id} for good?`}
        off={fixture}
        act={(why) => send("retire", why)()}
      />
      <Confirm name="Promote" question={`Make ${id} the champion?`} off={fixture} act={promote}>
        <Unearned id={id} said={detail.explain ?? null} />
      </Confirm>
      <button type="button" aria-pressed={marked.value.includes(id)} onClick={() => mark(id)}>
        Compare
      </button>
      <Exports id={id} detail={detail} />
      <Copy text={`liveopt replay ${folder()} --variant ${id}`} label="Copy replay command" />
      <span role="status">{said}</span>
    </div>
  );
}

/** What it holds now, on paper. */
function Holding({ of }: { of: Position }) {
  return (
    <dl class="facts wide" data-testid="holding">
      <Fact name="position" value={`${of.side} ${figure(of.size)}`} />
      <Fact name="entry" value={fixed(of.entry_price)} />
      <Fact name="since" value={moment(fromNs(of.entry_ns))} />
      <Fact name="stop" value={of.stop === null ? "none of its own" : fixed(of.stop)} />
    </dl>
  );
}
