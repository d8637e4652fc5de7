"""kill -9 of a process that writes, at random instants: what it had told is there afterwards.

python -m tests.crash.kill --kills 5000
"""

import argparse
import json
import os
import random
import select
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from liveopt.journal.appender import Ground, Limits
from liveopt.journal.places import Position, journals
from liveopt.journal.recovery import recover
from liveopt.journal.snapshots import load_all, save
from liveopt.journal.writer import Writer
from tests.crash.power import be_quiet

NAMES = ("inputs", "trades")
ACK = struct.Struct("<QQ")
ROOM_BYTES = 20 << 20
LIMITS = Limits(segment_bytes=1 << 20, ballast_bytes=1 << 16, still_s=0.02)


def child(folder: Path) -> None:
    """Write for ever; each acknowledgement leaves the process before the next can."""
    starts = {name: recover(folder, name, repair=True) for name in NAMES}
    ground = Ground(folder, {"run": "1"}, lambda: 1, LIMITS)
    writer = Writer(ground, starts, lambda *_: os._exit(9))

    def tell(durable: Mapping[str, int]) -> None:
        os.write(1, ACK.pack(durable["inputs"], durable["trades"]))

    writer.when_durable(tell)
    r = random.Random(starts["inputs"].position.seq)
    while True:
        for _ in range(r.randint(1, 400)):
            cause = writer.append("inputs", b'{"price":"%d"}' % r.randrange(10**6))
            if r.random() < 0.3:
                writer.append("trades", b'{"cause":%d}' % cause)
        if r.random() < 0.05:
            writer.mark(lambda positions: _save(folder, positions))
        time.sleep(r.choice((0.0, 0.0, 0.001, 0.03)))


def _save(folder: Path, positions: Mapping[str, Position]) -> None:
    save(folder, positions, b"state of %d" % positions["inputs"].seq)


@dataclass
class Tally:
    """What came of it; `wrong` says in words what must never be."""

    kills: int = 0
    told: int = 0
    records: int = 0
    untold_kept: int = 0
    snapshots: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class Trial:
    """One folder, written by one process after the other until it is too large."""

    def __init__(self, folder: Path, r: random.Random, tally: Tally) -> None:
        self.folder = folder
        self.r = r
        self.tally = tally
        self.told = (0, 0)

    def run(self, kills: int) -> int:
        """Kill so many times or until the folder is full; how many times."""
        for done in range(1, kills + 1):
            self.kill()
            self.look()
            sizes = (path.stat().st_size for path in self.folder.glob("*.jsonl"))
            if sum(sizes) > ROOM_BYTES:
                return done
        return kills

    def kill(self) -> None:
        """Let one process write, for a while that nobody knows before."""
        command = [sys.executable, "-m", "tests.crash.kill", "--child", str(self.folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            told = b""
            until = None
            while until is None or time.monotonic() < until:
                left = 20.0 if until is None else until - time.monotonic()
                if select.select([process.stdout], [], [], max(0.0, left))[0]:
                    data = os.read(process.stdout.fileno(), 1 << 16)
                    assert data, f"ended with {process.wait()}"
                    told += data
                    until = until or time.monotonic() + self.r.uniform(0.0, 0.2)
                else:
                    assert until is not None, "it does not begin to write"
            process.kill()
            told += process.stdout.read()
        self.tally.kills += 1
        whole = len(told) // ACK.size * ACK.size
        self.told = ACK.unpack(told[whole - ACK.size : whole])

    def look(self) -> None:
        """Whether all is there that was told, from the start and from each snapshot."""
        for name, told in zip(NAMES, self.told, strict=True):
            found = recover(self.folder, name)
            self.tally.verdicts[found.verdict] += 1
            if found.verdict == "corrupt":
                self.tally.wrong.append(str(found.where))
            if found.position.seq < told:
                self.tally.wrong.append(f"{name}: {found.position.seq} of {told} that were told")
            self.tally.untold_kept += found.position.seq - told
            for snapshot in load_all(self.folder):
                again = recover(self.folder, name, snapshot.positions[name])
                self.tally.snapshots += 1
                if again.position != found.position or again.verdict != found.verdict:
                    self.tally.wrong.append(f"{name}: {again} from {snapshot.path.name}")


def run(kills: int, seed: int) -> Tally:
    """Kill so many writers."""
    tally = Tally()
    r = random.Random(seed)
    while tally.kills < kills and not tally.wrong:
        with tempfile.TemporaryDirectory() as room:
            trial = Trial(Path(room), r, tally)
            trial.run(kills - tally.kills)
            tally.told += sum(trial.told)
            tally.records += sum(recover(Path(room), n).records for n in journals(Path(room)))
    return tally


def main() -> int:
    """The long version; or the process that is killed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=25)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--child", type=Path)
    given = options.parse_args()
    be_quiet()
    if given.child is not None:
        child(given.child)
    began = time.perf_counter()
    tally = run(given.kills, given.seed)
    facts = {**vars(tally), "seconds": round(time.perf_counter() - began, 1), "seed": given.seed}
    print(json.dumps(facts, indent=2))
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
