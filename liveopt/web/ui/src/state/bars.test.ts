import { describe, expect, test } from "vitest";
import type { VariantDetail } from "../wire";
import { candlesOf } from "./bars";

const MINUTE = 60;
const candles = Array.from({ length: 5 }, (_, n) => [1000 * MINUTE * n, 10, 12, 9, 11]);
const ns = (seconds: number) => seconds * 1e9;

function detail(more: object): VariantDetail {
  return { variant: { id: "v" }, candles, trades: [], ...more } as unknown as VariantDetail;
}

describe("a variant's bars", () => {
  test("carry entries and exits at the bars in which they happened, in order", () => {
    const trade = { side: "short", entry_ns: ns(65), entry_price: 10, at_ns: ns(239.5), exit_price: 9 };
    const found = candlesOf(detail({ trades: [trade] }));
    expect(found.markers.map((one) => [one.time, one.side])).toEqual([
      [60, "sell"],
      [180, "buy"],
    ]);
  });

  test("do not pile up at the first bar what was before it", () => {
    const later = detail({
      candles: candles.slice(2),
      trades: [{ side: "long", entry_ns: ns(5), entry_price: 10, at_ns: ns(130), exit_price: 9 }],
    });
    expect(candlesOf(later).markers.map((one) => one.text.split(" ")[0])).toEqual(["out"]);
  });

  test("have the entry and the stop of an open position as lines, the stop only where there is one", () => {
    const position = { side: "long", size: 1, entry_price: 10, entry_ns: ns(70), stop: 9.5 };
    const found = candlesOf(detail({ position }));
    expect(found.levels.map((one) => [one.name, one.price])).toEqual([
      ["entry", 10],
      ["stop", 9.5],
    ]);
    expect(found.markers).toHaveLength(1);
    const bare = candlesOf(detail({ position: { ...position, stop: null } }));
    expect(bare.levels.map((one) => one.name)).toEqual(["entry"]);
  });

  test("are none where none has closed", () => {
    expect(candlesOf(null)).toEqual({ candles: [], markers: [], levels: [] });
    expect(candlesOf(detail({ candles: [] })).candles).toEqual([]);
  });
});
