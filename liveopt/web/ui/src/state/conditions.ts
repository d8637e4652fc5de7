/** What the gate's codes mean. A code says why somebody is stopped; a person asks what is wanted. */

import { regroup, words } from "../format";

const NAMES: Record<string, [string, string]> = {
  insufficient_samples: ["trades", "≥"],
  low_confidence: ["confidence of its trades", "≥"],
  low_sharpe: ["Sharpe ratio of its trades", ">"],
  not_better_than_champion: ["ahead of the champion", ">"],
  tail_risk: ["loss of equity in a crash", "≤"],
  low_score: ["score", "≥"],
  low_win_rate: ["win rate", "≥"],
  low_roi: ["return", "≥"],
  luck_of_many: ["deflated Sharpe ratio", "≥"],
  too_alike: ["distance to the most alike", "≥"],
};
const OTHERS = ["low_evidence", "evidence_faded"];
/** Where a code's words could be taken for another figure: bars have a Sharpe ratio as well. */
const SAID: Record<string, string> = { low_sharpe: "low Sharpe ratio of its trades" };

/** What is measured, and how it has to stand to what it takes. */
export function conditionOf(code: string): { name: string; sign: string } {
  const [name, sign] = NAMES[code] ?? [`not ${words(code)}`, ""];
  return { name, sign };
}

/** A sentence of the engine with its codes as words, its thousands as here; names of variants stay as they are. */
export function plain(text: string): string {
  return [...Object.keys(NAMES), ...OTHERS].reduce(
    (said, code) => said.replaceAll(code, SAID[code] ?? words(code)),
    regroup(text),
  );
}
