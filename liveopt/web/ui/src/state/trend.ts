/** A short history of one number that never grows: when it is full, every second point goes. */

const POINTS = 96;
/** Less than so many milliseconds are no trend. */
const LEAST_MS = 120_000;

export class Trend {
  readonly values = new Float64Array(POINTS);
  readonly times = new Float64Array(POINTS);
  length = 0;
  private period: number;

  /** `period`: milliseconds between points, doubled each time it is full. */
  constructor(period = 1000) {
    this.period = period;
  }

  add(ms: number, value: number): void {
    if (!Number.isFinite(value)) return;
    const last = this.length - 1;
    if (last > 0 && ms - (this.times[last - 1] ?? 0) < this.period) {
      this.values[last] = value; // the newest point moves along until its time has come
      this.times[last] = ms;
      return;
    }
    if (this.length === POINTS) this.thin();
    this.values[this.length] = value;
    this.times[this.length] = ms;
    this.length += 1;
  }

  /** When it begins; NaN where nothing came yet. */
  get since(): number {
    return this.length ? (this.times[0] ?? Number.NaN) : Number.NaN;
  }

  get short(): boolean {
    return this.length < 2 || (this.times[this.length - 1] ?? 0) - this.since < LEAST_MS;
  }

  /** -1, 0 or 1: from its own first point to its newest. */
  get way(): number {
    return this.length ? Math.sign((this.values[this.length - 1] ?? 0) - (this.values[0] ?? 0)) : 0;
  }

  private thin(): void {
    const half = POINTS / 2;
    for (let n = 0; n < half; n++) {
      this.values[n] = this.values[2 * n] ?? 0;
      this.times[n] = this.times[2 * n] ?? 0;
    }
    this.length = half;
    this.period *= 2;
  }
}
