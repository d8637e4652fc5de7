/** An address that leads nowhere. */

import { place } from "../state/route";

const WAYS: [string, string, string][] = [
  ["/", "Live", "who is ahead, and how sure that is"],
  ["/promotions", "Promotions", "what the gate decided, and on what"],
  ["/trades", "Trades", "every closed trade of the run"],
  ["/jobs", "Jobs", "searches, offline and beside the run"],
  ["/system", "System", "whether it is well"],
];

export function LostPage() {
  return (
    <section class="panel" data-testid="lost">
      <h1 tabIndex={-1}>There is nothing here</h1>
      <p>
        No page has the address <code>{place.value.path}</code>. The run goes on; it was only the address.
      </p>
      <ul>
        {WAYS.map(([href, name, what]) => (
          <li key={href}>
            <a href={href}>{name}</a> <span class="muted">{what}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
