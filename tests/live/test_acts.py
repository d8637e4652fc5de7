"""Who did what beside the run, from the API of a real service into a journal that replays."""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from liveopt.journal.reader import records
from liveopt.walk.lines import read_record
from liveopt.walk.records import DECISIONS, Act
from tests.guard.harness import wait_for
from tests.live.test_front import Answer, Shown, shown
from tests.studies import candles, write_csv

pytestmark = pytest.mark.timeout(150)
JOB = {
    "strategy_name": "ma_crossover",
    "asset": "BTC-USDT",
    "timeframe": "1m",
    "optimization_config": {"max_evals": 900_000, "algorithm": "random"},
}


def liveopt(demo: Shown, *words: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "liveopt", *words],
        cwd=demo.folder, env=demo.environment, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip


def kept(demo: Shown) -> list[Act]:
    """What the decisions journal has of them."""
    found = (read_record(one.content) for one in records(demo.state / "latest", DECISIONS))
    return [record for record in found if isinstance(record, Act)]


def shown_by(said: str) -> list[dict[str, Any]]:
    """Of what `liveopt journal tail` shows."""
    return [one for line in said.splitlines() if (one := json.loads(line))["type"] == "Act"]


@pytest.mark.slow
def test_what_was_done_over_the_api_is_in_a_journal_that_replays(tmp_path: Path) -> None:
    with shown(tmp_path, "--headless") as demo:
        (demo.state / "data").mkdir(parents=True, exist_ok=True)
        write_csv(demo.state / "data" / "BTC-USDT-1m.csv", candles(1_200, swing=0.01))
        demo.port = demo.web()["port"]
        made = liveopt(demo, "keys", "create", "a desk", "--scope", "admin")
        key = re.search(r"lo_([0-9a-f]{8})_\S+", made)
        assert key is not None

        def done(method: str, path: str, body: object = None) -> Answer:
            return demo.ask(method, path, body, Authorization=f"Bearer {key[0]}")

        submitted = done("POST", "/api/v1/optimize/single", JOB)
        assert submitted.status == 202, submitted.body
        name = json.loads(submitted.body)["job_id"]
        assert done("DELETE", f"/api/v1/optimize/cancel/{name}").status == 200
        stopped = done("POST", "/api/optimizer/stop", {"reason": "a test"}).status
        assert stopped in {200, 207}, "an engine that compiles still is not there to say yes"
        seen = "/api/v1/alerts/emergency_stop/acknowledge"
        wait_for(lambda: done("POST", seen, {"by": "ann"}).status == 200)
        wait_for(lambda: len(kept(demo)) == 4, 60.0, 0.1)
        of_decisions = ("logs/latest", "--journal", "decisions")
        found = shown_by(liveopt(demo, "journal", "tail", *of_decisions, "-n", "5000"))
        by = f"key {key[1]}"
        assert [(one["what"], one["by"]) for one in found] == [
            ("keys create", "cli"),
            ("POST /api/v1/optimize/single", by),
            (f"DELETE /api/v1/optimize/cancel/{name}", by),
            (f"POST {seen}", by),
        ]
        request = submitted.headers["X-Request-ID"]
        assert found[1]["detail"] == f"job_id {name}, request {request}"
        assert f"acknowledged_by ann [{by}]" in found[3]["detail"]
        assert demo.end() == 130
        table = tmp_path / "decisions.csv"
        liveopt(demo, "journal", "export", *of_decisions, "--out", str(table))
        with table.open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["type"] == "Act"]
        assert [row["what"] for row in rows] == [one["what"] for one in found]
        assert [int(row["wall_ms"]) for row in rows] == [one["wall_ms"] for one in found]
        liveopt(demo, "journal", "verify", "logs/latest")
        said = json.loads(liveopt(demo, "replay", "logs/latest", "--check", "--json"))
        assert said["equal"], said
        assert said["decisions"]["missing"] == 0
        files = [path.read_bytes() for path in demo.state.rglob("*.jsonl")]
        assert files
        assert [content for content in files if key[0].encode() in content] == []
