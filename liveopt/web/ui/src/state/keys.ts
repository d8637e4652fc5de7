/** What keys do: single letters, never while somebody types or a dialog is open. */

import { mark, marked, pinned, selected, step } from "./board";
import { go, pageOf, place, variantPath } from "./route";
import { settings } from "./settings";

const PAGES: Record<string, string> = {
  l: "/",
  p: "/promotions",
  t: "/trades",
  j: "/jobs",
  s: "/system",
  a: "/alerts",
};
/** Where a letter is text. */
const TYPING = "textarea, input:not([type=checkbox])";
/** How long `g` waits for its page. */
const CHORD_MS = 1500;

export interface Doors {
  stop: () => void;
  help: () => void;
}

export function listen(doors: Doors): void {
  let chord = 0;
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !settings.value.keys)
      return;
    const at = event.target instanceof Element ? event.target : null;
    if (document.querySelector("dialog[open]") || at?.closest(TYPING)) return;
    if (at?.closest("select") && event.key !== "X") return;
    const began = chord;
    chord = 0;
    const page = performance.now() - began < CHORD_MS && began ? PAGES[event.key] : undefined;
    if (page) go(page);
    else if (event.key === "g") chord = performance.now();
    else if (!pressed(event, at, doors)) return;
    event.preventDefault();
  });
}

/** Says whether the key meant something. */
function pressed(event: KeyboardEvent, at: Element | null, doors: Doors): boolean {
  switch (event.key) {
    case "X":
      doors.stop();
      return true;
    case "?":
      doors.help();
      return true;
    case "/": {
      const search = document.getElementById("search");
      if (!search) return false;
      search.focus();
      return true;
    }
    case "C":
      go(`/compare?ids=${marked.peek().map(encodeURIComponent).join(",")}`);
      return true;
    default:
      return pageOf(place.peek().path).name === "live" && onBoard(event.key, at);
  }
}

function onBoard(key: string, at: Element | null): boolean {
  const id = selected.peek();
  switch (key) {
    case "j":
    case "ArrowDown":
      step(1);
      return true;
    case "k":
    case "ArrowUp":
      step(-1);
      return true;
    case "f":
      pinned.value = !pinned.peek();
      return true;
    case "c":
      if (id !== null) mark(id);
      return id !== null;
    case "Enter":
      if (id === null || at?.closest("a, button, summary")) return false;
      go(variantPath(id));
      return true;
    default:
      return false;
  }
}
