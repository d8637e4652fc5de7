/** What charts are given, whoever draws them. */

export interface Line {
  name: string;
  colour: string;
  /** Seconds. */
  times: number[];
  values: (number | null)[];
  dash?: number[];
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

export interface Candles {
  candles: Candle[];
  markers: Marker[];
}

export interface Mounted<T> {
  set: (what: T) => void;
  destroy: () => void;
}
