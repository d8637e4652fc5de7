/** The socket: a ticket, a connection, and another after each that ends. */

import type { Frame } from "../wire";
import { Refused, post } from "./api";
import { apply, attempt, now, phase, reconnects } from "./store";

const FIRST_MS = 500;
const MOST_MS = 10_000;
const BEAT_MS = 250;
const RESYNC_MS = 1000;
/** A socket that says nothing for so long is given up. */
const DEAD_MS = 10_000;
/** "Try again later": the service was behind, or full. */
const LATER = 1013;

let socket: WebSocket | null = null;
let failures = 0;
let timer = 0;
let asked = 0;
let heard = 0;
/** One ticket is asked for at a time: of two sockets both would be listened to. */
let asking = false;
let again = false;

/** Twice as long each time, never quite the same for two pages. */
export function delay(tries: number, chance: number): number {
  return Math.min(MOST_MS, FIRST_MS * 2 ** tries) * (0.5 + chance / 2);
}

export function start(): void {
  setInterval(beat, BEAT_MS);
  addEventListener("online", () => retry());
  void connect();
}

function beat(): void {
  now.value = Date.now();
  if (socket?.readyState === WebSocket.OPEN && heard && Date.now() - heard > DEAD_MS) socket.close();
}

/** Do not wait for the next try; if one is under way and fails, another follows at once. */
export function retry(): void {
  if (socket) return;
  again = asking;
  void connect();
}

async function connect(): Promise<void> {
  if (asking || socket) return;
  clearTimeout(timer);
  asking = true;
  await ticketed();
  asking = false;
  if (!again || socket) return;
  again = false;
  void connect();
}

/** A socket, if there is a ticket for one. */
async function ticketed(): Promise<void> {
  try {
    const { ticket } = await post<{ ticket: string }>("/api/ticket", {
      signal: AbortSignal.timeout(MOST_MS),
    });
    open(ticket);
  } catch (error) {
    if (error instanceof Refused && error.status === 401) return;
    later(error instanceof Refused && error.status === 503 ? 3 : 0);
  }
}

function open(ticket: string): void {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const own = new WebSocket(`${scheme}//${location.host}/ws`, ["liveopt", `ticket.${ticket}`]);
  socket = own;
  heard = Date.now();
  own.onmessage = (event: MessageEvent<string>) => {
    heard = Date.now();
    const frame = JSON.parse(event.data) as Frame;
    if (apply(frame, heard)) resync(own);
    if (frame.type === "snap") {
      failures = 0;
      asked = 0;
      phase.value = "open";
    }
  };
  own.onclose = (event) => {
    if (socket !== own) return;
    socket = null;
    reconnects.value += 1;
    later(event.code === LATER ? 3 : 0);
  };
}

/** Ask once; until the snapshot comes more frames may follow that do not fit. */
function resync(own: WebSocket): void {
  if (Date.now() - asked < RESYNC_MS) return;
  asked = Date.now();
  own.send('{"resync":true}');
}

function later(least: number): void {
  const wait = delay(Math.max(failures, least), Math.random());
  failures += 1;
  attempt.value = { number: failures, at: Date.now() + wait };
  // who has to sign in goes on being asked to until there is a socket
  if (phase.value !== "unauthorised" && (phase.value !== "connecting" || failures > 1))
    phase.value = "reconnecting";
  clearTimeout(timer);
  timer = window.setTimeout(() => void connect(), wait);
}
