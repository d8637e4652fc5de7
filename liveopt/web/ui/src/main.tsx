/** The page begins: a session, the socket, and whichever page the address names. */

import { effect } from "@preact/signals";
import { type ComponentChildren, render } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { AlertStrip, Header } from "./parts/header";
import { Help, helping } from "./parts/help";
import { StopDialog, openStop } from "./parts/stop";
import { TokenPrompt } from "./parts/token";
import { AlertsPage } from "./pages/alerts";
import { LivePage } from "./pages/live";
import { lazy } from "./parts/lazy";
import { get } from "./state/api";
import { keepOrder } from "./state/board";
import { listen } from "./state/keys";
import { start } from "./state/link";
import { type Page, follow, pageOf, place } from "./state/route";
import { begin } from "./state/session";
import { obey, settings } from "./state/settings";
import { alerts, condition, dimmed, halted, mode, snaps, takeAlerts, takeTrades } from "./state/store";
import type { Alert, Trade } from "./wire";
import "./style.css";

/** What a stop, a halt and the first rows need is in the first script; the rest comes when it is opened. */
const ComparePage = lazy("Compare", () => import("./pages/compare").then((found) => found.ComparePage));
const JobsPage = lazy("Jobs", () => import("./pages/jobs").then((found) => found.JobsPage));
const JobPage = lazy("Job", () => import("./pages/job").then((found) => found.JobPage));
const ValidationPage = lazy("Validation", () =>
  import("./pages/validation").then((found) => found.ValidationPage),
);
const RoundPage = lazy("Round", () => import("./pages/round").then((found) => found.RoundPage));
const PromotionsPage = lazy("Promotions", () =>
  import("./pages/promotions").then((found) => found.PromotionsPage),
);
const SettingsPage = lazy("Settings", () => import("./pages/settings").then((found) => found.SettingsPage));
const SystemPage = lazy("System", () => import("./pages/system").then((found) => found.SystemPage));
const TradesPage = lazy("Trades", () => import("./pages/trades").then((found) => found.TradesPage));
const VariantPage = lazy("Variant", () => import("./pages/variant").then((found) => found.VariantPage));
const LostPage = lazy("There is nothing here", () => import("./pages/lost").then((found) => found.LostPage));

function Shown({ page }: { page: Page }): ComponentChildren {
  switch (page.name) {
    case "live":
      return <LivePage />;
    case "variant":
      return <VariantPage key={page.id} id={page.id} />;
    case "compare":
      return <ComparePage />;
    case "promotions":
      return <PromotionsPage />;
    case "promotion":
      return <PromotionsPage id={page.id} />;
    case "trades":
      return <TradesPage />;
    case "jobs":
      return <JobsPage />;
    case "job":
      return <JobPage key={page.id} id={page.id} />;
    case "validation":
      return <ValidationPage key={page.id} id={page.id} />;
    case "round":
      return <RoundPage key={page.id} id={page.id} />;
    case "system":
      return <SystemPage />;
    case "alerts":
      return <AlertsPage />;
    case "settings":
      return <SettingsPage />;
    case "lost":
      return <LostPage />;
  }
}

function App() {
  const page = pageOf(place.value.path);
  const title = "id" in page ? `${page.name} ${page.id}` : page.name;
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    document.title = `${title} - liveopt ${mode.value}`;
    if (!first.current) main.current?.querySelector("h1")?.focus({ preventScroll: true });
    first.current = false;
  }, [title]);
  const kind = condition.value.replace(" ", "-");
  return (
    <div class={`app ${dimmed.value ? "dim" : ""} ${kind}`} data-condition={condition.value}>
      <a class="skip" href="#main" target="_self">
        To the page
      </a>
      <Header />
      <TokenPrompt />
      {page.name !== "alerts" && <AlertStrip />}
      <main id="main" ref={main} class={`page-${page.name}`} tabIndex={-1}>
        <Shown page={page} />
      </main>
      <StopDialog />
      <Help />
    </div>
  );
}

/** Whoever asked for it is told of a halt and of what is critical, also when the page is behind others. */
function notify(): void {
  const told = new Set<string>();
  const tell = (key: string, body: string) => {
    if (told.has(key)) return;
    told.add(key);
    if (settings.peek().notify && "Notification" in window && Notification.permission === "granted")
      new Notification("liveopt", { body, tag: key });
  };
  effect(() => {
    if (halted.value) tell("halted", "HALTED: no variant opens a position");
    else told.delete("halted");
    for (const one of alerts.value.values())
      if (one.severity === "critical" && !one.acknowledged_by && one.active !== false) tell(one.id, one.text);
  });
}

async function run(): Promise<void> {
  obey();
  follow();
  keepOrder();
  notify();
  listen({ stop: openStop, help: () => (helping.value = true) });
  const there = document.getElementById("app");
  if (there) render(<App />, there);
  await begin().catch(() => undefined); // an old token; there may be a session all the same
  start();
  effect(() => {
    if (!snaps.value) return;
    void get<{ trades: Trade[] }>("/api/v1/trades?limit=50").then(
      (found) => takeTrades(found.trades),
      () => undefined, // the Trades page says what is wrong
    );
    void get<{ alerts: Alert[] }>("/api/v1/alerts").then(
      (found) => takeAlerts(found.alerts),
      () => undefined, // the socket tells of new ones; the Alerts page says what is wrong
    );
  });
}

void run();
