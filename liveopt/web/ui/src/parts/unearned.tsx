/** What a promotion by hand would be without: said before it is asked for. */

import { isEligible } from "../state/board";
import { conditionOf } from "../state/conditions";
import { BEATS, takes } from "../state/gate";
import { rowOf } from "../state/store";
import type { Explanation } from "../wire";
import { dotsOf } from "./dots";
import { short } from "./ledger";

export function Unearned({ id, said }: { id: string; said: Explanation | null }) {
  const row = rowOf(id);
  if (said?.verdict || (row && isEligible(row)))
    return <p data-testid="earned">It has passed the gate{said?.verdict ? ` by ${said.verdict}` : ""}: its verdict waits for you.</p>;
  const dots = row ? dotsOf(row, said).filter((one) => one.level !== "met") : [];
  const failing = (said?.conditions ?? []).filter((one) => !one.ok);
  return (
    <div class="bad" data-testid="unearned">
      <p>
        <strong>NOT EARNED</strong>: no verdict waits for it. It would be champion by your word alone, and marked
        NOT EARNED for ever.
      </p>
      {dots.every((one) => one.name !== BEATS) && (
        <p>
          {!said
            ? "The engine did not explain in time: what evidence it has is not known."
            : said.evidence != null
              ? `${sentence(takes(said))}.`
              : "No evidence is counted for it yet."}
        </p>
      )}
      {dots.length + failing.length > 0 && (
        <>
          <p>What is missing:</p>
          <ul>
            {dots.map((one) => (
              <li key={one.name}>
                {one.name}: {one.text}
              </li>
            ))}
            {failing.map((one) => (
              <li key={one.code}>
                {conditionOf(one.code).name}: {short(one.has)}, needs {conditionOf(one.code).sign} {short(one.needs)}
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
