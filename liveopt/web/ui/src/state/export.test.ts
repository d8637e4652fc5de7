import { describe, expect, test } from "vitest";
import type { Trade, VariantDetail } from "../wire";
import { asJson, cell, csv, fileName } from "./export";

const TRADE: Trade = {
  id: "1.0.1",
  at_ns: 1_700_000_000_000_000_000,
  variant: "v1",
  symbol: "XBT",
  side: "long",
  size: 0.5,
  entry_price: 100,
  exit_price: 99.5,
  net: -0.25,
  roi: null,
  reason: "stop",
};

describe("a cell", () => {
  test("is never a formula, whatever it says", () => {
    for (const text of ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "|cmd", "%1", "\n-2"])
      expect(cell(text).replace(/^"/, "")).toMatch(/^'/);
  });

  test("is a number where it is one, with its sign", () => {
    expect([cell(-0.25), cell(1e-9), cell(Number.NaN), cell(null), cell(undefined)]).toEqual([
      "-0.25",
      "1e-9",
      "",
      "",
      "",
    ]);
  });

  test("is quoted where a comma, a quote or a line would break the table", () => {
    expect(cell('a,"b"')).toBe('"a,""b"""');
    expect(cell("two\nlines")).toBe('"two\nlines"');
    expect(cell("plain")).toBe("plain");
  });
});

describe("trades as a table", () => {
  test("have a head, a line each and what is undefined empty", () => {
    const lines = csv([TRADE, { ...TRADE, reason: "=HYPERLINK(1)" }]).split("\r\n");
    expect(lines).toHaveLength(4);
    expect(lines[3]).toBe("");
    const head = lines[0]?.split(",") ?? [];
    const first = lines[1]?.split(",") ?? [];
    expect(first).toHaveLength(head.length);
    const of = (name: string) => first[head.indexOf(name)];
    expect([of("closed"), of("net"), of("roi"), of("id"), of("side")]).toEqual([
      "2023-11-14T22:13:20.000Z",
      "-0.25",
      "",
      "1.0.1",
      "long",
    ]);
    expect(lines[2]).toContain("'=HYPERLINK(1)");
  });
});

describe("a variant as JSON", () => {
  test("has its parameters apart from its metrics, and says who made it", () => {
    const detail = {
      variant: { id: "v1", roi: null, parameters: { fast: 3, kind: "ema" } },
      position: null,
    } as unknown as VariantDetail;
    const text = asJson(detail, { run: "r", version: "1", at: new Date(0) });
    expect(JSON.parse(text)).toEqual({
      made: { by: "liveopt", version: "1", at: "1970-01-01T00:00:00.000Z", run: "r" },
      variant: { id: "v1", roi: null },
      parameters: { fast: 3, kind: "ema" },
      position: null,
      gate: null,
    });
  });
});

test("a file is named after its variant and leads nowhere else", () => {
  expect(fileName("../../etc/passwd", "csv")).toBe("_.._etc_passwd.csv");
  expect(fileName("", "json")).toBe("variant.json");
});
