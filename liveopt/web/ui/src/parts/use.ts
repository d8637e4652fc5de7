/** What the pages ask of the service, and how it is going. */

import { useEffect, useRef, useState } from "preact/hooks";
import { get, reason } from "../state/api";
import { phase } from "../state/store";

export interface Loaded<T> {
  data: T | null;
  error: string;
  loading: boolean;
  /** When the answer was asked for, by this page's clock; 0 without one. */
  asked: number;
  again: () => void;
}

/** The answer for a path; asked again `everyMs` after each answer, and after the session is back. */
export function useGet<T>(path: string | null, everyMs = 0): Loaded<T> {
  const [state, set] = useState<{ path: string | null; data: T | null; asked: number; error: string }>({
    path: null,
    data: null,
    asked: 0,
    error: "",
  });
  const [round, next] = useState(0);
  const there = phase.value === "open";
  const early = phase.value === "connecting";
  useEffect(() => {
    if (path === null || early) return;
    const gone = new AbortController();
    const asked = Date.now();
    let timer = 0;
    void get<T>(path, { signal: gone.signal })
      .then(
        (data) => set({ path, data, asked, error: "" }),
        (error: unknown) => {
          if (!gone.signal.aborted)
            set((old) => ({ ...(old.path === path ? old : { path, data: null, asked: 0 }), error: reason(error) }));
        },
      )
      .finally(() => {
        if (everyMs && !gone.signal.aborted) timer = window.setTimeout(() => next((n) => n + 1), everyMs);
      });
    return () => {
      gone.abort();
      clearTimeout(timer);
    };
  }, [path, round, there, early, everyMs]);
  const own = state.path === path;
  return {
    data: own ? state.data : null,
    error: own ? state.error : "",
    asked: own ? state.asked : 0,
    loading: path !== null && !(own && (state.data !== null || state.error)),
    again: () => next((n) => n + 1),
  };
}

/** An act under way: its words, and whether it may be pressed again. */
export function useAct(): { busy: boolean; said: string; act: (what: () => Promise<string>) => void } {
  const [busy, work] = useState(false);
  const [said, say] = useState("");
  const alive = useRef(true);
  useEffect(() => () => void (alive.current = false), []);
  const act = (what: () => Promise<string>) => {
    work(true);
    say("");
    what()
      .catch((error: unknown) => `Failed: ${reason(error)}`)
      .then((words) => {
        if (!alive.current) return;
        say(words);
        work(false);
      });
  };
  return { busy, said, act };
}
