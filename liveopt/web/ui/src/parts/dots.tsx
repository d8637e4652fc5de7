/** The four gates of a variant as dots in a fixed order: shape and text, never colour alone. */

import { type Dot, GLYPHS, dots, spoken } from "../state/gate";
import type { Row } from "../state/rows";
import { gateOf, needs, terms } from "../state/store";
import type { Explanation } from "../wire";

export function dotsOf(row: Row, said?: Explanation | null): Dot[] {
  return dots(row, needs.value, gateOf(row.symbol), said);
}

/** What the four mean, where nobody can hover. */
export function DotsLegend() {
  const gate = terms.value?.gate;
  if (!gate) return null;
  return (
    <p class="muted small dots-legend" data-testid="dots-legend">
      Gate, in this order: trades ≥ {gate.trades_min}, confidence ≥ {gate.confidence_min}, Sharpe of its bars &gt;{" "}
      {gate.sharpe_min}, beats the champion. {GLYPHS.met} met, {GLYPHS.partly} in progress, {GLYPHS.none} not met.
    </p>
  );
}

export function Dots({ row }: { row: Row }) {
  const found = dotsOf(row);
  const title = found.map((one) => `${GLYPHS[one.level]} ${one.name}: ${one.text}`).join("\n");
  return (
    <span class="dots" role="img" aria-label={spoken(found)} title={title}>
      {found.map((one) => (
        <span key={one.name} class={one.level} aria-hidden="true">
          {GLYPHS[one.level]}
        </span>
      ))}
    </span>
  );
}

/** The same, one a line; `said` by the engine where it has been asked. */
export function Ledger({ row, said }: { row: Row; said?: Explanation | null }) {
  if (terms.value?.gate === null) return <p class="muted">This run has no gate: nobody is promoted by it.</p>;
  return (
    <ul class="ledger">
      {dotsOf(row, said).map((one) => (
        <li key={one.name}>
          <span class={one.level} aria-hidden="true">
            {GLYPHS[one.level]}
          </span>{" "}
          {one.name}: {one.text}{" "}
          <span class="muted">
            {one.level === "met" ? "met" : one.level === "partly" ? "in progress" : "not met"}
          </span>
        </li>
      ))}
    </ul>
  );
}
