/** Candles with entries and exits, by TradingView Lightweight Charts: loaded on demand. */

import {
  CandlestickSeries,
  ColorType,
  type SeriesMarker,
  type Time,
  type UTCTimestamp,
  createChart,
  createSeriesMarkers,
} from "lightweight-charts";
import type { Candle, Candles, Marker, Mounted } from "./kinds";
import { type Palette, colour } from "./theme";

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
  const candles = chart.addSeries(CandlestickSeries, {
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
      marks.setMarkers(what.markers.map((one) => marker(one, up, down)));
      if (!fitted) chart.timeScale().fitContent();
      fitted = true;
    },
    destroy: () => {
      watch.disconnect();
      chart.remove();
    },
  };
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
