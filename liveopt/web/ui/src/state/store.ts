/** What this page knows: signals that frames change and parts of the page read. */

import { batch, computed, signal } from "@preact/signals";
import type {
  Alert,
  Clocks,
  Delta,
  Frame,
  Gate,
  Halt,
  Hello,
  Job,
  Mode,
  Needs,
  Snap,
  Status,
  Terms,
  Trade,
} from "../wire";
import { PROTOCOL } from "../wire";
import { Layout, Row } from "./rows";

export const STALE_MS = 3000;
export const MARKET_STALE_MS = 5000;
/** A market's clock so far from the wall clock is another clock to whoever reads it. */
const APART_MS = 60_000;
const TAPE_MAX = 200;
/** Ids of trades are their places: a time, a journal, a number. */
const PLACES = new Intl.Collator("en", { numeric: true });

export type Phase = "connecting" | "open" | "reconnecting" | "unauthorised";

export const phase = signal<Phase>("connecting");
export const attempt = signal({ number: 0, at: 0 });
export const hello = signal<Hello | null>(null);
export const rows = signal<Row[]>([]);
/** Whether the engine has been heard of: until then there is nothing, not even a zero. */
export const known = signal(false);
export const status = signal<Status>({});
export const halt = signal<Halt | null>(null);
export const tape = signal<Trade[]>([]);
export const alerts = signal<Map<string, Alert>>(new Map());
/** What frames have said of jobs, and when they came. */
export const jobs = signal<Map<string, { job: Job; came: number }>>(new Map());
export const seq = signal(0);
/** How often the page was told everything anew: then it may have missed what a snapshot does not have. */
export const snaps = signal(0);
export const gaps = signal(0);
export const reconnects = signal(0);
/** The service is newer than this page. */
export const outdated = signal(false);
/** Wall clock of this page; 0 until a frame came. */
export const lastFrame = signal(0);
export const lastNews = signal(0);
export const now = signal(Date.now());

/** The newest clocks, and when they came. */
export const clocks = signal<{ said: Clocks | null; at: number }>({ said: null, at: 0 });

const byId = new Map<string, Row>();
/** Alerts that this service has told of itself, the newest word on each. */
const told = new Map<string, Alert>();
let layout = new Layout([]);
let firstVersion = "";
/** Whether deltas have something to be added to. */
let snapped = false;

export function rowOf(id: string): Row | undefined {
  return byId.get(id);
}

export const mode = computed<Mode>(() => hello.value?.mode ?? "paper");
/** What everybody is measured by; null while nobody has said. */
export const terms = computed<Terms | null>(() => status.value.terms ?? null);
export const needs = computed<Needs | null>(() => terms.value?.gate ?? null);
export const symbols = computed(() => {
  const markets = Object.keys(status.value.markets ?? {});
  return markets.length ? markets : [...new Set(rows.value.map((row) => row.symbol))];
});
export const champions = computed(() => rows.value.filter((row) => row.champion));

export const linkAge = computed(() => (lastFrame.value ? now.value - lastFrame.value : Infinity));
/** Since the engine was last heard of; heartbeats of the service are no news of it. */
export const newsAge = computed(() => (lastNews.value ? now.value - lastNews.value : Infinity));
export const marketAge = computed(() => grown(clocks.value.said?.market_age_ms ?? null, clocks.value.at));
/** Since the engine wrote its newest frame: how long that was under way, and what has passed since. */
export const engineAge = computed(() => {
  const { said, at } = clocks.value;
  if (said?.engine_age_ms == null) return null;
  return grown(said.engine_age_ms + (said.link_age_ms ?? 0), at);
});
/** By how much the market's clock is ahead of the service's; null while nobody has said. */
export const marketAhead = computed(() => {
  const { said } = clocks.value;
  if (!said?.market_ms || !said.engine_ms) return null;
  const service = said.engine_ms + (said.engine_age_ms ?? 0) + (said.link_age_ms ?? 0);
  return said.market_ms + (said.market_age_ms ?? 0) - service;
});
/** Whether times of the market are no times of this clock. */
export const apart = computed(
  () => known.value && (mode.value !== "paper" || Math.abs(marketAhead.value ?? 0) > APART_MS),
);
export const stale = computed(() => known.value && newsAge.value > STALE_MS);

function grown(ms: number | null, at: number): number | null {
  return ms === null ? null : ms + Math.max(0, now.value - at);
}

export type Condition =
  "connecting" | "live" | "stale market" | "stale link" | "reconnecting" | "unauthorised";

export const condition = computed<Condition>(() => {
  if (phase.value === "unauthorised" || phase.value === "reconnecting") return phase.value;
  if (!known.value) return "connecting";
  if (stale.value) return "stale link";
  return (marketAge.value ?? 0) > MARKET_STALE_MS ? "stale market" : "live";
});

export const halted = computed(() => {
  const said = halt.value;
  return said ? said.halted : Boolean(status.value.halted);
});

/** Values on the board may be old. */
export const dimmed = computed(
  () => known.value && condition.value !== "live" && condition.value !== "stale market",
);
/** Whether anything but a stop may be sent. */
export const writable = computed(() =>
  condition.value === "live" || condition.value === "stale market" ? !outdated.value : false,
);

