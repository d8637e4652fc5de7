/** Since when a curve is known, where that is later than what it is a curve of. */

import { since } from "../format";
import type { VariantDetail } from "../wire";

/** So many signal bars late is as soon as anybody looks, and so little of all misleads nobody. */
const SLACK_BARS = 2;
const SLACK_SHARE = 0.05;

/**
 * When the curve begins, as text, if that is later than the variant's first signal bar; else empty.
 *
 * The first bar is reckoned back from the newest, by how many there were and how long one is.
 */
export function knownSince(detail: VariantDetail | null): string {
  const [begins] = detail?.equity?.find(([, value]) => value !== null) ?? [];
  const first = firstBar(detail);
  const [until] = detail?.equity?.[detail.equity.length - 1] ?? [];
  if (begins === undefined || until === undefined || first === null) return "";
  const slack = Math.max(SLACK_BARS * first.length, SLACK_SHARE * (until - first.ms));
  return begins > first.ms + slack ? since(begins, until) : "";
}

function firstBar(detail: VariantDetail | null): { ms: number; length: number } | null {
  const candles = detail?.candles ?? [];
  const bars = detail?.variant.bars;
  const [last] = candles[candles.length - 1] ?? [];
  const [before] = candles[candles.length - 2] ?? [];
  if (!bars || last === undefined || before === undefined) return null;
  const length = last - before;
  return { ms: last - (bars - 1) * length, length };
}
