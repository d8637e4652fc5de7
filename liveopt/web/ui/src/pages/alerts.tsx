/** What wanted attention: how bad, since when, how often, and who has seen it. */

import { useEffect, useState } from "preact/hooks";
import { figure, moment, words } from "../format";
import { TwoClocks } from "../parts/clocks";
import { useAct, useGet } from "../parts/use";
import { post } from "../state/api";
import { alerts, takeAlert, takeAlerts, writable } from "../state/store";
import type { Alert } from "../wire";

const NAME = "liveopt.name";
const SIGNS: Record<Alert["severity"], string> = { info: "●", warning: "▲", critical: "■" };

export function AlertsPage() {
  const { data, error } = useGet<{ alerts: Alert[] }>("/api/v1/alerts");
  useEffect(() => {
    if (data) takeAlerts(data.alerts);
  }, [data]);
  const [name, type] = useState(localStorage.getItem(NAME) ?? "");
  const all = [...alerts.value.values()].sort((a, b) => b.last_ms - a.last_ms);
  return (
    <>
      <h1 tabIndex={-1}>Alerts</h1>
      <TwoClocks />
      {error && <p class="bad">{error}</p>}
      <p>
        <label>
          Acknowledge as{" "}
          <input
            value={name}
            maxLength={60}
            placeholder="your name"
            onInput={(event) => {
              type(event.currentTarget.value);
              localStorage.setItem(NAME, event.currentTarget.value);
            }}
          />
        </label>
      </p>
      {!all.length && <p class="muted">No alert.</p>}
      {all.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label="alerts">
          <table>
            <caption class="sr">Alerts, the newest first</caption>
            <thead>
              <tr>
                <th scope="col">Severity</th>
                <th scope="col">What</th>
                <th scope="col" class="less">
                  First
                </th>
                <th scope="col" class="less">
                  Last
                </th>
                <th scope="col" class="num">
                  Count
                </th>
                <th scope="col">Acknowledged</th>
              </tr>
            </thead>
            <tbody>
              {all.map((one) => (
                <tr key={one.id} class={one.severity}>
                  <td>
                    {SIGNS[one.severity]} {one.severity}
                    {one.active === false && <span class="muted"> (over)</span>}
                  </td>
                  <th scope="row">
                    {one.text} <small>{words(one.code)}</small>
                  </th>
                  <td class="less">{moment(one.first_ms)}</td>
                  <td class="less">{moment(one.last_ms)}</td>
                  <td class="num">{figure(one.count)}</td>
                  <td>
                    {one.acknowledged_by ? (
                      `by ${one.acknowledged_by}`
                    ) : (
                      <Acknowledge id={one.id} name={name.trim()} />
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

function Acknowledge({ id, name }: { id: string; name: string }) {
  const { busy, said, act } = useAct();
  const go = () =>
    act(async () => {
      takeAlert(await post<Alert>(`/api/v1/alerts/${encodeURIComponent(id)}/acknowledge`, { body: { by: name } }));
      return "";
    });
  return (
    <>
      <button type="button" disabled={!name || busy || !writable.value} onClick={go}>
        Acknowledge
      </button>{" "}
      <span role="status">{said}</span>
    </>
  );
}
