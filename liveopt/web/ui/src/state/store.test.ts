import { beforeEach, describe, expect, test } from "vitest";
import type { Clocks, Delta, Hello, Snap } from "../wire";
import * as store from "./store";

const hello: Hello = {
  type: "hello",
  v: 1,
  boot_id: "b",
  server_ms: 0,
  config_hash: "c",
  mode: "paper",
  version: "1",
  columns: ["equity", "status"],
};
const clocks = (link: number | null, market = 100): Clocks => ({
  market_ms: 0,
  engine_ms: 0,
  score_ms: 0,
  market_age_ms: market,
  engine_age_ms: 3,
  link_age_ms: link,
});
const snap = (seq: number, link: number | null = 0): Snap => ({
  type: "snap",
  seq,
  who: [
    ["main", "S", "ma", "main", true],
    ["a", "S", "ma", "grid", false],
  ],
  rows: [
    [100, 0],
    [200, 0],
  ],
  status: { phase: "running", halted: null, trades: 1 },
  clocks: clocks(link),
});
const delta = (seq: number, equity: number): Delta => ({
  type: "d",
  seq,
  rows: [[1, equity, 2]],
  clocks: clocks(0),
});

beforeEach(() => store.forget());

describe("frames", () => {
  test("a delta changes the rows it names and no other", () => {
    store.apply(hello, 1000);
    store.apply(snap(5), 1000);
    expect(store.apply(delta(6, 201), 1250)).toBe(false);
    expect(store.rowOf("a")?.of("equity")).toBe(201);
    expect(store.rowOf("a")?.status).toBe("paused");
    expect(store.rowOf("main")?.of("equity")).toBe(100);
  });

  test("a gap asks for a snapshot and changes nothing", () => {
    store.apply(hello, 1000);
    store.apply(snap(5), 1000);
    expect(store.apply(delta(7, 999), 1250)).toBe(true);
    expect(store.rowOf("a")?.of("equity")).toBe(200);
    expect(store.gaps.value).toBe(1);
    expect(store.apply(snap(9), 1500)).toBe(false);
    expect(store.apply(delta(10, 202), 1750)).toBe(false);
  });

  test("a delta's report is merged with what was known", () => {
    store.apply(hello, 1000);
    store.apply(snap(5), 1000);
    store.apply({ ...delta(6, 1), status: { trades: 2 } }, 1250);
    expect(store.status.value).toMatchObject({ phase: "running", trades: 2 });
  });

  test("a snapshot of the same people keeps their rows and trends", () => {
    store.apply(hello, 1000);
    store.apply(snap(5), 1000);
    const row = store.rowOf("a");
    store.apply(snap(8), 3000);
    expect(store.rowOf("a")).toBe(row);
    expect(row?.trend.length).toBe(2);
  });
});

describe("what is said of the connection", () => {
  function at(ms: number): string {
    store.now.value = ms;
    return store.condition.value;
  }

  test("without an engine behind it, it connects: a snapshot of nothing is not an empty run", () => {
    store.apply(hello, 1000);
    store.apply(snap(0, null), 1000);
    expect(at(1000)).toBe("connecting");
    expect(store.writable.value).toBe(false);
  });

  test("heartbeats of the service are no news of the engine", () => {
    store.apply(hello, 1_000_000);
    store.apply(snap(5), 1_000_000);
    store.phase.value = "open";
    expect(at(1_000_000)).toBe("live");
    store.apply({ type: "hb", server_ms: 0, clocks: clocks(3500) }, 1_003_500);
    expect(at(1_003_500)).toBe("stale link");
    expect(store.writable.value).toBe(false);
    expect(store.dimmed.value).toBe(true);
  });

  test("a silent market is not a silent link", () => {
    store.apply(hello, 1_000_000);
    store.apply({ ...snap(5), clocks: clocks(0, 5100) }, 1_000_000);
    store.phase.value = "open";
    expect(at(1_000_000)).toBe("stale market");
    expect(store.writable.value).toBe(true);
  });

  test("the engine's age grows while nothing of it comes", () => {
    store.apply(hello, 1_000_000);
    expect(store.engineAge.value).toBe(null);
    store.apply(snap(5), 1_000_000);
    expect(store.engineAge.value).toBe(3);
    store.now.value = 1_002_600;
    expect(store.engineAge.value).toBe(2603);
    store.apply({ type: "hb", server_ms: 0, clocks: clocks(2700) }, 1_002_700);
    expect(store.engineAge.value).toBe(2703);
  });

  test("a clock of the market a minute away, or a past played again, is another clock", () => {
    const said = (market_ms: number): Snap => ({ ...snap(5), clocks: { ...clocks(0, 100), market_ms } });
    store.apply(hello, 10_000_000);
    store.apply(said(9_999_900), 10_000_000);
    expect(store.apart.value).toBe(false);
    expect(store.marketAhead.value).toBe(0);
    store.apply(said(10_061_000), 10_000_000);
    expect(store.apart.value).toBe(true);
    store.apply({ ...hello, mode: "replay" }, 10_000_000);
    store.apply(said(9_999_900), 10_000_000);
    expect(store.apart.value).toBe(true);
  });

  test("another version of the service turns changes off", () => {
    store.apply(hello, 1_000_000);
    store.apply(snap(5), 1_000_000);
    store.phase.value = "open";
    store.apply({ ...hello, version: "2" }, 1_000_100);
    expect(store.outdated.value).toBe(true);
    expect(store.writable.value).toBe(false);
  });

  test("a halt is told by its frame, and by the report until that comes", () => {
    store.apply(hello, 1000);
    store.apply({ ...snap(5), status: { halted: "halt" } }, 1000);
    expect(store.halted.value).toBe(true);
    store.apply({ type: "halt", halted: false, mode: "" }, 1100);
    expect(store.halted.value).toBe(false);
  });
});