export const degraded = computed(() => {
  const said = status.value;
  const found: string[] = [];
  if (said.journal_ok === false) found.push("the journal cannot be written; the run halts itself");
  for (const alert of alerts.value.values())
    if (alert.active !== false && FALLBACKS.has(alert.code)) found.push(alert.text);
  return [...new Set(found)];
});
const FALLBACKS = new Set(["gpu_fallback", "journal_slow"]);

/** Those that are not over, the worst first. */
export const standing = computed(() =>
  [...alerts.value.values()]
    .filter((one) => one.active !== false)
    .sort((a, b) => rank(b) - rank(a) || b.last_ms - a.last_ms),
);
/** Of these, those that nobody has seen. */
export const openAlerts = computed(() => standing.value.filter((one) => !one.acknowledged_by));

function rank(alert: Alert): number {
  return ["info", "warning", "critical"].indexOf(alert.severity);
}

export function gateOf(symbol: string): Gate | null {
  return status.value.gate?.[symbol] ?? null;
}

/** Take in a frame. Says whether the page lacks what came before it and needs a snapshot. */
export function apply(frame: Frame, ms: number): boolean {
  return batch(() => {
    lastFrame.value = ms;
    now.value = Math.max(now.peek(), ms);
    switch (frame.type) {
      case "hello":
        greet(frame);
        return false;
      case "snap":
        restart(frame, ms);
        return false;
      case "d":
        return advance(frame, ms);
      case "halt":
        halt.value = frame;
        return false;
      case "job":
        jobs.value = new Map(jobs.peek()).set(frame.id, { job: frame, came: ms });
        return false;
      case "alert":
        takeAlert(frame);
        return false;
      default:
        tell(frame.clocks, ms);
        return false;
    }
  });
}

function greet(frame: Hello): void {
  firstVersion ||= frame.version;
  outdated.value = frame.v !== PROTOCOL || frame.version !== firstVersion;
  layout = new Layout(frame.columns, frame.statuses);
  if (hello.peek()?.boot_id !== frame.boot_id) {
    halt.value = null;
    told.clear();
  }
  hello.value = frame;
}

function restart(frame: Snap, ms: number): void {
  const before = new Map(byId);
  byId.clear();
  rows.value = frame.who.map((who, place) => {
    const numbers = frame.rows[place] ?? [];
    const old = before.get(who[0]);
    const same = old?.champion === who[4] && old.symbol === who[1] && old.layout === layout;
    const row = old && same ? old : new Row(who, layout, numbers, ms);
    if (row === old) row.take(numbers, ms);
    byId.set(row.id, row);
    return row;
  });
  snapped = true;
  status.value = {};
  seq.value = frame.seq;
  snaps.value += 1;
  news(frame, ms);
}

function advance(frame: Delta, ms: number): boolean {
  if (!snapped) return true;
  if (frame.seq !== seq.peek() + 1) {
    gaps.value += 1;
    return true;
  }
  seq.value = frame.seq;
  const all = rows.peek();
  for (const [index, ...numbers] of frame.rows) all[index ?? -1]?.take(numbers, ms);
  if (frame.trades?.length) takeTrades(frame.trades);
  news(frame, ms);
  return false;
}

function news(frame: Snap | Delta, ms: number): void {
  if (frame.status) status.value = { ...status.peek(), ...frame.status };
  tell(frame.clocks, ms);
}

function tell(said: Clocks | null | undefined, ms: number): void {
  if (!said) return;
  clocks.value = { said, at: ms };
  if (said.link_age_ms === null) return;
  known.value = snapped;
  lastNews.value = ms - said.link_age_ms;
}

/** Trades of the socket or of the API, in any order: each is there once, the newest first. */
export function takeTrades(some: Trade[]): void {
  const all = new Map([...tape.peek(), ...some].map((one) => [one.id, one]));
  tape.value = [...all.values()].sort((a, b) => PLACES.compare(b.id, a.id)).slice(0, TAPE_MAX);
}

/** What the service says of one alert now. */
export function takeAlert(one: Alert): void {
  told.set(one.id, one);
  alerts.value = new Map(alerts.peek()).set(one.id, one);
}

/** All that the API has. It may have been asked before a frame came, which then stays: a fall keeps `last_ms`. */
export function takeAlerts(all: Alert[]): void {
  const there = new Map(all.map((one) => [one.id, one]));
  for (const one of told.values())
    if ((there.get(one.id)?.last_ms ?? 0) <= one.last_ms) there.set(one.id, one);
  alerts.value = there;
}

/** A job as the newer of two has it: of the API's answer and of a frame that came after it was asked for. */
export function newest<T extends Job>(answer: T, asked: number): T {
  const frame = jobs.value.get(answer.id);
  return frame && frame.came >= asked ? { ...answer, ...frame.job } : answer;
}

/** Nothing is known any more: for tests. */
export function forget(): void {
  byId.clear();
  firstVersion = "";
  snapped = false;
  told.clear();
  batch(() => {
    rows.value = [];
    known.value = outdated.value = false;
    hello.value = halt.value = null;
    status.value = {};
    clocks.value = { said: null, at: 0 };
    tape.value = [];
    alerts.value = new Map();
    jobs.value = new Map();
    seq.value = snaps.value = gaps.value = reconnects.value = lastFrame.value = lastNews.value = 0;
    phase.value = "connecting";
  });
}
