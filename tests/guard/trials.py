"""How long an emergency stop takes while the engine is busy, and whether any entry follows it.

`python -m tests.guard.trials --trials 2000 --burners 4` prints one JSON document.
"""

import argparse
import json
import multiprocessing
import os
import random
import tempfile
import time
from pathlib import Path
from typing import Any

from liveopt.guard import caller
from tests.guard.engine import Entries
from tests.guard.harness import ENGINE, running, spec_of

PAUSE_S = 0.005
"""After each stop; how much longer it takes says how busy the machine is."""


def burn() -> None:
    """One more process that wants the machine for itself."""
    while True:
        sum(range(10_000))


def measure(folder: Path, trials: int, burners: int = 0) -> dict[str, Any]:
    """Stop, look, resume, so many times."""
    others = [multiprocessing.Process(target=burn, daemon=True) for _ in range(burners)]
    for other in others:
        other.start()
    try:
        with running(spec_of(folder, [*ENGINE, str(folder), "--busy"])) as service:
            service.settled()
            return _measure(folder, trials)
    finally:
        for other in others:
            other.kill()
            other.join()


def _measure(folder: Path, trials: int) -> dict[str, Any]:
    entries, rng = Entries(folder / "entries"), random.Random(1)
    outside_ms, overslept_ms = list[float](), list[float]()
    late = incomplete = idle = 0
    for trial in range(trials):
        before, _ = entries.seen()
        time.sleep(rng.random() * 0.02)
        began = time.perf_counter()
        said = caller.stop(folder, "halt", f"trial {trial}")
        outside_ms.append((time.perf_counter() - began) * 1e3)
        made, last = entries.seen()
        incomplete += bool(said["not_acknowledged"] or not said["latched"])
        idle += made == before
        overslept_ms.append(-PAUSE_S * 1e3 - time.perf_counter() * 1e3)
        time.sleep(PAUSE_S)
        overslept_ms[-1] += time.perf_counter() * 1e3
        after, last_after = entries.seen()
        late += after - made
        late += said["seq"] is not None and max(last, last_after) >= said["seq"]
        assert caller.resume(folder, "next trial").body["resumed"]
    return {
        "trials": trials,
        "stop_ms": spread(outside_ms),
        "oversleep_ms": spread(overslept_ms),
        "load": os.getloadavg()[0],
        "entries_after_the_answer": late,
        "not_complete": incomplete,
        "trials_without_entries_before": idle,
        "entries": entries.seen()[0],
    }


def spread(values: list[float]) -> dict[str, float]:
    """Median, tail and worst."""
    found = sorted(values)
    places = {"p50": 0.5, "p99": 0.99, "p999": 0.999}
    out = {name: found[min(len(found) - 1, int(len(found) * q))] for name, q in places.items()}
    return {name: round(value, 3) for name, value in (out | {"max": found[-1]}).items()}


def main() -> None:
    """The command line."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--trials", type=int, default=2_000)
    words.add_argument("--burners", type=int, default=0, help="processes that burn beside it")
    said = words.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder) / "state", said.trials, said.burners)
    print(json.dumps(found | {"burners": said.burners}, indent=2))


if __name__ == "__main__":
    main()
