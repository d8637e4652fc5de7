/** One search: how far it is, what it found in both samples, and whether that may be used. */

import { useMemo } from "preact/hooks";
import { figure, fixed, gain, isoMoment, percent, probability, words } from "../format";
import { Copy } from "../parts/copy";
import { JobActs } from "../parts/jobacts";
import { Fact, parameter } from "../parts/ledger";
import { Progress } from "../parts/progress";
import { Parallel, Scatter } from "../parts/scatter";
import { useGet } from "../parts/use";
import { objective } from "../state/walk";
import { newest } from "../state/store";
import type { Fold, JobDetail, JobResult, Sample } from "../wire";

const AGAIN_MS = 5000;
/** Below it, what was found is what luck finds among so many trials. */
const DEFLATED_LEAST = 0.95;

export function JobPage({ id }: { id: string }) {
  const path = `/api/v1/jobs/${encodeURIComponent(id)}`;
  const { data, error, loading, asked, again } = useGet<JobDetail>(path, AGAIN_MS);
  const one = data && newest(data, asked);
  const result = data?.result;
  return (
    <>
      <h1 tabIndex={-1}>Job {id}</h1>
      {error && <p class="bad">{error}</p>}
      {loading && <p class="muted">Loading…</p>}
      {one && (
        <>
          <dl class="facts wide">
            <Fact name="status" value={one.status} />
            <Fact name="strategy" value={figure(one.strategy)} />
            <Fact name="algorithm" value={figure(one.algorithm)} />
            <Fact name="objective" value={figure(one.objective)} />
            <Fact name="data" value={figure(one.data)} />
            <Fact name="since" value={isoMoment(one.created)} />
          </dl>
          <Progress of={one} />
          {one.error && <p class="bad">{one.error}</p>}
          <div class="tools">
            {result && (
              <a class="button" href={`/jobs/${encodeURIComponent(id)}/validation`}>
                Validation
              </a>
            )}
            <JobActs of={one} done={again} />
          </div>
          {result ? <Found of={result} /> : <p class="muted">No result yet: it comes when the search ends.</p>}
          {result?.reproduce && (
            <details class="panel">
              <summary>The command that gives the same</summary>
              <Copy text={result.reproduce} label="Copy command" />
            </details>
          )}
        </>
      )}
    </>
  );
}

/** No figure in sample without the one out of sample beside it. */
function Found({ of }: { of: JobResult }) {
  const { best, walk_forward: walk } = of;
  const points = useMemo(() => pairs(walk.folds, "fold"), [of]);
  const front = useMemo(() => pairs(of.front ?? [], "member"), [of]);
  const rows = of.front && of.front.length > 1 ? of.front : walk.folds;
  return (
    <>
      <Judged of={of} />
      <section class="panel">
        <h2>Best of the last fold</h2>
        <dl class="facts wide">
          {Object.entries(best.parameters).map(([name, value]) => (
            <Fact key={name} name={words(name)} value={parameter(value)} />
          ))}
        </dl>
      </section>
      <section class="panel">
        <p class="muted">Walking forward: what was found, and what came of it out of sample.</p>
        <div class="scroll" tabIndex={0} role="region" aria-label="walk forward">
          <Walk folds={walk.folds} />
        </div>
      </section>
      <div class="split two">
        <section class="panel">
          <Scatter title="Each fold, in sample and out" x="in sample" y="out of sample" points={points} />
          {points.length < 2 && <p class="muted small">n too small: {points.length} fold.</p>}
        </section>
        <section class="panel">
          <Parallel
            title={rows === of.front ? "Parameters of the front" : "Parameters of each fold's best"}
            rows={rows.map((one) => one.parameters ?? {})}
          />
        </section>
        {front.length > 1 && (
          <section class="panel">
            <Scatter title="The front, in sample and out" x="in sample" y="out of sample" points={front} />
          </section>
        )}
        <Pareto of={of.front ?? []} />
      </div>
    </>
  );
}

function Judged({ of }: { of: JobResult }) {
  const { deflated_sharpe: deflated, trials } = of.best;
  const unsure = deflated == null || !(deflated >= DEFLATED_LEAST);
  return (
    <>
      <div class={`banner ${of.passes ? "" : "warn"}`} role="status" data-testid="verdict">
        {of.passes ? (
          <strong>● Passes out of sample</strong>
        ) : (
          <span>
            <strong>✗ Do not use it:</strong> {of.fails.join("; ")}
          </span>
        )}
      </div>
      <p data-testid="deflated">
        {unsure ? "✗ " : "● "}
        Deflated Sharpe ratio <b>{probability(deflated)}</b>
        {unsure ? ` is below ${DEFLATED_LEAST}` : ` is at least ${DEFLATED_LEAST}`}: how likely it is that this
        is more than the best of {figure(trials)} trials ever made on these data would show by luck.
      </p>
    </>
  );
}

/** Two objectives against each other, out of sample. */
function Pareto({ of }: { of: Fold[] }) {
  const [x, y] = Object.keys(of[0]?.out_of_sample.objectives ?? {});
  if (!x || !y || of.length < 2) return null;
  const points = of.flatMap((one, n) => {
    const there = one.out_of_sample.objectives ?? {};
    const [a, b] = [there[x], there[y]];
    return a == null || b == null ? [] : [{ name: String(n + 1), x: a, y: b }];
  });
  return (
    <section class="panel">
      <Scatter title="Pareto front, out of sample" x={words(x)} y={words(y)} points={points} apart />
    </section>
  );
}

function pairs(folds: Fold[], noun: string): { name: string; x: number; y: number }[] {
  return folds.flatMap((one, n) => {
    const x = objective(one.in_sample);
    const y = objective(one.out_of_sample);
    return x === null || y === null ? [] : [{ name: `${noun} ${one.fold ?? n + 1}`, x, y }];
  });
}

function Walk({ folds }: { folds: Fold[] }) {
  return (
    <table>
      <caption class="sr">Walking forward</caption>
      <thead>
        <tr>
          <th scope="col">fold</th>
          {["in sample", "out of sample", "share left", "return", "pessimistic", "Sharpe", "max DD", "trades"].map(
            (name) => (
              <th scope="col" class="num" key={name}>
                {name}
              </th>
            ),
          )}
        </tr>
      </thead>
      <tbody>
        {folds.map((one, n) => (
          <tr key={one.fold ?? n}>
            <th scope="row">{one.fold ?? n + 1}</th>
            <td class="num">{fixed(objective(one.in_sample), 3)}</td>
            <td class="num">{fixed(objective(one.out_of_sample), 3)}</td>
            <td class="num">{percent(one.decay, 0)}</td>
            <td class="num">{gain(hundred(of(one.out_of_sample, "roi")))}</td>
            <td class="num">{gain(hundred(one.out_of_sample.pessimistic?.["roi"]))}</td>
            <td class="num">{fixed(of(one.out_of_sample, "bar_sharpe"))}</td>
            <td class="num">{percent(of(one.out_of_sample, "max_drawdown"), 2)}</td>
            <td class="num">{figure(of(one.out_of_sample, "trades"))}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function of(sample: Sample, name: string): number | null {
  return sample.metrics?.[name] ?? null;
}

function hundred(share: number | null | undefined): number | null {
  return share == null ? null : 100 * share;
}
