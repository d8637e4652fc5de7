/** An act that wants a reason: a button, a dialog, and what came of it. */

import { type ComponentChildren } from "preact";
import { useId, useRef, useState } from "preact/hooks";
import { reason } from "../state/api";
import { writable } from "../state/store";
import { useAct } from "./use";

interface Wanted {
  name: string;
  question: string;
  off?: boolean;
  /** Does it, and says what happened. */
  act: (reason: string) => Promise<string>;
  /** What somebody should know before. */
  children?: ComponentChildren;
}

export function Confirm({ name, question, off = false, act, children }: Wanted) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  const [why, type] = useState("");
  const [failed, fail] = useState("");
  const doing = useAct();
  const open = () => {
    fail("");
    dialog.current?.showModal();
  };
  const go = () =>
    doing.act(async () => {
      fail("");
      try {
        const said = await act(why.trim());
        dialog.current?.close();
        return said;
      } catch (error) {
        fail(`Failed: ${reason(error)}`);
        return "";
      }
    });
  return (
    <>
      <button type="button" disabled={off || !writable.value} onClick={open}>
        {name}…
      </button>
      <span role="status">{doing.said}</span>
      <dialog ref={dialog} aria-labelledby={`${id}-title`}>
        <h2 id={`${id}-title`}>{question}</h2>
        {children}
        <p>
          <label for={`${id}-why`}>Why? (the journal keeps it)</label>
          <input
            id={`${id}-why`}
            value={why}
            maxLength={200}
            onInput={(event) => type(event.currentTarget.value)}
          />
        </p>
        <p class="bad" role="alert">
          {failed}
        </p>
        <p class="row">
          <button
            type="button"
            class="primary"
            disabled={!why.trim() || doing.busy || !writable.value}
            onClick={go}
          >
            {name}
          </button>
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
        </p>
      </dialog>
    </>
  );
}
