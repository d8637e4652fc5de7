"""The guard's own acts without its processes: which HALT file a resume may take away."""

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from liveopt.guard.gate import HALT, OPEN
from liveopt.guard.halt import MEANWHILE
from liveopt.guard.latch import HALT_FILE, Latch
from liveopt.guard.lock import NAME, Lock
from liveopt.guard.service import ASIDE, Guard
from liveopt.guard.spec import Limits, Spec


@pytest.fixture
def guard(tmp_path: Path) -> Iterator[Guard]:
    """One that was begun and does not run: no door, no engine."""
    yield from begun(tmp_path)


def begun(folder: Path) -> Iterator[Guard]:
    spec = Spec(state=str(folder), engine=["x"], limits=Limits(latch_s=10.0))
    with Lock(folder / NAME) as lock:
        found = Guard(spec, lock)
        found.halt.warm()
        yield found
        found.halt.writer.shutdown()


async def taken_in(guard: Guard) -> int:
    """A HALT file that is a halt by now: its number in the latch."""
    (guard.latch.path.with_name(HALT_FILE)).touch()
    assert guard._look()
    number = (await (guard._stops.get_nowait())()).halt
    assert number is not None
    return number


async def test_a_resume_takes_away_the_file_whose_halt_it_ends(
    guard: Guard, tmp_path: Path
) -> None:
    assert (await guard.halt.resume("over", "me", await taken_in(guard))).resumed
    assert guard.gate.wanted == OPEN
    assert not Latch(tmp_path / "latch").read().halted
    assert not (tmp_path / ASIDE).exists()


@pytest.mark.parametrize("how", ["touched again", "another", "none before"])
async def test_a_file_that_comes_after_a_resume_has_looked_is_a_stop_and_stays(
    guard: Guard, tmp_path: Path, how: str
) -> None:
    file, disk = tmp_path / HALT_FILE, threading.Event()
    if how == "none before":
        number = (await guard.halt.stop("halt", "news", "who")).halt
    else:
        number = await taken_in(guard)
    guard.halt.writer.submit(disk.wait, 10)
    resuming = asyncio.create_task(guard.halt.resume("over", "me", number))
    await asyncio.sleep(0)  # it has looked, and is handed to the writer
    if how == "another":
        file.unlink()
    file.touch()
    os.utime(file, ns=(1, 1))  # a clock's tick later
    disk.set()
    said = await resuming
    assert (said.resumed, said.errors) == (False, [MEANWHILE])
    assert guard.gate.wanted == HALT
    assert Latch(tmp_path / "latch").read(with_file=False).halted
    assert file.exists()
    assert guard._look(), "it is a halt of its own"


def test_a_file_that_was_aside_when_a_guard_was_killed_halts_the_next(tmp_path: Path) -> None:
    (tmp_path / ASIDE).touch()
    for guard in begun(tmp_path):
        assert guard.gate.wanted == HALT
        assert guard.latch.read(with_file=False).by == HALT_FILE


async def test_a_file_put_while_the_guard_began_is_heard_before_anything_is_waited_for(
    guard: Guard, tmp_path: Path
) -> None:
    (tmp_path / HALT_FILE).touch()
    polling = asyncio.create_task(guard._poll())
    await asyncio.sleep(0)
    polling.cancel()
    assert guard.gate.wanted == HALT
