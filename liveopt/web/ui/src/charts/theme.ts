/** Colours for what is drawn on a canvas, where the style sheet does not reach. */

import { computed } from "@preact/signals";
import { darkSystem, settings } from "../state/settings";

export type Theme = "dark" | "light";
export type Name = "bg" | "fg" | "muted" | "line" | "up" | "down" | "accent" | "warn";

/** The same as the tokens of style.css. */
const TOKENS: Record<Theme, Record<Name, string>> = {
  dark: {
    bg: "#0e1116",
    fg: "#e6edf3",
    muted: "#9aa7b4",
    line: "#2a323c",
    up: "#3fb6a8",
    down: "#ff8a65",
    accent: "#4ea8de",
    warn: "#f2c14e",
  },
  light: {
    bg: "#ffffff",
    fg: "#1b1f24",
    muted: "#57606a",
    line: "#d5dae0",
    up: "#00695c",
    down: "#b23c17",
    accent: "#0b5cad",
    warn: "#8a5a00",
  },
};
/** Six lines that can be told apart, on either theme. */
const SERIES: Record<Theme, string[]> = {
  dark: ["#4ea8de", "#f2c14e", "#3fb6a8", "#ff8a65", "#c3a6ff", "#9aa7b4"],
  light: ["#0b5cad", "#8a5a00", "#00695c", "#b23c17", "#6b3fb5", "#57606a"],
};

export const theme = computed<Theme>(() => {
  const wanted = settings.value.theme;
  return wanted === "system" ? (darkSystem.value ? "dark" : "light") : wanted;
});

export interface Palette {
  theme: Theme;
  colours: "teal" | "blue" | "red-up";
}

export const palette = computed<Palette>(() => ({
  theme: theme.value,
  colours: settings.value.colours,
}));

/** One of them, after what the settings make of gain and loss. */
export function colour(of: Palette, name: Name): string {
  const tokens = TOKENS[of.theme];
  if (of.colours === "blue" && name === "up") return tokens.accent;
  if (of.colours === "red-up" && name === "up") return tokens.down;
  if (of.colours === "red-up" && name === "down") return tokens.up;
  return tokens[name];
}

export function series(of: Palette, number: number): string {
  const all = SERIES[of.theme];
  return all[number % all.length] ?? colour(of, "fg");
}
