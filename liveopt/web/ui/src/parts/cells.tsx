/** How figures of a variant are shown wherever one is: with their sign, and how sure they are. */

import { useRef } from "preact/hooks";
import { arrow, count, fixed, gain, probability } from "../format";
import { BARS_LEAST, type Interval, sharpeInterval, tradesLeast } from "../state/interval";
import type { Row } from "../state/rows";
import { terms } from "../state/store";

/** A text that is underlined for a moment when it becomes another. */
export function Live({ text, tone = "" }: { text: string; tone?: string }) {
  const before = useRef({ text, turn: 0 });
  if (before.current.text !== text) before.current = { text, turn: before.current.turn + 1 };
  const { turn } = before.current;
  return <span class={`${tone} ${turn ? (turn % 2 ? "new-a" : "new-b") : ""}`}>{text}</span>;
}

export function tone(value: number): string {
  return value > 0 ? "up" : value < 0 ? "down" : "";
}

export function Gain({ value, live = false }: { value: number; live?: boolean }) {
  const text = gain(100 * value);
  return live ? <Live text={text} tone={tone(value)} /> : <span class={tone(value)}>{text}</span>;
}

export function Money({ value }: { value: number | null }) {
  if (value === null) return <span>{fixed(null)}</span>;
  return (
    <span class={tone(value)}>
      {arrow(value)} {fixed(value)}
    </span>
  );
}

/** Whether it has traded too little for a ratio to say anything. */
function few(row: Row): boolean {
  return !(row.of("trades") >= tradesLeast(terms.value?.gate?.trades_min));
}

/** Null where it has none, or too few trades for one. */
export function intervalOf(row: Row): Interval | null {
  if (few(row)) return null;
  return sharpeInterval(row.of("bar_sharpe"), row.of("bars"), terms.value?.bars_per_year ?? null);
}

export function Sharpe({ row }: { row: Row }) {
  const found = intervalOf(row);
  const value = row.of("bar_sharpe");
  if (Number.isNaN(value)) return <span class="muted">–</span>;
  return (
    <span class={few(row) ? "muted" : ""} title={few(row) ? scarce(row) : undefined}>
      {fixed(value)}{" "}
      <small>{found ? `[${fixed(found.low, 1)}, ${fixed(found.high, 1)}]` : unsure(row)}</small>
    </span>
  );
}

function scarce(row: Row): string {
  const least = tradesLeast(terms.value?.gate?.trades_min);
  return `${count(row.of("trades"), "trade")}: below ${least} a Sharpe ratio says nothing`;
}

/** Why there is no interval. */
function unsure(row: Row): string {
  if (few(row)) return `n too small (${fixed(row.of("trades"), 0)})`;
  const bars = row.of("bars");
  return bars >= BARS_LEAST ? "interval unknown" : `n too small (${fixed(bars, 0)})`;
}

export function better(row: Row): string {
  return row.champion ? "–" : probability(1 - row.of("p_value"));
}
