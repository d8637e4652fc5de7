"""Every call to the disk fails in turn: nothing is told after, and all that was told is found."""

import os
import shutil
import subprocess
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from liveopt.journal import ballast
from liveopt.journal.appender import Ground, Limits
from liveopt.journal.disk import Disk
from liveopt.journal.recovery import recover
from liveopt.journal.writer import JournalBroken, Writer
from tests.crash.faults import KINDS, NAMES, Outcome, run
from tests.crash.power import be_quiet, fast_folder


@pytest.fixture
def room() -> Iterator[Path]:
    be_quiet()
    with tempfile.TemporaryDirectory(dir=fast_folder()) as folder:
        yield Path(folder)


OF_BALLAST = 3
"""Calls that take the ballast: open, allocate, fsync. Without room for it one goes on, warned."""


def _check(kind: str, at: int, outcome: Outcome) -> None:
    assert outcome.wrong == []
    full = kind.startswith("full")
    if not outcome.began or not outcome.failed:
        return
    if kind == "full_once" and (at <= OF_BALLAST or outcome.failed in ("write", "open")):
        assert outcome.trouble == ["disk_full"]  # told at once, and gone on with
    elif full and outcome.failed in ("write", "open"):
        assert outcome.trouble == ["disk_full", "broken"]
    else:
        assert outcome.trouble == ["broken"]  # a sync is never asked twice, whatever it said


@pytest.mark.parametrize("kind", KINDS)
def test_each_call_failing_in_turn_loses_nothing_that_was_acknowledged(
    room: Path, kind: str
) -> None:
    code, on = KINDS[kind]
    failed: Counter[str] = Counter()
    for at in count(1):
        folder = room / str(at)
        folder.mkdir()
        outcome = run(folder, at, code, on=on)
        shutil.rmtree(folder)
        if not outcome.failed:
            break
        failed[outcome.failed] += 1
        _check(kind, at, outcome)
    assert failed["write"] > 60, failed
    assert failed["fdatasync"] > 60, failed
    assert failed["fsync"] > 20, failed
    assert failed["open"] > 4, failed


class DevFull(Disk):
    """Once it is full, what is written goes where there is never room."""

    def __init__(self) -> None:
        self.full = False

    def write(self, fd: int, data: memoryview) -> int:
        if not self.full:
            return super().write(fd, data)
        with Path("/dev/full").open("wb", buffering=0) as nowhere:
            return os.write(nowhere.fileno(), data)


def test_a_disk_that_stays_full_is_told_and_then_breaks_the_writer(room: Path) -> None:
    disk, trouble, broken = DevFull(), [], threading.Event()

    def on_trouble(kind: str, error: BaseException) -> None:
        trouble.append((kind, str(error)))
        if kind == "broken":
            broken.set()

    ground = Ground(room, {}, lambda: 1, Limits(ballast_bytes=4_096), disk)
    writer = Writer(ground, {"inputs": recover(room, "inputs")}, on_trouble)
    writer.append("inputs", b'{"a":1}')
    writer.mark(lambda _: setattr(disk, "full", True))
    writer.append("inputs", b'{"a":2}')
    assert broken.wait(5.0)
    writer.close()
    assert [kind for kind, _ in trouble] == ["disk_full", "broken"]
    assert all("No space left" in text for _, text in trouble)
    assert writer.durable == {"inputs": 1}
    assert writer.backlog == 1
    with pytest.raises(JournalBroken, match="No space left"):
        writer.append("inputs", b'{"a":3}')
    found = recover(room, "inputs")
    assert (found.verdict, found.position.seq) == ("clean", 1)  # half a batch was taken back


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if subprocess.run(["mount", *options], check=False, capture_output=True).returncode:
        pytest.skip("may not mount a disk here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_the_ballast_of_a_full_disk_takes_the_batch_that_found_it_full(small_disk: Path) -> None:
    trouble: list[str] = []
    told = threading.Event()

    def on_trouble(kind: str, _: BaseException) -> None:
        trouble.append(kind)
        told.set()

    ground = Ground(small_disk, {}, lambda: 1, Limits(ballast_bytes=256 << 10))
    writer = Writer(ground, {name: recover(small_disk, name) for name in NAMES}, on_trouble)
    last = 0
    while not told.is_set():
        last = writer.append("inputs", b'{"note":"%b"}' % (b"x" * 1_000))
        told.wait(0.0005)
    writer.append("decisions", b'{"halted":true}')
    writer.close()
    assert trouble == ["disk_full"]
    assert writer.durable["inputs"] == last
    assert writer.durable["decisions"] == 1
    assert not (small_disk / ballast.NAME).exists()
    assert all(recover(small_disk, name).verdict == "clean" for name in NAMES)
