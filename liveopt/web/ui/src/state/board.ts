/** Who is shown on the leaderboard, and in which order. */

import { batch, computed, effect, signal } from "@preact/signals";
import type { Row } from "./rows";
import { gateOf, now, rows } from "./store";

export type Sort = "rank" | "id" | "equity" | "roi" | "sharpe" | "p" | "trades" | "drawdown" | "state";
export type Way = "ascending" | "descending";

export interface Choice {
  search: string;
  status: string;
  eligible: boolean;
}

export const sort = signal<{ by: Sort; way: Way }>({ by: "p", way: "descending" });
export const choice = signal<Choice>({ search: "", status: "", eligible: false });
/** Whether the order stands still, and why. */
export const pointerInside = signal(false);
export const pinned = signal(false);
export const frozen = computed(() => pinned.value || pointerInside.value);
export const order = signal<Row[]>([]);
export const selected = signal<string | null>(null);
export const marked = signal<string[]>([]);
export const COMPARED_MAX = 6;
const EVERY_MS = 1000;

/** Descending comes first where more is better. */
export function first(by: Sort): Way {
  return by === "id" || by === "drawdown" || by === "state" || by === "rank" ? "ascending" : "descending";
}

const KEYS: Record<Exclude<Sort, "id" | "state" | "rank">, (row: Row) => number> = {
  equity: (row) => row.of("equity"),
  roi: (row) => row.of("roi"),
  sharpe: (row) => row.of("bar_sharpe"),
  p: (row) => asShown(1 - row.of("p_value")),
  trades: (row) => row.of("trades"),
  drawdown: (row) => row.of("max_drawdown"),
};

/** A probability as precise as it is shown: whom nobody can tell apart by it, it does not put in order. */
function asShown(value: number): number {
  if (value > 0.999 && value < 1) return 0.9995;
  if (value < 0.001 && value > 0) return 0.0005;
  return Math.round(1000 * value) / 1000;
}

/** Whether P(better) tells nobody from anybody among these. */
export function alike(all: Row[]): boolean {
  const values = all.map(KEYS.p).filter((value) => !Number.isNaN(value));
  return all.length > 1 && values.every((value) => value === values[0]);
}

/** The rows in order: what is undefined last either way, equals by return, evidence and name. */
export function sorted(all: Row[], by: Sort, way: Way): Row[] {
  const sign = way === "ascending" ? 1 : -1;
  if (by === "id") return [...all].sort((a, b) => sign * named(a, b));
  if (by === "state") return [...all].sort((a, b) => sign * a.status.localeCompare(b.status) || named(a, b));
  const key = by === "rank" ? KEYS.p : KEYS[by];
  const turned = by === "rank" ? -sign : sign;
  return [...all].sort(
    (a, b) =>
      numbers(key(a), key(b), turned) ||
      numbers(a.of("roi"), b.of("roi"), -1) ||
      numbers(a.of("log_evidence"), b.of("log_evidence"), -1) ||
      named(a, b),
  );
}

function numbers(a: number, b: number, sign: number): number {
  const known = Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return known || (a === b || Number.isNaN(a) ? 0 : sign * (a < b ? -1 : 1));
}

function named(a: Row, b: Row): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/** Who matches what was asked for; champions are pinned above and never among them. */
export function chosen(all: Row[], wanted: Choice, eligible: (row: Row) => boolean): Row[] {
  const text = wanted.search.trim().toLowerCase();
  return all.filter(
    (row) =>
      !row.champion &&
      (!wanted.status || row.status === wanted.status) &&
      (!wanted.eligible || eligible(row)) &&
      (!text || `${row.id} ${row.symbol} ${row.strategy} ${row.origin}`.toLowerCase().includes(text)),
  );
}

export function isEligible(row: Row): boolean {
  const gate = gateOf(row.symbol);
  return gate !== null && row.id in gate.eligible;
}

/** Put them in order now. */
export function arrange(): void {
  const { by, way } = sort.peek();
  order.value = sorted(chosen(rows.peek(), choice.peek(), isEligible), by, way);
}

/** The same order of the same variants, whoever is new behind them. */
function kept(all: Row[]): Row[] {
  const there = new Map(chosen(all, choice.peek(), isEligible).map((row) => [row.id, row]));
  const old = order.peek().flatMap((row) => there.get(row.id) ?? []);
  for (const row of old) there.delete(row.id);
  return [...old, ...there.values()];
}

/** Keep the order up to date: at once when somebody asks, else each second unless it is frozen. */
export function keepOrder(): void {
  effect(() => {
    void [sort.value, choice.value];
    arrange();
  });
  effect(() => {
    const all = rows.value;
    if (frozen.peek() && order.peek().length) order.value = kept(all);
    else arrange();
  });
  let last = 0;
  effect(() => {
    if (now.value - last < EVERY_MS || frozen.value) return;
    last = now.value;
    arrange();
  });
}

export function sortBy(by: Sort): void {
  const { by: old, way } = sort.peek();
  const turned = way === "ascending" ? "descending" : "ascending";
  sort.value = { by, way: old === by ? turned : first(by) };
}

/** Mark to compare, or no longer. */
export function mark(id: string): void {
  const there = marked.peek();
  if (there.includes(id)) marked.value = there.filter((one) => one !== id);
  else if (there.length < COMPARED_MAX) marked.value = [...there, id];
}

/** Select the next one, or the one before. */
export function step(by: number): void {
  batch(() => {
    const all = [...rows.peek().filter((row) => row.champion), ...order.peek()];
    const at = all.findIndex((row) => row.id === selected.peek());
    const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by));
    selected.value = all[next]?.id ?? null;
  });
}
