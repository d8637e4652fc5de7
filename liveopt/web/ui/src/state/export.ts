/** What is known of a variant as files, made in the browser of what the service has said. */

import type { Trade, VariantDetail } from "../wire";

/** A spreadsheet takes a text that begins so for a formula. */
const FORMULA = /^[=+\-@\t\r\n|%]/;
const COLUMNS: (keyof Trade)[] = [
  "id",
  "at_ns",
  "variant",
  "symbol",
  "strategy",
  "side",
  "size",
  "entry_ns",
  "entry_price",
  "exit_price",
  "duration_s",
  "gross",
  "fees",
  "funding",
  "net",
  "roi",
  "reason",
];

/** Trades as RFC 4180 has a table: CRLF, quoted where it must be, times as ISO 8601 beside the nanoseconds. */
export function csv(trades: Trade[]): string {
  const lines = [["closed", ...COLUMNS].join(",")];
  for (const one of trades)
    lines.push([cell(iso(one.at_ns)), ...COLUMNS.map((name) => cell(one[name]))].join(","));
  return lines.map((line) => `${line}\r\n`).join("");
}

/** One cell. Numbers are numbers; a text that could be a formula begins with an apostrophe. */
export function cell(value: unknown): string {
  if (value == null) return "";
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : "";
  const text = String(value);
  const safe = FORMULA.test(text.trimStart()) || FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) || safe !== safe.trim() ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function iso(ns: number): string {
  return new Date(ns / 1e6).toISOString();
}

/** A variant with its parameters and metrics; what is undefined is null. */
export function asJson(detail: VariantDetail, made: { run: string; version: string; at: Date }): string {
  const { parameters, ...metrics } = detail.variant;
  const said = {
    made: { by: "liveopt", version: made.version, at: made.at.toISOString(), run: made.run },
    variant: metrics,
    parameters: parameters ?? null,
    position: detail.position ?? null,
    gate: detail.explain ?? null,
  };
  return `${JSON.stringify(said, null, 2)}\n`;
}

/** A name that every file system takes. */
export function fileName(variant: string, ending: string): string {
  return `${variant.replace(/[^\w.-]+/g, "_").replace(/^\.+/, "") || "variant"}.${ending}`;
}

/** Hand it to the browser as a download. */
export function download(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
