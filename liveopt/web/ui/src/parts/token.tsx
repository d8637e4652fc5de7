/** Whoever is not signed in gives the one-time token that was printed. */

import { useState } from "preact/hooks";
import { reason } from "../state/api";
import { exchange, tokenOf } from "../state/session";
import { retry } from "../state/link";
import { known, phase } from "../state/store";

export function TokenForm() {
  const [token, type] = useState("");
  const [said, say] = useState("");
  const send = async () => {
    const text = token.trim();
    try {
      await exchange(text.includes("#") ? (tokenOf(text.slice(text.indexOf("#"))) ?? text) : text);
      phase.value = known.peek() ? "open" : "connecting";
      type("");
      say("Signed in");
      retry();
    } catch (error) {
      say(`Not signed in: ${reason(error)}`);
    }
  };
  return (
    <form
      class="tools"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <label>
        Token, or the whole address that was printed{" "}
        <input
          type="password"
          autocomplete="off"
          value={token}
          onInput={(event) => type(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="primary" disabled={!token.trim()}>
        Sign in
      </button>
      <span role="status">{said}</span>
    </form>
  );
}

/** The page is kept; nothing can be asked for. */
export function TokenPrompt() {
  if (phase.value !== "unauthorised") return null;
  return (
    <section class="panel prompt" data-testid="token" aria-labelledby="token-title">
      <h2 id="token-title">Not signed in</h2>
      <p>
        The session is over, or there was none. <code>liveopt run</code> prints an address with a token that
        works once; <code>liveopt link</code> prints a new address. Programs have an API
        key instead: <code>liveopt keys create NAME</code>.
      </p>
      <TokenForm />
    </section>
  );
}
