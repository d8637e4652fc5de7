import { describe, expect, test } from "vitest";
import {
  age,
  evidence,
  figure,
  fixed,
  gain,
  groupWith,
  isoMoment,
  moment,
  percent,
  probability,
  regroup,
  signed,
  since,
  useZone,
} from "./format";

describe("numbers", () => {
  test("thousands are grouped, negative ones have a real minus, undefined is a dash", () => {
    groupWith(" ");
    expect(fixed(1234567.891)).toBe("1 234 567.89");
    expect(fixed(-1234.5, 1)).toBe("−1 234.5");
    expect(fixed(999, 0)).toBe("999");
    expect([fixed(null), fixed(Number.NaN), fixed(Infinity)]).toEqual(["–", "–", "–"]);
  });

  test("a plain figure has six digits, its own minus, and lists are told one by one", () => {
    groupWith(" ");
    expect(figure(-0.15926535)).toBe("−0.159265");
    expect(figure([12345, -0.00000123, true, null])).toBe("12 345, −1.230e-6, yes, –");
  });

  test("what rounds to zero has no sign", () => {
    expect(fixed(-0.001)).toBe("0.00");
    expect(signed(0.001)).toBe("0.00");
  });

  test("a gain and a loss differ by more than colour", () => {
    expect(gain(2.14)).toBe("▲ +2.14 %");
    expect(gain(-0.3)).toBe("▼ −0.30 %");
    expect(gain(0)).toBe("■ 0.00 %");
  });

  test("nothing is rounded up to certainty", () => {
    expect(probability(0.99999)).toBe("> 0.999");
    expect(probability(0.00001)).toBe("< 0.001");
    expect(probability(1)).toBe("1.000");
    expect(probability(0)).toBe("0.000");
  });

  test("an e-value keeps its size, however large", () => {
    expect([1.04, 19.84, 20, 0, 0.00123].map(evidence)).toEqual(["1.04", "19.8", "20", "0", "0.00123"]);
    groupWith(" ");
    expect(evidence(222_222.2)).toBe("222 222");
    expect(evidence(1e300)).toBe("1.00e+300");
  });

  test("a sentence of the engine has this page's thousands, and lists stay lists", () => {
    groupWith(" ");
    const said = "evidence 1.04 of 222\u202f222 alone, about 1\u202f234\u202f567 bars, fast=3,120";
    expect(regroup(said)).toBe("evidence 1.04 of 222 222 alone, about 1 234 567 bars, fast=3,120");
    groupWith("");
    expect(regroup(said)).toBe("evidence 1.04 of 222222 alone, about 1234567 bars, fast=3,120");
  });

  test("a moment has its date only where the other day is another", () => {
    const noon = Date.UTC(2026, 10, 20, 12, 5);
    expect(since(noon, noon + 3_600_000)).toBe("12:05");
    expect(since(noon, noon + 86_400_000)).toBe("2026-11-20 12:05");
  });
});

describe("times", () => {
  test("an age has the unit that fits, and is never negative", () => {
    expect([3, 180, 12_000, 300_000, 36_000_000].map((ms) => age(ms))).toEqual([
      "3 ms",
      "0.2 s",
      "12 s",
      "5 min",
      "10 h",
    ]);
    expect(age(-5)).toBe("0 ms");
    expect(age(null)).toBe("–");
  });

  test("a moment says that it is UTC", () => {
    useZone("utc");
    expect(moment(Date.UTC(2026, 10, 20, 14, 3, 7))).toBe("2026-11-20 14:03:07 UTC");
  });
});

describe("what the service writes for programs", () => {
  test("is a moment like all others, and a dash where there is none", () => {
    useZone("utc");
    expect(isoMoment("2026-11-21T16:50:12+00:00")).toBe("2026-11-21 16:50:12 UTC");
    expect([isoMoment(""), isoMoment(null), isoMoment("not a time")]).toEqual(["–", "–", "–"]);
  });

  test("a share is shown in hundredths, without the sign of a gain", () => {
    expect([percent(0.123), percent(0.935, 0), percent(null), percent(Number.NaN)]).toEqual([
      "12.3 %",
      "94 %",
      "–",
      "–",
    ]);
  });
});
