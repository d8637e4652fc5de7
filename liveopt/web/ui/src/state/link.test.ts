import { afterEach, beforeEach, expect, test, vi } from "vitest";

/** The browser's part: what it asked for, and what it is answered when a test says so. */
class Pipe {
  static readonly OPEN = 1;
  static made: Pipe[] = [];
  readyState = Pipe.OPEN;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;

  constructor(
    readonly url: string,
    readonly protocols: string[],
  ) {
    Pipe.made.push(this);
  }
}

let asked: ((answer: Response) => void)[] = [];
let heads: Record<string, string>[] = [];
const ticket = (word: string) => new Response(JSON.stringify({ ticket: word }), { status: 201 });
const refusal = () => new Response(JSON.stringify({ error_code: "MISSING_API_KEY" }), { status: 401 });

async function fresh() {
  vi.resetModules();
  const [link, store, secret] = [await import("./link"), await import("./store"), await import("./secret")];
  return { ...link, ...store, ...secret, ...(await import("./session")) };
}

const settled = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  [Pipe.made, asked, heads] = [[], [], []];
  const there = new Map<string, string>();
  vi.stubGlobal("localStorage", {
    getItem: (name: string) => there.get(name) ?? null,
    setItem: (name: string, value: string) => there.set(name, value),
    removeItem: (name: string) => there.delete(name),
  });
  vi.stubGlobal("WebSocket", Pipe);
  vi.stubGlobal("window", globalThis);
  vi.stubGlobal("addEventListener", () => undefined);
  vi.stubGlobal("location", { protocol: "http:", host: "127.0.0.1:8787" });
  vi.stubGlobal("fetch", (_: string, how: { headers: Record<string, string> }) => {
    heads.push(how.headers);
    return new Promise<Response>((answer) => asked.push(answer));
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test("however often a try is asked for while one is under way, there is one socket", async () => {
  const { start, retry } = await fresh();
  start();
  retry();
  retry();
  expect(asked).toHaveLength(1);
  asked[0]?.(ticket("first"));
  await settled();
  expect(Pipe.made.map((one) => one.protocols)).toEqual([["liveopt", "ticket.first"]]);
  retry();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(asked).toHaveLength(1);
  expect(Pipe.made).toHaveLength(1);
});

test("a try that was asked for while another failed is made at once", async () => {
  const { start, retry, phase } = await fresh();
  start();
  retry();
  asked[0]?.(refusal());
  await settled();
  expect(phase.value).toBe("unauthorised");
  expect(asked).toHaveLength(2);
  asked[1]?.(ticket("second"));
  await settled();
  expect(Pipe.made).toHaveLength(1);
});

test("after a refusal nobody asks until somebody signs in", async () => {
  const { start, retry } = await fresh();
  start();
  asked[0]?.(refusal());
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toHaveLength(1);
  retry();
  expect(asked).toHaveLength(2);
});

test("a socket that is closed is followed by one, and who has to sign in stays asked to", async () => {
  const { start, phase } = await fresh();
  start();
  asked[0]?.(ticket("first"));
  await settled();
  phase.value = "unauthorised";
  Pipe.made[0]?.onclose?.({ code: 1008 });
  expect(phase.value).toBe("unauthorised");
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked).toHaveLength(2);
  asked[1]?.(refusal());
  await vi.advanceTimersByTimeAsync(60_000);
  expect([asked.length, Pipe.made.length, phase.value]).toEqual([2, 1, "unauthorised"]);
});

test("what the page keeps of its session goes with each request, and with none once it is over", async () => {
  const { start, retry, keep, secret } = await fresh();
  keep("word");
  expect(secret()).toBe("word");
  start();
  asked[0]?.(refusal());
  await settled();
  keep("");
  retry();
  expect(heads.map((one) => one["X-Liveopt"])).toEqual(["word", undefined]);
});

test("a word that is good becomes what the page keeps, and a wrong one ends nothing", async () => {
  const { exchange, phase, secret, end } = await fresh();
  phase.value = "open";
  const good = exchange("word");
  asked[0]?.(new Response(JSON.stringify({ secret: "kept" }), { status: 201 }));
  await good;
  expect(secret()).toBe("kept");
  const wrong = exchange("wrong");
  asked[1]?.(refusal());
  await expect(wrong).rejects.toMatchObject({ status: 401 });
  expect([secret(), phase.value]).toEqual(["kept", "open"]);
  const over = end();
  asked[2]?.(new Response("{}"));
  await over;
  expect(secret()).toBe("");
});

test("where storage is forbidden it holds for this visit", async () => {
  const forbidden = () => {
    throw new DOMException("no", "SecurityError");
  };
  vi.stubGlobal("localStorage", { getItem: forbidden, setItem: forbidden, removeItem: forbidden });
  const { keep, secret } = await fresh();
  keep("word");
  expect(secret()).toBe("word");
  keep("");
  expect(secret()).toBe("");
});
