/**
 * What this page keeps of its session beside the cookie, and shows with each request. A cookie goes to
 * every port of a host; what is kept here, to pages of this very origin alone.
 */

const KEY = "liveopt.session";
/** Where storage is forbidden it holds for this visit. */
let own = "";

export function secret(): string {
  try {
    return localStorage.getItem(KEY) ?? "";
  } catch {
    return own;
  }
}

/** Nothing, once the session is over. */
export function keep(word: string): void {
  own = word;
  try {
    if (word) localStorage.setItem(KEY, word);
    else localStorage.removeItem(KEY);
  } catch {
    // `own` has it
  }
}
