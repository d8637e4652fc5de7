/** The one-time token of the address becomes a session; the address forgets it. */

import { post, remove } from "./api";
import { keep } from "./secret";

/** `#token=...`, `#t=...` or the bare token; null without one. */
export function tokenOf(fragment: string): string | null {
  const bare = fragment.replace(/^#/, "");
  if (!bare) return null;
  const found = new URLSearchParams(bare);
  const named = found.get("token") ?? found.get("t");
  if (named) return named;
  return /^[\w-]{16,}$/.test(bare) ? bare : null;
}

/** Says whether there is a session now; without a token there may be one already. */
export async function begin(): Promise<void> {
  const token = tokenOf(location.hash);
  if (token === null) return;
  history.replaceState(history.state, "", location.pathname + location.search);
  await exchange(token);
}

export async function exchange(token: string): Promise<void> {
  const { secret } = await post<{ secret: string }>("/api/session", { body: { token } });
  keep(secret);
}

/** Over, here and in this browser's other windows. */
export async function end(): Promise<void> {
  await remove("/api/session");
  keep("");
}
