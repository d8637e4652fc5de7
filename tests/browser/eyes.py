"""One page in a browser: what a person would see of it, and what it complains of."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.browser.desk import Desk

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

UI = Path(__file__).parents[2] / "liveopt" / "web" / "ui"
AXE = UI / "node_modules" / "axe-core" / "axe.min.js"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WAIT_MS = 15_000.0
SERVICE_AWAY = (
    r"net::ERR_(CONNECTION|EMPTY_RESPONSE|SOCKET|ABORTED)",
    r"WebSocket connection to .* failed",
    r"status of (401|50\d|409)",
)
"""What the browser itself writes to the console when a service dies, hangs or refuses."""
WATCH = """
window.marks = {};
window.states = [];
const mark = (name) => { window.marks[name] ??= performance.now(); };
addEventListener("securitypolicyviolation", (event) => {
  console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`);
});
addEventListener("click", (event) => {
  if (event.target.closest?.("[data-testid=halt]")) mark("halt");
}, true);
new MutationObserver(() => {
  if (document.querySelector("tr[data-id], li[data-id]")) mark("rows");
  if (document.querySelector("[data-testid=halted]")) mark("halted");
  const state = document.querySelector("[data-testid=state]")?.dataset.state;
  if (state && state !== window.states.at(-1)) window.states.push(state);
}).observe(document, { childList: true, subtree: true, attributes: true });
"""
"""What happens between two looks of a test is written down by the page itself."""


class Eyes:
    """A page of its own profile, signed in unless told otherwise."""

    def __init__(self, browser: "Browser", desk: Desk, how: dict[str, Any]) -> None:
        how = {"viewport": {"width": 1366, "height": 900}} | how
        signed_in, self._allowed = how.pop("signed_in", True), list(how.pop("allowed", ()))
        self.desk = desk
        if signed_in:
            kept = [{"name": "liveopt.session", "value": desk.secret}]
            origin = {"origin": desk.base, "localStorage": kept}
            how = {"storage_state": {"cookies": [], "origins": [origin]}} | how
        self.context = browser.new_context(locale="en-US", base_url=desk.base, **how)
        self.context.set_default_timeout(WAIT_MS)
        if signed_in:
            name, _, value = desk.cookie.partition("=")
            self.context.add_cookies([{"name": name, "value": value, "url": desk.base}])
        self.page = self.context.new_page()
        self.page.add_init_script(WATCH)
        self.wrong: list[str] = []
        self.page.on("console", lambda said: self._heard(said.type, said.text))
        self.page.on("pageerror", lambda error: self._heard("error", f"uncaught: {error}"))

    def _heard(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and not any(re.search(one, text) for one in self._allowed):
            self.wrong.append(text)

    def close(self) -> list[str]:
        """What it has complained of."""
        self.context.close()
        return self.wrong

    def go(self, path: str) -> None:
        """Open an address as it is typed."""
        self.page.goto(path)

    def is_(self, state: str, timeout_ms: float = WAIT_MS) -> None:
        """Wait until the header says so."""
        self.page.wait_for_selector(
            f"[data-testid=state][data-state='{state}']", timeout=timeout_ms
        )

    def live(self) -> "Eyes":
        """Wait until the board has rows and the header says LIVE."""
        self.is_("live")
        self.page.wait_for_selector("[data-id]")
        return self

    def part(self, name: str) -> "Locator":
        """What carries this data-testid."""
        return self.page.get_by_test_id(name)

    def ids(self) -> list[str]:
        """Who is on the board, in that order."""
        js = "all => all.map((one) => one.dataset.id)"
        found: list[str] = self.page.eval_on_selector_all(".board [data-id]", js)
        return found

    def mark(self, name: str) -> float:
        """When this page saw it first, in milliseconds since it began to load."""
        found: float = self.until(f"window.marks.{name} ?? null")
        return found

    def states(self) -> list[str]:
        """Every state its header has shown so far."""
        found: list[str] = self.page.evaluate("window.states")
        return found

    def until(self, js: str, timeout_ms: float = WAIT_MS) -> Any:
        """What is neither false nor nothing, once it is; asked from here, for no page may eval."""
        for _ in range(int(timeout_ms / 50)):
            if found := self.page.evaluate(js):
                return found
            self.page.wait_for_timeout(50)
        raise AssertionError(f"not within {timeout_ms:.0f} ms: {js}")

    def waits_for(self, what: Callable[[], object], timeout_ms: float = WAIT_MS) -> None:
        """Until it is true; the page goes on meanwhile."""
        for _ in range(int(timeout_ms / 50)):
            if what():
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"not within {timeout_ms:.0f} ms: {what}")

    def focus(self) -> str:
        """What has the focus: its data-testid, its id, or its words."""
        at = "document.activeElement"
        return str(
            self.page.evaluate(f"{at}.dataset.testid ?? ({at}.id || {at}.textContent.trim())")
        )

    def overflow(self) -> int:
        """By how many pixels the page is wider than its window."""
        root = "document.documentElement"
        return int(self.page.evaluate(f"{root}.scrollWidth - {root}.clientWidth"))

    def cut_off(self) -> list[str]:
        """Figures of which the end cannot be seen."""
        js = "all => all.filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.textContent)"
        found: list[str] = self.page.eval_on_selector_all("td.num", js)
        return found

    def violations(self) -> list[str]:
        """What axe has against the page as it is now."""
        self.page.evaluate(AXE.read_text())
        found = self.page.evaluate(
            "(tags) => axe.run(document, { runOnly: tags, resultTypes: ['violations'] })", WCAG
        )
        return [
            f"{one['id']}: {one['help']}: {node['target']}: {node['html'][:160]}"
            for one in found["violations"]
            for node in one["nodes"]
        ]
