/** Who is ahead, how sure that is, and who has traded. */

import { useEffect, useMemo, useState } from "preact/hooks";
import { fixed, gain } from "../format";
import { CandleChart, Plot } from "../parts/chart";
import { EquityChart } from "../parts/equity";
import { Board, SORTS, drawdown } from "../parts/board";
import { better, Gain, Sharpe } from "../parts/cells";
import { Copy } from "../parts/copy";
import { DotsLegend, Ledger, dotsOf } from "../parts/dots";
import { Explained, Parameters } from "../parts/ledger";
import { Tape } from "../parts/tape";
import { useAct, useGet } from "../parts/use";
import { Refused, freshKey, post, remove } from "../state/api";
import { palette, series } from "../charts/theme";
import type { Line } from "../charts/kinds";
import { candlesOf } from "../state/bars";
import {
  type Sort,
  alike,
  choice,
  first,
  frozen,
  mark,
  marked,
  order,
  pinned,
  pointerInside,
  selected,
  sort,
  sortBy,
  step,
} from "../state/board";
import { plain } from "../state/conditions";
import { spoken } from "../state/gate";
import { variantPath } from "../state/route";
import type { Row } from "../state/rows";
import { narrow } from "../state/settings";
import { champions, known, rowOf, rows, status } from "../state/store";
import { STATUSES, type VariantDetail } from "../wire";

const AGAIN_MS = 10_000;

export function LivePage() {
  const room = !narrow.value && rows.value.length > 0;
  useEffect(() => {
    if (room && selected.peek() === null) step(1);
  }, [room]);
  return (
    <>
      <h1 class="sr" tabIndex={-1}>
        Live
      </h1>
      {known.value && !rows.value.length ? <Empty /> : <Leaderboard />}
      <div class="below">
        <Selected />
        <Tape />
      </div>
    </>
  );
}

function Empty() {
  return (
    <section class="panel empty" data-testid="empty">
      <h2>No variants yet</h2>
      <p>This run watches the market, but nothing trades on it. Add a variant from a terminal:</p>
      <p>
        <Copy text="liveopt variants add --help" />
      </p>
      <p>Or see it work on a made-up market, without keys or network, beside this run:</p>
      <LoadDemo />
      <p class="muted">
        The same in a terminal: <Copy text="liveopt demo" label="Copy command" />
      </p>
    </section>
  );
}

/** A run of its own in a folder of its own, and a session of its own. */
function LoadDemo() {
  const { busy, said, act } = useAct();
  const [running, runs] = useState(false);
  const load = () =>
    act(async () => {
      try {
        const { link } = await post<{ link: string }>("/api/v1/demo", { key: freshKey() });
        location.assign(link);
        return "The demo opens.";
      } catch (error) {
        if (!(error instanceof Refused) || error.code !== "DEMO_RUNNING") throw error;
        runs(true);
        return "A demo runs already, and its link worked once.";
      }
    });
  const end = () =>
    act(async () => {
      await remove("/api/v1/demo");
      runs(false);
      return "The demo has ended.";
    });
  return (
    <p>
      <button type="button" class="primary" disabled={busy} onClick={load}>
        {busy && !running ? "Starting the demo…" : "Load demo"}
      </button>{" "}
      {running && (
        <button type="button" disabled={busy} onClick={end}>
          End the demo that runs
        </button>
      )}{" "}
      <span role="status">{said}</span>
    </p>
  );
}

