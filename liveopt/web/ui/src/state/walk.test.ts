import { describe, expect, test } from "vitest";
import type { JobResult } from "../wire";
import { stitched, windows } from "./walk";

const sample = (roi: number | null, pessimistic: number | null) => ({ metrics: { roi }, pessimistic: { roi: pessimistic } });
const result = {
  best: { parameters: {} },
  walk_forward: {
    folds: [
      { fold: 1, train: [0, 40], test: [50, 75], in_sample: {}, out_of_sample: sample(0.1, 0.05), decay: 1 },
      { fold: 2, train: [25, 65], test: [75, 100], in_sample: {}, out_of_sample: sample(-0.5, -0.6), decay: 1 },
    ],
  },
  data: { bars: 100, first: "1970-01-01T00:00:00Z", last: "", signal_s: 60 },
  capital: 1000,
  passes: false,
  fails: [],
} as unknown as JobResult;

describe("a walk forward", () => {
  test("has its windows along the data, train before test", () => {
    const found = windows(result);
    expect(found.map((one) => [one.fold, one.kind, one.from, one.to])).toEqual([
      [1, "train", 0, 0.4],
      [1, "test", 0.5, 0.75],
      [2, "train", 0.25, 0.65],
      [2, "test", 0.75, 1],
    ]);
  });

  test("is stitched: each test begins with what the one before left", () => {
    const found = stitched(result);
    expect(found?.times).toEqual([3000, 4500, 6000]);
    expect(found?.main).toEqual([1000, 1100, 550]);
    expect(found?.pessimistic?.[2]).toBeCloseTo(1000 * 1.05 * 0.4, 9);
  });

  test("is unknown from where a return is, and has no curve without its times", () => {
    const [first] = result.walk_forward.folds;
    if (!first) throw new Error("no fold");
    const gap = { ...result, walk_forward: { folds: [{ ...first, out_of_sample: sample(null, 0) }, first] } };
    expect(stitched(gap)?.main).toEqual([1000, null, null]);
    expect(stitched({ ...result, data: undefined } as unknown as JobResult)).toBeNull();
  });
});
