"""What is old is not told as new: after a new start of the web, nor of an engine that stands."""

import http.client
import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from time import monotonic
from typing import Any

import pytest

from liveopt.cli import front
from liveopt.guard import caller
from liveopt.guard.clock import WALL
from liveopt.web.keys import Keys
from tests.browser.desk import SETTINGS, SPEED, Desk
from tests.kill.stage import exchange, wait_for

pytestmark = [
    pytest.mark.skipif(not front.is_built(), reason="the dashboard is not built: make ui"),
    pytest.mark.slow,
    pytest.mark.timeout(300),
]
OLD_S = 7.0
PROMPT_S = 3.6
"""Three seconds, and the time between two frames and two questions."""


@dataclass
class Keyed(Desk):
    """Asked with a key: nobody is signed in."""

    key: str = ""


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    """A service that knows the key from its start."""
    folder = tmp_path_factory.mktemp("ages")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    settings = SETTINGS | {"WEB__PORT": port, "WEB__REQUESTS_AN_HOUR": "1000000"}
    with ExitStack() as stack:
        sim = stack.enter_context(exchange(folder, "--speed", SPEED))
        found = Keyed(folder, sim.url, settings, sim=sim)
        stack.callback(found.abandon)
        stack.callback(found.wake)
        found.state.mkdir()
        found.key = Keys(found.state).create("ages", ["admin"], WALL())
        found.start()
        yield found


def asked(room: Keyed, path: str) -> dict[str, Any]:
    """Nothing while the web process is not there, or does not know the key yet."""
    line = http.client.HTTPConnection(room.base.partition("//")[2], timeout=10.0)
    try:
        line.request("GET", path, headers={"X-API-Key": room.key})
        said = line.getresponse()
        body: dict[str, Any] = json.loads(said.read())
    except (OSError, http.client.HTTPException):
        return {}
    else:
        return body if said.status == 200 else {}
    finally:
        line.close()


def market_age_ms(room: Keyed) -> int | None:
    found: int | None = asked(room, "/api/v1/run").get("clocks", {}).get("market_age_ms")
    return found


def test_a_web_process_that_starts_anew_does_not_make_the_market_younger(room: Keyed) -> None:
    assert room.sim is not None
    wait_for(lambda: market_age_ms(room) is not None)
    assert (market_age_ms(room) or 0) < 1e3 * OLD_S, "at this speed a tick comes all the time"
    os.kill(room.sim.pid, signal.SIGSTOP)
    began_s = monotonic()
    try:
        wait_for(lambda: (market_age_ms(room) or 0) > 1e3 * OLD_S, every_s=0.1)
        assert monotonic() - began_s > OLD_S - 1.0, "it ages as the clock goes, not the market"
        starts = caller.status(room.state)["web"]["starts"]
        os.kill(room.pid("web"), signal.SIGKILL)
        wait_for(lambda: caller.status(room.state)["web"]["starts"] > starts, every_s=0.05)
        first_ms = wait_for(lambda: market_age_ms(room), every_s=0.02)
        assert first_ms > 1e3 * OLD_S
    finally:
        os.kill(room.sim.pid, signal.SIGCONT)


def test_an_engine_that_stands_still_does_not_run_for_long(room: Keyed) -> None:
    wait_for(lambda: asked(room, "/api/optimizer/status").get("running"), every_s=0.1)
    before = asked(room, "/api/optimizer/results?limit=5")
    assert before["stale"] is False
    engine = room.pid("engine")
    os.kill(engine, signal.SIGSTOP)
    began_s = monotonic()
    try:
        wait_for(lambda: asked(room, "/api/optimizer/status")["running"] is False, every_s=0.05)
        assert monotonic() - began_s < PROMPT_S
        told = [
            asked(room, f"{path}?limit=5")
            for path in ("/api/optimizer/results", "/api/v1/variants")
        ]
        assert all(one["stale"] for one in told)
        now_ms = WALL() / 1e6
        assert all(now_ms - one["as_of_ms"] > 2_500 for one in told), "the frame's time, not now"
    finally:
        os.kill(engine, signal.SIGCONT)
