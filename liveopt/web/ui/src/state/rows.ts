/** The variants as the newest frame has them: one row each, with a signal that says it changed. */

import { type Signal, signal } from "@preact/signals";
import type { Numbers, Who } from "../wire";
import { STATUSES } from "../wire";
import { Trend } from "./trend";

export type Column =
  | "equity"
  | "pessimistic"
  | "roi"
  | "bar_sharpe"
  | "max_drawdown"
  | "win_rate"
  | "trades"
  | "bars"
  | "status"
  | "side"
  | "log_evidence"
  | "p_value";

/** Where each column stands in a row; what the service does not send stands nowhere. */
export class Layout {
  private readonly places: Map<string, number>;

  constructor(
    readonly columns: string[],
    readonly statuses: string[] = STATUSES,
  ) {
    this.places = new Map(columns.map((name, place) => [name, place]));
  }

  place(column: Column): number {
    return this.places.get(column) ?? -1;
  }
}

export class Row {
  readonly changed: Signal<number> = signal(0);
  readonly trend = new Trend();
  readonly id: string;
  readonly symbol: string;
  readonly strategy: string;
  readonly origin: string;
  readonly champion: boolean;

  constructor(
    who: Who,
    readonly layout: Layout,
    private numbers: Numbers,
    ms: number,
  ) {
    [this.id, this.symbol, this.strategy, this.origin, this.champion] = who;
    this.trend.add(ms, this.of("equity"));
  }

  /** NaN where it is undefined. */
  of(column: Column): number {
    return this.numbers[this.layout.place(column)] ?? Number.NaN;
  }

  get status(): string {
    return this.layout.statuses[this.of("status")] ?? "unknown";
  }

  get position(): "long" | "short" | "flat" {
    const side = this.of("side");
    return side > 0 ? "long" : side < 0 ? "short" : "flat";
  }

  take(numbers: Numbers, ms: number): void {
    this.numbers = numbers;
    this.trend.add(ms, this.of("equity"));
    this.changed.value += 1;
  }
}
