"""The stop: each act happens whatever becomes of the others; nothing is said that was not so."""

import asyncio
import errno
import threading
from itertools import combinations
from pathlib import Path

import pytest

from liveopt.guard.gate import FLATTEN, HALT, OPEN
from liveopt.guard.halt import MEANWHILE, Waits
from liveopt.guard.latch import HALT_FILE, Change, Latch
from tests.guard.world import World, living

ERRORS = [OSError(errno.EIO, "disk"), RuntimeError("thread"), MemoryError(), ValueError("released")]
ACTS = ["shut", "heard", "wanted", "set", "wall", "nudge", "alive", "kill", "submit"]


async def test_a_stop_shuts_latches_and_waits_for_the_engine(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with living(world) as halt:
        said = await halt.stop("halt", "why", "who")
    assert world.gate.wanted == HALT
    latch = Latch(tmp_path / "latch").read()
    assert (latch.halted, latch.reason, latch.by, latch.at_ns) == (True, "why", "who", 123)
    assert said.complete
    assert (said.variants_stopped, said.positions_open, said.mode) == (7, 2, "halt")
    assert said.seq == world.gate.heard.seq > 0
    assert said.number == world.gate.number


async def test_a_weaker_stop_after_a_stronger_changes_nothing_and_says_so(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with living(world) as halt:
        await halt.stop("halt_and_flatten", "", "")
        said = await halt.stop("halt", "", "")
    assert said.mode == "halt_and_flatten"
    assert said.complete
    assert world.gate.wanted == FLATTEN
    assert world.latch.read().mode == "halt_and_flatten"


@pytest.mark.parametrize(
    "broken",
    [set(names) for size in (1, 2, len(ACTS)) for names in combinations(ACTS, size)],
    ids=lambda names: "+".join(sorted(names)),
)
async def test_whatever_raises_every_other_act_happens(tmp_path: Path, broken: set[str]) -> None:
    error = ERRORS[len("".join(broken)) % len(ERRORS)]
    world = World(tmp_path, broken, error)
    async with living(world) as halt:
        said = await halt.stop("halt", "why", "who")
    assert (world.gate.wanted == OPEN) == ("shut" in broken)
    assert world.killed == ("shut" in broken), "a gate that cannot be shut costs the engine"
    assert world.latch.read().halted == (not broken & {"set", "submit"}) == said.latched
    unseen = broken & {"shut", "heard", "alive"}
    assert bool(said.not_acknowledged) == bool(unseen)
    assert said.complete == (broken <= {"nudge", "kill"})


async def test_a_hanging_engine_is_named_and_the_rest_is_done(tmp_path: Path) -> None:
    world = World(tmp_path, hears=False)
    async with living(world) as halt:
        said = await halt.stop("halt", "", "")
    assert said.not_acknowledged == ["engine"]
    assert (said.seq, said.variants_stopped, said.positions_open) == (None, None, None)
    assert said.latched
    assert not said.complete
    assert 50 <= said.took_ms < 500


async def test_an_engine_that_does_not_run_is_not_waited_for(tmp_path: Path) -> None:
    world = World(tmp_path, engine_runs=False, waits=Waits(0.5, 30.0))
    async with living(world) as halt, asyncio.timeout(5):
        said = await halt.stop("halt", "", "")
    assert said.not_acknowledged == ["engine (not running)"]
    assert said.latched


async def test_workers_of_the_slow_lane_that_have_not_confirmed_are_named(tmp_path: Path) -> None:
    world = World(tmp_path, hears=False)
    async with living(world) as halt:
        stop = asyncio.create_task(halt.stop("halt", "", ""))
        await asyncio.sleep(0.01)
        world.gate.acknowledge(world.gate.number, 40, 5, 1, slow_waiting=2)
        said = await stop
    assert said.not_acknowledged == ["slow lane (2 workers)"]
    assert (said.seq, said.variants_stopped) == (40, 5)


async def test_a_disk_that_hangs_costs_its_wait_and_latches_when_it_wakes(tmp_path: Path) -> None:
    wakes = threading.Event()
    world = World(tmp_path, waits=Waits(0.05, 0.05))
    world.latch = Latch(tmp_path / "latch", sync=lambda _: (wakes.wait(10), None)[1])
    async with living(world) as halt:
        said = await halt.stop("halt", "", "")
        assert world.gate.wanted == HALT
        assert not said.latched
        assert any("TimeoutError" in error for error in said.errors)
        wakes.set()
    assert Latch(tmp_path / "latch").read().halted


async def test_a_resume_opens_disk_and_gate_and_removes_the_file(tmp_path: Path) -> None:
    world = World(tmp_path)
    (tmp_path / HALT_FILE).touch()
    async with living(world) as halt:
        await halt.stop("halt_and_flatten", "", "")
        said = await halt.resume("fine again", "me")
    assert said.resumed
    assert (said.not_acknowledged, said.errors) == ([], [])
    assert world.gate.wanted == OPEN
    assert not world.latch.read().halted
    assert world.latch.read().reason == "fine again"


async def test_a_stop_that_nobody_has_taken_in_yet_outlives_a_resume(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with living(world) as halt:
        number = (await halt.stop("halt", "first", "")).halt
        halt.unseen = lambda: True
        for named in (number, None):
            said = await halt.resume("fine", "me", named)
            assert (said.resumed, world.gate.wanted) == (False, HALT)
            assert "just come" in said.errors[0]
        halt.unseen = lambda: False
        assert (await halt.resume("fine", "me", number)).resumed


async def test_what_another_process_has_latched_outlives_a_resume(tmp_path: Path) -> None:
    """Between the look at the latch and the writing of it there is always a moment."""
    world = World(tmp_path)
    async with living(world) as halt:
        number = (await halt.stop("halt", "first", "")).halt
        assert number is not None
        busy = threading.Event()
        halt.writer.submit(busy.wait, 10)
        halt._newest = None  # of this the resume cannot know
        resuming = asyncio.create_task(halt.resume("fine", "me", number))
        await asyncio.sleep(0.05)
        Latch(tmp_path / "latch").set(Change("second", "cli", 2))
        busy.set()
        said = await resuming
    assert (said.resumed, world.gate.wanted, world.latch.read().reason) == (False, HALT, "second")


async def test_a_halt_that_is_not_latched_yet_is_none_that_was_named(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with living(world) as halt:
        number = (await halt.stop("halt", "first", "")).halt
        halt.shut("halt", [])  # as the door does, before it hears the words of a second stop
        said = await halt.resume("fine", "me", number)
        assert (said.resumed, world.gate.wanted) == (False, HALT)
        assert "just come" in said.errors[0]
        number = (await halt.stop("halt", "second", "")).halt
        assert (await halt.resume("fine", "me", number)).resumed
    assert world.gate.wanted == OPEN


async def test_a_halt_on_its_way_to_a_slow_disk_is_not_ended_by_an_older_name(
    tmp_path: Path,
) -> None:
    wakes = threading.Event()
    world = World(tmp_path, waits=Waits(0.05, 0.05))
    async with living(world) as halt:
        number = (await halt.stop("halt", "first", "")).halt
        halt.latch = Latch(tmp_path / "latch", sync=lambda _: (wakes.wait(10), None)[1])
        assert not (await halt.stop("halt", "second", "")).latched
        assert not (await halt.resume("fine", "me", number)).resumed
        wakes.set()
        async with asyncio.timeout(5):
            while not (said := await halt.resume("fine", "me", number)).halt:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert (said.resumed, world.gate.wanted) == (False, HALT)
        assert (await halt.resume("fine", "me", said.halt)).resumed


async def test_a_stop_during_a_resume_wins(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with living(world) as halt:
        await halt.stop("halt", "first", "")
        resume = asyncio.create_task(halt.resume("fine", ""))
        await asyncio.sleep(0)
        stopped = await halt.stop("halt", "second", "")
        resumed = await resume
    assert not resumed.resumed
    assert stopped.latched
    assert world.gate.wanted == HALT
    assert world.latch.read().reason == "second"


async def test_a_resume_between_a_stop_s_first_and_second_act_does_not_undo_it(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    async with living(world) as halt:
        number = halt.shut("halt", [])
        assert (await halt.resume("fine", "")).resumed
        said = await halt.stop("halt", "", "", number)
    assert world.gate.wanted == HALT
    assert said.complete


async def test_a_stop_whose_words_come_while_a_resume_is_written_holds(
    tmp_path: Path,
) -> None:
    """It had shut the gate before the resume began: the gate's number says nothing of it."""
    world, disk = World(tmp_path), threading.Event()
    async with living(world) as halt:
        number = halt.shut("halt", [])
        halt.writer.submit(disk.wait, 10)
        resuming = asyncio.create_task(halt.resume("fine", "me"))
        await asyncio.sleep(0)  # its clear is handed to the writer
        stopping = asyncio.create_task(halt.stop("halt", "news", "who", number))
        await asyncio.sleep(0)  # and the stop behind it
        disk.set()
        resumed, stopped = await asyncio.gather(resuming, stopping)
    assert (resumed.resumed, resumed.errors) == (False, [MEANWHILE])
    assert stopped.complete
    assert stopped.number == number
    assert world.gate.wanted == HALT
    found = Latch(tmp_path / "latch").read()
    assert (found.halted, found.reason, found.by) == (True, "news", "who")


async def test_a_stop_written_between_a_resume_s_clear_and_its_opening_holds(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    async with living(world) as halt:
        number = halt.shut("halt_and_flatten", [])
        resuming = asyncio.create_task(halt.resume("fine", "me"))
        await asyncio.sleep(0)
        halt.writer.submit(int).result()  # the disk says open; the resume does not know yet
        assert not Latch(tmp_path / "latch").read().halted
        stopping = asyncio.create_task(halt.stop("halt_and_flatten", "news", "who", number))
        resumed, stopped = await asyncio.gather(resuming, stopping)
    assert resumed.resumed == (stopped.number != number), "or it is a stop after the resume"
    assert world.gate.wanted == FLATTEN
    assert Latch(tmp_path / "latch").read().mode == "halt_and_flatten"


async def test_a_halt_file_on_a_hanging_disk_holds_up_the_resume_alone(tmp_path: Path) -> None:
    disk = threading.Event()
    world = World(tmp_path, waits=Waits(0.05, 0.05))
    async with living(world) as halt:
        await halt.stop("halt", "", "")
        halt.remove_halt_file = lambda: (disk.wait(2), None)[1]
        began_s = asyncio.get_running_loop().time()
        assert not (await halt.resume("fine", "")).resumed
        assert asyncio.get_running_loop().time() - began_s < 1
        disk.set()
    assert world.gate.wanted == HALT
    assert Latch(tmp_path / "latch").read().halted


async def test_a_resume_that_the_disk_refuses_leaves_everything_halted(tmp_path: Path) -> None:
    world = World(tmp_path, {"clear"})
    async with living(world) as halt:
        await halt.stop("halt", "", "")
        said = await halt.resume("fine", "")
    assert not said.resumed
    assert "could not be cleared" in said.errors[0]
    assert world.gate.wanted == HALT
    assert Latch(tmp_path / "latch").read().halted


async def test_many_stops_at_once_are_all_answered(tmp_path: Path) -> None:
    world = World(tmp_path, waits=Waits(5.0, 5.0))
    async with living(world) as halt:
        said = await asyncio.gather(*(halt.stop("halt", str(n), "") for n in range(100)))
    assert all(one.complete for one in said)


async def test_of_two_stops_before_a_hanging_disk_neither_is_lost(tmp_path: Path) -> None:
    wakes = threading.Event()
    world = World(tmp_path, waits=Waits(0.05, 0.05))
    world.latch = Latch(tmp_path / "latch", sync=lambda _: (wakes.wait(10), None)[1])
    async with living(world) as halt:
        await halt.stop("halt", "first", "")
        assert not (await halt.stop("halt_and_flatten", "second", "")).latched
        wakes.set()
    latch = Latch(tmp_path / "latch").read()
    assert (latch.mode, latch.reason) == ("halt_and_flatten", "second")


async def test_a_resume_that_came_too_late_to_the_disk_does_not_open_the_next_start(
    tmp_path: Path,
) -> None:
    wakes, slow = threading.Event(), threading.Event()
    world = World(tmp_path, waits=Waits(0.05, 0.05))
    world.latch = Latch(
        tmp_path / "latch", sync=lambda _: (slow.is_set() and wakes.wait(10), None)[1]
    )
    async with living(world) as halt:
        assert (await halt.stop("halt_and_flatten", "crash", "who")).latched
        slow.set()
        assert not (await halt.resume("fine", "")).resumed
        assert world.gate.wanted == FLATTEN
        wakes.set()
    found = Latch(tmp_path / "latch").read()
    assert (found.halted, found.mode) == (True, "halt_and_flatten"), "no weaker than before"
    assert (found.reason, found.by) == ("crash", "who")
