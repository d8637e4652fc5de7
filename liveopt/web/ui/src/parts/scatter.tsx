/** Points in a plane, and lines across parallel axes: drawn by hand, each with its table. */

import { useEffect, useRef, useState } from "preact/hooks";
import { count, figure, words } from "../format";
import { type Palette, colour, palette, series } from "../charts/theme";

const HEIGHT = 240;
const EDGE = 44;
/** Room for the figures beside and below a scatter. */
const SIDE = 72;
const FOOT = 28;

export interface Point {
  name: string;
  x: number;
  y: number;
}

type Draw = (pen: CanvasRenderingContext2D, width: number, of: Palette) => void;

/** A canvas as wide as its place, drawn again when that or the theme changes. */
function Drawing({ label, draw }: { label: string; draw: Draw }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const of = palette.value;
  useEffect(() => {
    const there = canvas.current;
    const pen = there?.getContext("2d");
    if (!there || !pen) return;
    const paint = () => {
      const width = Math.max(200, there.clientWidth);
      there.width = 2 * width;
      there.height = 2 * HEIGHT;
      pen.setTransform(2, 0, 0, 2, 0, 0);
      pen.font = "12px system-ui, sans-serif";
      draw(pen, width, of);
    };
    const watch = new ResizeObserver(paint);
    watch.observe(there);
    return () => watch.disconnect();
  }, [draw, of]);
  return <canvas ref={canvas} class="drawing" role="img" aria-label={label} />;
}

function round(value: number): string {
  return figure(Number(value.toPrecision(3)));
}

function range(values: number[]): [number, number] {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const edge = (high - low || Math.abs(high) || 1) * 0.08;
  return [low - edge, high + edge];
}

interface Scattered {
  title: string;
  x: string;
  y: string;
  points: Point[];
  /** Each axis by its own scale: what stands on them is not the same thing. */
  apart?: boolean;
}

