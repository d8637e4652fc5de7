import { beforeEach, describe, expect, test } from "vitest";
import type { Alert, Clocks, Delta, Hello, Job, Snap, Trade } from "../wire";
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
    const said = (market_ms: number): Snap => ({
      ...snap(5),
      clocks: { ...clocks(7, 100), market_ms, engine_ms: 9_999_990 },
    });
    store.apply(hello, 10_000_000);
    store.apply(said(9_999_900), 10_000_000);
    expect(store.apart.value).toBe(false);
    expect(store.marketAhead.value).toBe(0);
    store.apply(said(9_999_900), 10_090_000);
    expect([store.apart.value, store.marketAhead.value]).toEqual([false, 0]); // of a browser that is off
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

describe("the trade tape", () => {
  const trade = (n: number): Trade => ({
    id: `${1_760_000_000_000_000_000n + BigInt(n)}.0.${n}`,
    at_ns: 1.76e18 + n,
    variant: "a",
    symbol: "S",
    side: "long",
    size: 1,
    entry_price: 1,
    exit_price: 1,
    net: 0,
    roi: 0,
    reason: "exit",
  });
  const ids = () => store.tape.value.map((one) => one.id);
  const some = (...ns: number[]) => ns.map(trade);

  test("has each trade once, the newest first, whoever told of it in whatever order", () => {
    store.apply(hello, 1000);
    store.apply(snap(5), 1000);
    store.apply({ ...delta(6, 1), trades: some(1, 2) }, 1250);
    store.takeTrades(some(4, 3, 2, 1));
    store.apply({ ...delta(7, 1), trades: some(4, 5) }, 1500);
    expect(ids()).toEqual(some(5, 4, 3, 2, 1).map((one) => one.id));
  });

  test("keeps what is new of an answer when it is full", () => {
    store.takeTrades(Array.from({ length: 200 }, (_, n) => trade(n)));
    store.takeTrades(some(302, 301, 300));
    expect(ids()).toHaveLength(200);
    expect(ids().slice(0, 4)).toEqual(some(302, 301, 300, 199).map((one) => one.id));
  });

  test("a snapshot, also after a gap, is counted: it has no trades, and they are asked for", () => {
    store.apply(hello, 1000);
    store.apply(snap(5), 1000);
    store.phase.value = "open";
    expect(store.apply(delta(7, 999), 1250)).toBe(true);
    store.apply(snap(9), 1500);
    expect(store.snaps.value).toBe(2);
  });
});

describe("what the API says beside the frames", () => {
  const alert = (id: string, what: Partial<Alert> = {}): Alert => ({
    id,
    code: "c",
    severity: "critical",
    text: id,
    first_ms: 1,
    last_ms: 10,
    count: 1,
    active: true,
    ...what,
  });
  const seen = () => Object.fromEntries([...store.alerts.value].map(([id, one]) => [id, one.active]));

  test("an answer asked for before an alert was over does not raise it again", () => {
    store.apply(hello, 1000);
    store.apply({ type: "alert", ...alert("x", { active: false }) }, 1000);
    store.takeAlerts([alert("x")]);
    expect(seen()).toEqual({ x: false });
    store.takeAlerts([alert("x", { last_ms: 11 })]);
    expect(seen()).toEqual({ x: true });
  });

  test("an alert that another service told of and this one does not know is gone", () => {
    store.apply(hello, 1000);
    store.apply({ type: "alert", ...alert("x") }, 1000);
    store.apply({ ...hello, boot_id: "c" }, 2000);
    store.apply({ type: "alert", ...alert("y") }, 2000);
    store.takeAlerts([alert("z")]);
    expect(seen()).toEqual({ y: true, z: true });
  });

  test("acknowledged alerts stand, and nobody is asked to look at them", () => {
    store.takeAlerts([alert("x", { acknowledged_by: "me" }), alert("y", { active: false })]);
    expect(store.standing.value.map((one) => one.id)).toEqual(["x"]);
    expect(store.openAlerts.value).toEqual([]);
  });

  test("a frame of a job counts where it came after the answer was asked for", () => {
    const job = (status: string): Job => ({ id: "j", status });
    store.apply({ type: "job", ...job("running") }, 2000);
    expect(store.newest(job("completed"), 2001).status).toBe("completed");
    expect(store.newest(job("queued"), 1999).status).toBe("running");
  });
});
