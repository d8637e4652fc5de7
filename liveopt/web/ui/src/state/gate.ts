/** The four gates of a variant, in their fixed order: each with what there is and what it takes. */

import { evidence, fixed, probability } from "../format";
import type { Gate, Needs } from "../wire";
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
export function dots(row: Row, needs: Needs | null, gate: Gate | null | undefined): Dot[] {
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
      `Sharpe > ${asked(least.sharpe_min)}`,
      sharpe > least.sharpe_min && enough,
      sharpe > least.sharpe_min,
      fixed(sharpe),
    ),
    beats(row, gate),
  ];
}

/** A question mark where nobody has said. */
function asked(least: number): string {
  return Number.isNaN(least) ? "?" : String(least);
}

function beats(row: Row, gate: Gate | null | undefined): Dot {
  const own = Math.exp(row.of("log_evidence"));
  const needed = gate?.threshold ?? null;
  const passed = gate ? row.id in gate.eligible || (needed !== null && own >= needed) : false;
  const of = needed === null ? "" : ` of ${evidence(needed)}`;
  return dot("beats champion", passed, own > 1, `evidence ${evidence(own)}${of}`);
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
