/** Whether the gap between two equities is one that luck makes. */

import { fixed, signed } from "../format";

export type Curve = [number, number | null][];

/** Fewer steps in which the two differ say nothing. */
export const STEPS_LEAST = 30;
/** Standard normal quantile of 97.5 %. */
const Z = 1.959964;
const MS = 1000;

export interface Band {
  /** Seconds. */
  times: number[];
  /** The champion's curve, moved to where the variant begins. */
  base: number[];
  low: number[];
  high: number[];
  /** Steps in which the two differ. */
  steps: number;
  /** The variant less the moved champion, at the end, and half the band's width there. */
  gap: number;
  half: number;
}

/**
 * What a variant that is no better than the champion would show: the champion's curve, rebased to the
 * variant's start, and 1.96 standard deviations to either side.
 *
 * The differences of their increments are taken as a random walk: its variance a second is estimated
 * from steps of unequal length (each squared over its time, about the mean drift, n - 1), and grows
 * with time from zero. It is pointwise: of twenty moments one lies outside by luck. Null where the
 * two differ in too few steps.
 */
export function band(own: Curve, champion: Curve): Band | null {
  const pairs = common(own, champion);
  const [first] = pairs;
  const last = pairs[pairs.length - 1];
  if (!first || !last || first.champion <= 0) return null;
  const scale = first.own / first.champion;
  const gaps = pairs.map((one) => one.own - one.champion * scale);
  const whole = (last.ms - first.ms) / MS;
  const drift = (gaps[gaps.length - 1] ?? 0) / whole;
  let squares = 0;
  let steps = 0;
  for (let n = 1; n < pairs.length; n++) {
    const seconds = ((pairs[n]?.ms ?? 0) - (pairs[n - 1]?.ms ?? 0)) / MS;
    const step = (gaps[n] ?? 0) - (gaps[n - 1] ?? 0);
    squares += (step - drift * seconds) ** 2 / seconds;
    if (step !== 0) steps += 1;
  }
  if (steps < STEPS_LEAST) return null;
  const deviation = Math.sqrt(squares / (pairs.length - 2));
  const half = pairs.map((one) => Z * deviation * Math.sqrt((one.ms - first.ms) / MS));
  const base = pairs.map((one) => one.champion * scale);
  return {
    times: pairs.map((one) => one.ms / MS),
    base,
    low: base.map((value, n) => value - (half[n] ?? 0)),
    high: base.map((value, n) => value + (half[n] ?? 0)),
    steps,
    gap: gaps[gaps.length - 1] ?? 0,
    half: half[half.length - 1] ?? 0,
  };
}

interface Pair {
  ms: number;
  own: number;
  champion: number;
}

/** Moments that both have, each later than the one before; of the same moment the newest. */
function common(own: Curve, champion: Curve): Pair[] {
  const there = new Map(champion);
  const found: Pair[] = [];
  for (const [ms, value] of own) {
    const beside = there.get(ms);
    if (value === null || beside == null) continue;
    const last = found[found.length - 1];
    if (last && ms < last.ms) continue;
    if (last && ms === last.ms) found.pop();
    found.push({ ms, own: value, champion: beside });
  }
  return found;
}

/** In words, for the caption. */
export function spokenBand(found: Band | null): string {
  if (found === null) return `Band: n too small; it takes ${STEPS_LEAST} steps in which the two differ.`;
  const outside = Math.abs(found.gap) > found.half;
  const luck = outside
    ? `${found.gap > 0 ? "ahead" : "behind"} by more than luck shows at 19 moments of 20`
    : "a variant that is no better could show this gap";
  return `Gap ${signed(found.gap)}, band ± ${fixed(found.half)} (n = ${fixed(found.steps, 0)}): ${luck}.`;
}
