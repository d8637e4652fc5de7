/** Points in a plane, and lines across parallel axes: drawn by hand, each with its table. */

import { useEffect, useRef, useState } from "preact/hooks";
import { figure } from "../format";
import { type Palette, colour, palette, series } from "../charts/theme";

const HEIGHT = 240;
const EDGE = 44;

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

function range(values: number[]): [number, number] {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const edge = (high - low || Math.abs(high) || 1) * 0.08;
  return [low - edge, high + edge];
}

/** The line where both are equal says how much is lost. */
export function Scatter({ title, x, y, points }: { title: string; x: string; y: string; points: Point[] }) {
  const [asTable, show] = useState(false);
  const draw: Draw = (pen, width, of) => {
    if (!points.length) return;
    const [low, high] = range(points.flatMap((one) => [one.x, one.y]));
    const side = Math.min(width, HEIGHT) - EDGE;
    const at = (value: number) => ((value - low) / (high - low)) * side;
    pen.strokeStyle = colour(of, "line");
    pen.strokeRect(EDGE, 4, side, side);
    pen.beginPath();
    pen.moveTo(EDGE, 4 + side);
    pen.lineTo(EDGE + side, 4);
    pen.stroke();
    pen.fillStyle = colour(of, "muted");
    pen.fillText(`${x} →`, EDGE, side + 22);
    pen.fillText(figure(Number(high.toPrecision(3))), 2, 14);
    pen.fillText(figure(Number(low.toPrecision(3))), 2, side + 4);
    pen.fillStyle = colour(of, "accent");
    for (const one of points) {
      pen.beginPath();
      pen.arc(EDGE + at(one.x), 4 + side - at(one.y), 4, 0, 2 * Math.PI);
      pen.fill();
    }
  };
  const under = points.filter((one) => one.y < one.x).length;
  const summary = points.length
    ? `${points.length} points; ${under} of them lower ${y} than ${x}`
    : "Nothing yet";
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
                <th scope="col" key={name}>
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
    const bottom = HEIGHT - 28;
    pen.strokeStyle = colour(of, "line");
    pen.fillStyle = colour(of, "muted");
    pen.textAlign = "center";
    names.forEach((name, n) => {
      pen.strokeRect(EDGE + n * gap, 8, 0.5, bottom - 8);
      pen.fillText(name, EDGE + n * gap, HEIGHT - 8, gap);
    });
    rows.forEach((row, n) => {
      pen.strokeStyle = series(of, n);
      pen.beginPath();
      names.forEach((name, m) => {
        const y = bottom - (axes[m]?.(row[name] ?? "") ?? 0) * (bottom - 8);
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
        {rows.length} candidates, {names.length} parameters that differ
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

function scale(values: (number | string)[]): (value: number | string) => number {
  const numbers = values.filter((value) => typeof value === "number");
  if (numbers.length === values.length) {
    const [low, high] = range(numbers);
    return (value) => (Number(value) - low) / (high - low);
  }
  const there = [...new Set(values.map(String))].sort();
  return (value) => there.indexOf(String(value)) / Math.max(1, there.length - 1);
}
