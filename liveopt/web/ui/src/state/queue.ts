/** The queue of portfolio jobs in words, and which of its history is the end of a job. */

import { count } from "../format";
import type { Portfolio, PortfolioEntry } from "../wire";

const SHOWN = 10;
const ENDS = ["completed", "failed", "withdrawn"];
const UNSEEN =
  "Nothing is known of the share yet: mount it, and begin a worker there with liveopt portfolio worker DIR" +
  " (--make for a folder of this machine).";

export function ended(history: PortfolioEntry[]): PortfolioEntry[] {
  return history.filter((one) => ENDS.includes(one.status)).slice(0, SHOWN);
}

/** "2 jobs at work, 3 waiting". */
export function going(of: Portfolio): string {
  if (of.status === null) return of.away ? UNSEEN : "Looking at the share…";
  const waiting = `${of.queued} waiting`;
  if (of.status === "stopped") return `✗ No worker runs: begin one with liveopt portfolio worker DIR; ${waiting}`;
  if (of.jobs.length > 0) return `${count(of.jobs.length, "job")} at work, ${waiting}`;
  return `No job at work, ${waiting}`;
}
