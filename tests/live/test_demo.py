"""A demo beside a real run: it ends with the run's web process, however that ends."""

import os
import signal
from pathlib import Path

import pytest

from liveopt.cli import front
from liveopt.guard import caller
from tests.browser.desk import Desk, desk
from tests.kill.stage import wait_for
from tests.unit.web.test_demo import folders, living

pytestmark = [
    pytest.mark.skipif(not front.is_built(), reason="the dashboard is not built: make ui"),
    pytest.mark.slow,
    pytest.mark.timeout(300),
]


def begun(room: Desk) -> Path:
    """The folder of a demo that is at work."""
    before = set(folders(room.state))
    status, _, body = room.ask("POST", "/api/v1/demo", None)
    assert status == 201, body
    (folder,) = set(folders(room.state)) - before
    wait_for(lambda: at_work(folder), every_s=0.2)
    return folder.resolve()


def at_work(folder: Path) -> bool:
    try:
        said = caller.status(folder)
    except (caller.NotRunning, caller.NoAnswer):
        return False
    return bool((said.get("status") or {}).get("ticks"))


def test_it_ends_with_the_run_and_harms_nothing_of_it(tmp_path: Path) -> None:
    with desk(tmp_path) as room:
        folder = begun(room)
        engine = room.pid("engine")
        assert len(living(folder)) >= 4, "guard, exchange, engine and dashboard"
        assert caller.stop(folder, "halt", "a drill in the demo")["latched"]
        assert caller.status(room.state)["halted"] is False
        room.at_work(after=room.status()["status"]["durable_seq"])

        os.kill(room.pid("web"), signal.SIGKILL)
        wait_for(lambda: not living(folder))
        wait_for(lambda: (caller.status(room.state)["web"] or {})["starts"] == 2)
        again = wait_for(lambda: begun_again(room))
        assert not folder.exists(), "what the first has left"

        room.at_work(after=room.status()["status"]["durable_seq"])
        assert room.pid("engine") == engine
        assert room.end() == 0
        wait_for(lambda: not living(again))
        assert folders(room.state) == []


def begun_again(room: Desk) -> Path | None:
    """Once the web process answers once more."""
    try:
        return begun(room)
    except OSError:
        return None
