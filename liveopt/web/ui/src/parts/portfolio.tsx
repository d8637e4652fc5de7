/** Portfolio jobs of the share: those at work and how far they are, what waits, what became of the last. */

import { useEffect, useState } from "preact/hooks";
import { age, isoMoment } from "../format";
import { ended, going } from "../state/queue";
import type { Portfolio, PortfolioEntry, PortfolioJob } from "../wire";
import { useGet } from "./use";

const AGAIN_MS = 2000;
const PATH = "/api/v1/portfolio?limit=60";

export function PortfolioSection() {
  const [there, know] = useState(true);
  const { data, error } = useGet<Portfolio>(PATH, there ? AGAIN_MS : 0);
  useEffect(() => {
    if (data) know(data.share);
  }, [data]);
  if (!data?.share) return null;
  const last = ended(data.history);
  return (
    <section class="panel" aria-labelledby="portfolio-title" data-testid="portfolio">
      <h2 id="portfolio-title">Portfolio jobs</h2>
      {error && <p class="bad">{error}</p>}
      <p data-testid="queue">{going(data)}</p>
      {data.away && (
        <p class="bad">
          The share cannot be read: {data.away}.
          {data.age_ms !== null && ` What is shown is ${age(data.age_ms)} old.`}
        </p>
      )}
      {data.trouble && <p class="bad">The worker waits: {data.trouble}</p>}
      <div class={data.stale ? "queue old" : "queue"}>
        {data.jobs.length > 0 && (
          <div class="scroll short" tabIndex={0} role="region" aria-label="portfolio jobs at work">
            <AtWork of={data.jobs} />
          </div>
        )}
        <Waits of={data.waits} />
        {last.length > 0 && (
          <div class="scroll short" tabIndex={0} role="region" aria-label="portfolio jobs that ended">
            <Ended of={last} />
          </div>
        )}
      </div>
      {data.status !== null && !data.jobs.length && !last.length && (
        <p class="muted">
          No job has ended yet. Drop a CSV into the folder <code>input</code> of the share; in a terminal,{" "}
          <code>liveopt portfolio worker DIR</code> with the folder of the share does the jobs as they come.
        </p>
      )}
    </section>
  );
}

function AtWork({ of }: { of: PortfolioJob[] }) {
  return (
    <table>
      <caption class="sr">Portfolio jobs at work, the oldest first</caption>
      <thead>
        <tr>
          <th scope="col">Job</th>
          <th scope="col">Progress</th>
          <th scope="col">Step</th>
          <th scope="col">Since</th>
        </tr>
      </thead>
      <tbody>
        {of.map((one) => (
          <tr key={one.job_id + one.started}>
            <Named of={one} />
            <td>
              <span class="progress">
                <progress value={one.progress} max={100} aria-label={`progress of ${one.job_id}`} /> {one.progress} %
              </span>
            </td>
            <td>{one.current_step}</td>
            <td>
              <small>{isoMoment(one.started)}</small>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Waits({ of }: { of: Record<string, string> }) {
  const found = Object.entries(of);
  if (!found.length) return null;
  return (
    <ul aria-label="files that wait">
      {found.map(([name, why]) => (
        <li key={name}>
          {name} waits: {why}
        </li>
      ))}
    </ul>
  );
}

function Ended({ of }: { of: PortfolioEntry[] }) {
  return (
    <table>
      <caption class="sr">Portfolio jobs that ended, the newest first</caption>
      <thead>
        <tr>
          <th scope="col">Job</th>
          <th scope="col">Became</th>
          <th scope="col">Reports, in the share</th>
          <th scope="col">Ended</th>
        </tr>
      </thead>
      <tbody>
        {of.map((one) => (
          <tr key={one.job_id + one.timestamp}>
            <Named of={one} />
            <td>
              {one.status === "completed" ? "● completed" : <span class="differs">✗ {one.status}</span>}
              {one.execution_time !== null && <small> in {age(1000 * one.execution_time)}</small>}
              {one.why && <small> {one.why}</small>}
            </td>
            <td>{one.output_dir ? <code>{one.output_dir}</code> : "–"}</td>
            <td>
              <small>{isoMoment(one.timestamp)}</small>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Named({ of }: { of: { job_id: string; input_file: string } }) {
  return (
    <th scope="row">
      {of.job_id} <small>{of.input_file}</small>
    </th>
  );
}
