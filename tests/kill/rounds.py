"""kill -9 of the process that searches beside a run, at random instants, round after round.

python -m tests.kill.rounds --kills 50
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from liveopt import logs
from liveopt.core.events import Hole, Late, Tick
from liveopt.live.rounds import DEATHS_MAX
from liveopt.optimize.rounds.folder import RESULT, outcome_of, place, result_of
from tests.kill.stage import Service, wait_for
from tests.rounds import (
    Generations,
    generations,
    in_peace,
    inputs,
    missing,
    proposed,
    searcher,
    searching,
    trials,
    untimed,
)

EVALS = 8_000
KINDS = ("start", "midst", "midst", "end")
"""Before anything new is kept; anywhere in the search; in the tests, or while it answers."""
BARREN_MAX = DEATHS_MAX - 3
"""Kills in a row that may come before anything new is kept: a round is given up at its fifth, and
one that was kept may not have been told."""
KILLS_A_ROUND = 6


@dataclass
class Tally:
    """What came of it; `wrong` says in words what must never be."""

    kills: Counter[str] = field(default_factory=Counter)
    missed: int = 0
    """Rounds' processes that had ended before they were to be killed."""
    barren: int = 0
    """Kills before anything new was kept."""
    rounds: int = 0
    """That were compared with one that nobody killed."""
    generations: int = 0
    """Of these rounds."""
    again: int = 0
    """Generations that were kept and were done again all the same."""
    proposals: int = 0
    ticks: int = 0
    wrong: list[str] = field(default_factory=list)


