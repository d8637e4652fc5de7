/** A trend as a line of a few pixels, drawn once a second at most. */

import { useEffect, useRef } from "preact/hooks";
import { fixed } from "../format";
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
  const words = `equity of ${row.id}: ${fixed(trend.values[0])} to ${fixed(trend.values[Math.max(0, trend.length - 1)])}`;
  return <canvas ref={canvas} width={2 * WIDTH} height={2 * HEIGHT} role="img" aria-label={words} />;
}

function draw(canvas: HTMLCanvasElement, row: Row): void {
  const pen = canvas.getContext("2d");
  const { values, length } = row.trend;
  if (!pen) return;
  pen.setTransform(2, 0, 0, 2, 0, 0);
  pen.clearRect(0, 0, WIDTH, HEIGHT);
  if (length < 2) return;
  let low = Infinity;
  let high = -Infinity;
  for (let n = 0; n < length; n++) {
    low = Math.min(low, values[n] ?? low);
    high = Math.max(high, values[n] ?? high);
  }
  const first = values[0] ?? 0;
  const last = values[length - 1] ?? 0;
  pen.strokeStyle = colour(palette.value, last > first ? "up" : last < first ? "down" : "muted");
  pen.lineWidth = 1.25;
  pen.beginPath();
  for (let n = 0; n < length; n++) {
    const x = 1 + (n / (length - 1)) * (WIDTH - 2);
    const y = HEIGHT - 2 - (((values[n] ?? low) - low) / (high - low || 1)) * (HEIGHT - 4);
    if (n) pen.lineTo(x, y);
    else pen.moveTo(x, y);
  }
  pen.stroke();
}
