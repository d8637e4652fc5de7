import { describe, expect, test } from "vitest";
import { chosen, first, sorted } from "./board";
import { dots, spoken } from "./gate";
import { Layout, Row } from "./rows";
import type { Gate } from "../wire";

const layout = new Layout(["roi", "p_value", "trades", "bar_sharpe", "log_evidence", "status"]);

function row(
  id: string,
  roi: number | null,
  p: number | null,
  more: Partial<Record<string, number>> = {},
): Row {
  const { trades = 0, sharpe = 0, log = 0, status = 0 } = more;
  return new Row(
    [id, "S", "ma", "grid", id === "main"],
    layout,
    [roi, p, trades, sharpe, log, status],
    0,
  );
}

const NEEDS = { trades_min: 50, confidence_min: 0.95, sharpe_min: 0 };
const names = (all: Row[]) => all.map((one) => one.id).join("");

describe("the order", () => {
  const all = [row("a", 0.1, 0.5), row("b", null, null), row("c", -0.2, 0.01), row("d", 0.3, 0.5)];

  test("the surest come first, and what is undefined last, whichever way", () => {
    expect(names(sorted(all, "p", "descending"))).toBe("cdab");
    expect(names(sorted(all, "p", "ascending"))).toBe("dacb");
  });

  test("the first rank is the surest", () => {
    expect(names(sorted(all, "rank", first("rank")))).toBe("cdab");
  });

  test("sorting changes no list and is the same twice", () => {
    const before = [...all];
    const once = sorted(all, "roi", "descending");
    expect(all).toEqual(before);
    expect(sorted(once, "roi", "descending")).toEqual(once);
  });
});

describe("who is shown", () => {
  const all = [row("main", 0, null), row("va", 0, 0.1), row("vb", 0, 0.1, { status: 2 })];

  test("the champion is pinned, never among the others", () => {
    expect(names(chosen(all, { search: "", status: "", eligible: false }, () => true))).toBe("vavb");
  });

  test("search, status and eligibility narrow together", () => {
    expect(names(chosen(all, { search: "MA", status: "paused", eligible: false }, () => true))).toBe("vb");
    expect(names(chosen(all, { search: "vb", status: "", eligible: true }, () => false))).toBe("");
  });
});

describe("the four gates", () => {
  const gate = { threshold: 20, eligible: { e: "S-1-1" } } as unknown as Gate;

  test("stand in their order, half while in progress", () => {
    const found = dots(row("a", 0, 0.09, { trades: 33, sharpe: 0.4, log: 1 }), NEEDS, gate);
    expect(found.map((one) => one.level)).toEqual(["partly", "partly", "partly", "partly"]);
    expect(found[0]?.text).toBe("33/50");
    const later = dots(row("a", 0, 0.04, { trades: 50, sharpe: 0.4, log: 1 }), NEEDS, gate);
    expect(later.map((one) => one.level)).toEqual(["met", "met", "met", "partly"]);
    expect(spoken(later)).toContain("3 of 4 gates met");
  });

  test("are empty where nothing is known", () => {
    const bare = new Row(["x", "S", "ma", "grid", false], new Layout([]), [], 0);
    expect(dots(bare, NEEDS, null).map((one) => one.level)).toEqual(["none", "none", "none", "none"]);
  });

  test("are not met, and say so, where nobody has said what it takes", () => {
    const rich = row("a", 0, 0.001, { trades: 500, sharpe: 3, log: 9 });
    const found = dots(rich, null, null);
    expect(found.map((one) => one.level)).toEqual(["partly", "partly", "none", "partly"]);
    expect(found[0]).toMatchObject({ name: "trades ≥ ?", text: "500/?" });
  });

  test("evidence beats the champion by the threshold or by a verdict, not without either", () => {
    const level = (id: string, log: number, of: Gate | null) =>
      dots(row(id, 0, 0.5, { log }), NEEDS, of)[3]?.level;
    expect(level("a", Math.log(20.1), gate)).toBe("met");
    expect(level("a", Math.log(19.9), gate)).toBe("partly");
    expect(level("e", 0.1, gate)).toBe("met");
    expect(level("a", 100, null)).toBe("partly");
  });
});
