/** Several answers at once, in the order asked for; what fails is left out. */

import { useEffect, useState } from "preact/hooks";
import { get } from "../state/api";
import { phase } from "../state/store";

const AGAIN_MS = 5000;

export function useMany<T>(paths: string[]): T[] {
  const [found, set] = useState<T[]>([]);
  const key = paths.join("\n");
  const there = phase.value === "open";
  useEffect(() => {
    const gone = new AbortController();
    const ask = async () => {
      const wanted = key ? key.split("\n") : [];
      const answers = await Promise.allSettled(wanted.map((path) => get<T>(path, { signal: gone.signal })));
      if (gone.signal.aborted) return;
      set(answers.flatMap((one) => (one.status === "fulfilled" ? [one.value] : [])));
    };
    void ask();
    const timer = setInterval(() => void ask(), AGAIN_MS);
    return () => {
      gone.abort();
      clearInterval(timer);
    };
  }, [key, there]);
  return found;
}
