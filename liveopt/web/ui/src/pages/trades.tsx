/** The journal of closed trades: who, which side, why, and the command that plays it again. */

import { useEffect, useState } from "preact/hooks";
import { count, fixed } from "../format";
import { TwoClocks } from "../parts/clocks";
import { ReplayHint, Trades, strategyOf } from "../parts/trades";
import { get, reason } from "../state/api";
import { place, query } from "../state/route";
import { phase } from "../state/store";
import type { Trade } from "../wire";

const PAGE = 100;

/** Why trades of this run were closed, as far as this page has seen. */
const seen = new Set<string>();

interface Answer {
  trades: Trade[];
  total: number;
  /** What to ask for to see older ones; null at the end. */
  next: string | null;
}

function pathOf(wanted: URLSearchParams, before: string | null): string {
  const asked = new URLSearchParams({ limit: String(PAGE) });
  for (const name of ["variant", "side", "reason"]) {
    const value = wanted.get(name);
    if (value) asked.set(name, value);
  }
  if (before !== null) asked.set("before", before);
  return `/api/v1/trades?${asked}`;
}

export function TradesPage() {
  const wanted = place.value.query;
  const key = pathOf(wanted, null);
  const [found, set] = useState<Answer & { key: string }>({ key: "", trades: [], total: 0, next: null });
  const [error, fail] = useState("");
  const [loading, wait] = useState(false);
  const [chosen, choose] = useState(-1);
  const there = phase.value === "open";
  const load = async (before: string | null, signal?: AbortSignal) => {
    try {
      const answer = await get<Answer>(pathOf(wanted, before), signal ? { signal } : {});
      for (const one of answer.trades) seen.add(one.reason);
      set((old) => {
        if (before === null) return { ...answer, key };
        // meanwhile something else may be asked for, or these have come already
        return old.key !== key || old.next !== before
          ? old
          : { ...answer, key, trades: [...old.trades, ...answer.trades] };
      });
      fail("");
    } catch (why) {
      if (!signal?.aborted) fail(reason(why));
    }
  };
  const older = async () => {
    wait(true);
    await load(found.next);
    wait(false);
  };
  useEffect(() => {
    const gone = new AbortController();
    const timer = setTimeout(() => void load(null, gone.signal), found.key ? 200 : 0);
    choose(-1);
    return () => {
      clearTimeout(timer);
      gone.abort();
    };
  }, [key, there]);
  const part = (wanted.get("with") ?? "").trim().toLowerCase();
  const shown = part ? found.trades.filter((one) => matches(one, part)) : found.trades;
  const trade = shown[chosen];
  return (
    <>
      <h1 tabIndex={-1}>Trades</h1>
      <TwoClocks />
      <Filters wanted={wanted} clear={() => choose(-1)} />
      {error && <p class="bad">{error}</p>}
      {trade && <ReplayHint trade={trade} />}
      {found.key === key && !shown.length && (
        <p class="muted">
          No closed trade matches
          {part
            ? ` among the ${count(found.trades.length, "trade")} fetched`
            : found.next !== null && " among what was read so far"}
          .
        </p>
      )}
      {shown.length > 0 && (
        <div class="scroll tall" tabIndex={0} role="region" aria-label="closed trades">
          <Trades of={shown} chosen={chosen} choose={choose} />
        </div>
      )}
      {found.next !== null && (
        <p>
          <button type="button" disabled={loading || found.key !== key} onClick={() => void older()}>
            Older
          </button>
        </p>
      )}
      <p class="muted">
        {fixed(shown.length, 0)} shown of {fixed(found.total, 0)} in this run
        {part &&
          `; "Containing" looks through the ${fixed(found.trades.length, 0)} fetched` +
            (found.next === null ? "" : ", and Older fetches more")}
      </p>
    </>
  );
}

/** In any of the words of its row. */
function matches(one: Trade, part: string): boolean {
  return [one.variant, one.symbol, one.side, one.reason, strategyOf(one)].some((text) =>
    text.toLowerCase().includes(part),
  );
}

function Filters({ wanted, clear }: { wanted: URLSearchParams; clear: () => void }) {
  return (
    <div class="tools">
      <label>
        Variant{" "}
        <input
          id="search"
          value={wanted.get("variant") ?? ""}
          placeholder="its whole name"
          onInput={(event) => query({ variant: event.currentTarget.value })}
        />
      </label>
      <label>
        Side{" "}
        <select
          value={wanted.get("side") ?? ""}
          onChange={(event) => query({ side: event.currentTarget.value })}
        >
          <option value="">both</option>
          <option>long</option>
          <option>short</option>
        </select>
      </label>
      <label>
        Reason{" "}
        <input
          value={wanted.get("reason") ?? ""}
          placeholder="any"
          list="reasons"
          onInput={(event) => query({ reason: event.currentTarget.value })}
        />
        <datalist id="reasons">
          {[...seen].sort().map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      </label>
      <label>
        Containing{" "}
        <input
          value={wanted.get("with") ?? ""}
          placeholder="any part of a row"
          onInput={(event) => {
            clear();
            query({ with: event.currentTarget.value });
          }}
        />
      </label>
    </div>
  );
}
