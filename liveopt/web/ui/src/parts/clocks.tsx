/** Two clocks: the market's, which a demo or a replay runs through at its own pace, and everybody's. */

import { age, moment } from "../format";
import { apart, marketAhead } from "../state/store";

/** A time of the market: "UTC" behind it would be untrue where its clock is another. */
export function marketMoment(ms: number): string {
  const text = moment(ms);
  return apart.value ? text.replace(/ UTC$/, "") : text;
}

/** What a column of such times is called: "Closed", or "Closed (market time)". */
export function marketName(name: string): string {
  return apart.value ? `${name} (market time)` : name;
}

/** The one line of explanation; nothing where both clocks are one. */
export function TwoClocks() {
  const ahead = marketAhead.value;
  if (!apart.value) return null;
  const far = ahead !== null && Math.abs(ahead) > 60_000;
  return (
    <p class="muted" data-testid="two-clocks">
      Two clocks: trades, bars and verdicts have the market's time
      {far && `, ${age(Math.abs(ahead))} ${ahead > 0 ? "ahead of" : "behind"} the wall clock now`}; halts and
      alerts have the wall clock's.
    </p>
  );
}
