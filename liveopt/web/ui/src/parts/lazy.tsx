/** A page that is fetched when somebody opens it. */

import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useState } from "preact/hooks";

type Shown<P> = (props: P) => ComponentChildren;

export function lazy<P extends object>(name: string, load: () => Promise<Shown<P>>): Shown<P> {
  let there: Shown<P> | null = null;
  return function Lazy(props: P) {
    const [state, set] = useState<"loading" | "there" | "failed">(there ? "there" : "loading");
    useEffect(() => {
      if (there) return;
      load().then(
        (found) => {
          there = found;
          set("there");
        },
        () => set("failed"), // for good: a browser does not fetch a module twice
      );
    }, []);
    useLayoutEffect(() => {
      if (state !== "there" || document.activeElement !== document.body) return;
      document.querySelector<HTMLElement>("main h1")?.focus({ preventScroll: true });
    }, [state]);
    const Page = there;
    if (Page) return <Page {...props} />;
    return (
      <>
        <h1 tabIndex={-1}>{name}</h1>
        {state === "failed" ? (
          <p class="bad" role="alert">
            This page could not be fetched: the service does not answer, or it is newer than this one.{" "}
            <button type="button" onClick={() => location.reload()}>
              Reload
            </button>
          </p>
        ) : (
          <p class="muted">Loading…</p>
        )}
      </>
    );
  };
}
