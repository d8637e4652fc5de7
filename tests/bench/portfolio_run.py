"""A whole run: a CSV of made-up strategies to eight reports, with all eight algorithms.

    python -m tests.bench.portfolio_run --strategies 25544 --sessions 82
    python -m tests.bench.portfolio_run --strategies 100000 --sessions 250

Seconds are the command's own from start to end; memory is what it and its processes hold together,
pages that they share counted once (PSS), the most that was seen in looks a tenth of a second apart.
Prints JSON.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from liveopt.data.panel.sample import lines

LOOK_S: Final = 0.1
KINDS: Final = 8


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += tree(int(child))
    return found


def held_mib(pid: int) -> float:
    """What they hold together."""
    total = 0
    for one in tree(pid):
        try:
            text = Path(f"/proc/{one}/smaps_rollup").read_text()
        except OSError:
            continue
        total += next(int(line.split()[1]) for line in text.splitlines() if line[:4] == "Pss:")
    return total / 1024.0


def measured(csv: Path, folder: Path, more: list[str]) -> dict[str, Any]:
    """One run."""
    words = [sys.executable, "-m", "liveopt", "portfolio", "run", str(csv), "--out", str(folder)]
    begun_s, most = time.perf_counter(), 0.0
    with subprocess.Popen([*words, "--json", *more], stdout=subprocess.PIPE) as process:
        while process.poll() is None:
            with suppress(OSError, StopIteration, ValueError):  # it may end meanwhile
                most = max(most, held_mib(process.pid))
            time.sleep(LOOK_S)
        took_s = time.perf_counter() - begun_s
        assert process.stdout is not None
        told = json.loads(process.stdout.read())
    assert process.returncode == 0
    assert len(told["files"]) >= KINDS
    assert all(one["status"] == "done" for one in told["algorithms"])
    return {
        "seconds": round(took_s, 1),
        "steps_s": {name: round(seconds, 2) for name, seconds in told["steps_s"].items()},
        "memory_mib": round(most),
        "algorithms_s": {one["algorithm"]: round(one["seconds"], 2) for one in told["algorithms"]},
        "best": told["best"]["algorithm"],
        "fitness": told["best"]["fitness"],
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--strategies", type=int, default=25_544)
    parser.add_argument("--sessions", type=int, default=82)
    parser.add_argument("more", nargs="*", help="more options of the command, after --")
    asked = parser.parse_args()
    with TemporaryDirectory() as name:
        csv = Path(name) / "desk.csv"
        with csv.open("w") as file:
            file.writelines(lines(asked.strategies, asked.sessions, seed=1))
        found = {
            "load_average": os.getloadavg()[0],
            "strategies": asked.strategies,
            "sessions": asked.sessions,
            "csv_mb": round(csv.stat().st_size / 1e6, 1),
            **measured(csv, Path(name) / "out", asked.more),
        }
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