function Leaderboard() {
  const { search, status: wanted, eligible } = choice.value;
  const set = (what: Partial<typeof choice.value>) => (choice.value = { ...choice.value, ...what });
  return (
    <section class="panel" aria-labelledby="board-title">
      <div class="tools">
        <h2 id="board-title">Leaderboard</h2>
        <label>
          <span class="sr">Search variants</span>
          <input
            type="search"
            id="search"
            placeholder="search ( / )"
            value={search}
            onInput={(event) => set({ search: event.currentTarget.value })}
          />
        </label>
        <label>
          <span class="sr">Status</span>
          <select value={wanted} onChange={(event) => set({ status: event.currentTarget.value })}>
            <option value="">every status</option>
            {STATUSES.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={eligible}
            onChange={(event) => set({ eligible: event.currentTarget.checked })}
          />{" "}
          eligible only
        </label>
        {narrow.value && <Order />}
        <button type="button" aria-pressed={pinned.value} onClick={() => (pinned.value = !pinned.value)}>
          Freeze order
        </button>
        <span class="muted cold" data-testid="frozen">
          {frozen.value
            ? `❄ order frozen${pointerInside.value && !pinned.value ? " (pointer inside)" : ""}`
            : ""}
        </span>
        {marked.value.length > 0 && (
          <a class="button" href={`/compare?ids=${marked.value.map(encodeURIComponent).join(",")}`}>
            Compare {marked.value.length}
          </a>
        )}
      </div>
      <p class="muted one-line" title={eligibility()}>
        {known.value ? `${fixed(order.value.length, 0)} shown${ahead()}; ${eligibility()}` : "Nothing is known yet"}
      </p>
      <div class="board-frame">
        <Board />
      </div>
      <DotsLegend />
      {known.value && rows.value.length > 0 && !order.value.length && (
        <p class="muted">No variant but the champion matches what is asked for.</p>
      )}
    </section>
  );
}

/** Where there is no head to press. */
function Order() {
  const { by, way } = sort.value;
  return (
    <span class="order">
      <label>
        <span class="sr">Sort by</span>
        <select
          value={by}
          onChange={(event) => {
            const wanted = event.currentTarget.value as Sort;
            sort.value = { by: wanted, way: first(wanted) };
          }}
        >
          {SORTS.map(([key, name]) => (
            <option key={key} value={key}>
              by {name}
            </option>
          ))}
        </select>
      </label>{" "}
      <button type="button" aria-label={`Turn the order, now ${way}`} onClick={() => sortBy(by)}>
        {way === "ascending" ? "▴" : "▾"}
      </button>
    </span>
  );
}

/** What decides where P(better) does not. */
function ahead(): string {
  return sort.value.by === "p" && alike(order.value) ? ", P(better) equal for all: by return" : "";
}

/** A zero is never without its reason. */
function eligibility(): string {
  const { eligible = 0, eligible_reason: why } = status.value;
  return `${eligible} eligible${eligible || !why ? "" : `: ${plain(why)}`}`;
}

function Selected() {
  const id = selected.value;
  const row = id === null ? undefined : rowOf(id);
  void rows.value;
  if (!row)
    return (
      <section class="panel selected">
        <h2>Selected variant</h2>
        <p class="muted">{narrow.value
            ? "Tap a variant to see it here; its name opens its page."
            : "Choose one: click it, or j and k, then Enter opens its page."}</p>
      </section>
    );
  return <Panel key={row.id} row={row} />;
}

function Panel({ row }: { row: Row }) {
  void row.changed.value;
  const { data, error } = useGet<VariantDetail>(`/api/v1/variants/${encodeURIComponent(row.id)}`, AGAIN_MS);
  const champion = champions.value.find((one) => one.symbol === row.symbol);
  const other = champion && champion.id !== row.id ? champion : undefined;
  const base = useGet<VariantDetail>(
    other ? `/api/v1/variants/${encodeURIComponent(other.id)}` : null,
    AGAIN_MS,
  );
  const candles = useMemo(() => candlesOf(data), [data]);
  const [speech, speak] = useState("");
  return (
    <section class="panel selected" aria-labelledby="selected-title">
      <div class="tools">
        <h2 id="selected-title">
          <a href={variantPath(row.id)}>{row.id}</a>
        </h2>
        <span class="muted">
          {row.strategy}, {row.symbol}, from {row.origin}
        </span>
        <button type="button" onClick={() => speak(summary(row))}>
          Read summary
        </button>
        <button type="button" aria-pressed={marked.value.includes(row.id)} onClick={() => mark(row.id)}>
          Compare
        </button>
        <span class="sr" role="status">
          {speech}
        </span>
      </div>
      <div class="split two">
        <div>
          {data?.equity?.length ? (
            <EquityChart own={data} champion={base.data} height={170} />
          ) : (
            <Plot title="Equity" lines={trends(row, other)} height={170} />
          )}
          {candles.candles.length > 0 && (
            <CandleChart title={`Signal bars of ${row.symbol}`} data={candles} height={200} />
          )}
        </div>
        <div>
          {!row.champion && <Ledger row={row} said={data?.explain} />}
          {error && <p class="muted">Details: {error}</p>}
          {data?.explain && <Explained said={data.explain} brief />}
          {data?.variant.parameters && (
            <Parameters own={data.variant.parameters} other={base.data?.variant.parameters ?? null} />
          )}
        </div>
      </div>
    </section>
  );
}

/** Said on demand: ticks are never announced. */
function summary(row: Row): string {
  return [
    `${row.id}, ${row.status}, ${row.position}`,
    `equity ${fixed(row.of("equity"))}`,
    `return ${gain(100 * row.of("roi"))}`,
    `Sharpe ratio of its bars ${fixed(row.of("bar_sharpe"))}`,
    `probability to be better ${better(row)}`,
    `${fixed(row.of("trades"), 0)} trades`,
    `deepest drawdown ${drawdown(row)}`,
    row.champion ? "champion" : spoken(dotsOf(row)),
  ].join("; ");
}

function trends(row: Row, other: Row | undefined): Line[] {
  const all = other ? [row, other] : [row];
  return all.map((one, n) => ({
    name: n ? `${one.id} (champion)` : one.id,
    colour: series(palette.value, n),
    times: Array.from(one.trend.times.subarray(0, one.trend.length), (ms) => Math.round(ms / 250) / 4),
    values: Array.from(one.trend.values.subarray(0, one.trend.length)),
    ...(n ? { dash: [6, 4] } : {}),
  }));
}

export function Figures({ row }: { row: Row }) {
  void row.changed.value;
  return (
    <dl class="facts wide">
      <div>
        <dt>equity</dt>
        <dd>{fixed(row.of("equity"))}</dd>
      </div>
      <div>
        <dt>pessimistic</dt>
        <dd>{fixed(row.of("pessimistic"))}</dd>
      </div>
      <div>
        <dt>return</dt>
        <dd>
          <Gain value={row.of("roi")} />
        </dd>
      </div>
      <div>
        <dt>Sharpe of its bars [95 %]</dt>
        <dd>
          <Sharpe row={row} />
        </dd>
      </div>
      <div>
        <dt>P(better)</dt>
        <dd>{better(row)}</dd>
      </div>
      <div>
        <dt>max drawdown</dt>
        <dd>{drawdown(row)}</dd>
      </div>
      <div>
        <dt>win rate</dt>
        <dd>{Number.isNaN(row.of("win_rate")) ? "–" : `${fixed(100 * row.of("win_rate"), 1)} %`}</dd>
      </div>
      <div>
        <dt>trades</dt>
        <dd>{fixed(row.of("trades"), 0)}</dd>
      </div>
      <div>
        <dt>state</dt>
        <dd>
          {row.status} {row.position}
        </dd>
      </div>
    </dl>
  );
}
