import { describe, expect, test } from "vitest";
import { type Curve, STEPS_LEAST, band, spokenBand } from "./band";

/** The same noise for every run. */
function noise(seed: number): () => number {
  let state = seed;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** Equities of a champion and of a variant whose difference is a random walk with a drift. */
function walks(seed: number, steps: number, drift = 0, every = () => 1000): [Curve, Curve] {
  const next = noise(seed);
  const own: Curve = [[0, 10_000]];
  const champion: Curve = [[0, 10_000]];
  let [ms, a, b] = [0, 10_000, 10_000];
  for (let n = 0; n < steps; n++) {
    const took = every();
    ms += took;
    const common = next() * Math.sqrt(took / 1000);
    a += common + (next() + drift) * Math.sqrt(took / 1000);
    b += common;
    own.push([ms, a]);
    champion.push([ms, b]);
  }
  return [own, champion];
}

describe("the band of no edge", () => {
  test("begins at nothing and grows with the square root of time", () => {
    const found = band(...walks(1, 400));
    if (!found) throw new Error("no band");
    const half = found.high.map((high, n) => high - (found.base[n] ?? 0));
    expect(half[0]).toBe(0);
    expect((half[400] ?? 0) / (half[100] ?? 1)).toBeCloseTo(2, 9);
    expect(found.low.map((low, n) => (found.base[n] ?? 0) - low)).toEqual(
      half.map((one) => expect.closeTo(one, 9) as number),
    );
  });

  test("is as wide as the differences are: one a second of deviation one", () => {
    const found = band(...walks(2, 4000));
    expect(found?.half).toBeGreaterThan(0.95 * 1.959964 * Math.sqrt(4000));
    expect(found?.half).toBeLessThan(1.05 * 1.959964 * Math.sqrt(4000));
  });

  test("holds the gap of a variant without an edge in 95 of 100 runs, about", () => {
    let inside = 0;
    for (let seed = 1; seed <= 400; seed++) {
      const found = band(...walks(seed, 120));
      if (found && Math.abs(found.gap) <= found.half) inside += 1;
    }
    expect(inside).toBeGreaterThan(0.92 * 400);
    expect(inside).toBeLessThan(0.985 * 400);
  });

  test("does not hold the gap of a variant with one", () => {
    const found = band(...walks(3, 400, 0.3));
    if (!found) throw new Error("no band");
    expect(found.gap).toBeGreaterThan(found.half);
    expect(spokenBand(found)).toContain("ahead by more than luck");
  });

  test("is the same whether the samples are dense or thin", () => {
    let turn = 0;
    const mixed = band(...walks(4, 3000, 0, () => (turn++ % 2 ? 1000 : 10_000)));
    const even = band(...walks(5, 3000));
    if (!mixed || !even) throw new Error("no band");
    const each = (of: typeof mixed) => of.half / Math.sqrt((of.times[of.times.length - 1] ?? 0) - (of.times[0] ?? 0));
    expect(each(mixed) / each(even)).toBeCloseTo(1, 1);
  });

  test("moves the champion to where the variant begins", () => {
    const [own, champion] = walks(6, 100);
    const half: Curve = champion.map(([ms, value]) => [ms, value === null ? null : value / 2]);
    const found = band(own, half);
    expect(found?.base[0]).toBe(own[0]?.[1]);
    expect(found?.half).toBeCloseTo(band(own, champion)?.half ?? 0, 9);
  });

  test("is none where the two do not differ often enough, or nothing is common", () => {
    const [own, champion] = walks(7, 100);
    expect(band(champion, champion)).toBeNull();
    expect(band(own.slice(0, STEPS_LEAST), champion.slice(0, STEPS_LEAST))).toBeNull();
    expect(band([], champion)).toBeNull();
    expect(band(own.map(([ms, value]) => [ms + 1, value]), champion)).toBeNull();
    expect(spokenBand(null)).toContain("n too small");
  });

  test("takes the newest of what is said twice of one moment, and skips what is unknown", () => {
    const [own, champion] = walks(8, 100);
    const twice: Curve = own.flatMap(([ms, value], n) =>
      n === 50 ? [[ms, 1], [ms, value]] : [[ms, n === 60 ? null : value]],
    );
    const found = band(twice, champion);
    expect(found?.times.length).toBe(100);
    expect(found?.gap).toBe(band(own, champion)?.gap);
    expect(new Set(found?.times).size).toBe(100);
  });
});
