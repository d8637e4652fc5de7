/** What the service sends, as this page understands it: frames of the socket, answers of the API. */

export const PROTOCOL = 1;

export type Mode = "paper" | "demo" | "replay";
export const STATUSES = ["active", "warming", "paused", "halted", "stopped", "retired", "waiting"];

/** id, symbol, strategy, origin, champion, lane. */
export type Who = [string, string, string, string, boolean, string?];
/** Numbers in the order of `Hello.columns`; null is undefined. */
export type Numbers = (number | null)[];

export interface Hello {
  type: "hello";
  v: number;
  boot_id: string;
  server_ms: number;
  config_hash: string;
  mode: Mode;
  speed?: string | number | null;
  version: string;
  columns: string[];
  statuses?: string[];
}

/** What everybody of a run is measured by. */
export interface Terms {
  capital: number;
  /** How many signal bars a year has: what a Sharpe ratio was annualised with. */
  bars_per_year: number;
  /** Null where the run has no gate. */
  gate: Needs | null;
}

/** What the seed's four gates ask for. */
export interface Needs {
  trades_min: number;
  confidence_min: number;
  sharpe_min: number;
}

/** Milliseconds: what clocks show, and ages when the frame was sent; null where nothing came yet. */
export interface Clocks {
  /** The newest tick's time, on the market's clock. */
  market_ms: number | null;
  engine_ms: number | null;
  /** The newest signal bar, with which everybody was judged. */
  score_ms: number | null;
  market_age_ms: number | null;
  /** How long the engine's newest frame was under way. */
  engine_age_ms: number | null;
  /** Since the engine was last heard of. */
  link_age_ms: number | null;
}

export interface Snap {
  type: "snap";
  seq: number;
  who: Who[];
  rows: Numbers[];
  status?: Status | null;
  clocks?: Clocks | null;
}

export interface Delta {
  type: "d";
  seq: number;
  /** [index, ...the row] */
  rows: Numbers[];
  /** What of the report is another than it was. */
  status?: Status | null;
  trades?: Trade[];
  clocks?: Clocks | null;
}

export interface Halt {
  type: "halt";
  halted: boolean;
  /** The latch's: what a resume names. */
  number?: number | null;
  mode: string | null;
  by?: string | null;
  reason?: string | null;
  at_ns?: number | null;
  acknowledged?: boolean | null;
}

export interface JobFrame extends Job {
  type: "job";
}

export interface AlertFrame extends Alert {
  type: "alert";
}

export interface Beat {
  type: "hb";
  server_ms: number;
  clocks?: Clocks | null;
}

export type Frame = Hello | Snap | Delta | Halt | JobFrame | AlertFrame | Beat;

export type Severity = "info" | "warning" | "critical";

export interface Alert {
  id: string;
  code: string;
  severity: Severity;
  text: string;
  first_ms: number;
  last_ms: number;
  count: number;
  acknowledged_by?: string | null;
  /** False once what it warned of is over. */
  active?: boolean;
}

export interface Leader {
  variant: string;
  evidence: number;
  trades: number;
  stopped_by: string[];
}

export interface Gate {
  phase: string;
  champion: string;
  predecessor: string | null;
  epoch: number;
  bar: number;
  variants: number;
  threshold: number | null;
  leaders: Leader[];
  /** Names with the verdict that holds. */
  eligible: Record<string, string>;
  auto: boolean;
  warned: boolean;
  against_champion: number | null;
}

/** The engine's report of itself; what a run does not have is absent. */
export interface Status {
  phase?: string;
  run?: string;
  seq?: number;
  durable_seq?: number;
  backlog?: number;
  journal_ok?: boolean;
  halted?: string | null;
  variants?: Record<string, number>;
  eligible?: number;
  eligible_reason?: string;
  gate?: Record<string, Gate | null>;
  promotions?: number;
  demotions?: number;
  positions?: number;
  ticks?: number;
  late_ticks?: number;
  holes?: number;
  entries?: number;
  trades?: number;
  stopped?: Record<string, number>;
  restarts?: Record<string, number>;
  standstills?: number;
  markets?: Record<string, { at_ns: number; price: number | null; bars: number }>;
  feed?: Record<string, string>;
  rss_mib?: number;
  /** Absent or null where it is not known yet. */
  terms?: Terms | null;
  search?: Search | null;
}