/** The line where both are equal says how much is lost. */
export function Scatter({ title, x, y, points, apart = false }: Scattered) {
  const [asTable, show] = useState(false);
  const draw: Draw = (pen, width, of) => {
    if (!points.length) return;
    const xs = range(points.flatMap((one) => (apart ? [one.x] : [one.x, one.y])));
    const ys = range(points.flatMap((one) => (apart ? [one.y] : [one.x, one.y])));
    const [wide, high] = [width - SIDE - 12, HEIGHT - FOOT - 4];
    const at = (value: number, [low, most]: [number, number]) => (value - low) / (most - low);
    pen.strokeStyle = colour(of, "line");
    pen.strokeRect(SIDE, 4, wide, high);
    if (!apart) {
      pen.setLineDash([4, 4]);
      pen.beginPath();
      pen.moveTo(SIDE, 4 + high);
      pen.lineTo(SIDE + wide, 4);
      pen.stroke();
      pen.setLineDash([]);
    }
    pen.fillStyle = colour(of, "muted");
    pen.textAlign = "right";
    pen.fillText(round(ys[1]), SIDE - 6, 14);
    pen.fillText(round(ys[0]), SIDE - 6, 4 + high);
    pen.fillText(round(xs[1]), SIDE + wide, high + 20);
    pen.textAlign = "left";
    pen.fillText(round(xs[0]), SIDE, high + 20);
    pen.textAlign = "center";
    pen.fillText(`${x} →`, SIDE + wide / 2, high + 20, wide / 2);
    pen.save();
    pen.translate(12, 4 + high / 2);
    pen.rotate(-Math.PI / 2);
    pen.fillText(`${y} →`, 0, 0, high - 40);
    pen.restore();
    pen.fillStyle = colour(of, "accent");
    for (const one of points) {
      pen.beginPath();
      pen.arc(SIDE + at(one.x, xs) * wide, 4 + high - at(one.y, ys) * high, 4, 0, 2 * Math.PI);
      pen.fill();
    }
  };
  const under = points.filter((one) => one.y < one.x).length;
  const lower = apart ? "" : `; ${under} of them lower ${y} than ${x} (below the line)`;
  const summary = points.length ? `${count(points.length, "point")}${lower}` : "Nothing yet";
  return (
    <figure class="chart">
      <figcaption>
        <strong>{title}</strong>
        <button type="button" aria-pressed={asTable} onClick={() => show(!asTable)}>
          {asTable ? "Hide table" : "Show as table"}
        </button>
      </figcaption>
      <p class="summary">{summary}</p>
      <Drawing label={`${title}. ${summary}`} draw={draw} />
      {asTable && (
        <table>
          <caption class="sr">{title}</caption>
          <thead>
            <tr>
              {["point", x, y].map((name) => (
                <th scope="col" class={name === "point" ? "" : "num"} key={name}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {points.map((one) => (
              <tr key={one.name}>
                <th scope="row">{one.name}</th>
                <td class="num">{figure(one.x)}</td>
                <td class="num">{figure(one.y)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </figure>
  );
}

type Candidate = Record<string, number | string>;

/** One axis a parameter, one line a candidate; words stand in their own order. */
export function Parallel({ title, rows }: { title: string; rows: Candidate[] }) {
  const [asTable, show] = useState(false);
  const names = Object.keys(rows[0] ?? {}).filter((name) => new Set(rows.map((row) => row[name])).size > 1);
  const draw: Draw = (pen, width, of) => {
    const gap = (width - 2 * EDGE) / Math.max(1, names.length - 1);
    const axes = names.map((name) => scale(rows.map((row) => row[name] ?? "")));
    const bottom = HEIGHT - 34;
    pen.strokeStyle = colour(of, "line");
    pen.fillStyle = colour(of, "muted");
    pen.textAlign = "center";
    names.forEach((name, n) => {
      pen.strokeRect(EDGE + n * gap, 22, 0.5, bottom - 22);
      pen.fillText(words(name), EDGE + n * gap, HEIGHT - 4, gap - 4);
      const [least, most] = ends(rows.map((row) => row[name] ?? ""));
      pen.fillText(most, EDGE + n * gap, 14, gap - 4);
      pen.fillText(least, EDGE + n * gap, HEIGHT - 18, gap - 4);
    });
    rows.forEach((row, n) => {
      pen.strokeStyle = series(of, n);
      pen.beginPath();
      names.forEach((name, m) => {
        const y = bottom - (axes[m]?.(row[name] ?? "") ?? 0) * (bottom - 22);
        if (m) pen.lineTo(EDGE + m * gap, y);
        else pen.moveTo(EDGE, y);
      });
      pen.stroke();
    });
  };
  return (
    <figure class="chart">
      <figcaption>
        <strong>{title}</strong>
        <button type="button" aria-pressed={asTable} onClick={() => show(!asTable)}>
          {asTable ? "Hide table" : "Show as table"}
        </button>
      </figcaption>
      <p class="summary">
        {rows.length < 2
          ? "n too small: one candidate has nothing to differ from"
          : `${count(rows.length, "candidate")}, ${count(names.length, "parameter")} that differ`}
      </p>
      {names.length > 0 && <Drawing label={`${title}: ${names.join(", ")}`} draw={draw} />}
      {asTable && (
        <table>
          <caption class="sr">{title}</caption>
          <thead>
            <tr>
              <th scope="col">candidate</th>
              {names.map((name) => (
                <th scope="col" class="num" key={name}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, n) => (
              <tr key={n}>
                <th scope="row">{n + 1}</th>
                {names.map((name) => (
                  <td class="num" key={name}>
                    {figure(row[name])}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </figure>
  );
}

/** What stands at the foot and at the head of an axis. */
function ends(values: (number | string)[]): [string, string] {
  if (values.every((value) => typeof value === "number"))
    return [round(Math.min(...values.map(Number))), round(Math.max(...values.map(Number)))];
  const there = [...new Set(values.map(String))].sort();
  return [there[0] ?? "", there[there.length - 1] ?? ""];
}

function scale(values: (number | string)[]): (value: number | string) => number {
  const numbers = values.filter((value) => typeof value === "number");
  if (numbers.length === values.length) {
    const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
    return (value) => (high > low ? (Number(value) - low) / (high - low) : 0.5);
  }
  const there = [...new Set(values.map(String))].sort();
  return (value) => there.indexOf(String(value)) / Math.max(1, there.length - 1);
}
