/** Candles with entries and exits, by TradingView Lightweight Charts: loaded on demand. */

import {
  type AutoscaleInfo,
  CandlestickSeries,
  ColorType,
  type IPriceLine,
  LineStyle,
  type SeriesMarker,
  type Time,
  type UTCTimestamp,
  createChart,
  createSeriesMarkers,
} from "lightweight-charts";
import type { Candle, Candles, Level, Marker, Mounted } from "./kinds";
import { type Palette, colour } from "./theme";

/** With more, their words would lie upon each other; the table of trades has them. */
const WORDED_MOST = 12;

/** The logo of the library is a link beside the chart: its own needs an inline style. */
export function mountCandles(place: HTMLElement, height: number, of: Palette): Mounted<Candles> {
  const up = colour(of, "up");
  const down = colour(of, "down");
  const line = colour(of, "line");
  const chart = createChart(place, {
    width: place.clientWidth,
    height,
    layout: {
      attributionLogo: false,
      background: { type: ColorType.Solid, color: colour(of, "bg") },
      textColor: colour(of, "muted"),
    },
    grid: { vertLines: { color: line }, horzLines: { color: line } },
    timeScale: { timeVisible: true, borderColor: line },
    rightPriceScale: { borderColor: line },
  });
  let levels: Level[] = [];
  let lines: IPriceLine[] = [];
  const candles = chart.addSeries(CandlestickSeries, {
    autoscaleInfoProvider: (usual: () => AutoscaleInfo | null) => reaching(usual(), levels),
    upColor: up,
    downColor: down,
    borderUpColor: up,
    borderDownColor: down,
    wickUpColor: up,
    wickDownColor: down,
  });
  const marks = createSeriesMarkers<Time>(candles, []);
  const watch = new ResizeObserver(() => chart.applyOptions({ width: place.clientWidth }));
  watch.observe(place);
  let fitted = false;
  return {
    set: (what) => {
      candles.setData(what.candles.map(bar));
      const worded = what.markers.length <= WORDED_MOST;
      marks.setMarkers(what.markers.map((one) => marker(worded ? one : { ...one, text: "" }, up, down)));
      levels = what.levels;
      for (const old of lines) candles.removePriceLine(old);
      lines = levels.map((one) => candles.createPriceLine(priceLine(one, of)));
      if (!fitted) chart.timeScale().fitContent();
      fitted = true;
    },
    destroy: () => {
      watch.disconnect();
      chart.remove();
    },
  };
}

/** A stop far away is shown all the same. */
function reaching(usual: AutoscaleInfo | null, levels: Level[]): AutoscaleInfo | null {
  if (!usual?.priceRange || !levels.length) return usual;
  const prices = levels.map((one) => one.price);
  const minValue = Math.min(usual.priceRange.minValue, ...prices);
  const maxValue = Math.max(usual.priceRange.maxValue, ...prices);
  return { ...usual, priceRange: { minValue, maxValue } };
}

function priceLine(one: Level, of: Palette) {
  const lineStyle = one.name === "stop" ? LineStyle.Dashed : LineStyle.Solid;
  const color = colour(of, one.colour);
  return { price: one.price, title: one.name, color, lineWidth: 1 as const, lineStyle, axisLabelVisible: true };
}

function bar(candle: Candle) {
  return { ...candle, time: candle.time as UTCTimestamp };
}

function marker(one: Marker, up: string, down: string): SeriesMarker<Time> {
  const buys = one.side === "buy";
  return {
    time: one.time as UTCTimestamp,
    position: buys ? "belowBar" : "aboveBar",
    shape: buys ? "arrowUp" : "arrowDown",
    color: buys ? up : down,
    text: one.text,
  };
}
