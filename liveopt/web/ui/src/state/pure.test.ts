import { describe, expect, test } from "vitest";
import { correlation } from "./correlation";
import { sharpeInterval, tradesLeast } from "./interval";
import { delay } from "./link";
import { tokenOf } from "./session";
import { Trend } from "./trend";

describe("the interval of a Sharpe ratio", () => {
  test("follows Lo's formula", () => {
    // 1 a year from daily returns, 2 years of them: each = 1/sqrt(365)
    const found = sharpeInterval(1, 730, 365);
    const error = Math.sqrt(((1 + 1 / 365 / 2) / 730) * 365);
    expect(found?.low).toBeCloseTo(1 - 1.959964 * error, 9);
    expect(found?.high).toBeCloseTo(1 + 1.959964 * error, 9);
  });

  test("there is none of too few bars, of unknown length, of an undefined ratio", () => {
    expect(sharpeInterval(1, 29, 365)).toBeNull();
    expect(sharpeInterval(1, 100, null)).toBeNull();
    expect(sharpeInterval(Number.NaN, 100, 365)).toBeNull();
  });
});

test("a ratio wants as many trades as the gate, and thirty where it asks for fewer or there is none", () => {
  expect([50, 1, null, undefined].map(tradesLeast)).toEqual([50, 30, 30, 30]);
});

describe("a trend", () => {
  test("goes where its own points go, and is short below two minutes", () => {
    const trend = new Trend();
    expect([trend.short, trend.way, trend.since]).toEqual([true, 0, Number.NaN]);
    trend.add(5000, 100);
    trend.add(124_999, 90);
    expect([trend.short, trend.way, trend.since]).toEqual([true, -1, 5000]);
    trend.add(125_000, 101);
    expect([trend.short, trend.way]).toEqual([false, 1]);
  });

  test("never grows, keeps its first point and its newest", () => {
    const trend = new Trend(1000);
    for (let n = 0; n <= 10_000; n++) trend.add(n * 250, n);
    expect(trend.length).toBeLessThanOrEqual(trend.values.length);
    expect(trend.values[0]).toBe(0);
    expect(trend.values[trend.length - 1]).toBe(10_000);
    const times = Array.from(trend.times.subarray(0, trend.length));
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  test("takes no undefined value", () => {
    const trend = new Trend();
    trend.add(1, Number.NaN);
    expect(trend.length).toBe(0);
  });
});

describe("correlation", () => {
  const curve = (scale: number): [number, number | null][] =>
    Array.from({ length: 40 }, (_, n) => [n, 100 + scale * Math.sin(n)]);

  test("is one with itself and about minus one with its mirror", () => {
    expect(correlation(curve(1), curve(1))).toBeCloseTo(1, 9);
    expect(correlation(curve(0.01), curve(-0.01))).toBeCloseTo(-1, 3);
  });

  test("is not told of too few common points, or of what never moves", () => {
    expect(correlation(curve(1).slice(0, 15), curve(1))).toBeNull();
    expect(correlation(curve(0), curve(1))).toBeNull();
  });
});

describe("the link", () => {
  test("waits longer each time, never for ever, and differs between pages", () => {
    const middle = [0, 1, 2, 3, 10].map((tries) => delay(tries, 0.5));
    expect(middle).toEqual([375, 750, 1500, 3000, 7500]);
    expect(delay(3, 0)).toBeLessThan(delay(3, 1));
  });

  test("finds its token in the fragment, named or bare, and no other fragment", () => {
    expect(tokenOf("#t=abc")).toBe("abc");
    expect(tokenOf("#token=a%2Bb")).toBe("a+b");
    expect(tokenOf("#Zk3-aaaaaaaaaaaaaa_b")).toBe("Zk3-aaaaaaaaaaaaaa_b");
    expect(tokenOf("#main")).toBeNull();
    expect(tokenOf("")).toBeNull();
  });
});
