/** Offline searches: how far they are, and what they found out of sample. */

import { useMemo, useState } from "preact/hooks";
import { age, figure, fixed } from "../format";
import { Confirm } from "../parts/confirm";
import { Copy } from "../parts/copy";
import { Fact } from "../parts/ledger";
import { Parallel, Scatter } from "../parts/scatter";
import { useAct, useGet } from "../parts/use";
import { freshKey, post, remove } from "../state/api";
import { jobs, writable } from "../state/store";
import type { Fold, Job, JobDetail, JobResult } from "../wire";

const AGAIN_MS = 5000;
const OPEN = ["queued", "running"];
/** What a terminal can go on with. */
const RESUMED = ["interrupted", "failed"];

export function JobsPage() {
  const { data, error, loading, again } = useGet<{ jobs: Job[] }>("/api/v1/jobs", AGAIN_MS);
  const live = jobs.value;
  const listed = (data?.jobs ?? []).map((one) => ({ ...one, ...live.get(one.id) }));
  const others = [...live.values()].filter((one) => !listed.some((job) => job.id === one.id));
  const all = [...others, ...listed];
  return (
    <>
      <h1 tabIndex={-1}>Jobs</h1>
      <Submit done={again} />
      {error && <p class="bad">{error}</p>}
      {loading && <p class="muted">Loading…</p>}
      {data && !all.length && (
        <p class="muted">No search yet. Submit one above, or in a terminal: liveopt optimize --help</p>
      )}
      {all.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label="jobs">
          <table>
            <caption class="sr">Jobs, the newest first</caption>
            <thead>
              <tr>
                <th scope="col">Job</th>
                <th scope="col">Strategy</th>
                <th scope="col">Algorithm</th>
                <th scope="col">Status</th>
                <th scope="col">Progress</th>
                <th scope="col">Verdict</th>
                <th scope="col">Since</th>
              </tr>
            </thead>
            <tbody>
              {all.map((one) => (
                <tr key={one.id}>
                  <th scope="row">
                    <a href={`/jobs/${encodeURIComponent(one.id)}`}>{one.id}</a>
                  </th>
                  <td>{one.strategy}</td>
                  <td>{one.algorithm}</td>
                  <td>{one.status}</td>
                  <td>
                    <Progress of={one} />
                  </td>
                  <td>{one.verdict}</td>
                  <td>{one.created}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

function Progress({ of }: { of: Job }) {
  if (of.done == null || !of.of) return <span class="muted">–</span>;
  const eta = of.eta_s != null && OPEN.includes(of.status) ? `, ${age(1000 * of.eta_s)} to go` : "";
  return (
    <span class="progress">
      <progress value={of.done} max={of.of} aria-label={`progress of ${of.id}`} /> {figure(of.done)} of{" "}
      {figure(of.of)}
      {eta}
    </span>
  );
}

/** The seed's form of a search; the service refuses what it does not understand, in words. */
function Submit({ done }: { done: () => void }) {
  const { busy, said, act } = useAct();
  const names = useGet<{ strategies: ({ name: string } | string)[] }>("/api/v1/strategies");
  const [wish, set] = useState({ strategy: "", asset: "", timeframe: "1h", start: "", end: "", evals: 100 });
  const change = (what: Partial<typeof wish>) => set({ ...wish, ...what });
  const submit = () =>
    act(async () => {
      const body = {
        strategy_name: wish.strategy,
        asset: wish.asset,
        timeframe: wish.timeframe,
        start_date: wish.start,
        end_date: wish.end,
        optimization_config: { max_evals: wish.evals },
      };
      const answer = await post<{ job_id?: string }>("/api/v1/optimize/single", { body, key: freshKey() });
      done();
      return `Submitted ${answer.job_id ?? ""}`;
    });
  const listed = (names.data?.strategies ?? []).map((one) => (typeof one === "string" ? one : one.name));
  const whole = wish.strategy && wish.asset && wish.evals >= 10;
  return (
    <details class="panel">
      <summary>Submit a search</summary>
      <div class="tools form">
        <label>
          Strategy{" "}
          <select value={wish.strategy} onChange={(event) => change({ strategy: event.currentTarget.value })}>
            <option value="">choose</option>
            {listed.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <label>
          Asset{" "}
          <input
            value={wish.asset}
            placeholder="BTC-USDT"
            onInput={(event) => change({ asset: event.currentTarget.value })}
          />
        </label>
        <label>
          Timeframe{" "}
          <select
            value={wish.timeframe}
            onChange={(event) => change({ timeframe: event.currentTarget.value })}
          >
            {["1m", "5m", "15m", "1h", "4h", "1d"].map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <label>
          From{" "}
          <input
            type="date"
            value={wish.start}
            onInput={(event) => change({ start: event.currentTarget.value })}
          />
        </label>
        <label>
          To{" "}
          <input
            type="date"
            value={wish.end}
            onInput={(event) => change({ end: event.currentTarget.value })}
          />
        </label>
        <label>
          Evaluations{" "}
          <input
            type="number"
            min={10}
            max={1000000}
            value={wish.evals}
            onInput={(event) => change({ evals: event.currentTarget.valueAsNumber })}
          />
        </label>
        <button type="button" class="primary" disabled={!whole || busy || !writable.value} onClick={submit}>
          Submit
        </button>
        <span role="status">{said}</span>
      </div>
    </details>
  );
}

export function JobPage({ id }: { id: string }) {
  const { data, error, loading, again } = useGet<JobDetail>(
    `/api/v1/jobs/${encodeURIComponent(id)}`,
    AGAIN_MS,
  );
  const one = data ? { ...data, ...jobs.value.get(id) } : null;
  const result = data?.result;
  const cancel = async () => {
    await remove(`/api/v1/optimize/cancel/${encodeURIComponent(id)}`);
    again();
    return "cancelled";
  };
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
            <Fact name="data" value={figure(one.data)} />
            <Fact name="since" value={figure(one.created)} />
          </dl>
          <Progress of={one} />
          {one.error && <p class="bad">{one.error}</p>}
          <div class="tools">
            <Confirm name="Cancel" question={`Cancel ${id}?`} off={!OPEN.includes(one.status)} act={cancel} />
            {RESUMED.includes(one.status) && <Copy text={`liveopt opt resume ${id}`} />}
            {result?.reproduce && <Copy text={result.reproduce} label="Copy command" />}
          </div>
          {result && <Found of={result} />}
        </>
      )}
    </>
  );
}

/** No figure in sample without the one out of sample beside it. */
function Found({ of }: { of: JobResult }) {
  const { best, walk_forward: walk } = of;
  const points = useMemo(() => pairs(of.front?.length ? of.front : walk.folds), [of]);
  const deflated = best.deflated_sharpe;
  return (
    <>
      {!of.passes && (
        <div class="banner warn" role="status">
          <strong>▲ Do not use it:</strong> {of.fails.join("; ")}
        </div>
      )}
      <section class="panel">
        <h2>Best of the last fold</h2>
        <dl class="facts wide">
          {Object.entries(best.parameters).map(([name, value]) => (
            <Fact key={name} name={name} value={figure(value)} />
          ))}
          <Fact name="trials ever on these data" value={figure(best.trials)} />
          <Fact name="deflated Sharpe ratio" value={figure(deflated)} />
        </dl>
      </section>
      <section class="panel scroll" tabIndex={0} role="region" aria-label="walk forward">
        <Walk folds={walk.folds} />
      </section>
      <section class="panel">
        <Scatter title="In sample and out of sample" x="in sample" y="out of sample" points={points} />
      </section>
      {of.front && of.front.length > 1 && (
        <section class="panel">
          <Parallel title="Parameters of the front" rows={of.front.map((one) => one.parameters ?? {})} />
        </section>
      )}
    </>
  );
}

function pairs(folds: Fold[]): { name: string; x: number; y: number }[] {
  return folds.flatMap((one, n) => {
    const x = objective(one.in_sample);
    const y = objective(one.out_of_sample);
    return x === null || y === null ? [] : [{ name: `${one.fold ?? n + 1}`, x, y }];
  });
}

function objective(of: Fold["in_sample"]): number | null {
  return of.objective ?? Object.values(of.objectives ?? {})[0] ?? null;
}

function Walk({ folds }: { folds: Fold[] }) {
  const shown = ["roi", "bar_sharpe", "max_drawdown", "trades"];
  return (
    <table>
      <caption>Walking forward: what was found, and what came of it</caption>
      <thead>
        <tr>
          <th scope="col">fold</th>
          <th scope="col" class="num">
            in sample
          </th>
          <th scope="col" class="num">
            out of sample
          </th>
          <th scope="col" class="num">
            decay
          </th>
          {shown.map((name) => (
            <th scope="col" class="num" key={name}>
              {name} (out)
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {folds.map((one, n) => (
          <tr key={one.fold ?? n}>
            <th scope="row">{one.fold ?? n + 1}</th>
            <td class="num">{fixed(objective(one.in_sample), 3)}</td>
            <td class="num">{fixed(objective(one.out_of_sample), 3)}</td>
            <td class="num">{fixed(one.decay, 3)}</td>
            {shown.map((name) => (
              <td class="num" key={name}>
                {figure(one.out_of_sample.metrics?.[name])}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
