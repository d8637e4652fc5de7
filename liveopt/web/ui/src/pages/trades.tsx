/** The journal of closed trades: who, which side, why, and the command that plays it again. */

import { useEffect, useState } from "preact/hooks";
import { fixed } from "../format";
import { ReplayHint, Trades } from "../parts/trades";
import { get, reason } from "../state/api";
import { place, query } from "../state/route";
import { phase } from "../state/store";
import type { Trade } from "../wire";

const PAGE = 100;

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
  const [chosen, choose] = useState(-1);
  const there = phase.value === "open";
  const load = async (before: string | null, signal?: AbortSignal) => {
    try {
      const answer = await get<Answer>(pathOf(wanted, before), signal ? { signal } : {});
      set((old) => ({
        ...answer,
        key,
        trades: before === null ? answer.trades : [...old.trades, ...answer.trades],
      }));
      fail("");
    } catch (why) {
      if (!signal?.aborted) fail(reason(why));
    }
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
  const trade = found.trades[chosen];
  return (
    <>
      <h1 tabIndex={-1}>Trades</h1>
      <Filters wanted={wanted} />
      {error && <p class="bad">{error}</p>}
      {trade && <ReplayHint trade={trade} />}
      {found.key === key && !found.trades.length && <p class="muted">No closed trade matches.</p>}
      {found.trades.length > 0 && (
        <div class="scroll tall" tabIndex={0} role="region" aria-label="closed trades">
          <Trades of={found.trades} chosen={chosen} choose={choose} />
          {found.next !== null && (
            <p>
              <button type="button" onClick={() => void load(found.next)}>
                Older
              </button>
            </p>
          )}
        </div>
      )}
      <p class="muted">
        {fixed(found.trades.length, 0)} shown of {fixed(found.total, 0)} in this run
      </p>
    </>
  );
}

function Filters({ wanted }: { wanted: URLSearchParams }) {
  return (
    <div class="tools">
      <label>
        Variant{" "}
        <input
          id="search"
          value={wanted.get("variant") ?? ""}
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
          onInput={(event) => query({ reason: event.currentTarget.value })}
        />
      </label>
    </div>
  );
}
