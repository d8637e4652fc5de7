/** A study's walk forward as pictures take it: windows along its bars, and the tests stitched together. */

import type { JobResult, Sample } from "../wire";

export function objective(of: Sample): number | null {
  return of.objective ?? Object.values(of.objectives ?? {})[0] ?? null;
}

export interface Window {
  fold: number;
  kind: "train" | "test";
  /** Shares of all bars, 0 to 1. */
  from: number;
  to: number;
  /** Signal bars. */
  bars: [number, number];
}

/** Train and test of each fold along the whole of the data; what lies between is the embargo. */
export function windows(of: JobResult): Window[] {
  const bars = Math.max(...of.walk_forward.folds.map((one) => one.test?.[1] ?? 0), 1);
  return of.walk_forward.folds.flatMap((one, n) => {
    const parts: ["train" | "test", [number, number] | undefined][] = [
      ["train", one.train],
      ["test", one.test],
    ];
    return parts.flatMap(([kind, span]) =>
      span ? [{ fold: one.fold ?? n + 1, kind, from: span[0] / bars, to: span[1] / bars, bars: span }] : [],
    );
  });
}

export interface Stitched {
  /** Seconds since 1970: where the first test begins, and where each ends. */
  times: number[];
  main: (number | null)[];
  pessimistic: (number | null)[];
}

/**
 * What the procedure would have made out of sample: each test begins with what the one before left.
 *
 * The result keeps one return a test and account, so there is a point where each test ends and none
 * between. Null where the result does not say when its bars were.
 */
export function stitched(of: JobResult): Stitched | null {
  const { data, capital } = of;
  const first = Date.parse(data?.first ?? "") / 1000;
  const folds = of.walk_forward.folds;
  const begin = folds[0]?.test?.[0];
  if (!data || capital == null || Number.isNaN(first) || begin === undefined) return null;
  const at = (bar: number) => first + bar * data.signal_s;
  const curve = (roi: (one: (typeof folds)[number]) => number | null | undefined) => {
    let equity: number | null = capital;
    return [
      capital,
      ...folds.map((one) => {
        const gained = roi(one);
        equity = equity === null || gained == null ? null : equity * (1 + gained);
        return equity;
      }),
    ];
  };
  return {
    times: [at(begin), ...folds.map((one) => at(one.test?.[1] ?? 0))],
    main: curve((one) => one.out_of_sample.metrics?.["roi"]),
    pessimistic: curve((one) => one.out_of_sample.pessimistic?.["roi"]),
  };
}
