"""Bit rot: each single bit of a journal flipped, and each length it could be cut to.

A flip is never silent. Where a later batch has sealed what it damages, it is corruption and no
tear; what is cut is a tear, and what is left is kept.

    python -m tests.crash.bits
"""

import argparse
import json
import sys
import tempfile
import time
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from liveopt.journal.appender import Appender, Ground, Limits
from liveopt.journal.places import START, Position, segment_path
from liveopt.journal.reader import Reader
from liveopt.journal.recovery import FRESH, recover
from tests.crash.power import be_quiet, fast_folder

SIZE = 64 << 10
NAME = "trades"
NOTE = b'{"fee":"0.0012","note":"%b","price":"67123.1","type":"Fill","variant":"v-%04d"}'


@dataclass
class Tally:
    """What came of it; `wrong` says in words what must never be."""

    flips: int = 0
    cuts: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class Rot:
    """A journal of a certain size, and what may be done to it."""

    def __init__(self, folder: Path, size: int = SIZE) -> None:
        self.folder = folder
        self.path = segment_path(folder, NAME, 1)
        self.tally = Tally()
        ground = Ground(folder, {"run": "1"}, lambda: 1, Limits(ballast_bytes=0))
        appender = Appender(ground, NAME, FRESH, lambda _: None)
        number = 0
        while appender.position.offset < size - 600:
            batch = [NOTE % (b"n" * (i * 37 % 300), number + i) for i in range(1 + number % 7)]
            appender.put(batch)
            appender.sync()
            number += len(batch)
        self.sealed = appender.position.offset
        appender.put_own("Still")
        appender.sync()
        appender.close()
        self.data = self.path.read_bytes()
        self.ends = [START]
        """Where lines end."""
        self.batches = [START]
        """Where batches end."""
        reader = Reader(folder, NAME)
        for _ in reader:
            self.ends.append(reader.position)
            if reader.complete:
                self.batches.append(reader.position)

    def flip(self, part: int, parts: int, *, from_start: bool = False) -> Tally:
        """Flip each bit of which the number is `part` modulo `parts`, one at a time."""
        offsets = [place.offset for place in self.batches]
        with self.path.open("r+b", buffering=0) as file:
            for bit in range(part, len(self.data) * 8, parts):
                at = bit // 8
                file.seek(at)
                file.write(bytes([self.data[at] ^ (1 << bit % 8)]))
                before = self.batches[bisect_right(offsets, at) - 1]
                self._check_flip(bit, START if from_start else before)
                file.seek(at)
                file.write(self.data[at : at + 1])
        return self.tally

    def _check_flip(self, bit: int, since: Position) -> None:
        found = recover(self.folder, NAME, since)
        self.tally.flips += 1
        self.tally.verdicts[found.verdict] += 1
        at = bit // 8
        lines = [place for place in (since, found.position) if place.offset > at]
        if found.verdict == "clean" or lines:
            self.tally.wrong.append(f"bit {bit} is silent: {found}")
        if found.verdict == "torn" and at < self.sealed:
            self.tally.wrong.append(f"bit {bit} was sealed and is called torn: {found}")

    def cut(self) -> Tally:
        """Every length, from the whole file down."""
        offsets = [place.offset for place in self.ends]
        batches = [place.offset for place in self.batches]
        with self.path.open("r+b", buffering=0) as file:
            for length in range(len(self.data) - 1, -1, -1):
                file.truncate(length)
                expected = self.ends[bisect_right(offsets, length) - 1]
                since = self.batches[bisect_right(batches, length) - 1]
                found = recover(self.folder, NAME, since)
                whole = length in batches
                self.tally.cuts += 1
                if found.position != expected or found.verdict != ("clean" if whole else "torn"):
                    self.tally.wrong.append(f"cut at {length}: {found}")
            file.write(self.data)
        return self.tally


def main() -> int:
    """All bits, read from the start of the journal as a first start would, and all lengths."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kib", type=int, default=SIZE >> 10)
    given = options.parse_args()
    be_quiet()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=fast_folder()) as room:
        rot = Rot(Path(room), given.kib << 10)
        rot.flip(0, 1, from_start=True)
        tally = rot.cut()
    facts = {
        "bytes": len(rot.data),
        "flips": tally.flips,
        "cuts": tally.cuts,
        "seconds": round(time.perf_counter() - began, 1),
        "verdicts_of_flips": tally.verdicts,
        "wrong": tally.wrong[:10],
    }
    print(json.dumps(facts, indent=2))
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
