"""The web process is killed while it takes orders and while it works at them: nothing is lost."""

import contextlib
import http.client
import json
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from liveopt.guard.clock import WALL
from liveopt.guard.spec import Limits
from liveopt.optimize.studies.store import FILE
from liveopt.web.keys import Keys
from tests.guard.harness import Running, wait_for
from tests.guard.test_web import kill, serving
from tests.studies import candles, write_csv

QUICK = Limits(backoff_s=0.01, backoff_s_max=0.01, web_backoff_s_max=0.02)
ORDER: dict[str, Any] = {
    "strategy_name": "ma_crossover",
    "asset": "BTC-USDT",
    "timeframe": "1m",
    "optimization_config": {"max_evals": 10, "algorithm": "random"},
}
LONG: dict[str, Any] = ORDER | {
    "optimization_config": {"max_evals": 20_000, "algorithm": "de", "timeout_minutes": 5}
}
START_S = 60.0
Row = tuple[int, int, int, float]


class Client:
    """Somebody with a key, whatever becomes of who answers."""

    def __init__(self, service: Running, port: int, key: str) -> None:
        self.service, self.port, self.key = service, port, key

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_S)
        headers = {"Authorization": f"Bearer {self.key}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        with contextlib.closing(line):
            line.request(method, path, None if body is None else json.dumps(body), headers)
            said = line.getresponse()
            return said.status, json.loads(said.read())

    def jobs(self) -> dict[str, dict[str, Any]]:
        status, body = self.ask("GET", "/api/v1/jobs?limit=1000")
        assert status == 200, body
        return {job["id"]: job for job in body["jobs"]}

    def ready(self) -> None:
        """Once the process that is started answers."""

        def look() -> bool:
            with contextlib.suppress(OSError, http.client.HTTPException):
                return self.ask("GET", "/api/v1/health/live")[0] == 200
            return False

        wait_for(look, START_S)

    def kill(self) -> None:
        """SIGKILL, until the next one answers."""
        web = self.service.settled()["web"]
        kill(web["pid"])
        wait_for(lambda: self.service.settled()["web"]["starts"] > web["starts"], START_S)
        self.ready()


@pytest.fixture(autouse=True)
def _plenty(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS", "SEARCHES"):
        monkeypatch.setenv(f"LIVEOPT__WEB__{name}_AN_HOUR", "1000000")


@contextmanager
def api(room: Path) -> Iterator[Client]:
    """A real guard and the product's own web process, with candles to search."""
    state = room / "logs"
    (state / "data").mkdir(parents=True)
    write_csv(state / "data" / "BTC-USDT-1m.csv", candles(1_200, swing=0.01))
    key = Keys(state).create("tester", ["admin"], WALL())
    run = state / "20200101-000000"
    words = ["-m", "liveopt", "web", "--state", str(state), "--run", str(run)]
    with serving(state, sys.executable, *words, limits=QUICK) as (service, port):
        client = Client(service, port, key)
        client.ready()
        yield client


class Crowd:
    """Several who order at the same time until they are told to stop."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.known: list[str] = []
        """What they were told is taken."""
        self._over = threading.Event()
        self._all = [threading.Thread(target=self._order) for _ in range(4)]

    def __enter__(self) -> "Crowd":
        for one in self._all:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for one in self._all:
            one.join()

    def _order(self) -> None:
        while not self._over.is_set():
            try:
                status, body = self.client.ask("POST", "/api/v1/optimize/single", ORDER)
            except (OSError, http.client.HTTPException):
                continue  # nobody said that it was taken
            if status == 202:
                self.known.append(body["job_id"])
            elif status == 503:
                time.sleep(0.05)  # there is no room


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_no_order_that_was_acknowledged_is_lost_by_a_kill(tmp_path: Path) -> None:
    with api(tmp_path) as client:
        known: list[str] = []
        for delay_s in (0.05, 0.2, 0.4):
            with Crowd(client) as crowd:
                wait_for(crowd.known.copy, START_S)
                time.sleep(delay_s)
                client.kill()
            known += crowd.known
            there = client.jobs()
            assert [name for name in known if name not in there] == []
            for name in [name for name, job in there.items() if job["status"] == "queued"]:
                assert client.ask("DELETE", f"/api/v1/optimize/cancel/{name}")[0] in {200, 409}
            known = [name for name in known if there[name]["status"] != "queued"]
        assert "queued" not in {job["status"] for job in client.jobs().values()}


def rows(state: Path, name: str) -> list[Row]:
    """What is kept of a study, with the times at which it was done."""
    with contextlib.closing(sqlite3.connect(state / FILE, timeout=30.0)) as db:
        return db.execute(
            "SELECT fold, number, checksum, elapsed_s FROM generations WHERE study = ?"
            " ORDER BY fold, number", (name,),
        ).fetchall()  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_job_of_a_killed_process_goes_on_after_its_last_kept_generation(tmp_path: Path) -> None:
    with api(tmp_path) as client:
        name = client.ask("POST", "/api/v1/optimize/single", LONG)[1]["job_id"]
        wait_for(lambda: client.jobs()[name]["done"] > 500, START_S, every_s=0.05)
        seen = client.jobs()[name]["done"]
        client.kill()
        kept = rows(tmp_path / "logs", name)
        job = client.jobs()[name]
        assert job["done"] >= seen
        assert job["status"] in {"running", "completed"}, job
        wait_for(lambda: client.jobs()[name]["status"] == "completed", 200.0, every_s=0.2)
        assert len(kept) > 1
        assert set(kept) <= set(rows(tmp_path / "logs", name)), "what was kept is not done again"
        job = client.jobs()[name]
        assert job["verdict"] in {"passes", "fails"}
        assert isinstance(job["best"], float)
