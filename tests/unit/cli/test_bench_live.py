"""The bench of a live run measures a service of its own, whatever else the machine does."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from liveopt.cli.bench_live import held


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_figure_is_measured_and_nothing_is_left_behind(tmp_path: Path) -> None:
    words = ["bench", "live", "--variants", "150", "--rate", "500", "--seconds", "6"]
    ended = subprocess.run(
        [sys.executable, "-m", "liveopt", *words, "--trials", "3", "--json"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={name: value for name, value in os.environ.items() if "LIVEOPT__" not in name},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    said = json.loads(ended.stdout)
    assert said["ticks"] > 500
    assert said["dropped"] == 0
    assert said["tick_to_journalled_decision_ms"]["p50"] > 0.0
    assert 0.0 < said["cpu_share"]["guard"] < said["cpu_share"]["all"]
    assert said["fds"]["first"] > 0
    assert said["journal"]["records_per_s"] > 1_000
    assert said["replay"]["equal"]
    assert said["replay"]["ticks"] == said["ticks"]
    assert (said["stop"]["trials"], said["stop"]["entries_after_ack"]) == (3, 0)
    assert said["stop"]["halts"] == 3
    assert list(tmp_path.iterdir()) == []


def test_what_is_held_is_shown_at_the_first_look_and_the_last() -> None:
    look = {"ticks": 1, "fds": 7, "tasks": 8, "threads": 9, "rss_mib": 10.0}
    found = held([look, look | {"ticks": 2, "rss_mib": 11.0}])
    assert found["fds"] == {"first": 7, "last": 7}
    assert found["rss"] == {"first": 10.0, "last": 11.0}
    assert held([])["tasks"] == {"first": None, "last": None}
