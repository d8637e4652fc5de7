/** A chart with what it shows in words, and as a table for whoever cannot see it. */

import { type ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { count, fixed, moment } from "../format";
import { type Palette, palette } from "../charts/theme";
import type { Candles, Line, Mounted } from "../charts/kinds";

type Mount<T> = (place: HTMLElement, height: number, of: Palette) => Mounted<T>;

interface Shown<T> {
  title: string;
  summary: string;
  data: T;
  height?: number;
  /** There is nothing to draw: no room is kept for it. */
  empty?: boolean;
  load: () => Promise<Mount<T>>;
  table: () => ComponentChildren;
  below?: ComponentChildren;
}

export function Chart<T>({ title, summary, data, height = 200, empty = false, load, table, below }: Shown<T>) {
  const place = useRef<HTMLDivElement>(null);
  const mounted = useRef<Mounted<T> | null>(null);
  const newest = useRef(data);
  const [failed, fail] = useState(false);
  const [asTable, show] = useState(false);
  const of = palette.value;
  newest.current = data;
  const draw = (what: () => void) => {
    try {
      what();
      fail(false);
    } catch {
      fail(true); // one chart that cannot be drawn is no reason to lose the page
    }
  };
  useEffect(() => {
    let gone = false;
    load().then(
      (mount) =>
        draw(() => {
          if (gone || !place.current) return;
          mounted.current = mount(place.current, height, of);
          mounted.current.set(newest.current);
        }),
      () => fail(true),
    );
    return () => {
      gone = true;
      mounted.current?.destroy();
      mounted.current = null;
    };
  }, [of]);
  useEffect(() => draw(() => mounted.current?.set(data)), [data]);
  return (
    <figure class="chart">
      <figcaption>
        <strong>{title}</strong>
        <button type="button" aria-pressed={asTable} onClick={() => show(!asTable)}>
          {asTable ? "Hide table" : "Show as table"}
        </button>
      </figcaption>
      <p class="summary">{summary}</p>
      {failed && <p class="muted">The chart could not be drawn; the table has its numbers.</p>}
      <div
        ref={place}
        class="canvas"
        role="img"
        aria-label={`${title}. ${summary}`}
        style={{ minHeight: empty ? "0" : `${height}px` }}
      />
      {below}
      {(asTable || failed) && (
        <div class="twin" tabIndex={0} role="region" aria-label={`${title} as a table`}>
          {table()}
        </div>
      )}
    </figure>
  );
}

const loadPlot = () => import("../charts/plot").then((found) => found.mountPlot);
const loadCandles = () => import("../charts/candles").then((found) => found.mountCandles);

/** Lines over time. */
export function Plot({ title, lines, height }: { title: string; lines: Line[]; height?: number }) {
  const summary = lines.length ? lines.filter((line) => !line.edge).map(spokenLine).join("; ") : "Nothing yet";
  return (
    <Chart
      title={title}
      summary={summary}
      data={lines}
      height={height ?? 200}
      empty={!lines.length}
      load={loadPlot}
      table={() => <LineTable title={title} lines={lines} />}
      below={lines.length > 1 && <Legend lines={lines} />}
    />
  );
}

function Legend({ lines }: { lines: Line[] }) {
  return (
    <ul class="legend">
      {lines
        .filter((line) => line.edge !== "low")
        .map((line) => (
          <li key={line.name}>
            <span class="swatch" style={{ background: line.colour }} aria-hidden="true" />{" "}
            {line.edge ? "95 % band" : line.name}
          </li>
        ))}
    </ul>
  );
}

function spokenLine(line: Line): string {
  const there = line.values.filter((value) => value !== null);
  if (!there.length) return `${line.name}: nothing yet`;
  const [from, to] = [there[0], there[there.length - 1]];
  return `${line.name}: ${fixed(from)} to ${fixed(to)}, least ${fixed(least(there))}, most ${fixed(-least(there.map((v) => -v)))}`;
}

function least(values: number[]): number {
  return values.reduce((a, b) => Math.min(a, b), Infinity);
}

const SHOWN = 200;

function LineTable({ title, lines }: { title: string; lines: Line[] }) {
  const times = [...new Set(lines.flatMap((line) => line.times))].sort((a, b) => b - a).slice(0, SHOWN);
  const maps = lines.map((line) => new Map(line.times.map((time, n) => [time, line.values[n]])));
  return (
    <table>
      <caption class="sr">{title}, the newest first</caption>
      <thead>
        <tr>
          <th scope="col">time</th>
          {lines.map((line) => (
            <th scope="col" class="num" key={line.name}>
              {line.name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {times.map((time) => (
          <tr key={time}>
            <th scope="row">{moment(time * 1000)}</th>
            {maps.map((values, n) => (
              <td class="num" key={n}>
                {fixed(values.get(time))}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Candles with entries and exits. */
export function CandleChart({ title, data, height }: { title: string; data: Candles; height?: number }) {
  const last = data.candles[data.candles.length - 1];
  const summary = last
    ? `${count(data.candles.length, "bar")}, the last closed at ${fixed(last.close)}; ${count(data.markers.length, "mark")} of entries and exits${data.levels.map((one) => `; ${one.name} at ${fixed(one.price)}`).join("")}`
    : "Nothing yet";
  return (
    <Chart
      title={title}
      summary={summary}
      data={data}
      height={height ?? 280}
      load={loadCandles}
      table={() => <CandleTable title={title} data={data} />}
      below={
        <p class="muted small">
          Charts:{" "}
          <a href="https://www.tradingview.com/" target="_blank" rel="noreferrer noopener">
            TradingView
          </a>{" "}
          Lightweight Charts™, © TradingView, Inc.
        </p>
      }
    />
  );
}

function CandleTable({ title, data }: { title: string; data: Candles }) {
  return (
    <table>
      <caption class="sr">{title}, the newest first</caption>
      <thead>
        <tr>
          {["time", "open", "high", "low", "close"].map((name) => (
            <th scope="col" class={name === "time" ? "" : "num"} key={name}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {data.candles
          .slice(-SHOWN)
          .reverse()
          .map((one) => (
            <tr key={one.time}>
              <th scope="row">{moment(one.time * 1000)}</th>
              {[one.open, one.high, one.low, one.close].map((value, n) => (
                <td class="num" key={n}>
                  {fixed(value)}
                </td>
              ))}
            </tr>
          ))}
      </tbody>
    </table>
  );
}
