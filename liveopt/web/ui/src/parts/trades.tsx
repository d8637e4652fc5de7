/** A table of closed trades, each with the command that plays it again. */

import { fixed, fromNs, gain, moment } from "../format";
import { variantPath } from "../state/route";
import { status } from "../state/store";
import type { Trade } from "../wire";
import { Copy } from "./copy";
import { Money, tone } from "./cells";

/** Up to and with the millisecond in which it closed. */
export function replayCommand(trade: Trade, folder: string): string {
  const until = new Date(Math.floor(fromNs(trade.at_ns)) + 1).toISOString();
  return `liveopt replay ${folder} --variant ${quoted(trade.variant)} --until ${until}`;
}

function quoted(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Where journals of this run are, as the settings have it if nobody changed them. */
export function folder(): string {
  const { run } = status.value;
  return run && /^\d{8}-\d{6}/.test(run) ? `logs/${run}` : "logs/latest";
}

export function Trades({
  of,
  chosen,
  choose,
}: {
  of: Trade[];
  chosen?: number;
  choose?: (n: number) => void;
}) {
  return (
    <table class="trades">
      <caption class="sr">Closed trades, the newest first</caption>
      <thead>
        <tr>
          <th scope="col">Closed</th>
          <th scope="col">Variant</th>
          <th scope="col">Side</th>
          <th scope="col" class="num">
            Size
          </th>
          <th scope="col" class="num">
            Entry
          </th>
          <th scope="col" class="num">
            Exit
          </th>
          <th scope="col" class="num">
            Net
          </th>
          <th scope="col" class="num">
            On margin
          </th>
          <th scope="col">Reason</th>
          {choose && <th scope="col">Again</th>}
        </tr>
      </thead>
      <tbody>
        {of.map((one, n) => (
          <tr key={one.id ?? `${one.at_ns} ${one.variant}`} aria-current={chosen === n ? "true" : undefined}>
            <td>{moment(fromNs(one.at_ns))}</td>
            <th scope="row" class="id">
              <a href={variantPath(one.variant)}>{one.variant}</a>
            </th>
            <td>{one.side}</td>
            <td class="num">{fixed(one.size, 4)}</td>
            <td class="num">{fixed(one.entry_price)}</td>
            <td class="num">{fixed(one.exit_price)}</td>
            <td class="num">
              <Money value={one.net} />
            </td>
            <td class={`num ${tone(one.roi ?? 0)}`}>{gain(one.roi === null ? null : 100 * one.roi)}</td>
            <td>{one.reason}</td>
            {choose && (
              <td>
                <button
                  type="button"
                  onClick={() => choose(n)}
                  aria-label={`Replay command of the trade of ${one.variant}`}
                >
                  Replay…
                </button>
              </td>
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function ReplayHint({ trade }: { trade: Trade }) {
  return (
    <p class="hint">
      Play it again: <Copy text={replayCommand(trade, folder())} label="Copy replay command" />
    </p>
  );
}
