/** Requests to the service: JSON, never from a cache, each with what shows that it is this page's own. */

import { secret } from "./secret";
import { outdated, phase } from "./store";
import type { Failure } from "../wire";

export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly body: unknown,
  ) {
    super(message);
  }
}

interface Wish {
  body?: unknown;
  key?: string;
  signal?: AbortSignal;
}

/** The answer of a successful request; 207 counts as one, and its body says what is missing. */
export async function get<T>(path: string, wish: Wish = {}): Promise<T> {
  return (await ask<T>("GET", path, wish)).body;
}

export async function post<T>(path: string, wish: Wish = {}): Promise<T> {
  return (await ask<T>("POST", path, wish)).body;
}

export async function remove<T>(path: string, wish: Wish = {}): Promise<T> {
  return (await ask<T>("DELETE", path, wish)).body;
}

export async function ask<T>(method: string, path: string, wish: Wish): Promise<{ status: number; body: T }> {
  const headers: Record<string, string> = { Accept: "application/json" };
  const word = secret();
  if (word) headers["X-Liveopt"] = word;
  if (method !== "GET") {
    headers["Content-Type"] = "application/json";
    if (wish.key) headers["Idempotency-Key"] = wish.key;
  }
  const answer = await fetch(path, {
    method,
    headers,
    body: method === "GET" ? null : JSON.stringify(wish.body ?? {}),
    credentials: "same-origin",
    cache: "no-store",
    signal: wish.signal ?? null,
  });
  const body: unknown = await answer.json().catch(() => null);
  if (answer.status === 401 && path !== "/api/session") phase.value = "unauthorised";
  if (!answer.ok) throw refused(answer.status, body);
  return { status: answer.status, body: body as T };
}

function refused(status: number, body: unknown): Refused {
  const said = (body ?? {}) as Partial<Failure> & { error?: string };
  const message = said.error_message ?? said.error ?? `the service answered ${status}`;
  return new Refused(status, said.error_code ?? String(status), message, body);
}

/** A key of its own for each act, so that a repeated request is not a second act. */
export function freshKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Why it did not work, for people. */
export function reason(error: unknown): string {
  if (error instanceof Refused) return error.message;
  if (error instanceof DOMException && error.name === "AbortError") return "no answer in time";
  return outdated.value ? "this page is older than the service" : "the service does not answer";
}
