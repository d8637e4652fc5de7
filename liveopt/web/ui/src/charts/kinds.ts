/** What charts are given, whoever draws them. */

export interface Line {
  name: string;
  colour: string;
  /** Seconds. */
  times: number[];
  values: (number | null)[];
  dash?: number[];
  /** One side of a band: what lies between the two is filled. */
  edge?: "high" | "low";
}

export interface Candle {
  /** Seconds. */
  time: number;
  open: number;
  high: number;
  low: number;
  close: number;
}

export interface Marker {
  time: number;
  side: "buy" | "sell";
  text: string;
}

/** A price that matters now. */
export interface Level {
  name: string;
  price: number;
  colour: "accent" | "warn";
}

export interface Candles {
  candles: Candle[];
  markers: Marker[];
  levels: Level[];
}

export interface Mounted<T> {
  set: (what: T) => void;
  destroy: () => void;
}
