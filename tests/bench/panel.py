"""Panels: how fast a wide CSV is kept, opened and read, and in how much memory.

    python -m tests.bench.panel --strategies 100000 --sessions 250 --out /some/disk

Prints JSON. The CSV is made up from a seed: heavy tails, 35 % zeros, two decimals. Each step is a
process of its own, so that its peak of memory is its own; CPU seconds are the process' own too,
and tell what another load of the machine hides. `ten_first_ms` is the median of new processes'
first reading, opening included. Where pandas is installed, `pandas.read_csv` is the reference.
"""

import argparse
import importlib
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from liveopt.data.panel.read_csv import read_csv
from liveopt.data.panel.store import Layout, open_panel, write

SEED = 8
READINGS = 9


def make_csv(path: Path, strategies: int, sessions: int) -> None:
    """The legacy format, as a desk's back-tests write it."""
    rng = np.random.default_rng(SEED)
    first = np.datetime64("2023-01-02")
    with path.open("w") as file:
        names = (f"SENSEX {944 + i % 600}-{i} SL31%TP57%" for i in range(strategies))
        file.write("Date,Zone,Day," + ",".join(names) + "\n")
        for t in range(sessions):
            pnl = np.round(rng.standard_t(3, strategies) * 500.0, 2)
            pnl[rng.random(strategies) < 0.35] = 0.0
            file.write(f"{first + t},Zone {t % 4 + 1},Monday,{','.join(map(str, pnl.tolist()))}\n")


def some_names(strategies: int, seed: int) -> list[str]:
    """Ten of them, from anywhere."""
    picked = np.random.default_rng(seed).choice(strategies, min(10, strategies), replace=False)
    return [f"SENSEX {944 + i % 600}-{i} SL31%TP57%" for i in picked.tolist()]


def step_import(folder: Path) -> dict[str, float]:
    """CSV to store, as the command does it."""
    started = time.perf_counter()
    read = read_csv([folder / "desk.csv"])
    parsed = time.perf_counter()
    write(read.panel, read.about, folder / "desk.panel", Layout(), replace=True)
    return {"parse_s": parsed - started, "write_s": time.perf_counter() - parsed}


def step_ten(folder: Path, seed: int = 0) -> dict[str, float]:
    """Open a store and read ten strategies; then ten others."""
    started, cpu = time.perf_counter(), time.process_time()
    store = open_panel(folder / "desk.panel")
    count = store.manifest.strategies
    panel = store.read(some_names(count, seed))
    first, cpu = time.perf_counter(), time.process_time() - cpu
    assert panel.pnl.shape == (min(10, count), store.manifest.sessions)
    store.read(some_names(count, seed + 1))
    again = time.perf_counter() - first
    return {"first_ms": 1e3 * (first - started), "cpu_ms": 1e3 * cpu, "next_ms": 1e3 * again}


def step_all(folder: Path) -> dict[str, float]:
    """Read all of it."""
    open_panel(folder / "desk.panel").read()
    return {}


def step_verify(folder: Path) -> dict[str, float]:
    """Compare the files with their hashes."""
    open_panel(folder / "desk.panel").verify()
    return {}


def step_pandas(folder: Path) -> dict[str, float]:
    """The reference."""
    pd = importlib.import_module("pandas")  # not a dependency: measured where it is

    frame = pd.read_csv(folder / "desk.csv")
    return {"columns": float(len(frame.columns))}


STEPS: dict[str, Callable[..., dict[str, float]]] = {
    "import": step_import,
    "ten": step_ten,
    "all": step_all,
    "verify": step_verify,
    "pandas": step_pandas,
}


def measured(step: str, folder: Path, seed: int = 0) -> dict[str, float]:
    """A step in a process of its own: seconds, CPU seconds, peak memory, what it says itself."""
    command = [sys.executable, "-m", "tests.bench.panel", "--step", step, "--out", str(folder)]
    done = subprocess.run([*command, "--seed", str(seed)], capture_output=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def run_step(step: str, folder: Path, seed: int) -> dict[str, float]:
    """What `measured` starts."""
    started, cpu = time.perf_counter(), time.process_time()
    found = STEPS[step](folder, seed) if step == "ten" else STEPS[step](folder)
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return found | {"wall_s": wall, "cpu_s": cpu, "peak_mib": peak}


def whole(folder: Path, strategies: int, sessions: int) -> dict[str, Any]:
    """All steps over one made-up file."""
    csv = folder / "desk.csv"
    make_csv(csv, strategies, sessions)
    found: dict[str, Any] = {
        "strategies": strategies,
        "sessions": sessions,
        "load": os.getloadavg()[0],
        "csv_mb": csv.stat().st_size / 1e6,
        "import": measured("import", folder),
    }
    found["store_mb"] = sum(f.stat().st_size for f in (folder / "desk.panel").iterdir()) / 1e6
    readings = [measured("ten", folder, seed) for seed in range(READINGS)]
    for name in ("first_ms", "cpu_ms", "next_ms"):
        found[f"ten_{name}"] = median(reading[name] for reading in readings)
    found["all"] = measured("all", folder)
    found["verify"] = measured("verify", folder)
    if importlib.util.find_spec("pandas") is not None:
        found["pandas"] = measured("pandas", folder)
        found["pandas_read_over_our_parse"] = found["pandas"]["wall_s"] / found["import"]["parse_s"]
        found["pandas_read_over_our_read"] = found["pandas"]["wall_s"] / found["all"]["wall_s"]
    return found


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strategies", type=int, default=25_544)
    parser.add_argument("--sessions", type=int, default=82)
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--step", choices=STEPS, default=None)
    parser.add_argument("--seed", type=int, default=0)
    told = parser.parse_args()
    if told.step is not None:
        print(json.dumps(run_step(told.step, told.out, told.seed)))
        return
    with tempfile.TemporaryDirectory(dir=told.out) as folder:
        print(json.dumps(whole(Path(folder), told.strategies, told.sessions), indent=1))


if __name__ == "__main__":
    main()
