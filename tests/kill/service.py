"""kill -9 of the whole service, its guard or its engine, at random instants, again and again.

python -m tests.kill.service --kills 500
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from liveopt import logs
from tests.kill.stage import Service, exchange, refused, service

KINDS = ("all", "guard", "engine")
ENGINE_KILLS_MAX = 3
"""The guard gives up an engine that dies six times in a minute."""
INPUTS_MAX = 30_000
"""A longer run is ended in order and another one begun: every kill replays all of it."""


@dataclass
class Tally:
    """What came of it; `wrong` says in words what must never be."""

    kills: Counter[str] = field(default_factory=Counter)
    early: int = 0
    """Kills before the service was at work."""
    records: int = 0
    second: int = 0
    """Second services that were refused."""
    runs: int = 0
    back_s: list[float] = field(default_factory=list)
    """From a start to work, after a kill."""
    wrong: list[str] = field(default_factory=list)


class Trial:
    """One service, killed over and over."""

    def __init__(self, found: Service, r: random.Random, tally: Tally) -> None:
        self.service, self.r, self.tally = found, r, tally
        self.engines: list[float] = []

    def run(self, kills: int) -> None:
        """Until so many kills, or the first thing that is wrong."""
        self._start("--fresh")
        while sum(self.tally.kills.values()) < kills and not self.tally.wrong:
            self._kill()
            if self.service.durable > INPUTS_MAX:
                self._end()
                self._start("--fresh")
        self._end()

    def _start(self, *words: str) -> None:
        self.service.start(*words)
        if words:
            self.tally.runs += 1

    def _kill(self) -> None:
        found, r, tally = self.service, self.r, self.tally
        kind = r.choice(KINDS)
        self.engines = [at for at in self.engines if time.monotonic() - at < 60.0]
        if kind == "engine" and len(self.engines) >= ENGINE_KILLS_MAX:
            kind = "all"
        early = r.random() < 0.25 and kind == "all" and found.run is not None
        if early:
            time.sleep(r.uniform(0.0, 2.5))
            tally.early += 1
        else:
            began_s = time.monotonic()
            found.at_work()
            tally.back_s.append(time.monotonic() - began_s)
            self._watch(r.uniform(0.0, 1.5))
            if r.random() < 0.1 or not tally.second:
                tally.wrong += refused(found)
                tally.second += 1
        found.read()
        before = found.durable
        found.kill(kind)
        tally.kills[kind] += 1
        if kind == "engine":
            self.engines.append(time.monotonic())
            found.at_work(before)
            tally.wrong += found.lost()
        else:
            tally.wrong += found.lost() + found.different()
            self._start()

    def _watch(self, seconds: float) -> None:
        """Read along for a while."""
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            self.service.read()
            self.service.status()
            time.sleep(0.02)

    def _end(self) -> None:
        """In order, and once more the whole of it."""
        found, tally = self.service, self.tally
        if tally.wrong:
            return
        found.at_work()
        found.end()
        found.read()
        tally.wrong += found.lost() + found.different() + found.entered_when_halted()
        said = found.command("replay", "logs/latest", "--check", "--json")
        document = json.loads(said.stdout)
        if said.returncode or not document["equal"] or document["decisions"]["missing"]:
            tally.wrong.append(f"replay --check: {said.stdout}")
        tally.records += sum(place.seq for place in found.told.values())


def run(kills: int, seed: int, room: Path) -> Tally:
    """Kill so many services."""
    tally = Tally()
    with exchange(room) as sim, service(room, sim.url) as found:
        Trial(found, random.Random(seed), tally).run(kills)
        if tally.wrong:
            tally.wrong.append(found.log())
    return tally


def main() -> int:
    """The long version."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=25)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    logs.setup(level="error")
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as room:
        tally = run(given.kills, given.seed, Path(room))
    back_s = sorted(tally.back_s)
    facts = {
        **vars(tally),
        "back_s": {"p50": back_s[len(back_s) // 2], "max": back_s[-1]} if back_s else None,
        "seconds": round(time.monotonic() - began_s, 1),
        "seed": given.seed,
    }
    print(json.dumps(facts, indent=2))
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
