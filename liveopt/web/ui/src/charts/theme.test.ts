import { beforeAll, describe, expect, test, vi } from "vitest";
import css from "../style.css?raw";
import type { Name, Theme } from "./theme";

let colour: typeof import("./theme").colour;
let series: typeof import("./theme").series;

beforeAll(async () => {
  const storage = { getItem: () => null, setItem: () => undefined };
  vi.stubGlobal("localStorage", storage);
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: () => undefined }));
  ({ colour, series } = await import("./theme"));
});

const THEMES: Theme[] = ["dark", "light"];
const teal = (theme: Theme) => ({ theme, colours: "teal" }) as const;

/** What the style sheet calls a colour, in a theme. */
function token(theme: Theme, name: string): string {
  const head = theme === "dark" ? ":root {" : ':root[data-theme="light"] {';
  const block = css.slice(css.indexOf(head)).split("}")[0] ?? "";
  const found = new RegExp(`--${name}: (#[0-9a-f]+);`).exec(block)?.[1] ?? "";
  return found.length === 4 ? `#${[...found.slice(1)].map((c) => c + c).join("")}` : found;
}

/** WCAG 2.2, relative luminance and contrast ratio. */
function contrast(a: string, b: string): number {
  const [high = 0, low = 0] = [a, b].map(luminance).sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

describe.each(THEMES)("canvases of the %s theme", (theme) => {
  test("have the colours of the style sheet", () => {
    const names: Name[] = ["bg", "fg", "muted", "line", "up", "down", "accent", "warn"];
    for (const name of names) expect([name, colour(teal(theme), name)]).toEqual([name, token(theme, name)]);
  });

  test("have text and lines that can be read", () => {
    const backgrounds = ["bg", "panel"].map((name) => token(theme, name));
    for (const back of backgrounds) {
      expect(contrast(colour(teal(theme), "muted"), back)).toBeGreaterThan(4.5);
      for (let n = 0; n < 6; n++) expect(contrast(series(teal(theme), n), back)).toBeGreaterThan(3);
    }
  });

  test("never show gain and loss alike, whatever the settings", () => {
    for (const colours of ["teal", "blue", "red-up"] as const)
      expect(colour({ theme, colours }, "up")).not.toBe(colour({ theme, colours }, "down"));
  });
});
