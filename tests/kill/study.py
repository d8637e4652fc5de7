"""Kill a study again and again, take it up each time, and compare it with one left in peace.

python -m tests.kill.study --kills 20
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from liveopt.optimize.studies.store import Store
from tests.studies import candles, write_csv

TIMES = ("study", "elapsed_s", "engine_s")
GENERATION = 200


def options(evals: int) -> list[str]:
    """One study of so many evaluations."""
    ranges = "fast=2:200,slow=3:600,fraction=0.1:1"
    return [
        "optimize", "ma_crossover", "--data", "candles.csv", "--algorithm", "de", "--folds", "2",
        "--evals", str(evals), "--population", str(GENERATION), "--set", "kind=ema",
        "--ranges", ranges, "--json",
    ]  # fmt: skip


def whole(folder: Path, words: list[str]) -> dict[str, Any]:
    """The result of a command that nobody kills."""
    command = [sys.executable, "-m", "liveopt", *words]
    ended = subprocess.run(command, cwd=folder, capture_output=True, check=True)
    found: dict[str, Any] = json.loads(ended.stdout)
    return {n: v for n, v in found.items() if n not in TIMES}


def killed(folder: Path, words: list[str], more: int) -> bool:
    """Kill a command once so many more candidates are kept; says whether it was still at work."""
    store, before = Store(folder / "logs"), None
    command = [sys.executable, "-m", "liveopt", *words]
    silent = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=folder, stdout=silent, stderr=silent) as child:
        while child.poll() is None:
            mine = [e for e in store.entries() if e.status == "running"]
            if mine and before is None:
                before = mine[0].evaluated
            if mine and before is not None and mine[0].evaluated >= before + more:
                time.sleep(random.random() * 0.02)  # anywhere in a generation
                os.kill(child.pid, signal.SIGKILL)
                break
            time.sleep(0.001)
    store.close()
    return child.returncode == -signal.SIGKILL


def main() -> None:
    """Kills, then the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    wanted = parser.parse_args()
    evals = GENERATION * 6 * (wanted.kills + 1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_csv(folder / "candles.csv", candles(4_000, swing=0.01))
        peace = whole(folder, options(evals))
        words, kills = options(evals), 0
        while kills < wanted.kills and killed(folder, words, random.randrange(1, 4) * GENERATION):
            kills += 1
            store = Store(folder / "logs")
            entry = store.entries()[0]
            assert entry.status == "interrupted", entry.status
            rows = [g for fold in (0, 1) for g in store.generations(entry.id, fold)]
            assert entry.evaluated == sum(len(g.fitness) for g in rows), "half a generation"
            words = ["opt", "resume", entry.id, "--json"]
            store.close()
        same = whole(folder, words) == peace
        assert Store(folder / "logs").entries()[0].evaluated == evals
    print(json.dumps({"kills": kills, "evaluations": evals, "same_result": same}))
    sys.exit(not same)


if __name__ == "__main__":
    main()
