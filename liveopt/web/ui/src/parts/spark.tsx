/** A trend as a line of a few pixels, drawn once a second at most. */

import { useEffect, useRef } from "preact/hooks";
import { fixed, since } from "../format";
import type { Row } from "../state/rows";
import { colour, palette } from "../charts/theme";

const WIDTH = 96;
const HEIGHT = 20;
const EVERY_MS = 1000;

export function Spark({ row }: { row: Row }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    let last = 0;
    return row.changed.subscribe(() => {
      const ms = performance.now();
      if (last && ms - last < EVERY_MS) return;
      last = ms;
      if (canvas.current) draw(canvas.current, row);
    });
  }, [row]);
  const { trend } = row;
  const from = trend.length ? `since ${since(trend.since, trend.times[trend.length - 1] ?? 0)}` : "nothing yet";
  const words = `equity of ${row.id}, ${from}: ${fixed(trend.values[0])} to ${fixed(trend.values[Math.max(0, trend.length - 1)])}`;
  const title = trend.short ? `${from}: too short for a trend` : from;
  return (
    <canvas ref={canvas} width={2 * WIDTH} height={2 * HEIGHT} role="img" aria-label={words} title={title} />
  );
}

function draw(canvas: HTMLCanvasElement, row: Row): void {
  const pen = canvas.getContext("2d");
  const { values, length, short, way } = row.trend;
  if (!pen) return;
  pen.setTransform(2, 0, 0, 2, 0, 0);
  pen.clearRect(0, 0, WIDTH, HEIGHT);
  if (!length) return;
  let low = Infinity;
  let high = -Infinity;
  for (let n = 0; n < length; n++) {
    low = Math.min(low, values[n] ?? low);
    high = Math.max(high, values[n] ?? high);
  }
  pen.strokeStyle = colour(palette.value, short || !way ? "muted" : way > 0 ? "up" : "down");
  pen.lineWidth = 1.25;
  pen.beginPath();
  if (high === low) {
    pen.moveTo(1, HEIGHT / 2); // what has not moved is a line as well, not an empty cell
    pen.lineTo(WIDTH - 1, HEIGHT / 2);
  }
  for (let n = 0; high > low && n < length; n++) {
    const x = 1 + (n / (length - 1)) * (WIDTH - 2);
    const y = HEIGHT - 2 - (((values[n] ?? low) - low) / (high - low)) * (HEIGHT - 4);
    if (n) pen.lineTo(x, y);
    else pen.moveTo(x, y);
  }
  pen.stroke();
}
