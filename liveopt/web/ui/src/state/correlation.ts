/** How much two variants go together. */

/** Fewer common returns say nothing. */
export const COMMON_LEAST = 20;

type Curve = [number, number | null][];

/** Pearson correlation of simple returns between the times both have; null where they are too few. */
export function correlation(one: Curve, other: Curve): number | null {
  const there = new Map(other);
  const pairs = one.flatMap(([ms, a]) => {
    const b = there.get(ms);
    return a === null || b == null ? [] : [[a, b] as const];
  });
  const returns = pairs.slice(1).map(([a, b], n) => {
    const [before, beside] = pairs[n] ?? [a, b];
    return [a / before - 1, b / beside - 1] as const;
  });
  if (returns.length < COMMON_LEAST) return null;
  const meanA = mean(returns.map(([a]) => a));
  const meanB = mean(returns.map(([, b]) => b));
  let both = 0;
  let ownA = 0;
  let ownB = 0;
  for (const [a, b] of returns) {
    both += (a - meanA) * (b - meanB);
    ownA += (a - meanA) ** 2;
    ownB += (b - meanB) ** 2;
  }
  return ownA > 0 && ownB > 0 ? both / Math.sqrt(ownA * ownB) : null;
}

function mean(values: number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
