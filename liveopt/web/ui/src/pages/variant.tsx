/** One variant: its bars and trades, its equity beside the champion's, and what it still lacks. */

import { useMemo } from "preact/hooks";
import { fixed, fromNs } from "../format";
import { palette, series } from "../charts/theme";
import type { Candles, Line } from "../charts/kinds";
import { CandleChart, Plot } from "../parts/chart";
import { Confirm } from "../parts/confirm";
import { Copy } from "../parts/copy";
import { Ledger } from "../parts/dots";
import { Explained, Parameters } from "../parts/ledger";
import { Trades, folder } from "../parts/trades";
import { useAct, useGet } from "../parts/use";
import { post } from "../state/api";
import { mark, marked } from "../state/board";
import { champions, rowOf, rows, writable } from "../state/store";
import type { VariantDetail } from "../wire";
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
  const lines = useMemo(() => equityLines(data, other.data), [data, other.data, palette.value]);
  const below = useMemo(() => drawdownLines(data), [data, palette.value]);
  const candles = useMemo(() => candlesOf(data), [data]);
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
          {row && !row.champion && <Ledger row={row} />}
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
        <Plot title={champion ? `Equity beside the champion ${champion.id}` : "Equity"} lines={lines} />
        <Plot title="Drawdown from the peak, %" lines={below} height={120} />
        {candles.candles.length > 0 && (
          <CandleChart title={`Signal bars of ${symbol ?? ""}`} data={candles} />
        )}
      </section>
      <section class="panel">
        <h2>Trades</h2>
        {data?.trades?.length ? (
          <div class="scroll" tabIndex={0} role="region" aria-label="trades of this variant">
            <Trades of={data.trades} />
          </div>
        ) : (
          <p class="muted">No closed trade yet.</p>
        )}
      </section>
    </>
  );
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
      <Confirm name="Promote" question={`Make ${id} the champion?`} off={fixture} act={promote} />
      <button type="button" aria-pressed={marked.value.includes(id)} onClick={() => mark(id)}>
        Compare
      </button>
      <Copy text={`liveopt replay ${folder()} --variant ${id}`} label="Copy replay command" />
      <span role="status">{said}</span>
    </div>
  );
}

export function equityLines(...all: (VariantDetail | null)[]): Line[] {
  return all.flatMap((one, n) => {
    if (!one?.equity?.length) return [];
    return {
      name: one.variant.id + (one.variant.champion ? " (champion)" : ""),
      colour: series(palette.value, n),
      times: one.equity.map(([ms]) => ms / 1000),
      values: one.equity.map(([, value]) => value),
      ...(one.variant.champion ? { dash: [6, 4] } : {}),
    };
  });
}

function drawdownLines(detail: VariantDetail | null): Line[] {
  if (!detail?.equity?.length) return [];
  let peak = -Infinity;
  const values = detail.equity.map(([, value]) => {
    if (value === null) return null;
    peak = Math.max(peak, value);
    return -100 * (1 - value / peak);
  });
  const times = detail.equity.map(([ms]) => ms / 1000);
  return [{ name: "drawdown", colour: series(palette.value, 3), times, values }];
}

function candlesOf(detail: VariantDetail | null): Candles {
  const candles = (detail?.candles ?? []).map(([ms, open, high, low, close]) => ({
    time: Math.floor(ms / 1000),
    open,
    high,
    low,
    close,
  }));
  const markers = (detail?.trades ?? []).flatMap((one) => {
    const long = one.side === "long";
    const out = {
      time: Math.floor(fromNs(one.at_ns) / 1000),
      side: long ? ("sell" as const) : ("buy" as const),
      text: `out ${fixed(one.exit_price)}`,
    };
    if (!one.entry_ns) return [out];
    const entry = Math.floor(fromNs(one.entry_ns) / 1000);
    return [
      {
        time: entry,
        side: long ? ("buy" as const) : ("sell" as const),
        text: `in ${fixed(one.entry_price)}`,
      },
      out,
    ];
  });
  return { candles, markers: markers.sort((a, b) => a.time - b.time) };
}
