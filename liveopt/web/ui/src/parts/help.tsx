/** The keys. */

import { signal, useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";

export const helping = signal(false);

const KEYS: [string, string][] = [
  ["Shift+X", "emergency stop; Enter halts"],
  ["/", "search"],
  ["j k ↓ ↑", "select the next or the one before"],
  ["Enter", "open the selected variant"],
  ["c", "mark the selected to compare"],
  ["Shift+C", "compare the marked"],
  ["f", "freeze the order"],
  ["g l", "Live"],
  ["g p", "Promotions"],
  ["g t", "Trades"],
  ["g j", "Jobs"],
  ["g s", "System"],
  ["g a", "Alerts"],
  ["?", "this help"],
];

export function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  useSignalEffect(() => {
    if (helping.value) dialog.current?.showModal();
    else dialog.current?.close();
  });
  return (
    <dialog ref={dialog} aria-labelledby="help-title" onClose={() => (helping.value = false)}>
      <h2 id="help-title">Keys</h2>
      <dl class="facts keys">
        {KEYS.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p>
        <button type="button" onClick={() => (helping.value = false)}>
          Close
        </button>
      </p>
    </dialog>
  );
}
