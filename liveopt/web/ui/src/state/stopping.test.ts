import { beforeEach, expect, test, vi } from "vitest";
import type { Stopped } from "../wire";

let asked: { mode: string; answer: (with_: Response) => void; fail: (why: Error) => void }[] = [];

const halted = (mode: string): Response => {
  const said: Stopped = {
    latched: true,
    mode,
    number: 1,
    seq: 1,
    took_ms: 5,
    variants_stopped: 2,
    positions_open: 0,
    not_acknowledged: [],
    errors: [],
  };
  return new Response(JSON.stringify(said));
};

async function fresh() {
  vi.resetModules();
  return import("./stopping");
}

const settled = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  asked = [];
  vi.useFakeTimers();
  vi.stubGlobal("fetch", (_: string, how: { body: string }) => {
    const { mode } = JSON.parse(how.body) as { mode: string };
    return new Promise<Response>((answer, fail) => asked.push({ mode, answer, fail }));
  });
  return () => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  };
});

const modes = () => asked.map((one) => one.mode);

test("a flatten is sent although a halt is not answered yet, and its answer is the one that stays", async () => {
  const { stop, answer } = await fresh();
  void stop("halt");
  void stop("halt_and_flatten");
  expect(modes()).toEqual(["halt", "halt_and_flatten"]);
  asked[0]?.answer(halted("halt"));
  await settled();
  expect(answer.value).toMatchObject({ order: "halt_and_flatten", word: { kind: "asking" } });
  asked[1]?.answer(halted("halt_and_flatten"));
  await settled();
  expect(answer.value?.word).toMatchObject({ kind: "said", said: { mode: "halt_and_flatten" } });
});

test("a held key asks once, and nothing weaker is asked while something stronger is", async () => {
  const { stop } = await fresh();
  void stop("halt_and_flatten");
  void stop("halt_and_flatten");
  void stop("halt");
  expect(modes()).toEqual(["halt_and_flatten"]);
});

test("what goes unanswered for two seconds is said and may be asked again; who fails late changes nothing", async () => {
  const { stop, answer } = await fresh();
  void stop("halt");
  await vi.advanceTimersByTimeAsync(2000);
  expect(answer.value?.word).toEqual({ kind: "asking", silent: true });
  void stop("halt");
  expect(modes()).toEqual(["halt", "halt"]);
  asked[1]?.answer(halted("halt"));
  await settled();
  asked[0]?.fail(new TypeError("away"));
  await settled();
  expect(answer.value?.word.kind).toBe("said");
});

test("a flatten that is answered late is not hidden by a halt that was asked for meanwhile", async () => {
  const { stop, answer } = await fresh();
  void stop("halt_and_flatten");
  await vi.advanceTimersByTimeAsync(2000);
  void stop("halt");
  asked[0]?.answer(halted("halt_and_flatten"));
  await settled();
  asked[1]?.answer(halted("halt"));
  await settled();
  expect(answer.value?.word).toMatchObject({ kind: "said", said: { mode: "halt_and_flatten" } });
});

test("an answer that was cut off confirms nothing", async () => {
  const { stop, answer } = await fresh();
  void stop("halt");
  asked[0]?.answer(new Response('{"latched": tr'));
  await settled();
  expect(answer.value?.word).toEqual({ kind: "failed", why: "the answer was cut off" });
});

test("a dialog that is opened again still tells of what is under way", async () => {
  const { stop, answer, clear } = await fresh();
  void stop("halt");
  clear();
  expect(answer.value?.word.kind).toBe("asking");
  asked[0]?.answer(halted("halt"));
  await settled();
  clear();
  expect(answer.value).toBeNull();
});
