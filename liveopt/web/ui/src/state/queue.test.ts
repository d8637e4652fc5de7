import { describe, expect, test } from "vitest";
import type { Portfolio, PortfolioEntry, PortfolioJob } from "../wire";
import { ended, going } from "./queue";

function queue(more: Partial<Portfolio>): Portfolio {
  return {
    share: true, age_ms: 300, stale: false, away: "", status: "idle",
    jobs: [], queued: 0, waits: {}, trouble: "", history: [], ...more,
  };
}

const job: PortfolioJob = {
  job_id: "a", input_file: "a.csv", started: "2026-11-21T10:00:00+00:00", progress: 50,
  current_step: "Running Genetic Algorithm",
};

function entry(status: string, n: number): PortfolioEntry {
  return {
    job_id: `j${n}`, status, timestamp: "", input_file: "", output_dir: "", why: "", execution_time: null,
  };
}

describe("the queue in words", () => {
  test("counts what is at work and what waits", () => {
    expect(going(queue({ status: "running", jobs: [job, job], queued: 3 }))).toBe("2 jobs at work, 3 waiting");
    expect(going(queue({ status: "running", jobs: [job] }))).toBe("1 job at work, 0 waiting");
    expect(going(queue({ queued: 2 }))).toBe("No job at work, 2 waiting");
  });

  test("says how to begin where no worker runs, even if a dead one has left a job", () => {
    for (const jobs of [[], [job]]) {
      expect(going(queue({ status: "stopped", jobs, queued: 1 }))).toMatch(/^✗ No worker runs.*worker DIR; 1 waiting$/);
    }
  });

  test("says nothing of a share that was never seen", () => {
    expect(going(queue({ status: null, away: "the share does not answer" }))).toMatch(/^Nothing is known/);
    expect(going(queue({ status: null }))).toMatch(/^Looking/);
  });
});

test("of a history the ends of jobs are listed, ten at most, in its order", () => {
  const history = ["processing", "completed", "queued", "failed", "withdrawn"].map(entry);
  expect(ended(history).map((one) => one.status)).toEqual(["completed", "failed", "withdrawn"]);
  const many = Array.from({ length: 30 }, (_, n) => entry("completed", n));
  expect(ended(many).map((one) => one.job_id)).toEqual(many.slice(0, 10).map((one) => one.job_id));
});
