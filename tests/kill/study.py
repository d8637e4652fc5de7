"""Kill a study again and again, take it up each time, and compare it with one left in peace.

python -m tests.kill.study --kills 200
"""

import argparse
import json
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from liveopt.optimize.studies.store import Entry, Store
from tests.studies import candles, write_csv

TIMES = ("study", "elapsed_s", "engine_s")
GENERATION = 200
SPARE = 10
"""Generations a kill: more than are done between two of them, so that the study outlives all."""


@dataclass
class Tally:
    """What came of it; `wrong` says in words what must never be."""

    evaluations: int
    kills: int = 0
    early: int = 0
    """Kills before anything new was kept: in the start, or while it is told what was before."""
    wrong: list[str] = field(default_factory=list)


def options(evals: int) -> list[str]:
    """One study of so many evaluations."""
    ranges = "fast=2:200,slow=3:600,fraction=0.1:1"
    return [
        "optimize", "ma_crossover", "--data", "candles.csv", "--algorithm", "de", "--folds", "2",
        "--evals", str(evals), "--population", str(GENERATION), "--set", "kind=ema",
        "--ranges", ranges, "--json",
    ]  # fmt: skip


def whole(room: Path, words: list[str]) -> dict[str, Any]:
    """The result of a command that nobody kills."""
    command = [sys.executable, "-m", "liveopt", *words]
    ended = subprocess.run(command, cwd=room, capture_output=True, check=True)
    found: dict[str, Any] = json.loads(ended.stdout)
    return {n: v for n, v in found.items() if n not in TIMES}


class Trial:
    """One study, killed over and over, beside the one left in peace that its store has."""

    def __init__(self, room: Path, tally: Tally, r: random.Random) -> None:
        self.tally, self.r, self.room = tally, r, room
        self.store = Store(room / "logs")
        self.words = options(tally.evaluations)
        self.peace = self._kept(self.store.entries()[0])
        """The generations of the study that nobody kills."""
        self.seen = 0
        """Candidates that somebody was told are kept."""

    def kill(self) -> None:
        """Begin the study or take it up, kill it, and look at what is left of it."""
        before = self.seen
        early = before > 0 and self.r.random() < 0.25
        command = [sys.executable, "-m", "liveopt", *self.words]
        silent = subprocess.DEVNULL
        with subprocess.Popen(command, cwd=self.room, stdout=silent, stderr=silent) as child:
            if early:
                self._watch(child, before + 1, self.r.uniform(0.0, 1.5))
            else:
                self._watch(child, before + self.r.randrange(1, 4) * GENERATION, math.inf)
            if self.r.random() < 0.5:  # anywhere in a generation, or as soon as one is kept
                time.sleep(self.r.uniform(0.0, 0.02))
            if child.poll() is None:
                os.kill(child.pid, signal.SIGKILL)
        if child.returncode != -signal.SIGKILL:
            self.tally.wrong.append(f"kill {self.tally.kills}: it had ended ({child.returncode})")
            return
        self.tally.kills += 1
        self._look(self.store.entries()[0])
        self.tally.early += self.seen == before

    def end(self) -> dict[str, Any]:
        """The result, taken up for the last time."""
        found = whole(self.room, self.words)
        if self._kept(self.store.entries()[0]) != self.peace:
            self.tally.wrong.append("other generations than those of the study left in peace")
        self.store.close()
        return found

    def _watch(self, child: "subprocess.Popen[bytes]", until: int, wait_s: float) -> None:
        """Wait until so many candidates are kept, and no longer than that."""
        end_s = time.monotonic() + wait_s
        while child.poll() is None and time.monotonic() < end_s:
            mine = [e for e in self.store.entries() if e.status == "running"]
            if mine:
                self.seen = max(self.seen, mine[0].evaluated)
                if mine[0].evaluated >= until:
                    return
            time.sleep(0.001)

    def _kept(self, entry: Entry) -> list[tuple[int, bytes]]:
        """What is kept of each generation: which candidates, and how fit."""
        rows = [g for fold in (0, 1) for g in self.store.generations(entry.id, fold)]
        return [(g.checksum, g.fitness.tobytes()) for g in rows]

    def _look(self, entry: Entry) -> None:
        """The generations of the peaceful study as far as it got, none that was seen is lost."""
        rows = self._kept(entry)
        kept = sum(len(fitness) for _, fitness in rows) // 8
        for what, right in (
            (f"status {entry.status}", entry.status == "interrupted"),
            (f"{entry.evaluated} counted, {kept} kept", entry.evaluated == kept),
            (f"{len(rows)} generations, others", rows == self.peace[: len(rows)]),
            (f"{self.seen} seen, {kept} kept", kept >= self.seen),
        ):
            if not right:
                self.tally.wrong.append(f"kill {self.tally.kills}: {what}")
        self.seen = kept
        self.words = ["opt", "resume", entry.id, "--json"]


def run(kills: int, seed: int, room: Path) -> Tally:
    """So many kills, then the comparison."""
    tally = Tally(GENERATION * SPARE * (kills + 1))
    write_csv(room / "candles.csv", candles(4_000, swing=0.01))
    peace = whole(room, options(tally.evaluations))
    trial = Trial(room, tally, random.Random(seed))
    while tally.kills < kills and not tally.wrong:
        trial.kill()
    if not tally.wrong and trial.end() != peace:
        tally.wrong.append("another result than that of the study left in peace")
    return tally


def main() -> int:
    """The long version."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as room:
        tally = run(given.kills, given.seed, Path(room))
    seconds = round(time.monotonic() - began_s, 1)
    print(json.dumps({**vars(tally), "seconds": seconds, "seed": given.seed}, indent=2))
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
