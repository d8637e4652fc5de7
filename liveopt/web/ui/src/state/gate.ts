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
export const NEEDS: Needs = { trades_min: 50, confidence_min: 0.95, sharpe_min: 0 };

/** Trades, confidence, Sharpe ratio (of a few trades it says nothing), and whether it beats the champion. */
export function dots(row: Row, needs: Needs, gate: Gate | null | undefined): Dot[] {
  const trades = row.of("trades");
  const sure = 1 - row.of("p_value");
  const sharpe = row.of("bar_sharpe");
  return [
    dot(
      `trades ≥ ${needs.trades_min}`,
      trades >= needs.trades_min,
      trades > 0,
      `${fixed(trades, 0)}/${needs.trades_min}`,
    ),
    dot(`confidence ≥ ${needs.confidence_min}`, sure >= needs.confidence_min, sure > 0, probability(sure)),
    dot(
      `Sharpe > ${needs.sharpe_min}`,
      sharpe > needs.sharpe_min && trades >= needs.trades_min,
      sharpe > needs.sharpe_min,
      fixed(sharpe),
    ),
    beats(row, gate),
  ];
}

function beats(row: Row, gate: Gate | null | undefined): Dot {
  const own = Math.exp(row.of("evidence"));
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
