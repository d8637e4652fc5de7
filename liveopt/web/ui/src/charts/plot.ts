/** Lines over time, by uPlot: loaded when somebody looks at one. */

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { clock, fixed, moment } from "../format";
import type { Line, Mounted } from "./kinds";
import { type Palette, colour } from "./theme";

/** `lines` share their times, in seconds. */
export function mountPlot(place: HTMLElement, height: number, of: Palette): Mounted<Line[]> {
  let plot: uPlot | null = null;
  let names = "";
  const size = () => ({ width: Math.max(200, place.clientWidth), height });
  const make = (lines: Line[]) => {
    plot?.destroy();
    names = key(lines);
    plot = new uPlot(options(lines, of, size()), data(lines), place);
  };
  const watch = new ResizeObserver(() => plot?.setSize(size()));
  watch.observe(place);
  return {
    set: (lines) => {
      if (!lines.length) {
        plot?.destroy();
        plot = null;
      } else if (!plot || key(lines) !== names) make(lines);
      else plot.setData(data(lines));
    },
    destroy: () => {
      watch.disconnect();
      plot?.destroy();
    },
  };
}

function key(lines: Line[]): string {
  return lines.map((line) => `${line.name}\n${line.colour}`).join("\n");
}

/** One axis of time for all: the union of their times, with gaps where a line has no point. */
function data(lines: Line[]): uPlot.AlignedData {
  const tables = lines.map((line) => [line.times, line.values] as uPlot.AlignedData);
  return tables.length === 1 && tables[0] ? tables[0] : uPlot.join(tables);
}

/** As the settings have it; a date where a day or more lies between two. */
function time(seconds: number, step: number): string {
  const ms = 1000 * seconds;
  return step >= 86_400 ? moment(ms).slice(0, 10) : clock(ms).slice(0, step < 60 ? 8 : 5);
}

/** With as many decimals as it takes to tell neighbours apart. */
function label(value: number, all: number[]): string {
  const step = Math.abs((all[1] ?? 1) - (all[0] ?? 0)) || 1;
  return fixed(value, Math.min(8, Math.max(0, -Math.floor(Math.log10(step)))));
}

/** The two edges of a band, with what lies between them filled; uPlot counts from the axis of time. */
function bands(lines: Line[]): uPlot.Band[] {
  const high = lines.findIndex((line) => line.edge === "high");
  const low = lines.findIndex((line) => line.edge === "low");
  const fill = lines[high]?.colour;
  return high < 0 || low < 0 || !fill ? [] : [{ series: [high + 1, low + 1], fill: `${fill}2e` }];
}

/** Of one value uPlot makes an axis from 0 to twice or a hundred of it: what lies flat is shown flat. */
function heights(low: number | null, high: number | null): uPlot.Range.MinMax {
  if (low === null || high === null) return [0, 1];
  const half = Math.abs(low) * 0.001 || 1;
  return low === high ? [low - half, high + half] : uPlot.rangeNum(low, high, 0.1, true);
}

function options(lines: Line[], of: Palette, size: { width: number; height: number }): uPlot.Options {
  const axis = {
    stroke: colour(of, "muted"),
    grid: { stroke: colour(of, "line"), width: 1 },
    ticks: { stroke: colour(of, "line"), width: 1 },
    font: "12px system-ui, sans-serif",
  };
  return {
    ...size,
    legend: { show: false },
    cursor: { y: false },
    scales: { x: { time: true }, y: { range: (_plot, low, high) => heights(low, high) } },
    bands: bands(lines),
    axes: [
      {
        ...axis,
        space: 90,
        size: 30,
        values: (_plot, ticks, _axis, _space, step) => ticks.map((one) => time(one, step)),
      },
      { ...axis, size: 76, values: (_plot, ticks) => ticks.map((one) => label(one, ticks)) },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        label: line.name,
        stroke: line.colour,
        width: line.edge ? 1 : 1.5,
        spanGaps: true,
        points: { show: false },
        ...(line.dash ? { dash: line.dash } : {}),
      })),
    ],
  };
}
