/** An act that asks once more, without a reason: a button, a dialog, and what came of it. */

import { useId, useRef } from "preact/hooks";
import { writable } from "../state/store";
import { useAct } from "./use";

interface Wanted {
  name: string;
  question: string;
  /** Does it, and says what happened. */
  act: () => Promise<string>;
}

export function Ask({ name, question, act }: Wanted) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  const doing = useAct();
  const go = () =>
    doing.act(async () => {
      const said = await act();
      dialog.current?.close();
      return said;
    });
  return (
    <>
      <button type="button" disabled={!writable.value} onClick={() => dialog.current?.showModal()}>
        {name}…
      </button>
      <span role="status">{doing.said}</span>
      <dialog ref={dialog} aria-labelledby={`${id}-title`}>
        <h2 id={`${id}-title`}>{question}</h2>
        <p class="bad">{doing.said}</p>
        <p class="row">
          <button type="button" class="primary" disabled={doing.busy || !writable.value} onClick={go}>
            {name}
          </button>
          <button type="button" onClick={() => dialog.current?.close()}>
            Back
          </button>
        </p>
      </dialog>
    </>
  );
}
