/** Where in the page somebody is: the path of the address, and nothing else. */

import { signal } from "@preact/signals";

export interface Place {
  path: string;
  query: URLSearchParams;
}

export type Page =
  | {
      name: "live" | "compare" | "promotions" | "trades" | "jobs" | "system" | "alerts" | "settings" | "lost";
    }
  | { name: "variant" | "promotion" | "job" | "validation" | "round"; id: string };

export const place = signal<Place>(here());

function here(): Place {
  return { path: location.pathname, query: new URLSearchParams(location.search) };
}

/** Which page a path names. */
export function pageOf(path: string): Page {
  const [first = "", second = "", ...rest] = path.split("/").slice(1).map(decoded);
  if (rest.length) {
    const validation = first === "jobs" && second && rest.join("/") === "validation";
    return validation ? { name: "validation", id: second } : { name: "lost" };
  }
  if (second) {
    if (first === "v") return { name: "variant", id: second };
    if (first === "jobs") return { name: "job", id: second };
    if (first === "rounds") return /^\d{1,9}$/.test(second) ? { name: "round", id: second } : { name: "lost" };
    if (first === "promotions") return { name: "promotion", id: second };
    return { name: "lost" };
  }
  switch (first) {
    case "":
      return { name: "live" };
    case "compare":
    case "promotions":
    case "trades":
    case "jobs":
    case "system":
    case "alerts":
    case "settings":
      return { name: first };
    default:
      return { name: "lost" };
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function go(href: string, how: "push" | "replace" = "push"): void {
  if (how === "push") {
    if (href === location.pathname + location.search) return;
    history.pushState(null, "", href);
  } else history.replaceState(null, "", href);
  place.value = here();
  if (how === "push") scrollTo(0, 0);
}

/** Change what the query says, without another step for the back button. */
export function query(changes: Record<string, string | null>): void {
  const wanted = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value) wanted.set(name, value);
    else wanted.delete(name);
  }
  const text = wanted.toString();
  go(location.pathname + (text ? `?${text}` : ""), "replace");
}

export function variantPath(id: string): string {
  return `/v/${encodeURIComponent(id)}`;
}

/** Own links do not load the page again. */
export function follow(): void {
  addEventListener("popstate", () => {
    place.value = here();
  });
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || link.target || link.origin !== location.origin || link.hasAttribute("download")) return;
    if (link.pathname.startsWith("/api/") || link.hash) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}
