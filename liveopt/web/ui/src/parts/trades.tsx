/** A table of closed trades, each with the command that plays it again. */

import { NONE, age, clock, fixed, fromNs, gain, words } from "../format";
import { variantPath } from "../state/route";
import { narrow } from "../state/settings";
import { apart, rowOf, status } from "../state/store";
import type { Trade } from "../wire";
import { Money, tone } from "./cells";
import { marketMoment, marketName } from "./clocks";
import { Copy } from "./copy";

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

/** On a telephone without the year and the seconds, which the export has. */
function when(one: Trade): string {
  const text = marketMoment(fromNs(one.at_ns));
  return narrow.value ? text.slice(5, 16) : text;
}

/** Of the day it closed, the time alone. */
function entered(one: Trade): string {
  if (!one.entry_ns) return NONE;
  const [from, to] = [fromNs(one.entry_ns), fromNs(one.at_ns)];
  const text = marketMoment(from);
  return text.slice(0, 10) === marketMoment(to).slice(0, 10) ? clock(from) : text.slice(0, 19);
}

/** How long it was held, on the market's clock. */
function held(one: Trade): string {
  const seconds = one.duration_s ?? (one.entry_ns ? (one.at_ns - one.entry_ns) / 1e9 : null);
  return age(seconds === null ? null : 1000 * seconds);
}

export function strategyOf(one: Trade): string {
  return rowOf(one.variant)?.strategy ?? one.strategy ?? "";
}

export function Trades({
  of,
  chosen,
  choose,
  alone = false,
}: {
  of: Trade[];
  /** All of one variant, whose name is above. */
  alone?: boolean;
  chosen?: number;
  choose?: (n: number) => void;
}) {
  return (
    <table class="trades">
      <caption class="sr">Closed trades, the newest first</caption>
      <thead>
        <tr>
          <th scope="col">{narrow.value && apart.value ? "Market time" : marketName("Closed")}</th>
          <th scope="col" class="less">
            Entered
          </th>
          <th scope="col" class="num less">
            Held
          </th>
          {!alone && <th scope="col">Variant</th>}
          {!alone && (
            <th scope="col" class="less">
              Strategy
            </th>
          )}
          <th scope="col">Side</th>
          <th scope="col" class="num less">
            Size
          </th>
          <th scope="col" class="num less">
            Entry
          </th>
          <th scope="col" class="num less">
            Exit
          </th>
          <th scope="col" class="num">
            Net
          </th>
          <th scope="col" class="num less">
            Fees
          </th>
          <th scope="col" class="num less">
            On margin
          </th>
          <th scope="col" class="less">
            Reason
          </th>
          {choose && <th scope="col">Again</th>}
        </tr>
      </thead>
      <tbody>
        {of.map((one, n) => (
          <tr key={one.id ?? `${one.at_ns} ${one.variant}`} aria-current={chosen === n ? "true" : undefined}>
            <td class="tick">{when(one)}</td>
            <td class="tick less">{entered(one)}</td>
            <td class="num less">{held(one)}</td>
            {!alone && (
              <th scope="row" class="id">
                <a href={variantPath(one.variant)}>{one.variant}</a>
              </th>
            )}
            {!alone && <td class="less">{words(strategyOf(one))}</td>}
            <td>{one.side}</td>
            <td class="num less">{fixed(one.size, 4)}</td>
            <td class="num less">{fixed(one.entry_price)}</td>
            <td class="num less">{fixed(one.exit_price)}</td>
            <td class="num">
              <Money value={one.net} />
            </td>
            <td class="num less">{fixed(one.fees)}</td>
            <td class={`num less ${tone(one.roi ?? 0)}`}>{gain(one.roi === null ? null : 100 * one.roi)}</td>
            <td class="less">{one.reason}</td>
            {choose && (
              <td>
                <button
                  type="button"
                  onClick={() => choose(n)}
                  aria-label={`Replay command of the trade of ${one.variant}`}
                >
                  {narrow.value ? "↻" : "Replay…"}
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
