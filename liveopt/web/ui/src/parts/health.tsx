/** Whether everything is well, in a line and then part by part: what a look at System is for. */

import { age, clock, count, moment } from "../format";
import { condition, dimmed, halted, hello, marketAge, openAlerts } from "../state/store";
import type { Check, RunReport, Status } from "../wire";

/** A process as the guard tells of it. */
export interface Process {
  starts?: number;
  /** Negative is the signal that ended it; null where it never ended. */
  last_exit?: number | null;
  started_ms?: number | null;
}

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
  const why = one.name in CHECKED ? one.why.replace(/^(pid .*|the engine's `journal_ok`)$/, "") : one.why;
  return `${CHECKED[one.name] ?? one.name}${why ? ` (${why})` : ""}`;
}

export function processes(data: RunReport | null): { engine: Process | null; web: Process | null } {
  const guard = (data?.guard ?? {}) as { engine?: Process | null; web?: Process | null };
  return { engine: guard.engine ?? null, web: guard.web ?? null };
}

/** What its counters count; they begin anew with each engine. */
export function engineSince(of: Process | null): string {
  return `since the engine's last start${of?.started_ms ? `, ${clock(of.started_ms).slice(0, 5)}` : ""}`;
}

/** "started 3 times; it ended last by signal 9 (killed)" */
function lives(of: Process): string {
  const starts = of.starts ?? 0;
  const since = of.started_ms ? `, last at ${moment(of.started_ms)}` : "";
  return `started ${starts === 1 ? "once" : count(starts, "time")}${since}${ended(of.last_exit)}`;
}

function ended(code: number | null | undefined): string {
  if (code == null) return "";
  if (code >= 0) return `; it ended last with exit code ${code}`;
  const known = SIGNALS[-code];
  return `; it ended last by signal ${-code}${known ? ` (${known})` : ""}`;
}

function living(name: string, of: Process | null, well: boolean, ill: string): Line {
  const again = (of?.starts ?? 1) > 1;
  const told = of ? lives(of) : "";
  return {
    level: !well ? "bad" : again ? "odd" : "good",
    name,
    text: [well ? "runs" : ill, told].filter(Boolean).join("; "),
  };
}

function lines(data: RunReport | null, said: Status): Line[] {
  const { engine, web } = processes(data);
  const state = condition.value;
  const begun = Number.parseInt(hello.value?.boot_id ?? "", 16) / 1e6;
  const failed = (data?.guard?.checks ?? []).filter((one) => !one.ok);
  const open = openAlerts.value;
  const service = living("dashboard", web, state !== "reconnecting", "does not answer");
  if (!web?.started_ms && Number.isFinite(begun)) service.text += `; this one since ${moment(begun)}`;
  return [
    living("engine", engine, !dimmed.value, "says nothing"),
    service,
    {
      level: state === "stale market" ? "bad" : "good",
      name: "market",
      text: `last tick ${age(marketAge.value)} ago`,
    },
    {
      level: said.journal_ok === false ? "bad" : "good",
      name: "journal",
      text: said.journal_ok === false ? "cannot be written" : "is written",
    },
    {
      level: halted.value ? "odd" : "good",
      name: "trading",
      text: halted.value ? "is halted: nothing is opened" : "is open",
    },
    {
      level: open.some((one) => one.severity === "critical") ? "bad" : open.length ? "odd" : "good",
      name: "alerts",
      text: open.length ? `${count(open.length, "alert")} open: ${open[0]?.text}` : "none open",
    },
    ...failed.map((one): Line => ({ level: "bad", name: "not true", text: checked(one) })),
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
