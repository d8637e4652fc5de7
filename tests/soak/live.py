"""Millions of ticks through the whole service, as fast as it takes them: nothing may grow.

python -m tests.soak.live --ticks 10000000 [--rate 15000]

At the most that goes, what waits for the disk is as much as the disk has ever been behind (it has
a bound, `BACKLOG_MAX`), and the allocator keeps what the longest wait took. With a rate below that
nothing waits: growth there is a leak.

The service is the product's own (guard, engine, journal on the disk), its exchange a metronome of
another process. Afterwards its state is recovered once more from all that it wrote.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from liveopt.cli.bench_live import Load, Serving, serving
from liveopt.journal.places import journals
from liveopt.journal.recovery import inspect
from liveopt.live.pump import INPUTS
from liveopt.live.recover import recover_run
from liveopt.strategies import load

VARIANTS = 100
SPEED = 60.0
"""A signal bar a second."""
FIRST = 1_000_000
"""Ticks before which memory may still find its size."""
GROWTH_MAX = 0.01


def soak(folder: Path, ticks: int, first: int = FIRST, rate: float = 0.0) -> dict[str, Any]:
    """So many ticks; what the engine held at `first` and afterwards."""
    load_ = Load(VARIANTS, rate, 0.0, SPEED)
    backlog = {"until_first": 0, "afterwards": 0}
    with serving(folder, load_) as service:
        while (said := _said(service))["ticks"] < ticks:
            part = "until_first" if said["ticks"] < first else "afterwards"
            backlog[part] = max(backlog[part], said["backlog"])
            time.sleep(0.2)
        service.end_after(0.0)
        found = service.gauged()
        run = service.run
    recovered_s = recovery_s(run)
    looks = [one for one in found["looks"] if one["ticks"] >= first]
    base = looks[0]
    return {
        "ticks": found["ticks"],
        "dropped": found["dropped"],
        "ticks_per_s": round(found["ticks_per_s"]),
        "cpu_share": round(found["cpu_share"], 3),
        "rss_mib": {"first": base["rss_mib"], "most": max(one["rss_mib"] for one in looks)},
        "backlog_most": backlog,
        "rss_growth": max(one["rss_mib"] for one in looks) / base["rss_mib"] - 1.0,
        **{name: at_rest([one[name] for one in looks]) for name in ("fds", "tasks", "threads")},
        "tick_to_journalled_decision_ms": found["tick_to_journalled_decision_ms"],
        "journal_bytes": sum(path.stat().st_size for path in run.glob("*.jsonl")),
        "recovery_s": recovered_s,
        "heard": found["heard"],
        "verdicts": {name: inspect(run, name, live=False).verdict for name in journals(run)},
        "inputs": inspect(run, INPUTS, live=False).position.seq,
    }


def recovery_s(run: Path) -> dict[str, float]:
    """How long the state of a long run takes: after an end in order, and after a kill."""
    found = {"after_an_end": _recovery_s(run)}
    newest = max((run / "snapshots").glob("*.snap"), key=lambda path: path.name)
    aside = newest.rename(run / newest.name)
    found["after_a_kill"] = _recovery_s(run)
    aside.rename(newest)
    return found


def _recovery_s(run: Path) -> float:
    strategies = load()
    began_s = time.monotonic()
    recover_run(run, strategies)
    return round(time.monotonic() - began_s, 2)


def _said(service: Serving) -> dict[str, int]:
    """What the engine counted until it was asked last."""
    status = service.status()
    assert service.process.poll() is None, f"the service ended with {service.process.returncode}"
    return {name: status.get(name, 0) for name in ("ticks", "backlog")}


def wrong(found: dict[str, Any], growth_max: float = GROWTH_MAX) -> list[str]:
    """What must not be."""
    said = []
    if found["rss_growth"] > growth_max:
        said.append(f"memory grew by {found['rss_growth']:.2%}")
    said += [
        f"{name}: {found[name]}"
        for name in ("fds", "tasks", "threads")
        if found[name]["first"] != found[name]["last"]
    ]
    if found["dropped"]:
        said.append(f"{found['dropped']} ticks were dropped")
    if set(found["verdicts"].values()) != {"clean"}:
        said.append(f"journals: {found['verdicts']}")
    return said


def at_rest(counts: list[int]) -> dict[str, int]:
    """The fewest of the first quarter and of the last: a request comes and goes between."""
    quarter = max(1, len(counts) // 4)
    return {"first": min(counts[:quarter]), "last": min(counts[-quarter:]), "most": max(counts)}


def main() -> int:
    """The long version."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--ticks", type=int, default=10_000_000)
    options.add_argument("--rate", type=float, default=0.0, help="ticks a second; 0: all it takes")
    given = options.parse_args()
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as room:
        first = min(FIRST, given.ticks // 5)
        found = soak(Path(room) / "soak", given.ticks, first, given.rate)
    faults = wrong(found)
    print(json.dumps({**found, "wrong": faults, "took_s": round(time.monotonic() - began_s)}))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
