import { describe, expect, test } from "vitest";
import { groupWith } from "../format";
import { alike, chosen, first, sorted } from "./board";
import { dots, spoken, takes, whySoMuch } from "./gate";
import { Layout, Row } from "./rows";
import type { Explanation, Gate } from "../wire";

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
    expect(names(sorted(all, "p", "descending"))).toBe("cdab"); // d before a: it has the return
    expect(names(sorted(all, "p", "ascending"))).toBe("dacb");
  });

  test("the first rank is the surest", () => {
    expect(names(sorted(all, "rank", first("rank")))).toBe("cdab");
  });

  test("whom P(better) as shown does not tell apart, the return does, whatever the evidence", () => {
    const nobody = [row("a", -0.28, 1, { log: 2 }), row("b", 1.67, 1, { log: -3 }), row("c", 0.04, 0.99999)];
    expect(names(sorted(nobody, "p", "descending"))).toBe("cba"); // "< 0.001" is more than "0.000"
    const close = [row("a", 0.1, 0.50004), row("b", 0.2, 0.50041), row("c", 0.3, 0.5012)];
    expect(names(sorted(close, "p", "descending"))).toBe("bac");
    expect(names(sorted(close, "p", "ascending"))).toBe("cba");
  });

  test("it is known when P(better) tells nobody apart", () => {
    expect(alike([row("a", 0.1, 1), row("b", 0.2, 1), row("c", 0, null)])).toBe(true);
    expect(alike([row("a", 0.1, 1), row("b", 0.2, 0.99)])).toBe(false);
    expect(alike([row("a", 0.1, 1)])).toBe(false);
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
    expect(found[2]).toMatchObject({ name: "Sharpe of its bars > 0", text: "0.40, n too small" });
    const later = dots(row("a", 0, 0.04, { trades: 50, sharpe: 0.4, log: 1 }), NEEDS, gate);
    expect(later.map((one) => one.level)).toEqual(["met", "met", "met", "partly"]);
    expect(spoken(later)).toContain("3 of 4 gates met");
    expect(later[2]?.text).toBe("0.40");
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

describe("evidence", () => {
  const said = (more: Partial<Explanation>): Explanation => ({
    variant: "a",
    status: "active",
    text: "",
    evidence: 1.0449,
    needed_alone: 222_222.2,
    needed_worlds: 22.4,
    ...more,
  });

  test("and what it takes are said in the same words, by every way there is", () => {
    groupWith(" ");
    expect(takes(said({}))).toBe("evidence 1.04; needs 222 222 alone, or 22.4 beside the shadow worlds");
    expect(takes(said({ needed_worlds: null }))).toBe(
      "evidence 1.04; needs 222 222 alone (the shadow worlds allow nobody now)",
    );
    expect(takes(said({ needed_alone: null }))).toBe("evidence 1.04; needs 22.4 beside the shadow worlds");
    expect(takes(said({ track: "alone", evidence_needed: 1 }))).toBe(
      "evidence 1.04; needs 1, as it has passed before",
    );
  });

  test("of the dot is the engine's where it has been asked, and the last look's where not", () => {
    groupWith(" ");
    const gate = { threshold: 22.4, eligible: {} } as unknown as Gate;
    const one = row("a", 0, 0.5, { log: Math.log(1.0449) });
    expect(dots(one, NEEDS, gate)[3]?.text).toBe("evidence 1.04; needs 22.4 beside the shadow worlds");
    expect(dots(one, NEEDS, gate, said({}))[3]?.text).toBe(takes(said({})));
    expect(dots(one, NEEDS, null)[3]?.text).toBe("evidence 1.04; the shadow worlds allow nobody now");
  });

  test("it takes alone is explained by those who share the error, where it is known how many", () => {
    groupWith(" ");
    const gate = { threshold: null, eligible: {}, variants: 1000 } as unknown as Gate;
    expect(whySoMuch(said({}), gate)).toContain("222 for each of the 1 000");
    expect(whySoMuch(said({ needed_alone: null }), gate)).toBe("");
    expect(whySoMuch(said({}), null)).toBe("");
  });
});
