"""What a search beside a live run costs its ticks: the same service with and without, in turns.

    python -m tests.bench.rounds --turns 5 --seconds 30

The market goes at six times the clock's speed; 5,000 bars of the past come with it. With the search
on, one round follows another from the first bar on. Prints each turn and the medians' ratio.
"""

import argparse
import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

from liveopt.cli.bench_live import Load, serving
from liveopt.optimize.rounds.folder import numbers_of, outcome_of

SEARCH = {
    True: {"EVERY": "1", "EVALS": "20000"},
    False: {"EVERY": "0", "ON_REGIME": "false"},
}
KINDS = ("tick_to_decision_ms", "tick_to_journalled_decision_ms")


def turn(room: Path, load: Load, searching: bool) -> dict[str, Any]:
    """One life of the service."""
    own = {f"LIVEOPT__REOPTIMIZE__{name}": value for name, value in SEARCH[searching].items()}
    os.environ.update(own | {"LIVEOPT__LIVE__HISTORY_BARS": "5000"})
    with serving(room, load) as service:
        service.end_after(load.seconds)
    for name in own:
        del os.environ[name]
    rounds = numbers_of(service.run)
    outcomes = [outcome_of(service.run, number) for number in rounds]
    ended = [one for one in outcomes if one is not None and one.phase == "ended"]
    status = {"rounds": len(rounds), "ended": len(ended)}
    return status | service.gauged()


def main() -> None:
    """The turns, and what they say together."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--variants", type=int, default=1_000)
    parser.add_argument("--rate", type=float, default=1_000.0)
    wanted = parser.parse_args()
    load = Load(wanted.variants, wanted.rate, wanted.seconds)
    found: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    for number in range(wanted.turns):
        for searching in (False, True) if number % 2 else (True, False):
            with tempfile.TemporaryDirectory(prefix="liveopt-bench-", dir=".") as folder:
                one = turn(Path(folder).resolve(), load, searching)
            found[searching].append(one)
            times = "  ".join(
                f"{kind} p50 {one[kind]['p50']:.3f} p99 {one[kind]['p99']:.3f}" for kind in KINDS
            )
            print(f"search {searching!s:<5} rounds {one['rounds']} ended {one['ended']}  {times}")
    for kind in KINDS:
        for share in ("p50", "p99", "p999"):
            medians = {
                searching: statistics.median(one[kind][share] for one in turns)
                for searching, turns in found.items()
            }
            print(
                f"{kind} {share}: {medians[False]:.3f} ms without, {medians[True]:.3f} with,"
                f" ratio {medians[True] / medians[False]:.3f}"
            )


if __name__ == "__main__":
    main()
