/** A variant's signal bars as a chart takes them: entries and exits at their bars, its open position as lines. */

import { fixed, fromNs } from "../format";
import type { Candle, Candles, Level, Marker } from "../charts/kinds";
import type { Trade, VariantDetail } from "../wire";

export function candlesOf(detail: VariantDetail | null): Candles {
  const candles = (detail?.candles ?? []).map(([ms, open, high, low, close]) => ({
    time: Math.floor(ms / 1000),
    open,
    high,
    low,
    close,
  }));
  const { trades = [], position = null } = detail ?? {};
  const markers = trades.flatMap((one) => markersOf(one));
  if (position) {
    const buys = position.side === "long";
    markers.push(marker(position.entry_ns, buys, `in ${fixed(position.entry_price)}`));
  }
  return { candles, markers: placed(markers, candles), levels: levelsOf(detail) };
}

function markersOf(one: Trade): Marker[] {
  const buys = one.side === "long";
  const out = marker(one.at_ns, !buys, `out ${fixed(one.exit_price)}`);
  return one.entry_ns ? [marker(one.entry_ns, buys, `in ${fixed(one.entry_price)}`), out] : [out];
}

function marker(ns: number, buys: boolean, text: string): Marker {
  return { time: fromNs(ns) / 1000, side: buys ? "buy" : "sell", text };
}

/** Each at the bar in which it happened; what was before the first bar is not shown. */
function placed(markers: Marker[], candles: Candle[]): Marker[] {
  const first = candles[0]?.time ?? Infinity;
  return markers
    .filter((one) => one.time >= first)
    .map((one) => ({ ...one, time: barAt(candles, one.time) }))
    .sort((a, b) => a.time - b.time);
}

/** When the bar opened in which a moment lies. */
function barAt(candles: Candle[], time: number): number {
  let low = 0;
  let high = candles.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((candles[middle]?.time ?? 0) <= time) low = middle;
    else high = middle - 1;
  }
  return candles[low]?.time ?? time;
}

function levelsOf(detail: VariantDetail | null): Level[] {
  const position = detail?.position;
  if (!position) return [];
  const found: Level[] = [{ name: "entry", price: position.entry_price, colour: "accent" }];
  if (position.stop !== null) found.push({ name: "stop", price: position.stop, colour: "warn" });
  return found;
}
