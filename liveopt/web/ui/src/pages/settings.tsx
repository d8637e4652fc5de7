/** How this browser shows things; kept here only. */

import { useState } from "preact/hooks";
import { fixed, gain, moment, zoneName } from "../format";
import { TokenForm } from "../parts/token";
import { useAct } from "../parts/use";
import { end } from "../state/session";
import { type Settings, change, settings } from "../state/settings";
import { phase } from "../state/store";

const CHOICES: { [K in keyof Settings]?: { name: string; of: Record<string, string> } } = {
  theme: { name: "Theme", of: { system: "as the system", dark: "dark", light: "light" } },
  density: { name: "Density", of: { normal: "normal", compact: "compact" } },
  zone: { name: "Time zone", of: { utc: "UTC", local: "local" } },
  colours: {
    name: "Gain and loss",
    of: { teal: "teal and orange", blue: "blue and orange", "red-up": "red up, green down" },
  },
  group: { name: "Thousands", of: { space: "10 213.90", comma: "10,213.90", none: "10213.90" } },
};

export function SettingsPage() {
  const now = settings.value;
  return (
    <>
      <h1 tabIndex={-1}>Settings</h1>
      <section class="panel settings">
        {Object.entries(CHOICES).map(([key, { name, of }]) => (
          <p key={key}>
            <label for={`set-${key}`}>{name}</label>
            <select
              id={`set-${key}`}
              value={String(now[key as keyof Settings])}
              onChange={(event) => change({ [key]: event.currentTarget.value } as Partial<Settings>)}
            >
              {Object.entries(of).map(([value, words]) => (
                <option key={value} value={value}>
                  {words}
                </option>
              ))}
            </select>
          </p>
        ))}
        <p>
          <label class="check">
            <input
              type="checkbox"
              checked={now.keys}
              onChange={(event) => change({ keys: event.currentTarget.checked })}
            />{" "}
            Keys without Ctrl or Alt (press ? for the list). Off, the stop is still one click and Enter.
          </label>
        </p>
        <p class="muted">
          For example {moment(Date.now())}
          {now.zone === "local" ? ` (${zoneName()})` : ""}, {fixed(10213.9)},{" "}
          <span class="up">{gain(2.14)}</span>, <span class="down">{gain(-0.31)}</span>
        </p>
      </section>
      <section class="panel">
        <h2>Session</h2>
        <p>
          {phase.value === "unauthorised"
            ? "Not signed in."
            : "Signed in: a cookie that scripts cannot read, and a word that pages of this address alone have."}
        </p>
        <TokenForm />
        {phase.value !== "unauthorised" && <SignOut />}
      </section>
      <section class="panel">
        <h2>Notifications</h2>
        <Notify />
      </section>
    </>
  );
}

function SignOut() {
  const { busy, said, act } = useAct();
  const out = () =>
    act(async () => {
      await end();
      phase.value = "unauthorised";
      return "";
    });
  return (
    <p>
      <button type="button" disabled={busy} onClick={out}>
        Sign out
      </button>{" "}
      <span role="status">{said}</span>
    </p>
  );
}

function Notify() {
  const [said, say] = useState("");
  const test = async () => {
    if (!("Notification" in window)) return say("This browser has none.");
    const allowed = await Notification.requestPermission();
    change({ notify: allowed === "granted" });
    if (allowed !== "granted") return say("Not allowed by the browser.");
    new Notification("liveopt", { body: "A test: critical alerts and halts will look like this." });
    say("Sent. Critical alerts and halts will come the same way while this page is open.");
  };
  return (
    <p>
      <button type="button" onClick={() => void test()}>
        Test notification
      </button>{" "}
      {settings.value.notify && (
        <button type="button" onClick={() => change({ notify: false })}>
          Turn off
        </button>
      )}{" "}
      <span role="status">{said}</span>
    </p>
  );
}
