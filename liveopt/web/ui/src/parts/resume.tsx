/** After a halt: who, when and why; and the way back, for whoever gives a reason. */

import { effect, signal } from "@preact/signals";
import { useRef, useState } from "preact/hooks";
import { fromNs, moment } from "../format";
import { Refused, post, reason } from "../state/api";
import { halt, halted, status, writable } from "../state/store";
import type { Check, Resumed, RunReport } from "../wire";
import { openFlatten } from "./stop";
import { useGet } from "./use";

const ASKING = "Asking…";
const WANTED = "Not resumed: a reason is wanted first; the journal keeps it.";

/** What a resume left open. Its dialog goes with the halt, and the stream may tell of that before the answer. */
const missed = signal("");
effect(() => {
  if (halted.value) missed.value = "";
});

function Missed() {
  if (!missed.value) return null;
  return (
    <div class="banner warn" data-testid="missed">
      <span role="alert">▲ {missed.value}</span>
      <button type="button" onClick={() => (missed.value = "")}>
        Dismiss
      </button>
    </div>
  );
}

export function HaltBanner() {
  const dialog = useRef<HTMLDialogElement>(null);
  if (!halted.value) return <Missed />;
  const said = halt.value;
  const how = said?.mode ?? status.value.halted;
  return (
    <div class="banner halted" data-testid="halted">
      <span role="alert">
        <strong>■ HALTED</strong> No variant opens a position
        {how === "halt_and_flatten" ? "; what is open is closed at market" : ""}.
        {said?.by ? ` By ${said.by}` : ""}
        {said?.at_ns ? ` at ${moment(fromNs(said.at_ns))}` : ""}
        {said?.reason ? `: ${said.reason}` : ""}
        {said?.acknowledged === false ? " NOT acknowledged by the engine yet." : ""}
      </span>
      {how !== "halt_and_flatten" && (
        <button type="button" onClick={openFlatten}>
          Flatten…
        </button>
      )}
      <button
        type="button"
        data-testid="resume"
        disabled={!writable.value}
        onClick={() => dialog.current?.showModal()}
      >
        Resume…
      </button>
      <ResumeDialog dialog={dialog} />
    </div>
  );
}

function ResumeDialog({ dialog }: { dialog: { current: HTMLDialogElement | null } }) {
  const [why, type] = useState("");
  const [said, say] = useState("");
  const [checks, found] = useState<Check[]>([]);
  // The halt that the banner showed: one that comes while somebody types is not ended unseen.
  const [number, name] = useState<number | undefined>(undefined);
  const resume = async () => {
    say(ASKING);
    try {
      const body = { reason: why.trim(), number };
      const answer = await post<Resumed>("/api/optimizer/resume", { body });
      const missing = answer.not_acknowledged ?? [];
      missed.value = missing.length ? `Resumed; no answer from ${missing.join(", ")}` : "";
      say(missed.value || "Resumed");
      if (!missing.length) dialog.current?.close();
    } catch (error) {
      const told = error instanceof Refused ? (error.body as Resumed | null) : null;
      if (told) found(told.checks ?? []);
      say(`Not resumed: ${told?.errors?.join("; ") || reason(error)}`);
    }
  };
  const asking = said === ASKING;
  const entered = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.repeat || event.isComposing) return;
    event.preventDefault();
    if (asking) return;
    if (!why.trim()) say(WANTED);
    else if (writable.value) void resume();
    else say("Not resumed: this page does not hear the service now.");
  };
  const [open, look] = useState(false);
  const toggled = (now: boolean) => {
    look(now);
    if (now) name(halt.value?.number ?? undefined);
  };
  const report = useGet<RunReport>(open ? "/api/v1/run" : null);
  const shown = checks.length ? checks : (report.data?.guard?.checks ?? []);
  return (
    <dialog ref={dialog} aria-labelledby="resume-title" onToggle={(event) => toggled(event.currentTarget.open)}>
      <h2 id="resume-title">Let variants trade again?</h2>
      {shown.length > 0 && (
        <ul class="checks">
          {shown.map((check) => (
            <li key={check.name}>
              {check.ok ? "✓" : "✗"} {check.name}
              {check.why ? `: ${check.why}` : ""}
            </li>
          ))}
        </ul>
      )}
      <p>
        <label for="resume-why">Why is it safe again? (the journal keeps it)</label>
        <input
          id="resume-why"
          value={why}
          maxLength={200}
          aria-describedby="resume-hint"
          onKeyDown={entered}
          onInput={(event) => {
            type(event.currentTarget.value);
            if (said === WANTED) say("");
          }}
        />
        <span id="resume-hint" class="muted small">
          {why.trim() ? "Enter resumes." : "Resume is open to whoever gives a reason: a few words do."}
        </span>
      </p>
      <p role="status">{said}</p>
      <p class="row">
        <button
          type="button"
          class="primary"
          disabled={!why.trim() || asking || !writable.value}
          onClick={() => void resume()}
        >
          Resume
        </button>
        <button type="button" onClick={() => dialog.current?.close()}>
          Cancel
        </button>
      </p>
    </dialog>
  );
}
