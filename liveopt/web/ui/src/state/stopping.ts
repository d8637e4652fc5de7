/** Orders to stop, and what is known of the one that counts. */

import { signal } from "@preact/signals";
import type { Stopped } from "../wire";
import { ask, freshKey, reason } from "./api";

/** How long nobody waits in silence. */
const SILENT_MS = 2000;

export type Order = "halt" | "halt_and_flatten";
const STRENGTH: Record<Order, number> = { halt: 1, halt_and_flatten: 2 };

export type Word =
  | { kind: "asking"; silent: boolean }
  | { kind: "said"; said: Stopped; seen_ms: number }
  | { kind: "failed"; why: string };

/** What is shown, and of which order; they are numbered as they were given. */
export const answer = signal<{ order: Order; number: number; word: Word } | null>(null);

let given = 0;

/** What has been answered is forgotten; what is under way is not. */
export function clear(): void {
  if (answer.peek()?.word.kind !== "asking") answer.value = null;
}

/** A held key asks once; a stronger order is given whatever is under way, and any that goes unanswered again. */
export async function stop(order: Order): Promise<void> {
  const there = answer.peek();
  const under = there?.word.kind === "asking" && !there.word.silent;
  if (under && STRENGTH[there.order] >= STRENGTH[order]) return;
  const number = ++given;
  const began = performance.now();
  answer.value = { order, number, word: { kind: "asking", silent: false } };
  const timer = setTimeout(() => tell(order, number, { kind: "asking", silent: true }), SILENT_MS);
  try {
    const body = { mode: order, reason: "dashboard" };
    const { body: said } = await ask<Stopped | null>("POST", "/api/optimizer/stop", { body, key: freshKey() });
    if (said) tell(order, number, { kind: "said", said, seen_ms: performance.now() - began });
    else tell(order, number, { kind: "failed", why: "the answer was cut off" });
  } catch (error) {
    tell(order, number, { kind: "failed", why: reason(error) });
  } finally {
    clearTimeout(timer);
  }
}

/** Nothing is said over a stronger order, or over one as strong that was given later. */
function tell(order: Order, number: number, word: Word): void {
  const there = answer.peek();
  const stronger = there ? STRENGTH[there.order] - STRENGTH[order] : 0;
  if (stronger > 0 || (stronger === 0 && there && there.number > number)) return;
  answer.value = { order, number, word };
}
