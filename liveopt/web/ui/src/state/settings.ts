/** How this browser likes the page: kept here, sent nowhere. */

import { effect, signal } from "@preact/signals";
import { groupWith, useZone } from "../format";

export interface Settings {
  theme: "system" | "dark" | "light";
  density: "normal" | "compact";
  zone: "utc" | "local";
  colours: "teal" | "blue" | "red-up";
  group: "space" | "comma" | "none";
  keys: boolean;
  notify: boolean;
}

const KEY = "liveopt.settings";
export const DEFAULTS: Settings = {
  theme: "system",
  density: "normal",
  zone: "utc",
  colours: "teal",
  group: "space",
  keys: true,
  notify: false,
};
const SIGNS = { space: "\u202f", comma: ",", none: "" };

function kept(): Settings {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Settings>;
    return { ...DEFAULTS, ...found };
  } catch {
    return DEFAULTS; // storage may be forbidden, or hold what is not ours
  }
}

export const settings = signal<Settings>(kept());

export function change(what: Partial<Settings>): void {
  settings.value = { ...settings.peek(), ...what };
  try {
    localStorage.setItem(KEY, JSON.stringify(settings.peek()));
  } catch {
    // it holds for this visit only
  }
}

/** Puts them into force now and after each change. */
export function obey(): void {
  effect(() => {
    const { theme, density, zone, colours, group } = settings.value;
    useZone(zone);
    groupWith(SIGNS[group] ?? SIGNS.space);
    const root = document.documentElement.dataset;
    root["theme"] = theme;
    root["density"] = density;
    root["colours"] = colours;
  });
}

export const narrow = media("(max-width: 700px)");
export const darkSystem = media("(prefers-color-scheme: dark)");
export const calm = media("(prefers-reduced-motion: reduce)");

function media(query: string) {
  const found = matchMedia(query);
  const holds = signal(found.matches);
  found.addEventListener("change", () => {
    holds.value = found.matches;
  });
  return holds;
}
