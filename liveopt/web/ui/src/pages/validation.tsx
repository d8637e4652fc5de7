/** How a search was tested: its windows along the past, and what they made out of sample. */

import { useMemo } from "preact/hooks";
import { figure, fixed, gain, percent, probability } from "../format";
import { palette, series } from "../charts/theme";
import type { Line } from "../charts/kinds";
import { Plot } from "../parts/chart";
import { Fact } from "../parts/ledger";
import { useGet } from "../parts/use";
import { type Window, stitched, windows } from "../state/walk";
import type { JobDetail, JobResult } from "../wire";

export function ValidationPage({ id }: { id: string }) {
  const { data, error, loading } = useGet<JobDetail>(`/api/v1/jobs/${encodeURIComponent(id)}`);
  return (
    <>
      <h1 tabIndex={-1}>Validation of {id}</h1>
      <p>
        <a href={`/jobs/${encodeURIComponent(id)}`}>The job</a>
      </p>
      {error && <p class="bad">{error}</p>}
      {loading && <p class="muted">Loading…</p>}
      {data && !data.result && (
        <p class="muted">It is {data.status}: there is nothing to validate before a search has ended.</p>
      )}
      {data?.result && <Validated of={data.result} />}
    </>
  );
}

function Validated({ of }: { of: JobResult }) {
  const { walk_forward: walk } = of;
  const lines = useMemo(() => linesOf(of), [of, palette.value]);
  const out = walk.out_of_sample;
  const few = walk.folds.length < 3;
  return (
    <>
      <div class={`banner ${of.passes ? "" : "warn"}`} role="status" data-testid="verdict">
        <span>
          <strong>{of.passes ? "● Passes" : "▲ Fails:"}</strong> {of.fails.join("; ")}
        </span>
      </div>
      <section class="panel">
        <h2>Windows</h2>
        <Strip of={windows(of)} />
        <p class="muted small">
          {figure(walk.kind)} walk over {figure(of.data?.bars)} signal bars; {figure(walk.embargo)} bars of
          embargo between train and test, so that nothing learned reaches into the test.
        </p>
      </section>
      <section class="panel">
        {lines.length ? (
          <Plot title="Equity of the tests, stitched together" lines={lines} height={220} />
        ) : (
          <p class="muted">The result does not say when its bars were: there is no curve.</p>
        )}
        <p class="muted small">
          A point where each test ends: the study keeps no more.{" "}
          {few && `n too small: ${walk.folds.length} ${walk.folds.length === 1 ? "test" : "tests"}.`}
        </p>
      </section>
      <section class="panel">
        <h2>All tests together</h2>
        <dl class="facts wide">
          <Fact name="return" value={gain(hundred(out?.metrics?.["roi"]))} />
          <Fact name="return, pessimistic" value={gain(hundred(out?.pessimistic?.["roi"]))} />
          <Fact name="Sharpe ratio" value={fixed(out?.metrics?.["bar_sharpe"])} />
          <Fact name="max drawdown" value={percent(out?.metrics?.["max_drawdown"], 2)} />
          <Fact name="trades" value={figure(out?.metrics?.["trades"])} />
          <Fact name="of the objective in sample, left" value={percent(walk.decay, 0)} />
          <Fact name="deflated Sharpe ratio" value={probability(of.best.deflated_sharpe)} />
          <Fact name="trials ever on these data" value={figure(of.best.trials)} />
        </dl>
      </section>
    </>
  );
}

function linesOf(of: JobResult): Line[] {
  const found = stitched(of);
  if (!found) return [];
  const { times } = found;
  return [
    { name: "out of sample", colour: series(palette.value, 0), times, values: found.main },
    {
      name: "out of sample, pessimistic",
      colour: series(palette.value, 1),
      times,
      values: found.pessimistic,
      dash: [6, 4],
    },
  ];
}

/** One row a fold; in words as well, for whoever cannot see it. */
function Strip({ of }: { of: Window[] }) {
  const folds = [...new Set(of.map((one) => one.fold))];
  return (
    <div class="windows">
      <ul class="legend">
        <li>
          <span class="swatch train" aria-hidden="true" /> train
        </li>
        <li>
          <span class="swatch test" aria-hidden="true" /> test, out of sample
        </li>
      </ul>
      <table>
        <caption class="sr">Train and test of each fold, in signal bars</caption>
        <thead>
          <tr>
            <th scope="col">fold</th>
            <th scope="col" class="strip-cell">
              along the data
            </th>
            <th scope="col" class="num">
              train
            </th>
            <th scope="col" class="num">
              test
            </th>
          </tr>
        </thead>
        <tbody>
          {folds.map((fold) => {
            const own = of.filter((one) => one.fold === fold);
            return (
              <tr key={fold}>
                <th scope="row">{fold}</th>
                <td class="strip-cell" aria-hidden="true">
                  <div class="track">
                    {own.map((one) => (
                      <div
                        key={one.kind}
                        class={`window ${one.kind}`}
                        style={{ left: `${100 * one.from}%`, width: `${100 * (one.to - one.from)}%` }}
                      />
                    ))}
                  </div>
                </td>
                <td class="num">{span(own, "train")}</td>
                <td class="num">{span(own, "test")}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function span(of: Window[], kind: Window["kind"]): string {
  const one = of.find((part) => part.kind === kind);
  return one ? `${figure(one.bars[0])} to ${figure(one.bars[1])}` : "–";
}

function hundred(share: number | null | undefined): number | null {
  return share == null ? null : 100 * share;
}