/** The round of search under way beside the run, or the last one. */
export interface Search {
  number: number;
  phase: string;
  why: string;
  done: number;
  wanted: number;
  deaths: number;
  proposed: number;
  admitted: number;
  replaced: number;
  trouble: string;
}

/** A process as the guard tells of it. */
export interface Process {
  starts?: number;
  /** Negative is the signal that ended it; null where it never ended. */
  last_exit?: number | null;
}

/** What `/api/v1/run` answers. */
export interface RunReport {
  connected: boolean;
  run: string;
  version: string;
  report: Status;
  clocks: Clocks;
  guard: {
    halted?: boolean;
    mode?: string;
    latch?: unknown;
    engine?: Process | null;
    web?: Process | null;
    checks?: Check[] | null;
  } | null;
  web: Record<string, unknown>;
}

export interface Check {
  name: string;
  ok: boolean;
  why: string;
}

/** A closed round trip; `id` is its place in the journals. */
export interface Trade {
  id: string;
  at_ns: number;
  variant: string;
  symbol: string;
  strategy?: string;
  side: "long" | "short";
  size: number;
  entry_ns?: number;
  entry_price: number;
  exit_price: number;
  duration_s?: number;
  gross?: number | null;
  fees?: number | null;
  funding?: number | null;
  net: number | null;
  roi: number | null;
  reason: string;
}

export interface Condition {
  code: string;
  has: number | null;
  needs: number;
  ok: boolean;
}

export interface Explanation {
  variant: string;
  status: string;
  text: string;
  symbol?: string;
  champion?: string;
  trades?: number;
  trades_needed?: number | null;
  evidence?: number | null;
  evidence_needed?: number | null;
  /** What passes by its own evidence; null if it has no share of the error. */
  needed_alone?: number | null;
  /** What passed beside the shadow worlds at the last look; null while they allow nobody. */
  needed_worlds?: number | null;
  /** By which its evidence has passed, if it has. */
  track?: string;
  /** The verdict that holds, if there is one. */
  verdict?: string;
  confidence?: number | null;
  p_value?: number | null;
  evidence_bars?: number;
  edge?: number | null;
  low?: number | null;
  high?: number | null;
  rank?: number | null;
  ranked?: number;
  conditions?: Condition[];
  stopped_by?: string[];
  outlook?: string;
  bars_to_go?: number | null;
}

export interface Standing {
  id: string;
  symbol: string;
  strategy: string;
  status: string;
  why: string;
  champion: boolean;
  lane: string;
  position: string;
  /** Signal bars it has been through; null where nobody knows. */
  bars?: number | null;
  /** Known to the engine only: absent while it does not answer. */
  parameters?: Record<string, number | string>;
}

/** An open position on paper. */
export interface Position {
  side: "long" | "short";
  size: number;
  entry_price: number;
  entry_ns: number;
  /** Null where it has no stop of its own. */
  stop: number | null;
}

export interface VariantDetail {
  variant: Standing;
  explain?: Explanation | null;
  /** [milliseconds, equity] as seen by the service. */
  equity?: [number, number | null][];
  trades?: Trade[];
  /** [milliseconds, open, high, low, close] of signal bars. */
  candles?: [number, number, number, number, number][];
  /** Null where it is flat, and where the engine does not answer. */
  position?: Position | null;
}

export interface Ruling {
  id: string;
  kind: "verdict" | "promotion" | "demotion" | "warning" | "season_end";
  at_ns: number;
  symbol: string;
  variant: string | null;
  champion: string | null;
  track: string | null;
  evidence: number | null;
  n: number | null;
  holds: boolean | null;
  stopped_by: string[] | null;
  became: string | null;
  earned: boolean | null;
  verdict: string | null;
  by: string | null;
  why: string | null;
}

export interface Recount {
  name: string;
  recorded: unknown;
  recomputed: unknown;
  agrees: boolean;
}

export interface RulingDetail extends Ruling {
  record: Record<string, unknown>;
  evidence_of?: RulingDetail | null;
  recomputed?: Recount[];
  not_recomputed?: string[];
  agrees?: boolean;
}

