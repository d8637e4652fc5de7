/** The emergency stop: one click and Enter, or Shift+X and Enter; it says what was seen, no more. */

import { signal } from "@preact/signals";
import { createRef } from "preact";
import { NONE, count, fixed } from "../format";
import { type Word, answer, clear, stop } from "../state/stopping";
import { halt, halted, mode, rows, stale, status } from "../state/store";
import type { Stopped } from "../wire";
import { Copy } from "./copy";

const WORD = "FLATTEN";

const dialog = createRef<HTMLDialogElement>();
const button = createRef<HTMLButtonElement>();
const field = createRef<HTMLInputElement>();
const word = signal("");

/** At once, not with the next frame: an Enter may follow within the same millisecond. */
export function openStop(): void {
  if (!dialog.current || dialog.current.open) return;
  dialog.current.showModal();
  button.current?.focus();
  clear();
  word.value = "";
}

/** The same, where the word is typed. */
export function openFlatten(): void {
  openStop();
  field.current?.focus();
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

export function StopDialog() {
  const past = mode.value === "replay";
  const found = answer.value?.word;
  return (
    <dialog ref={dialog} class="stopping" aria-labelledby="stop-title">
      <h2 id="stop-title">{halted.value ? "Trading is stopped" : "Stop all trading?"}</h2>
      {past ? (
        <p>This is a replay of what has happened: there is nothing to stop.</p>
      ) : halted.value ? (
        <p data-testid="second-stop">
          A second halt asks everybody again and is written down once more; it opens and closes nothing.{" "}
          {halt.value?.mode === "halt_and_flatten"
            ? "What was open is being closed at market."
            : "To close what is open, flatten below."}
        </p>
      ) : (
        <p>
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
          {halted.value ? "Halt once more" : "Halt now (keep positions)"}
        </button>
      </p>
      <div class="flatten">
        <label for="flatten-word">To close every position at market as well, type {WORD}</label>
        <input
          ref={field}
          id="flatten-word"
          autocomplete="off"
          value={word.value}
          disabled={past}
          onInput={(event) => (word.value = event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.repeat || event.isComposing || word.value !== WORD) return;
            event.preventDefault();
            void stop("halt_and_flatten");
          }}
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
        {found && <Said word={found} />}
      </div>
      {found?.kind === "said" && <OpenNow said={found.said} />}
      <p>
        <button type="button" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </p>
    </dialog>
  );
}

function Said({ word }: { word: Word }) {
  switch (word.kind) {
    case "asking":
      return word.silent ? <Terminal why="No answer after 2 s; still waiting." /> : <p>Stopping…</p>;
    case "failed":
      return <Terminal why={`Not confirmed: ${word.why}.`} />;
    case "said":
      return <Result said={word.said} seen_ms={word.seen_ms} />;
  }
}

/** A number that nobody may have said. */
function many(n: number | null, noun: string): string {
  return n === null ? `${NONE} ${noun}s` : count(n, noun);
}

/** After the answer, until nothing is open: closing takes longer than stopping. */
function OpenNow({ said }: { said: Stopped }) {
  if (said.mode !== "halt_and_flatten") return null;
  const open = status.value.positions;
  return (
    <p role="status" data-testid="open-now">
      {open === undefined || stale.value
        ? "How many positions are open now is not known: nothing is heard of the engine."
        : open
          ? `${count(open, "position")} open now; closing at market.`
          : "0 positions open now: all are closed."}
    </p>
  );
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
  const flat = said.mode === "halt_and_flatten";
  const whole = said.latched && !missing.length && !said.errors.length;
  return (
    <div class={whole ? "good" : "bad"}>
      <p>
        <strong>{whole ? "Halted" : "NOT fully halted"}</strong> in {fixed(said.took_ms, 0)} ms (seen here
        after {fixed(seen_ms, 0)} ms): {many(said.variants_stopped, "variant")} stopped,{" "}
        {many(said.positions_open, "position")} open{flat ? " at that moment" : ""}.
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
