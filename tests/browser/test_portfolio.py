"""Portfolio jobs as a person sees them: a real worker on a share, from the first CSV to its end."""

import json
import random
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.browser.desk import Desk, desk
from tests.browser.eyes import Eyes
from tests.kill.stage import LIVEOPT, environment, wait_for

Look = Callable[..., Eyes]
DAYS, STRATEGIES = 60, 80
AT_WORK = "portfolio jobs at work"
ENDED = "portfolio jobs that ended"
REPORTS = 8
FEW = {"PORTFOLIO__EVALUATIONS": "8000"}
"""A job of seconds, which a page asks often enough to see."""
WAIT_MS = 90_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of the share: nobody has worked there yet."""
    return tmp_path / "share"


@pytest.fixture
def room(browser: Any, folder: Path) -> Iterator[Desk]:
    """A run whose settings name the share."""
    with desk(folder.parent, settings={"PORTFOLIO__SHARE": str(folder)}) as found:
        yield found


@contextmanager
def working(folder: Path) -> Iterator[None]:
    """`liveopt portfolio worker`, as a person begins and ends it."""
    command = [*LIVEOPT, "portfolio", "worker", str(folder), "--make", "--poll", "0.3", "--no-auto"]
    with (folder.parent / "worker.log").open("ab") as said:
        process = subprocess.Popen(
            command, stdout=said, stderr=said, cwd=folder.parent, env=environment(**FEW)
        )
        try:
            told = folder / "jobs" / "status" / "current_status.json"
            wait_for(lambda: told.exists() or process.poll() is not None)
            assert process.poll() is None, (folder.parent / "worker.log").read_text()
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)


def table(folder: Path, name: str) -> None:
    """Daily profit and loss of a few strategies."""
    luck = random.Random(7)
    lines = [",".join(["Date", "Zone", "Day", *(f"S{n}" for n in range(STRATEGIES))])]
    for n in range(DAYS):
        day = date(2024, 1, 1) + timedelta(days=n)
        cells = [f"{luck.gauss(8.0, 100.0):.2f}" for _ in range(STRATEGIES)]
        lines.append(",".join([day.isoformat(), "A", f"{day:%A}", *cells]))
    (folder / "input" / name).write_text("\n".join(lines) + "\n")


def job(folder: Path, name: str, file: str, size: int) -> None:
    """As a client drops it."""
    order = {"job_id": name, "input_file": file, "portfolio_size": size,
             "timestamp": "2026-01-01T10:00:00"}  # fmt: skip
    (folder / "jobs" / "queue" / f"{name}.json").write_text(json.dumps(order))


def queue(room: Desk) -> dict[str, Any]:
    return room.get("/api/v1/portfolio")


def test_from_an_empty_share_to_reports_a_failure_and_an_end_of_the_worker(
    room: Desk, look: Look, folder: Path
) -> None:
    eyes = look(room, "/jobs")
    section = eyes.part("portfolio")
    section.get_by_text("begin a worker there with liveopt portfolio worker DIR").wait_for()
    assert str(folder) not in section.inner_text()
    assert eyes.violations() == [], "a share that is not there"
    with working(folder):
        section.get_by_text("Drop a CSV into the folder").wait_for()
        assert "No job at work, 0 waiting" in eyes.part("queue").inner_text()
        assert eyes.violations() == [], "an empty share"
        table(folder, "desk.csv")
        job(folder, "desk_of_today", "desk.csv", 10)
        row = eyes.page.get_by_role("region", name=AT_WORK).locator("tbody tr")
        row.wait_for(timeout=WAIT_MS)
        assert row.get_by_role("rowheader").inner_text() == "desk_of_today desk.csv"
        row.get_by_role("progressbar", name="progress of desk_of_today").wait_for()
        before, said, after = queue(room), room.get("/status"), queue(room)
        assert said["status"] == "running"
        steps = {before["current_step"], after["current_step"]}
        assert said["current_step"] in steps, "of the job, not of the run"
        ended = eyes.page.get_by_role("region", name=ENDED)
        ended.get_by_text("● completed").wait_for(timeout=WAIT_MS)
        done = queue(room)["history"][0]
        assert done["output_dir"] in ended.inner_text()
        assert len(list((folder / done["output_dir"]).iterdir())) >= REPORTS
        job(folder, "too_small", "desk.csv", 9)
        ended.get_by_text("give a whole number from 10 to 100").wait_for(timeout=WAIT_MS)
        assert "✗ failed" in ended.locator("tbody tr").first.inner_text()
        assert eyes.violations() == [], "jobs that ended"
    eyes.part("queue").get_by_text("No worker runs").wait_for()
    away = folder.with_name("unmounted")
    folder.rename(away)
    section.get_by_text("The share cannot be read").wait_for()
    assert "desk_of_today" in ended.inner_text(), "what was known is shown still"
    assert eyes.violations() == [], "a share that is gone"
    away.rename(folder)
    section.get_by_text("The share cannot be read").wait_for(state="hidden")


def test_portfolio_jobs_are_whole_on_a_telephone(room: Desk, look: Look, folder: Path) -> None:
    eyes = look(room, None, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    with working(folder):
        for wide in (390, 320):
            eyes.page.set_viewport_size({"width": wide, "height": 844})
            eyes.go("/jobs")
            table(folder, "narrow.csv")
            name = f"job_20260101_100000_{wide}abcdef0123456789"
            job(folder, name, "narrow.csv", 40)
            for region in (AT_WORK, ENDED):
                row = eyes.page.get_by_role("region", name=region).locator("tr", has_text=name)
                row.wait_for(timeout=WAIT_MS)
                assert eyes.overflow() <= 0, f"{region}: {eyes.overflow()} px too wide"
                box = row.bounding_box()
                assert box is not None
                assert box["x"] + box["width"] <= wide, f"{region}: a part of a job is cut off"
                assert eyes.violations() == [], region