export interface Job {
  id: string;
  status: string;
  done?: number | null;
  of?: number | null;
  eta_s?: number | null;
  strategy?: string;
  algorithm?: string;
  objective?: string;
  /** Of a completed study, as are those below. */
  verdict?: string | null;
  /** The objective of the best in its last train. */
  best?: number | null;
  /** The objective of the tests of all folds together. */
  out_of_sample?: number | null;
  deflated_sharpe?: number | null;
  data?: string;
  created?: string;
  error?: string | null;
}

/** One sample of a fold or of a member of the front. */
export interface Sample {
  objective?: number | null;
  objectives?: Record<string, number | null>;
  metrics?: Record<string, number | null>;
  pessimistic?: Record<string, number | null>;
}

export interface Fold {
  fold?: number;
  parameters?: Record<string, number | string>;
  in_sample: Sample;
  out_of_sample: Sample;
  decay: number | null;
  /** First signal bar and the one after the last. */
  train?: [number, number];
  test?: [number, number];
}

export interface JobDetail extends Job {
  result?: JobResult | null;
  reproduce?: string | null;
}

/** What a search has found, both samples side by side. */
export interface JobResult {
  best: {
    parameters: Record<string, number | string>;
    trials?: number;
    deflated_sharpe?: number | null;
  };
  walk_forward: {
    folds: Fold[];
    kind?: string;
    embargo?: number;
    out_of_sample?: Sample;
    decay?: number | null;
  };
  data?: { bars: number; first: string; last: string; signal_s: number };
  capital?: number;
  front?: Fold[];
  passes: boolean;
  fails: string[];
  reproduce?: string;
}

export interface Stopped {
  latched: boolean;
  mode: string;
  number: number | null;
  seq: number | null;
  took_ms: number;
  variants_stopped: number | null;
  positions_open: number | null;
  not_acknowledged: string[];
  errors: string[];
}

export interface Resumed {
  resumed: boolean;
  took_ms?: number;
  not_acknowledged?: string[];
  errors?: string[];
  checks?: Check[];
}

export interface Failure {
  success: false;
  error_code: string;
  error_message: string;
  details?: unknown;
  request_id?: string;
}

/** Searches beside the run. */
export interface Rounds {
  rounds: RoundLine[];
  total: number;
}

/** The folder of portfolio jobs, as it was at the last look that came to something. */
export interface Portfolio {
  /** Whether the settings name one. */
  share: boolean;
  age_ms: number | null;
  stale: boolean;
  /** Why nothing newer is known; empty where it is. */
  away: string;
  /** idle, running, waiting or stopped; null before a look came to anything. */
  status: string | null;
  jobs: PortfolioJob[];
  queued: number;
  /** Files that cannot begin yet, and why. */
  waits: Record<string, string>;
  trouble: string;
  /** What became of jobs, the newest first. */
  history: PortfolioEntry[];
}

export interface PortfolioJob {
  job_id: string;
  input_file: string;
  started: string;
  progress: number;
  current_step: string;
}

export interface PortfolioEntry {
  job_id: string;
  status: string;
  timestamp: string;
  input_file: string;
  output_dir: string;
  why: string;
  execution_time: number | null;
}

export interface RoundLine {
  number: number;
  why: string | null;
  /** Who asked for it; empty where nobody did. */
  by?: string;
  phase: string;
  done?: number;
  wanted?: number;
  outcome: Outcome | null;
  symbols: RoundSymbol[] | null;
}

export interface RoundSymbol {
  symbol: string;
  bars: number;
  trials: number;
  tested: number;
  proposed: number;
  skipped: string;
}

/** What became of a round in the run. */
export interface Outcome {
  phase: string;
  deaths?: number;
  proposed?: number;
  admitted?: number;
  replaced?: number;
  trouble?: string;
}

export interface RoundDetail {
  number: number;
  why: string | null;
  by?: string;
  outcome: Outcome | null;
  /** Null until its search has come to an end. */
  searched: Searched[] | null;
}

export interface Searched {
  symbol: string;
  bars: number;
  trials: number;
  studies: string[];
  proposals: unknown[];
  finalists: Finalist[];
  skipped: string;
}

export interface Finalist {
  variant: { id: string; strategy: string; symbol: string; origin: string };
  in_sample: number;
  out_of_sample: number;
  trades: number;
  conditions: Condition[];
  stopped_by: string[];
}
