/** Whether everything is well, in a line and then part by part: what a look at System is for. */

import { age, count, moment } from "../format";
import { condition, dimmed, halt, halted, hello, known, marketAge, openAlerts, standing } from "../state/store";
import type { Check, Process, RunReport, Status } from "../wire";

type Level = "good" | "odd" | "bad";

interface Line {
  level: Level;
  name: string;
  text: string;
}

const SIGNS: Record<Level, string> = { good: "●", odd: "◐", bad: "✗" };
const ORDER: Level[] = ["good", "odd", "bad"];
const SIGNALS: Record<number, string> = {
  2: "interrupted",
  6: "aborted itself",
  9: "killed",
  11: "memory fault",
  15: "ended politely",
};

/** The guard's names for what it checks, as a person would say them. */
const CHECKED: Record<string, string> = {
  "engine alive": "the engine runs",
  "heartbeat fresh": "its heartbeat is fresh",
  "status fresh": "its report is fresh",
  "journal ok": "the journal is written",
};

export function checked(one: Check): string {
  const why = one.name in CHECKED ? one.why.replace(/^(it has (a|no) process|the engine's `journal_ok`)$/, "") : one.why;
  return `${CHECKED[one.name] ?? one.name}${why ? ` (${why})` : ""}`;
}

/** "started 3 times; it ended last by signal 9 (killed)" */
function lives(of: Process): string {
  const starts = of.starts ?? 0;
  return `started ${starts === 1 ? "once" : count(starts, "time")}${ended(of.last_exit)}`;
}

function ended(code: number | null | undefined): string {
  if (code == null) return "";
  if (code >= 0) return `; it ended last with exit code ${code}`;
  const known = SIGNALS[-code];
  return `; it ended last by signal ${-code}${known ? ` (${known})` : ""}`;
}

/** Whoever was started again is well if it runs now: how often that was, nobody knows when, is told beside it. */
function living(name: string, of: Process | null | undefined, state: [Level, string]): Line {
  return { level: state[0], name, text: of ? `${state[1]}; ${lives(of)}` : state[1] };
}

/** What nobody has said is not good. */
const UNKNOWN: [Level, string] = ["odd", "not known"];

function engine(): [Level, string] {
  if (!known.value) return UNKNOWN;
  return dimmed.value ? ["bad", "says nothing"] : ["good", "runs"];
}

function market(): [Level, string] {
  if (marketAge.value === null) return UNKNOWN;
  return [condition.value === "stale market" ? "bad" : "good", `last tick ${age(marketAge.value)} ago`];
}

function journal(ok: boolean | undefined): [Level, string] {
  if (ok === undefined) return UNKNOWN;
  return ok ? ["good", "is written"] : ["bad", "cannot be written"];
}

function trading(said: Status): [Level, string] {
  if (halted.value) return ["odd", "is halted: nothing is opened"];
  return halt.value || said.halted !== undefined ? ["good", "is open"] : UNKNOWN;
}

/** Who has seen an alert has not ended what it warns of. */
function warned(): [Level, string] {
  const all = standing.value;
  const worst = all[0];
  if (!worst) return ["good", "none stands"];
  const unseen = openAlerts.value.length;
  const seen = unseen === all.length ? "" : unseen ? `, ${all.length - unseen} acknowledged` : ", acknowledged";
  const text = `${count(all.length, "alert")} ${all.length === 1 ? "stands" : "stand"}${seen}: ${worst.text}`;
  return [worst.severity === "critical" ? "bad" : "odd", text];
}

/** Each part, how it is. */
export function lines(data: RunReport, said: Status): Line[] {
  const { guard } = data;
  const begun = Number.parseInt(hello.value?.boot_id ?? "", 16) / 1e6;
  const service = living(
    "dashboard",
    guard?.web,
    condition.value === "reconnecting" ? ["bad", "does not answer"] : ["good", "runs"],
  );
  if (Number.isFinite(begun)) service.text += `; this one since ${moment(begun)}`;
  const line = (name: string, [level, text]: [Level, string]): Line => ({ level, name, text });
  return [
    living("engine", guard?.engine, engine()),
    service,
    line("guard", guard ? ["good", "answers"] : ["bad", "does not answer"]),
    line("market", market()),
    line("journal", journal(said.journal_ok)),
    line("trading", trading(said)),
    line("alerts", warned()),
    ...(guard?.checks ?? []).filter((one) => !one.ok).map((one) => line("not true", ["bad", checked(one)])),
  ];
}

const WORDS: Record<Level, (which: string) => string> = {
  good: () => "All is well",
  odd: (which) => `It works; look at: ${which}`,
  bad: (which) => `Something is wrong: ${which}`,
};

export function Health({ data, said }: { data: RunReport | null; said: Status }) {
  if (!data) return null;
  const all = lines(data, said);
  const worst = all.reduce<Level>((w, one) => ORDER[Math.max(ORDER.indexOf(w), ORDER.indexOf(one.level))] ?? w, "good");
  const amiss = [...ORDER].reverse().flatMap((level) => all.filter((one) => one.level === level && level !== "good"));
  const which = [...new Set(amiss.map((one) => one.name))].join(", ");
  return (
    <section class="panel" aria-labelledby="health-title" data-testid="health">
      <div role="status">
        <h2 id="health-title">
          {SIGNS[worst]} {WORDS[worst](which)}
        </h2>
      </div>
      <dl class="facts">
        {all.map((one) => (
          <div key={`${one.name} ${one.text}`} class={`health is-${one.level}`}>
            <dt>
              {SIGNS[one.level]} {one.name}
            </dt>
            <dd>{one.text}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
