/** Up to six variants side by side: a winner is named only where their intervals do not overlap. */

import { useMemo } from "preact/hooks";
import { fixed, words } from "../format";
import { palette, series } from "../charts/theme";
import type { Line } from "../charts/kinds";
import { drawdown } from "../parts/board";
import { Gain, Sharpe, better, intervalOf } from "../parts/cells";
import { Plot } from "../parts/chart";
import { parameter } from "../parts/ledger";
import { useMany } from "../parts/many";
import { COMPARED_MAX, marked } from "../state/board";
import { correlation } from "../state/correlation";
import type { Interval } from "../state/interval";
import { place, variantPath } from "../state/route";
import type { Row } from "../state/rows";
import { known, rowOf, rows } from "../state/store";
import type { VariantDetail } from "../wire";

export function ComparePage() {
  const asked = place.value.query.get("ids");
  const ids = [...new Set(asked === null ? marked.value : asked.split(",").filter(Boolean))].slice(0, COMPARED_MAX);
  const found = useMany<VariantDetail>(ids.map((id) => `/api/v1/variants/${encodeURIComponent(id)}`));
  const lines = useMemo(() => normalised(found), [found, palette.value]);
  void rows.value;
  const there = ids.flatMap((id) => rowOf(id) ?? []);
  const missing = ids.filter((id) => !rowOf(id));
  return (
    <>
      <h1 tabIndex={-1}>Compare</h1>
      {ids.length < 2 ? (
        <p>
          Mark two to six variants on the <a href="/">Live</a> page (the key c, or the button of a variant),
          then come back.
        </p>
      ) : (
        <>
          {known.value && missing.length > 0 && (
            <p class="bad">
              Not there (any more): {missing.join(", ")}. {there.length < 2 && "There is nothing to compare."}
            </p>
          )}
          <section class="panel">
            <Plot title="Equity, each as 100 at its first point" lines={lines} />
          </section>
          <section class="panel">
            <p class="muted">
              Figures. A Sharpe ratio is marked ★ only if its 95 % interval lies above all others; the rest
              have no interval, so nobody wins.
            </p>
            <div class="scroll" tabIndex={0} role="region" aria-label="figures side by side">
              <Figures of={there} />
            </div>
          </section>
          <section class="panel scroll" tabIndex={0} role="region" aria-label="parameters that differ">
            <Differences of={found} />
          </section>
          <section class="panel scroll" tabIndex={0} role="region" aria-label="correlation of returns">
            <Correlations of={found} />
          </section>
        </>
      )}
    </>
  );
}

function normalised(all: VariantDetail[]): Line[] {
  return all.flatMap((one, n) => {
    const points = (one.equity ?? []).filter(([, value]) => value !== null && value > 0);
    const first = points[0]?.[1];
    if (!first) return [];
    return {
      name: one.variant.id,
      colour: series(palette.value, n),
      times: points.map(([ms]) => ms / 1000),
      values: points.map(([, value]) => (100 * (value ?? 0)) / first),
    };
  });
}

/** Whoever is surely ahead of all the others: its interval lies above all of theirs. */
export function winner(all: (Interval | null)[]): number {
  if (all.length < 2) return -1;
  return all.findIndex(
    (one, n) => one !== null && all.every((other, m) => m === n || (other !== null && one.low > other.high)),
  );
}

function Figures({ of }: { of: Row[] }) {
  for (const row of of) void row.changed.value;
  const ahead = winner(of.map(intervalOf));
  return (
    <table>
      <caption class="sr">Figures side by side</caption>
      <thead>
        <tr>
          <th scope="col">what</th>
          {of.map((row) => (
            <th scope="col" class="num" key={row.id}>
              <a href={variantPath(row.id)}>{row.id}</a>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        <Figure
          name="Sharpe of its bars [95 %]"
          of={of}
          show={(row, n) => (
            <span class={n === ahead ? "wins" : ""}>
              {n === ahead ? "★ " : ""}
              <Sharpe row={row} />
            </span>
          )}
        />
        <Figure name="return" of={of} show={(row) => <Gain value={row.of("roi")} />} />
        <Figure name="equity" of={of} show={(row) => fixed(row.of("equity"))} />
        <Figure name="pessimistic equity" of={of} show={(row) => fixed(row.of("pessimistic"))} />
        <Figure name="P(better)" of={of} show={better} />
        <Figure name="max drawdown" of={of} show={drawdown} />
        <Figure name="trades" of={of} show={(row) => fixed(row.of("trades"), 0)} />
      </tbody>
    </table>
  );
}

type Shower = (row: Row, place: number) => preact.ComponentChildren;

function Figure({ name, of, show }: { name: string; of: Row[]; show: Shower }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      {of.map((row, n) => (
        <td class="num" key={row.id}>
          {show(row, n)}
        </td>
      ))}
    </tr>
  );
}

function Differences({ of }: { of: VariantDetail[] }) {
  const names = [...new Set(of.flatMap((one) => Object.keys(one.variant.parameters ?? {})))].sort();
  const differing = names.filter((name) => new Set(of.map((one) => one.variant.parameters?.[name])).size > 1);
  return (
    <table>
      <caption>{differing.length ? "Parameters that differ" : "No parameter differs"}</caption>
      <thead>
        <tr>
          <th scope="col">name</th>
          {of.map((one) => (
            <th scope="col" class="num" key={one.variant.id}>
              {one.variant.id}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {differing.map((name) => (
          <tr key={name}>
            <th scope="row">{words(name)}</th>
            {of.map((one) => (
              <td class="num" key={one.variant.id}>
                {parameter(one.variant.parameters?.[name])}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Correlations({ of }: { of: VariantDetail[] }) {
  return (
    <table>
      <caption>Correlation of their returns, point by point where both have one</caption>
      <thead>
        <tr>
          <th scope="col">variant</th>
          {of.map((one) => (
            <th scope="col" class="num" key={one.variant.id}>
              {one.variant.id}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {of.map((one) => (
          <tr key={one.variant.id}>
            <th scope="row">{one.variant.id}</th>
            {of.map((other) => {
              const found = correlation(one.equity ?? [], other.equity ?? []);
              return (
                <td class="num" key={other.variant.id}>
                  {found === null ? "n too small" : fixed(found)}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
