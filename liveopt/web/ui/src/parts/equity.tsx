/** A variant's equity beside its champion's, with the band of what luck alone shows. */

import { useMemo } from "preact/hooks";
import { colour, palette, series } from "../charts/theme";
import type { Line } from "../charts/kinds";
import { type Band, band, spokenBand } from "../state/band";
import { knownSince } from "../state/since";
import type { VariantDetail } from "../wire";
import { Plot } from "./chart";

interface Beside {
  own: VariantDetail | null;
  /** Null where the variant is the champion, or nobody is. */
  champion: VariantDetail | null;
  height?: number;
}

export function EquityChart({ own, champion, height = 240 }: Beside) {
  const found = useMemo(
    () => (own?.equity && champion?.equity ? band(own.equity, champion.equity) : null),
    [own, champion],
  );
  const lines = useMemo(() => linesOf(own, champion, found), [own, champion, found, palette.value]);
  const title = champion ? `Equity beside the champion ${champion.variant.id}` : "Equity";
  const late = knownSince(own);
  return (
    <>
      <Plot title={title} lines={lines} height={height} />
      {late && (
        <p class="muted small" data-testid="known-since">
          Curve{champion ? ", gap and band" : ""} known since {late} (the dashboard's process began then): what
          was before is in the figures above, not here.
        </p>
      )}
      {champion && own && (
        <p class="muted small" data-testid="band-caption">
          {spokenBand(found)}
          {found &&
            " Grey: 95 % at each moment by itself of what a variant no better than the champion would show," +
              " from the differences of the sampled curves, the champion's moved to where this one begins." +
              " It is not the gate's judgement, which counts every look and everybody compared."}
        </p>
      )}
    </>
  );
}

function linesOf(own: VariantDetail | null, champion: VariantDetail | null, found: Band | null): Line[] {
  if (!own?.equity?.length) return [];
  const name = own.variant.id + (own.variant.champion ? " (champion)" : "");
  const curve: Line = {
    name,
    colour: series(palette.value, 0),
    times: own.equity.map(([ms]) => ms / 1000),
    values: own.equity.map(([, value]) => value),
    ...(own.variant.champion ? { dash: [6, 4] } : {}),
  };
  if (!champion?.equity?.length) return [curve];
  const beside: Line = {
    name: `${champion.variant.id} (champion)`,
    colour: series(palette.value, 1),
    times: found?.times ?? champion.equity.map(([ms]) => ms / 1000),
    values: found?.base ?? champion.equity.map(([, value]) => value),
    dash: [6, 4],
  };
  return [curve, beside, ...(found ? edges(found) : [])];
}

function edges(found: Band): Line[] {
  const tint = colour(palette.value, "muted");
  return [
    { name: "band, high", colour: tint, times: found.times, values: found.high, edge: "high" },
    { name: "band, low", colour: tint, times: found.times, values: found.low, edge: "low" },
  ];
}

export function drawdownLines(detail: VariantDetail | null): Line[] {
  if (!detail?.equity?.length) return [];
  let peak = -Infinity;
  const values = detail.equity.map(([, value]) => {
    if (value === null) return null;
    peak = Math.max(peak, value);
    return -100 * (1 - value / peak);
  });
  const times = detail.equity.map(([ms]) => ms / 1000);
  return [{ name: "drawdown", colour: series(palette.value, 3), times, values }];
}
