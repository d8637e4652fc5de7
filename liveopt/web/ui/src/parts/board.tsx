/** The leaderboard: a real table of which only what is in sight is made. */

import { useSignalEffect } from "@preact/signals";
import { type ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { fixed, words } from "../format";
import {
  type Sort,
  frozen,
  isEligible,
  mark,
  marked,
  order,
  pointerInside,
  selected,
  sort,
  sortBy,
} from "../state/board";
import { variantPath } from "../state/route";
import type { Row } from "../state/rows";
import { narrow, settings } from "../state/settings";
import { champions, known, rows } from "../state/store";
import { Gain, Live, Sharpe, better } from "./cells";
import { Dots } from "./dots";
import { Spark } from "./spark";

const HEADS: [Sort | null, string, string][] = [
  ["rank", "#", "rank"],
  ["id", "Variant", "id"],
  [null, "Strategy", "strategy"],
  [null, "Trend", "trend"],
  ["equity", "Equity", "num"],
  ["roi", "Return", "num"],
  ["sharpe", "Sharpe of its bars", "num wide"],
  ["p", "P(better)", "num"],
  ["trades", "Trades", "num slim"],
  ["drawdown", "Max DD", "num"],
  [null, "Gate", "gate"],
  ["state", "State", "state"],
];
const HINTS: Record<string, string> = {
  Trend: "equity since this page knows it; grey where that is less than two minutes",
  "Sharpe of its bars": "annualised, of signal bars, with its 95 % interval; grey where there are too few trades",
  "P(better)": "1 - p of being no better than the champion, at any time, with all that was compared counted",
  Gate: "trades, confidence, Sharpe ratio, beats the champion: full met, half in progress, empty not met",
};
const EXTRA = 4;
const CARD_PX = 112;

/** The orders there are, for where no head can be pressed. */
export const SORTS = HEADS.flatMap(([key, name]) =>
  key === null || key === "rank" ? [] : [[key, name] as [Sort, string]],
);

function rowPx(): number {
  if (narrow.value) return CARD_PX;
  return settings.value.density === "compact" ? 27 : 34;
}

/** As high as all variants are, however few of them are searched for: what is below must not jump. */
function boardPx(): number {
  const all = known.value ? rows.value.length : 8;
  return rowPx() * (all + (narrow.value ? 0 : 1)) + 18;
}

export function Board() {
  const box = useRef<HTMLDivElement>(null);
  const [view, look] = useState({ top: 0, height: 600 });
  useEffect(() => {
    const there = box.current;
    if (!there) return;
    const watch = new ResizeObserver(() => look((old) => ({ ...old, height: there.clientHeight })));
    watch.observe(there);
    return () => {
      watch.disconnect();
      pointerInside.value = false;
    };
  }, []);
  useSignalEffect(() => reveal(box.current, selected.value));

  const all = order.value;
  const px = rowPx();
  const from = Math.max(0, Math.floor(view.top / px) - EXTRA);
  const to = Math.min(all.length, from + Math.ceil(view.height / px) + 2 * EXTRA);
  const shown = all.slice(from, to);
  const gap = { above: from * px, below: (all.length - to) * px };
  return (
    <div
      ref={box}
      style={{ height: `min(${boardPx()}px, var(--most))` }}
      class={`board ${frozen.value ? "frozen" : ""}`}
      tabIndex={0}
      role="region"
      aria-label="variants in their order"
      onScroll={(event) => {
        const { scrollTop } = event.currentTarget;
        look((old) => ({ ...old, top: scrollTop }));
      }}
      onPointerEnter={(event) => (pointerInside.value = event.pointerType === "mouse")}
      onPointerLeave={() => (pointerInside.value = false)}
    >
      {!known.value ? (
        <Skeleton />
      ) : narrow.value ? (
        <Cards shown={shown} from={from} gap={gap} />
      ) : (
        <Table shown={shown} from={from} gap={gap} total={all.length} />
      )}
    </div>
  );
}

/** Bring the one that was chosen by keyboard into sight. */
function reveal(box: HTMLElement | null, id: string | null): void {
  if (!box || id === null) return;
  const at = order.peek().findIndex((row) => row.id === id);
  if (at < 0) return;
  const px = rowPx();
  const head = px * (1 + champions.peek().length);
  const top = at * px;
  if (top < box.scrollTop) box.scrollTop = top;
  else if (top + px + head > box.scrollTop + box.clientHeight)
    box.scrollTop = top + px + head - box.clientHeight;
}

interface Part {
  shown: Row[];
  from: number;
  gap: { above: number; below: number };
}

function Table({ shown, from, gap, total }: Part & { total: number }) {
  const { by, way } = sort.value;
  const pinned = champions.value;
  return (
    <table class="leaders" aria-rowcount={total + pinned.length + 1}>
      <caption class="sr">Variants, the champion first</caption>
      <colgroup>
        {HEADS.map(([, name, kind]) => (
          <col key={name} class={`c-${kind.replace(" ", "-")}`} />
        ))}
      </colgroup>
      <thead>
        <tr>
          {HEADS.map(([key, name, kind]) => (
            <th
              key={name}
              scope="col"
              class={kind}
              title={HINTS[name]}
              aria-sort={key === by ? way : undefined}
            >
              {key ? (
                <button type="button" onClick={() => sortBy(key)}>
                  {name}
                  <span aria-hidden="true">{key === by ? (way === "ascending" ? " ▴" : " ▾") : ""}</span>
                </button>
              ) : (
                name
              )}
            </th>
          ))}
        </tr>
      </thead>
      <tbody class="pinned">
        {pinned.map((row, n) => (
          <Line key={row.id} row={row} rank="★" index={n + 2} />
        ))}
      </tbody>
      <tbody>
        {gap.above > 0 && <Gap px={gap.above} />}
        {shown.map((row, n) => (
          <Line key={row.id} row={row} rank={String(from + n + 1)} index={from + n + 2 + pinned.length} />
        ))}
        {gap.below > 0 && <Gap px={gap.below} />}
      </tbody>
    </table>
  );
}

function Gap({ px }: { px: number }) {
  return (
    <tr aria-hidden="true" class="gap" style={{ height: `${px}px` }}>
      <td />
    </tr>
  );
}

function Line({ row, rank, index }: { row: Row; rank: string; index: number }) {
  void row.changed.value;
  const chosen = selected.value === row.id;
  return (
    <tr
      aria-rowindex={index}
      aria-current={chosen ? "true" : undefined}
      data-id={row.id}
      onClick={() => (selected.value = row.id)}
    >
      <td class="num muted">
        {rank === "★" ? (
          <span role="img" aria-label="champion">
            ★
          </span>
        ) : (
          rank
        )}
      </td>
      <th scope="row" class="id">
        <Name row={row} />
      </th>
      <td class="strategy muted" title={words(row.strategy)}>{words(row.strategy)}</td>
      <td>
        <Spark row={row} />
      </td>
      <td class="num">
        <Live text={fixed(row.of("equity"))} />
      </td>
      <td class="num">
        <Gain value={row.of("roi")} live />
      </td>
      <td class="num">
        <Sharpe row={row} />
      </td>
      <td class="num">{better(row)}</td>
      <td class="num">{fixed(row.of("trades"), 0)}</td>
      <td class="num">{drawdown(row)}</td>
      <td>{row.champion ? <span class="muted">champion</span> : <Gate row={row} />}</td>
      <td>
        <Stand row={row} />
      </td>
    </tr>
  );
}

export function drawdown(row: Row): string {
  const value = Math.abs(row.of("max_drawdown"));
  return Number.isNaN(value) ? fixed(null) : `${fixed(-100 * value)} %`;
}

function Name({ row }: { row: Row }) {
  return (
    <>
      {marked.value.includes(row.id) && (
        <span class="marked" role="img" aria-label="marked to compare">
          ◆{" "}
        </span>
      )}
      <a href={variantPath(row.id)} title={`${row.id}: ${row.strategy}, ${row.symbol}`}>
        {row.id}
      </a>
    </>
  );
}

function Gate({ row }: { row: Row }) {
  return (
    <>
      <Dots row={row} /> {isEligible(row) && <strong class="ready">READY</strong>}
    </>
  );
}

function Stand({ row }: { row: Row }) {
  const position = row.position;
  return (
    <span class={`stand ${row.status}`}>
      {row.status}
      {position !== "flat" && <small> {position}</small>}
    </span>
  );
}

function Cards({ shown, from, gap }: Part) {
  return (
    <>
      <ul class="cards" aria-label="champion">
        {champions.value.map((row) => (
          <Card key={row.id} row={row} rank="★" />
        ))}
      </ul>
      <ol
        class="cards"
        start={from + 1}
        style={{ paddingTop: `${gap.above}px`, paddingBottom: `${gap.below}px` }}
      >
        {shown.map((row, n) => (
          <Card key={row.id} row={row} rank={String(from + n + 1)} />
        ))}
      </ol>
    </>
  );
}

function Card({ row, rank }: { row: Row; rank: string }) {
  void row.changed.value;
  return (
    <li class="card" data-id={row.id}>
      <span class="muted">{rank}</span>
      <span class="id">
        <Name row={row} />
      </span>
      <Spark row={row} />
      <Gain value={row.of("roi")} />
      <span>{row.champion ? <span class="muted">champion</span> : <Gate row={row} />}</span>
      <span>
        <small>P(better)</small> {better(row)}
      </span>
      <Stand row={row} />
      <small class="strategy">{words(row.strategy)}</small>
      <button type="button" aria-pressed={marked.value.includes(row.id)} onClick={() => mark(row.id)}>
        Compare
      </button>
    </li>
  );
}

/** The shape of what will come, without a figure that could be taken for one. */
function Skeleton(): ComponentChildren {
  return (
    <div class="skeleton" data-testid="skeleton">
      <p class="sr">Connecting; nothing is known yet</p>
      {Array.from({ length: 8 }, (_, n) => (
        <div key={n} class="bar" aria-hidden="true" />
      ))}
    </div>
  );
}
