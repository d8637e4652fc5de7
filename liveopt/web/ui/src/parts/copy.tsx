/** A command to be copied into a terminal. */

import { useState } from "preact/hooks";

export function Copy({ text, label = "Copy" }: { text: string; label?: string }) {
  const [said, say] = useState("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      say("Copied");
    } catch {
      say("Select it and copy by hand"); // forbidden, or no secure address
    }
  };
  return (
    <span class="copy">
      <code>{text}</code>{" "}
      <button type="button" onClick={copy}>
        {label}
      </button>{" "}
      <span role="status">{said}</span>
    </span>
  );
}
