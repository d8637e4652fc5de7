/** The four gates of a variant as dots in a fixed order: shape and text, never colour alone. */

import { type Dot, GLYPHS, dots, spoken } from "../state/gate";
import type { Row } from "../state/rows";
import { gateOf, needs, terms } from "../state/store";

export function dotsOf(row: Row): Dot[] {
  return dots(row, needs.value, gateOf(row.symbol));
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

/** The same, one a line. */
export function Ledger({ row }: { row: Row }) {
  if (terms.value?.gate === null) return <p class="muted">This run has no gate: nobody is promoted by it.</p>;
  return (
    <ul class="ledger">
      {dotsOf(row).map((one) => (
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
