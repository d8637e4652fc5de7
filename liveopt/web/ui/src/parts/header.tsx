/** What every page has above it: what this is, how old it is, and the stop. */

import { useComputed } from "@preact/signals";
import { age, count, figure } from "../format";
import { place, pageOf } from "../state/route";
import { retry } from "../state/link";
import {
  type Condition,
  attempt,
  condition,
  degraded,
  engineAge,
  halted,
  hello,
  linkAge,
  marketAge,
  mode,
  newsAge,
  now,
  openAlerts,
  outdated,
  rows,
  symbols,
} from "../state/store";
import { HaltBanner } from "./resume";
import { StopButton } from "./stop";

const LINKS: [string, string, string][] = [
  ["/", "Live", "live variant"],
  ["/promotions", "Promotions", "promotions promotion"],
  ["/trades", "Trades", "trades"],
  ["/jobs", "Jobs", "jobs job validation round"],
  ["/system", "System", "system"],
  ["/alerts", "Alerts", "alerts"],
  ["/compare", "Compare", "compare"],
  ["/settings", "Settings", "settings"],
];

export function Header() {
  return (
    <header class="top">
      <div class="strip">
        <a class="brand" href="/">
          liveopt
        </a>
        {hello.value && <span class={`badge ${mode.value}`}>{mode.value.toUpperCase()}</span>}
        <span class="symbols">{symbols.value.join(" ")}</span>
        <State />
        <Clocks />
        <span class="variants">{rows.value.length ? count(rows.value.length, "variant") : ""}</span>
        <StopButton />
      </div>
      <Nav />
      <Bands />
    </header>
  );
}

/** One short line, told to a screen reader when it becomes another, not while its age grows. */
function State() {
  const kind = useComputed<Kind>(() =>
    halted.value && condition.value === "live" ? "halted" : condition.value,
  );
  const seconds = useComputed(() => {
    const ms =
      condition.value === "stale market"
        ? marketAge.value
        : condition.value === "stale link"
          ? newsAge.value
          : 0;
    return Math.round((ms ?? 0) / 1000);
  });
  const wait = useComputed(() => Math.max(0, Math.ceil((attempt.value.at - now.value) / 1000)));
  const [sign, name] = SIGNS[kind.value];
  return (
    <span class={`state ${kind.value.replace(" ", "-")}`} data-testid="state" data-state={kind.value}>
      <span role="status">
        <span aria-hidden="true">{sign} </span>
        {name}
      </span>
      {seconds.value > 0 && <span> {seconds.value}s</span>}
      {kind.value === "reconnecting" && (
        <>
          <span>
            {" "}
            (try {attempt.value.number}, {wait.value} s)
          </span>{" "}
          <button type="button" onClick={retry}>
            Now
          </button>
        </>
      )}
    </span>
  );
}

type Kind = Condition | "halted";

const SIGNS: Record<Kind, [string, string]> = {
  live: ["●", "LIVE"],
  halted: ["■", "HALTED"],
  connecting: ["…", "CONNECTING"],
  reconnecting: ["↻", "RECONNECTING"],
  "stale market": ["◐", "MARKET STALE"],
  "stale link": ["◐", "STALE"],
  unauthorised: ["✗", "NOT SIGNED IN"],
};

/** The three ages: of the market's last tick, of what the engine said last, of the last frame. */
function Clocks() {
  return (
    <span class="clocks" aria-label="how old the data are">
      <span>
        market <b>{age(marketAge.value)}</b>
      </span>
      <span>
        engine <b>{age(engineAge.value)}</b>
      </span>
      <span>
        link <b>{age(linkAge.value)}</b>
      </span>
    </span>
  );
}

export function Nav() {
  const page = pageOf(place.value.path).name;
  const open = openAlerts.value.length;
  return (
    <nav aria-label="pages">
      {LINKS.map(([href, name, pages]) => (
        <a key={href} href={href} aria-current={pages.split(" ").includes(page) ? "page" : undefined}>
          {name}
          {name === "Alerts" && open > 0 && <span class="number"> {open}</span>}
        </a>
      ))}
    </nav>
  );
}

function Bands() {
  const kind = mode.value;
  const speed = hello.value?.speed;
  return (
    <>
      {kind !== "paper" && (
        <div class="band" data-testid="band">
          <strong>{kind.toUpperCase()}</strong>{" "}
          {kind === "demo"
            ? "Recorded or made-up market: no money, no exchange"
            : "The past once more: nothing here is happening now"}
          {speed != null && `; speed ${figure(speed)}`}
        </div>
      )}
      {outdated.value && (
        <div class="banner warn" role="status">
          The service is newer than this page; changes are off until you reload.
          <button type="button" onClick={() => location.reload()}>
            Reload to update
          </button>
        </div>
      )}
      <HaltBanner />
      {degraded.value.length > 0 && (
        <div class="banner warn" data-testid="degraded" role="status">
          <strong>▲ DEGRADED</strong> {degraded.value.join("; ")}
        </div>
      )}
    </>
  );
}

/** Open alerts in a line; their page has the rest. */
export function AlertStrip() {
  const open = openAlerts.value;
  const worst = open[0];
  if (!worst) return null;
  return (
    <section class={`alerts ${worst.severity}`} aria-label="open alerts" data-testid="alert-strip">
      <span aria-hidden="true">▲ </span>
      {count(open.length, "alert")}: {worst.text} <a href="/alerts">view</a>
      {worst.severity === "critical" && (
        <span class="sr" role="alert">
          Critical: {worst.text}
        </span>
      )}
    </section>
  );
}
