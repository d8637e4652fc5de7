"""How quick the page is: asserted with slack for a busy machine, strictly only when asked for."""

import statistics
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.desk import Desk, desk
from tests.browser.eyes import Eyes

Look = Callable[..., Eyes]
ROWS_MS, STOP_MS, BUSY, TASK_MS = 500.0, 300.0, 0.25, 100.0
SLACK = 10.0
TRIES = 7
WATCHED_MS = 15_000.0
TASKS = """
window.tasks = [];
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) window.tasks.push(one.duration);
}).observe({ type: "longtask", buffered: true });
"""


def rows_ms(look: Look, room: Desk) -> float:
    return look(room).live().mark("rows")


def stop_ms(look: Look, room: Desk) -> float:
    room.open_again()
    eyes = look(room).live()
    eyes.part("stop").click()
    eyes.part("halt").click()
    took_ms = eyes.mark("halted") - eyes.mark("halt")
    room.open_again()
    return took_ms


def test_rows_are_there_soon(look: Look, room: Desk) -> None:
    took_ms = rows_ms(look, room)
    assert took_ms <= SLACK * ROWS_MS, f"asked for: {ROWS_MS:.0f} ms; it took {took_ms:.0f} ms"


@pytest.mark.bench
def test_rows_are_there_as_soon_as_asked(look: Look, room: Desk) -> None:
    took_ms = [rows_ms(look, room) for _ in range(TRIES)]
    print(f"\nfirst rows: {sorted(round(ms) for ms in took_ms)} ms")
    assert statistics.median(took_ms) <= ROWS_MS, took_ms


@pytest.mark.bench
def test_a_stop_is_seen_as_soon_as_asked(look: Look, room: Desk) -> None:
    took_ms = [stop_ms(look, room) for _ in range(TRIES)]
    print(f"\nstop to HALTED: {sorted(round(ms) for ms in took_ms)} ms")
    assert statistics.median(took_ms) <= STOP_MS, took_ms


@pytest.mark.bench
def test_a_thousand_variants_leave_the_page_its_time(look: Look, tmp_path: Path) -> None:
    with desk(tmp_path, settings={"LIVE__VARIANTS": "1000"}) as crowd:
        eyes = look(crowd, None)
        eyes.page.add_init_script(TASKS)
        eyes.go("/")
        eyes.live()
        eyes.page.wait_for_timeout(3000)
        told = eyes.context.new_cdp_session(eyes.page)
        told.send("Performance.enable")

        def spent_s() -> float:
            found = told.send("Performance.getMetrics")["metrics"]
            return float(next(one["value"] for one in found if one["name"] == "TaskDuration"))

        eyes.page.evaluate("window.tasks.length = 0")
        before = spent_s()
        eyes.page.wait_for_timeout(WATCHED_MS)
        busy = 1e3 * (spent_s() - before) / WATCHED_MS
        longest = max(eyes.page.evaluate("window.tasks"), default=0.0)
        seconds = eyes.mark("rows")
    print(
        f"\n1,000 variants: busy {busy:.1%}, longest task {longest:.0f} ms, rows {seconds:.0f} ms"
    )
    assert busy <= BUSY
    assert longest <= TASK_MS
