/** How far a search is. */

import { age, figure } from "../format";
import type { Job } from "../wire";

export const OPEN = ["queued", "running"];

export function Progress({ of }: { of: Job }) {
  if (of.done == null || !of.of) return <span class="muted">–</span>;
  const eta = of.eta_s != null && OPEN.includes(of.status) ? `, ${age(1000 * of.eta_s)} to go` : "";
  return (
    <span class="progress">
      <progress value={of.done} max={of.of} aria-label={`progress of ${of.id}`} /> {figure(of.done)} of{" "}
      {figure(of.of)}
      {eta}
    </span>
  );
}
