/** Searches: those submitted and how far they are, the rounds beside the run, and portfolio jobs. */

import { useState } from "preact/hooks";
import { fixed, isoMoment, probability, words } from "../format";
import { JobActs, OF_A_ROUND } from "../parts/jobacts";
import { PortfolioSection } from "../parts/portfolio";
import { Progress } from "../parts/progress";
import { RoundsSection } from "../parts/rounds";
import { useAct, useGet } from "../parts/use";
import { Refused, freshKey, post } from "../state/api";
import { jobs, newest, symbols, writable } from "../state/store";
import type { Failure, Job } from "../wire";

const AGAIN_MS = 5000;
const LIMIT = 1000;

export function JobsPage() {
  const { data, error, loading, asked, again } = useGet<{ jobs: Job[] }>(`/api/v1/jobs?limit=${LIMIT}`, AGAIN_MS);
  const [all, show] = useState(false);
  const listed = (data?.jobs ?? []).map((one) => newest(one, asked));
  const there = new Set(listed.map((one) => one.id));
  const others = [...jobs.value.values()].filter(({ job, came }) => came >= asked && !there.has(job.id));
  const found = [...others.map(({ job }) => job), ...listed];
  const hidden = found.filter((one) => OF_A_ROUND.test(one.id));
  const shown = all ? found : found.filter((one) => !OF_A_ROUND.test(one.id));
  return (
    <>
      <h1 tabIndex={-1}>Jobs</h1>
      <RoundsSection />
      <PortfolioSection />
      <section class="panel" aria-labelledby="jobs-title">
        <div class="tools">
          <h2 id="jobs-title">Searches by order</h2>
          {hidden.length > 0 && (
            <label class="check">
              <input type="checkbox" checked={all} onChange={(event) => show(event.currentTarget.checked)} />{" "}
              with the {hidden.length} studies of rounds
            </label>
          )}
        </div>
        <Submit done={again} />
        {error && <p class="bad">{error}</p>}
        {loading && <p class="muted">Loading…</p>}
        {data && !shown.length && (
          <p class="muted">No search yet. Submit one above, or in a terminal: liveopt optimize --help</p>
        )}
        {shown.length > 0 && (
          <div class="scroll tall" tabIndex={0} role="region" aria-label="jobs">
            <List of={shown} done={again} />
          </div>
        )}
      </section>
    </>
  );
}

/** What a search was after, which the page of the job names. */
function objective(of: Job, value: number | null | undefined): string {
  return of.status === "completed" ? fixed(value, 3) : "";
}

function Verdict({ of }: { of: Job }) {
  if (!of.verdict) return null;
  return of.verdict === "passes" ? <span>● passes</span> : <span class="differs">✗ {words(of.verdict)}</span>;
}

function List({ of, done }: { of: Job[]; done: () => void }) {
  return (
    <table>
      <caption class="sr">Jobs, the newest first</caption>
      <thead>
        <tr>
          <th scope="col">Job</th>
          <th scope="col" class="less">
            Strategy
          </th>
          <th scope="col" class="less">
            Data
          </th>
          <th scope="col">Status</th>
          <th scope="col">Progress</th>
          <th scope="col">Verdict</th>
          <th scope="col" class="num less">
            In sample
          </th>
          <th scope="col" class="num">
            Out of sample
          </th>
          <th scope="col" class="num less">
            Deflated Sharpe
          </th>
          <th scope="col" class="less">
            Since
          </th>
          <th scope="col">Acts</th>
        </tr>
      </thead>
      <tbody>
        {of.map((one) => (
          <tr key={one.id}>
            <th scope="row" class="id">
              <a href={`/jobs/${encodeURIComponent(one.id)}`}>{one.id}</a>
            </th>
            <td class="less">
              {one.strategy} <small>{one.algorithm}</small>
            </td>
            <td class="less">{one.data}</td>
            <td>{one.status}</td>
            <td>
              <Progress of={one} />
            </td>
            <td>
              <Verdict of={one} />
            </td>
            <td class="num less">{objective(one, one.best)}</td>
            <td class="num">{objective(one, one.out_of_sample)}</td>
            <td class="num less">{one.status === "completed" ? probability(one.deflated_sharpe) : ""}</td>
            <td class="less">{isoMoment(one.created)}</td>
            <td>
              <JobActs of={one} done={done} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Why a search is refused, and what mends it, if the service says. */
function refusal(error: unknown): string {
  if (!(error instanceof Refused)) throw error;
  const { details } = (error.body ?? {}) as Partial<Failure>;
  const { mend } = (details ?? {}) as { mend?: unknown };
  const more = typeof mend === "string" && !error.message.includes(mend) ? `; ${mend}` : "";
  return `Failed: ${error.message}${more}`;
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
      try {
        const answer = await post<{ job_id?: string }>("/api/v1/optimize/single", { body, key: freshKey() });
        done();
        return `Submitted ${answer.job_id ?? ""}`;
      } catch (error) {
        return refusal(error);
      }
    });
  const listed = (names.data?.strategies ?? []).map((one) => (typeof one === "string" ? one : one.name));
  const whole = wish.strategy && wish.asset && wish.evals >= 10;
  return (
    <details>
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
            placeholder={symbols.value[0] ?? ""}
            list="assets"
            onInput={(event) => change({ asset: event.currentTarget.value })}
          />
          <datalist id="assets">
            {symbols.value.map((name) => (
              <option key={name} value={name} />
            ))}
          </datalist>
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
      </div>
      <p role="status" data-testid="submitted">
        {said}
      </p>
    </details>
  );
}
