import { describe, expect, test } from "vitest";
import { knownSince } from "./since";
import type { VariantDetail } from "../wire";

const NOON = Date.UTC(2026, 10, 20, 12);
const MINUTE = 60_000;

/** Ten bars of a minute, the last opened at 12:09; a curve from `begins` minutes on. */
function detail(begins: number, bars: number | null = 10): VariantDetail {
  const at = (n: number): [number, number, number, number, number] => [NOON + n * MINUTE, 1, 1, 1, 1];
  return {
    variant: { id: "a", bars } as unknown as VariantDetail["variant"],
    candles: Array.from({ length: 10 }, (_, n) => at(n)),
    equity: [
      [NOON, null],
      [NOON + begins * MINUTE, 100],
      [NOON + 10 * MINUTE, 101],
    ],
  };
}

describe("a curve is known", () => {
  test("from its first value on, where that is more than two bars late", () => {
    expect(knownSince(detail(5))).toBe("12:05");
    expect(knownSince(detail(2))).toBe("");
  });

  test("since its variant began, however many bars there were before", () => {
    expect(knownSince(detail(5, 5))).toBe("");
    expect(knownSince(detail(1, 100))).toBe("12:01");
  });

  test("where it lacks so little that nobody is misled, nothing is said", () => {
    const long = detail(4);
    long.equity?.push([NOON + 200 * MINUTE, 101]);
    expect(knownSince(long)).toBe("");
  });

  test("nobody can tell since when without a curve or bars", () => {
    expect(knownSince(null)).toBe("");
    expect(knownSince(detail(5, null))).toBe("");
    expect(knownSince({ ...detail(5), equity: [] })).toBe("");
    expect(knownSince({ ...detail(5), candles: [] })).toBe("");
  });
});