class Trial:
    """One run, whose searches are killed over and over."""

    def __init__(self, found: Service, r: random.Random, tally: Tally) -> None:
        self.service, self.r, self.tally = found, r, tally
        assert found.run is not None
        self.run = found.run
        self.number = 0
        """The round under way."""
        self.killed: dict[int, int] = {}
        """Of each round, how often its process was."""
        self.barren = 0
        self.kept: list[tuple[int, Generations]] = []
        """What was there of a round after each kill."""

    def kill(self) -> None:
        """The process that searches now, at a random instant of its life."""
        pid, number = wait_for(lambda: searcher(self.run))
        if number != self.number:
            self.number, self.barren = number, 0
        before = trials(self._generations())
        patient = self.barren >= BARREN_MAX
        if self.killed.get(number, 0) == KILLS_A_ROUND or (patient and before == EVALS):
            self._over(pid)
            return
        kind = "midst" if patient else self.r.choice(KINDS)
        self._await(kind, pid, before)
        told = self.service.status().get("status") or {}
        durable = self.service.durable
        if searcher(self.run) != (pid, number):
            self.tally.missed += 1
            return
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        self._over(pid)
        if not self._died():
            self.tally.missed += 1
            return
        self.tally.kills[kind] += 1
        self._look(before, told.get("search") or {})
        self.service.at_work(durable)
        self.tally.wrong += self.service.lost()

    def _await(self, kind: str, pid: int, before: int) -> None:
        """The instant: soon after the start, after some generations, or when all are kept."""
        self.service.read()
        if kind == "start":
            time.sleep(self.r.uniform(0.0, 1.5))
            return
        more = self.r.randrange(1, EVALS // 4)
        wanted = EVALS if kind == "end" else min(before + more, EVALS)
        wait_for(lambda: not alive(pid) or trials(self._generations()) >= wanted)
        time.sleep(self.r.uniform(0.0, 1.0 if kind == "end" else 0.02))

    def _over(self, pid: int) -> None:
        wait_for(lambda: not alive(pid))

    def _died(self) -> bool:
        """Whether the engine has seen it die: one that had just answered has not."""
        killed = self.killed.get(self.number, 0) + 1

        def look() -> bool | None:
            own = (self.service.status().get("status") or {}).get("search") or {}
            if own.get("number") == self.number and own["deaths"] >= killed:
                return True
            return False if outcome_of(self.run, self.number) is not None else None

        wait_for(lambda: look() is not None, every_s=0.05)
        if look():
            self.killed[self.number] = killed
            return True
        outcome = outcome_of(self.run, self.number)
        self.killed[self.number] = 0 if outcome is None else outcome.deaths
        return self.killed[self.number] == killed

    def _look(self, before: int, told: dict[str, Any]) -> None:
        """Whatever was said to be done is kept."""
        kept = self._generations()
        self.kept.append((self.number, kept))
        now = trials(kept)
        if told.get("number") == self.number and told["done"] > now:
            self.tally.wrong.append(f"round {self.number}: {told['done']} told, {now} kept")
        barren = now == before
        self.tally.barren += barren
        self.barren = self.barren + 1 if barren else 0

    def _generations(self) -> Generations:
        return generations(self.service.state, self.run, self.number)

    def end(self) -> None:
        """The last round is let to its end, the run ended, and everything compared."""
        wait_for(lambda: outcome_of(self.run, self.number), every_s=0.1)
        found, tally = self.service, self.tally
        found.at_work()
        if code := found.end():
            tally.wrong.append(f"it ended with {code}: {found.log()}")
        found.read()
        tally.wrong += found.lost() + found.different()
        for number in sorted(self.killed):
            self._compare(number)
        self._proposed()
        self._ticks()

    def _compare(self, number: int) -> None:
        """A round with one of the same task that was left in peace."""
        tally = self.tally
        outcome, killed = outcome_of(self.run, number), self.killed[number]
        if outcome is None or (outcome.phase, outcome.deaths) != ("ended", killed):
            tally.wrong.append(f"round {number}: {outcome}, killed {killed} times")
            return
        result, peace = in_peace(self.service, number)
        kept = generations(self.service.state, self.run, number)
        if (place(self.run, number) / RESULT).read_bytes() != result:
            tally.wrong.append(f"round {number}: another result than in peace")
        if untimed(kept) != untimed(peace):
            tally.wrong.append(f"round {number}: other generations than in peace")
        tally.rounds += 1
        tally.generations += sum(map(len, kept.values()))
        for before in (one for where, one in self.kept if where == number):
            for name, rows in before.items():
                again = sum(a != b for a, b in zip(rows, kept[name], strict=False))
                tally.again += again + max(0, len(rows) - len(kept[name]))
        if tally.again:
            tally.wrong.append(f"round {number}: {tally.again} generations done again")

    def _proposed(self) -> None:
        """What came in is what the rounds that ended found, in order, each once."""
        rounds = [result_of(self.run, n) for n in range(1, self.number + 1)]
        found = [p for one in rounds if one for s in one.searched for p in s.proposals]
        told = proposed(self.run)
        if told[: len(found)] != found:
            self.tally.wrong.append("other proposals came in than were found")
        self.tally.proposals = len(found)

    def _ticks(self) -> None:
        """All that the exchange traded: the run went on as if nobody had searched."""
        events = inputs(self.run)
        strange = [one for one in events if isinstance(one, Hole | Late)]
        if wrong := missing(self.run) + [str(one) for one in strange]:
            self.tally.wrong.append(f"ticks are missing: {wrong[:3]}")
        self.tally.ticks = sum(isinstance(one, Tick) for one in events)


def alive(pid: int) -> bool:
    """Whether it has not been buried yet."""
    return Path(f"/proc/{pid}").exists()


def run(kills: int, seed: int, room: Path) -> Tally:
    """So many kills of a search, in as many rounds as that takes."""
    tally = Tally()
    with searching(room, REOPTIMIZE__EVALS=str(EVALS)) as found:
        found.start()
        found.at_work()
        trial = Trial(found, random.Random(seed), tally)
        while sum(tally.kills.values()) < kills and not tally.wrong:
            trial.kill()
        if not tally.wrong:
            trial.end()
        if tally.wrong:
            tally.wrong.append(found.log())
    return tally


def main() -> int:
    """The long version."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=10)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    logs.setup(level="error")
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as room:
        tally = run(given.kills, given.seed, Path(room))
    facts = {
        **vars(tally),
        "seconds": round(time.monotonic() - began_s, 1),
        "seed": given.seed,
    }
    print(json.dumps(facts, indent=2))
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
