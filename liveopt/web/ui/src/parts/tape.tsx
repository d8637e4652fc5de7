/** Closed trades, the newest first. */

import { clock, count, fixed, fromNs } from "../format";
import { variantPath } from "../state/route";
import { narrow } from "../state/settings";
import { apart, tape } from "../state/store";
import { Money } from "./cells";

const SHOWN = 40;

export function Tape() {
  const all = tape.value;
  return (
    <section class="panel tape" aria-labelledby="tape-title">
      <details open={!narrow.value}>
        <summary>
          <h2 id="tape-title">Trade tape</h2>
        </summary>
        {all.length === 0 ? (
          <p class="muted">No trade has closed yet.</p>
        ) : (
          <div class="scroll" tabIndex={0} role="region" aria-label="trades, the newest first">
            <table>
              <caption class="sr">{count(Math.min(all.length, SHOWN), "trade")}, the newest first</caption>
              <thead>
                <tr>
                  <th scope="col">{apart.value ? "Market time" : "Time"}</th>
                  <th scope="col">Variant</th>
                  <th scope="col">Side</th>
                  <th scope="col" class="num">
                    Exit
                  </th>
                  <th scope="col" class="num">
                    Net
                  </th>
                </tr>
              </thead>
              <tbody>
                {all.slice(0, SHOWN).map((one) => (
                  <tr title={one.reason} key={one.id}>
                    <td>{clock(fromNs(one.at_ns))}</td>
                    <th scope="row" class="id">
                      <a href={variantPath(one.variant)}>{one.variant}</a>
                    </th>
                    <td>{one.side}</td>
                    <td class="num">{fixed(one.exit_price)}</td>
                    <td class="num">
                      <Money value={one.net} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </details>
    </section>
  );
}
