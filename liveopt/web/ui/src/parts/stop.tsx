/** The emergency stop: one click and Enter, or Shift+X and Enter; it says what was seen, no more. */

import { signal } from "@preact/signals";
import { createRef } from "preact";
import { count, figure, fixed } from "../format";
import { ask, freshKey, reason } from "../state/api";
import { halted, mode, rows } from "../state/store";
import type { Stopped } from "../wire";
import { Copy } from "./copy";

/** How long nobody waits in silence. */
const SILENT_MS = 2000;
const WORD = "FLATTEN";

const dialog = createRef<HTMLDialogElement>();
const button = createRef<HTMLButtonElement>();
const answer = signal<Answer>({ kind: "none" });
const word = signal("");

/** At once, not with the next frame: an Enter may follow within the same millisecond. */
export function openStop(): void {
  if (!dialog.current || dialog.current.open) return;
  dialog.current.showModal();
  button.current?.focus();
  answer.value = { kind: "none" };
  word.value = "";
}

export function StopButton() {
  return (
    <button
      type="button"
      class="stop"
      aria-label="Emergency stop"
      aria-haspopup="dialog"
      aria-keyshortcuts="Shift+X"
      data-testid="stop"
      onClick={openStop}
    >
      ■ <span class="emergency">EMERGENCY </span>STOP
    </button>
  );
}

type Answer =
  | { kind: "none" }
  | { kind: "asking"; silent: boolean }
  | { kind: "said"; said: Stopped; seen_ms: number }
  | { kind: "failed"; why: string };

/** One question at a time, unless it goes unanswered; a held key asks once. */
async function stop(wanted: "halt" | "halt_and_flatten"): Promise<void> {
  if (answer.value.kind === "asking" && !answer.value.silent) return;
  const began = performance.now();
  const own: Answer = { kind: "asking", silent: false };
  answer.value = own;
  const timer = setTimeout(() => {
    if (answer.value === own) answer.value = { kind: "asking", silent: true };
  }, SILENT_MS);
  try {
    const body = { mode: wanted, reason: "dashboard" };
    const found = await ask<Stopped>("POST", "/api/optimizer/stop", { body, key: freshKey() });
    answer.value = { kind: "said", said: found.body, seen_ms: performance.now() - began };
  } catch (error) {
    answer.value = { kind: "failed", why: reason(error) };
  } finally {
    clearTimeout(timer);
  }
}

export function StopDialog() {
  const past = mode.value === "replay";
  return (
    <dialog ref={dialog} class="stopping" aria-labelledby="stop-title">
      <h2 id="stop-title">Stop all trading?</h2>
      {past ? (
        <p>This is a replay of what has happened: there is nothing to stop.</p>
      ) : (
        <p>
          {halted.value ? "The run is halted already. " : ""}
          {count(rows.value.length, "variant")} open nothing from now on; pending orders are cancelled, exits
          stay allowed. It holds across restarts, until somebody resumes.
          {mode.value === "demo" ? " This is a demo: no exchange is involved." : ""}
        </p>
      )}
      <p>
        <button
          ref={button}
          type="button"
          class="danger large"
          data-testid="halt"
          disabled={past}
          onClick={() => void stop("halt")}
        >
          Halt now (keep positions)
        </button>
      </p>
      <div class="flatten">
        <label for="flatten-word">To close every position at market as well, type {WORD}</label>
        <input
          id="flatten-word"
          autocomplete="off"
          value={word.value}
          disabled={past}
          onInput={(event) => (word.value = event.currentTarget.value)}
        />
        <button
          type="button"
          class="danger"
          disabled={past || word.value !== WORD}
          onClick={() => void stop("halt_and_flatten")}
        >
          Halt and flatten
        </button>
      </div>
      <div role="alert" data-testid="stop-answer">
        <Said answer={answer.value} />
      </div>
      <p>
        <button type="button" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </p>
    </dialog>
  );
}

function Said({ answer }: { answer: Answer }) {
  switch (answer.kind) {
    case "none":
      return null;
    case "asking":
      return answer.silent ? <Terminal why="No answer after 2 s; still waiting." /> : <p>Stopping…</p>;
    case "failed":
      return <Terminal why={`Not confirmed: ${answer.why}.`} />;
    case "said":
      return <Result said={answer.said} seen_ms={answer.seen_ms} />;
  }
}

/** What works when this page does not. */
function Terminal({ why }: { why: string }) {
  return (
    <div class="bad">
      <p>
        <strong>{why}</strong> In a terminal on that machine:
      </p>
      <p>
        <Copy text="liveopt stop" />
      </p>
    </div>
  );
}

function Result({ said, seen_ms }: { said: Stopped; seen_ms: number }) {
  const missing = said.not_acknowledged;
  const whole = said.latched && !missing.length && !said.errors.length;
  return (
    <div class={whole ? "good" : "bad"}>
      <p>
        <strong>{whole ? "Halted" : "NOT fully halted"}</strong> in {fixed(said.took_ms, 0)} ms (seen here
        after {fixed(seen_ms, 0)} ms): {figure(said.variants_stopped)} variants stopped,{" "}
        {figure(said.positions_open)} positions open.
      </p>
      <p>
        {said.latched ? "Latched on disk." : "NOT latched on disk: it may not hold across a restart."}
        {said.seq === null ? "" : ` No entry after input ${fixed(said.seq, 0)}.`}
      </p>
      {missing.length > 0 && <p>No answer from: {missing.join(", ")}</p>}
      {said.errors.map((error) => (
        <p key={error}>{error}</p>
      ))}
      {!whole && <Terminal why="Make sure." />}
    </div>
  );
}
