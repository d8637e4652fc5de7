/** Numbers, times and ages as text: a sign and an arrow on every gain, a dash for what is undefined. */

export const NONE = "–";
const MINUS = "−";

/** "10 213.90": thin groups, a real minus, fixed decimals. */
export function fixed(value: number | null | undefined, decimals = 2): string {
  if (value == null || !Number.isFinite(value)) return NONE;
  const [whole = "0", part] = Math.abs(value).toFixed(decimals).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, separator());
  const zero = Number(value.toFixed(decimals)) === 0;
  return (value < 0 && !zero ? MINUS : "") + grouped + (part ? `.${part}` : "");
}

let grouping = "\u202f";

/** Which sign stands between thousands. */
export function groupWith(sign: string): void {
  grouping = sign;
}

function separator(): string {
  return grouping;
}

/** "▲ +2.14 %" of 2.14; never colour alone. */
export function gain(percent: number | null | undefined, decimals = 2): string {
  if (percent == null || !Number.isFinite(percent)) return NONE;
  return `${arrow(percent)} ${signed(percent, decimals)} %`;
}

export function signed(value: number | null | undefined, decimals = 2): string {
  if (value == null || !Number.isFinite(value)) return NONE;
  return (value > 0 && Number(value.toFixed(decimals)) !== 0 ? "+" : "") + fixed(value, decimals);
}

export function arrow(value: number): string {
  return value > 0 ? "▲" : value < 0 ? "▼" : "■";
}

/** "0.2 s", "3 ms", "2 min", "5 h": what fits. */
export function age(ms: number | null | undefined): string {
  if (ms == null || !Number.isFinite(ms)) return NONE;
  const there = Math.max(0, ms);
  if (there < 100) return `${Math.round(there)} ms`;
  if (there < 10_000) return `${(there / 1000).toFixed(1)} s`;
  if (there < 120_000) return `${Math.round(there / 1000)} s`;
  if (there < 7_200_000) return `${Math.round(there / 60_000)} min`;
  return `${Math.round(there / 3_600_000)} h`;
}

/** A p-value or probability, never rounded up to certainty. */
export function probability(value: number | null | undefined): string {
  if (value == null || !Number.isFinite(value)) return NONE;
  if (value > 0.999 && value < 1) return "> 0.999";
  if (value < 0.001 && value > 0) return "< 0.001";
  return value.toFixed(3);
}

/** An e-value: a bet's gain, as the engine's sentences write it: three digits that count, or whole. */
export function evidence(value: number | null | undefined): string {
  if (value == null || !Number.isFinite(value)) return NONE;
  if (value >= 1e7 || (value !== 0 && value < 1e-4)) return value.toExponential(2);
  return value < 1e3 ? String(Number(value.toPrecision(3))) : fixed(value, 0);
}

/** A sentence of the engine, whose thousands have thin groups, grouped as here. */
export function regroup(text: string): string {
  return text.replace(/\u202f(?=\d{3})/g, separator());
}

/** A plain figure of unknown scale. */
export function figure(value: unknown): string {
  if (value == null) return NONE;
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) return value.map(figure).join(", ");
  if (typeof value !== "number") return typeof value === "string" ? value : JSON.stringify(value);
  if (Number.isInteger(value)) return fixed(value, 0);
  const size = Math.abs(value);
  const text = size >= 1e6 || size < 1e-4 ? size.toExponential(3) : String(Number(size.toPrecision(6)));
  return (value < 0 ? MINUS : "") + text;
}

let zone: "utc" | "local" = "utc";

export function useZone(wanted: "utc" | "local"): void {
  zone = wanted;
}

export function zoneName(): string {
  return zone === "utc" ? "UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** "14:03:07" */
export function clock(ms: number): string {
  return parts(ms).slice(11, 19);
}

/** "14:03", with its date where the other moment has another. */
export function since(ms: number, until: number): string {
  const [from, to] = [parts(ms), parts(until)];
  return from.slice(0, 10) === to.slice(0, 10) ? from.slice(11, 16) : from.slice(0, 16).replace("T", " ");
}

/** "2026-11-20 14:03:07 UTC" */
export function moment(ms: number | null | undefined): string {
  if (!ms || !Number.isFinite(ms)) return NONE;
  return `${parts(ms).slice(0, 10)} ${clock(ms)}${zone === "utc" ? " UTC" : ""}`;
}

/** A time as the service writes it, as the settings have it. */
export function isoMoment(text: string | null | undefined): string {
  return text ? moment(Date.parse(text)) : NONE;
}

/** "12.3 %" of 0.123: a share, of which nobody says that it is a gain. */
export function percent(share: number | null | undefined, decimals = 1): string {
  return share == null || !Number.isFinite(share) ? NONE : `${fixed(100 * share, decimals)} %`;
}

function parts(ms: number): string {
  const shift = zone === "utc" ? 0 : new Date(ms).getTimezoneOffset() * 60_000;
  return new Date(ms - shift).toISOString();
}

export function fromNs(ns: number | null | undefined): number {
  return (ns ?? 0) / 1e6;
}

/** "insufficient_samples" as words. */
export function words(code: string): string {
  return code.replaceAll("_", " ");
}

/** "1 trade", "2 trades" */
export function count(n: number, noun: string): string {
  return `${fixed(n, 0)} ${noun}${n === 1 ? "" : "s"}`;
}
