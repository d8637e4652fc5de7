"""Requests repeated to a web process that was killed meanwhile: a real guard, real HTTP."""

import http.client
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from liveopt.guard import caller
from liveopt.guard.clock import WALL
from liveopt.guard.spec import Limits
from liveopt.optimize.studies.store import Store
from liveopt.web.keys import Keys
from tests.guard.harness import Running, alive, wait_for
from tests.guard.test_web import serving
from tests.studies import candles, write_csv

pytestmark = pytest.mark.timeout(150)
RESUME, STOP, SINGLE = "/api/optimizer/resume", "/api/optimizer/stop", "/api/v1/optimize/single"
AGAIN = {"Idempotency-Key": "R"}
SEARCH = {
    "strategy_name": "ma_crossover", "asset": "BTC-USDT", "timeframe": "1m",
    "optimization_config": {"max_evals": 40, "algorithm": "random"},
}  # fmt: skip


class Caller:
    """Whoever has a key."""

    def __init__(self, service: Running, port: int) -> None:
        self.service, self.port = service, port
        self.key = Keys(service.state).create("tester", ("admin",), WALL())

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        own = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, json.dumps(body or {}), own | headers)
            said = connection.getresponse()
            return said.status, json.loads(said.read())
        finally:
            connection.close()

    def until_it_answers(self) -> None:
        def look() -> bool:
            with suppress(OSError, http.client.HTTPException):
                return self.ask("GET", "/api/v1/health/live")[0] == 200
            return False

        wait_for(look, 60, 0.1)

    def kill_the_web(self) -> None:
        pid = self.service.status()["web"]["pid"]
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not alive(pid))
        self.until_it_answers()


def words(state: Path) -> list[str]:
    web = [sys.executable, "-m", "liveopt", "web", "--state", str(state)]
    return [*web, "--run", str(state / "run")]


def test_a_resume_repeated_after_a_kill_leaves_a_later_halt_standing(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with serving(state, *words(state), limits=Limits()) as (service, port):
        service.settled()
        me = Caller(service, port)
        me.until_it_answers()
        assert me.ask("POST", STOP)[0] == 200
        over = {"reason": "over"}
        assert me.ask("POST", RESUME, over, **AGAIN)[1]["resumed"] is True
        assert me.ask("POST", RESUME, over, **AGAIN)[1]["resumed"] is True
        assert me.ask("POST", RESUME, {"reason": "else"}, **AGAIN)[0] == 422
        stopped = me.ask("POST", STOP)[1]
        assert me.ask("POST", RESUME, over, **AGAIN)[0] == 409
        me.kill_the_web()
        status, said = me.ask("POST", RESUME, over, **AGAIN)
        assert (status, said["resumed"], said["halt"]) == (409, False, stopped["halt"])
        assert caller.status(state)["halted"]
        assert service.halted()
        wrong = over | {"number": stopped["halt"] - 1}
        assert me.ask("POST", RESUME, wrong)[0] == 409
        named = over | {"number": stopped["halt"]}
        assert me.ask("POST", RESUME, named)[1]["resumed"] is True
        service.settled()
        assert service.trades()


def test_a_start_repeated_after_a_kill_leaves_a_later_halt_standing(tmp_path: Path) -> None:
    state, start = tmp_path / "state", "/api/optimizer/start"
    with serving(state, *words(state), limits=Limits()) as (service, port):
        service.settled()
        me = Caller(service, port)
        me.until_it_answers()
        assert me.ask("POST", STOP)[0] == 200
        assert me.ask("POST", start, **AGAIN)[0] == 200
        assert me.ask("POST", STOP)[0] == 200
        me.kill_the_web()
        assert me.ask("POST", start, **AGAIN)[0] == 409
        assert service.halted()
        assert me.ask("POST", start)[0] == 200


def test_a_search_submitted_again_after_a_kill_is_the_same_search(tmp_path: Path) -> None:
    state = tmp_path / "state"
    (state / "data").mkdir(parents=True)
    write_csv(state / "data" / "BTC-USDT-1m.csv", candles(1_200, swing=0.01))
    with serving(state, *words(state), limits=Limits()) as (service, port):
        service.settled()
        me = Caller(service, port)
        me.until_it_answers()
        status, first = me.ask("POST", SINGLE, SEARCH, **AGAIN)
        assert status == 202
        both = {"requests": [SEARCH, SEARCH]}
        many = me.ask("POST", "/api/v1/optimize/batch", both, **AGAIN)[1]["job_ids"]
        for _ in range(2):
            me.kill_the_web()
            assert me.ask("POST", SINGLE, SEARCH, **AGAIN)[1]["job_id"] == first["job_id"]
            again = me.ask("POST", "/api/v1/optimize/batch", both, **AGAIN)[1]["job_ids"]
            assert again == many
            other = SEARCH | {"asset": "BTC-USDT", "optimization_config": {"max_evals": 41}}
            me.kill_the_web()
            status, said = me.ask("POST", SINGLE, other, **AGAIN)
            assert (status, said["error_code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
            less = {"requests": [SEARCH]}
            assert me.ask("POST", "/api/v1/optimize/batch", less, **AGAIN)[0] == 422

            def ended() -> bool:
                found = me.ask("GET", "/api/v1/jobs")[1]["jobs"]
                return {one["status"] for one in found} == {"completed"}

            wait_for(ended, 60, 0.2)
        names = {one.id for one in Store(state).standings()}
        assert names == {first["job_id"], *many}
        assert len(many) == 2
