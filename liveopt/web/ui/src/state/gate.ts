/** The four gates of a variant, in their fixed order: each with what there is and what it takes. */

import { evidence, fixed, probability } from "../format";
import { tradesLeast } from "./interval";
import type { Explanation, Gate, Needs } from "../wire";
import type { Row } from "./rows";

export type Level = "met" | "partly" | "none";

export interface Dot {
  name: string;
  level: Level;
  text: string;
}

export const GLYPHS: Record<Level, string> = { met: "●", partly: "◐", none: "○" };
/** Trades, confidence, Sharpe ratio (of a few trades it says nothing), and whether it beats the champion.
 *
 * What it takes may be unknown; then nothing is met. */
export function dots(
  row: Row,
  needs: Needs | null,
  gate: Gate | null | undefined,
  said?: Explanation | null,
): Dot[] {
  const trades = row.of("trades");
  const sure = 1 - row.of("p_value");
  const sharpe = row.of("bar_sharpe");
  const least = needs ?? { trades_min: Number.NaN, confidence_min: Number.NaN, sharpe_min: Number.NaN };
  const enough = trades >= least.trades_min;
  return [
    dot(
      `trades ≥ ${asked(least.trades_min)}`,
      enough,
      trades > 0,
      `${fixed(trades, 0)}/${asked(least.trades_min)}`,
    ),
    dot(
      `confidence ≥ ${asked(least.confidence_min)}`,
      sure >= least.confidence_min,
      sure > 0,
      probability(sure),
    ),
    dot(
      `Sharpe of its bars > ${asked(least.sharpe_min)}`,
      sharpe > least.sharpe_min && enough,
      sharpe > least.sharpe_min,
      fixed(sharpe) + (trades < tradesLeast(needs?.trades_min) ? ", n too small" : ""),
    ),
    beats(row, gate, said),
  ];
}

/** A question mark where nobody has said. */
function asked(least: number): string {
  return Number.isNaN(least) ? "?" : String(least);
}

function beats(row: Row, gate: Gate | null | undefined, said?: Explanation | null): Dot {
  const own = Math.exp(row.of("log_evidence"));
  const needed = gate?.threshold ?? null;
  const passed = gate ? row.id in gate.eligible || (needed !== null && own >= needed) : false;
  const worlds = needed === null ? CLOSED : `needs ${evidence(needed)} ${BESIDE}`;
  const text = said?.evidence != null ? takes(said) : `evidence ${evidence(own)}; ${worlds}`;
  return dot(BEATS, passed, own > 1, text);
}

/** The gate that asks for evidence. */
export const BEATS = "beats champion";
const BESIDE = "beside the shadow worlds";
const CLOSED = "the shadow worlds allow nobody now";

/** What evidence there is and what it takes, in the same words wherever it is said. */
export function takes(said: Explanation): string {
  const own = `evidence ${evidence(said.evidence)}`;
  const { needed_alone: alone, needed_worlds: worlds } = said;
  if (said.track) return `${own}; needs ${evidence(said.evidence_needed)}, as it has passed before`;
  if (alone == null && worlds == null) return `${own}; ${CLOSED}`;
  if (alone == null) return `${own}; needs ${evidence(worlds)} ${BESIDE}`;
  if (worlds == null) return `${own}; needs ${evidence(alone)} alone (${CLOSED})`;
  return `${own}; needs ${evidence(alone)} alone, or ${evidence(worlds)} ${BESIDE}`;
}

/** Why it takes so much alone; empty where nobody knows among how many. */
export function whySoMuch(said: Explanation, gate: Gate | null | undefined): string {
  const among = gate?.variants ?? 0;
  if (said.needed_alone == null || said.track || among < 2) return "";
  return (
    `Alone it takes ${evidence(said.needed_alone)} because all who are compared share one small chance of a` +
    ` false promotion: ${evidence(said.needed_alone / among)} for each of the ${fixed(among, 0)} of the last look.` +
    " The shadow worlds know how alike they are, and ask for less while their season lasts."
  );
}

function dot(name: string, met: boolean, partly: boolean, text: string): Dot {
  return { name, level: met ? "met" : partly ? "partly" : "none", text };
}

/** What a screen reader says of all four. */
export function spoken(found: Dot[]): string {
  const met = found.filter((one) => one.level === "met").length;
  const each = found.map((one) => `${one.name}: ${one.level === "met" ? "met" : one.text}`);
  return `${met} of ${found.length} gates met. ${each.join("; ")}`;
}
