/** How sure a Sharpe ratio is. */

/** Standard normal quantile of 97.5 %. */
const Z = 1.959964;
/** Below so many bars an interval says nothing. */
export const BARS_LEAST = 30;
/** Bars between few trades are many of the same thing: below so many trades it says nothing either. */
export const TRADES_LEAST = 30;

/** How many trades it takes before a ratio is worth a look: never fewer than the gate asks for. */
export function tradesLeast(asked: number | null | undefined): number {
  return Math.max(TRADES_LEAST, asked ?? 0);
}

export interface Interval {
  low: number;
  high: number;
}

/**
 * 95 % interval of an annualised Sharpe ratio of `bars` returns, `perYear` of them a year.
 *
 * Lo (2002), "The statistics of Sharpe ratios", independent returns: the variance of the ratio per
 * bar is (1 + ratio^2 / 2) / bars. Null where there are too few bars, or nobody says how long one is.
 */
export function sharpeInterval(sharpe: number, bars: number, perYear: number | null): Interval | null {
  if (!Number.isFinite(sharpe) || !perYear || bars < BARS_LEAST) return null;
  const each = sharpe / Math.sqrt(perYear);
  const spread = Z * Math.sqrt(((1 + (each * each) / 2) / bars) * perYear);
  return { low: sharpe - spread, high: sharpe + spread };
}
