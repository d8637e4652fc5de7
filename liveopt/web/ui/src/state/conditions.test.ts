import { expect, test } from "vitest";
import { groupWith } from "../format";
import { conditionOf, plain } from "./conditions";

test("a condition is named by what it measures, not by what is wrong when it fails", () => {
  expect(conditionOf("insufficient_samples")).toEqual({ name: "trades", sign: "≥" });
  expect(conditionOf("tail_risk").sign).toBe("≤");
  expect(conditionOf("something_new")).toEqual({ name: "not something new", sign: "" });
});

test("codes in a sentence become words, and names of variants stay", () => {
  expect(plain("my_low_one stopped by: low_evidence, insufficient_samples")).toBe(
    "my_low_one stopped by: low evidence, insufficient samples",
  );
  expect(plain("stopped by low_sharpe")).toBe("stopped by low Sharpe ratio of its trades");
});

test("a sentence has the thousands that somebody has chosen", () => {
  groupWith(",");
  expect(plain("low_evidence: 1.2 of 222\u202f222")).toBe("low evidence: 1.2 of 222,222");
  groupWith("\u202f");
});
