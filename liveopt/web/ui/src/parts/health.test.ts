import { beforeEach, expect, test } from "vitest";
import { forget, known, marketAge, phase, takeAlerts, apply, now } from "../state/store";
import type { Alert, Clocks, RunReport } from "../wire";
import { lines } from "./health";

const clocks: Clocks = {
  market_ms: 1,
  engine_ms: 1,
  score_ms: null,
  market_age_ms: 5,
  engine_age_ms: 1,
  link_age_ms: 0,
};
const report = (guard: RunReport["guard"] = {}): RunReport => ({
  connected: true,
  run: "r",
  version: "1",
  report: {},
  clocks,
  guard,
  web: {},
});
const alert: Alert = {
  id: "a",
  code: "c",
  severity: "critical",
  text: "the disk is full",
  first_ms: 1,
  last_ms: 1,
  count: 1,
  active: true,
};
const well = { journal_ok: true, halted: null };

function of(name: string, said = lines(report(), well)): [string, string] | undefined {
  const found = said.find((one) => one.name === name);
  return found && [found.level, found.text];
}

function heard(): void {
  apply(
    {
      type: "hello", v: 1, boot_id: "b", server_ms: 0, config_hash: "c", mode: "paper", version: "1", columns: [],
    },
    1000,
  );
  apply({ type: "snap", seq: 1, who: [], rows: [], clocks }, 1000);
  phase.value = "open";
  now.value = 1000;
}

beforeEach(() => forget());

test("nothing that nobody has said is well", () => {
  expect([known.value, marketAge.value]).toEqual([false, null]);
  for (const name of ["engine", "market", "journal", "trading"])
    expect(of(name, lines(report(), {}))).toEqual(["odd", "not known"]);
});

test("what is heard of and runs is well, also after it was started again", () => {
  heard();
  const said = lines(report({ engine: { starts: 3, last_exit: -9 } }), well);
  expect(said.map((one) => one.level)).toEqual(said.map(() => "good"));
  expect(of("engine", said)?.[1]).toBe("runs; started 3 times; it ended last by signal 9 (killed)");
});

test("an alert that stands is not well because somebody has seen it", () => {
  heard();
  takeAlerts([{ ...alert, acknowledged_by: "me" }]);
  expect(of("alerts")).toEqual(["bad", "1 alert stands, acknowledged: the disk is full"]);
  takeAlerts([
    { ...alert, severity: "warning", acknowledged_by: "me" },
    { ...alert, id: "b", severity: "info" },
  ]);
  expect(of("alerts")).toEqual(["odd", "2 alerts stand, 1 acknowledged: the disk is full"]);
});

test("a guard that does not answer is named", () => {
  heard();
  expect(of("guard", lines(report(null), well))).toEqual(["bad", "does not answer"]);
});
