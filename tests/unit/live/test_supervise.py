"""A part that crashes is started again, alone, ever more slowly; too often, and all of it ends."""

import asyncio
from collections import Counter

import numpy as np
import pytest

from liveopt.live.supervise import (
    CRASHES_MAX,
    PAUSE_S_MAX,
    PERIOD_S,
    Supervisor,
    TooManyCrashes,
)
from tests import virtual


class Part:
    """Works for so long, then crashes; so many times."""

    def __init__(self, world: virtual.World, lives_s: list[float]) -> None:
        self.world = world
        self.lives_s = lives_s
        self.began: list[float] = []
        self.ended: list[float] = []

    async def run(self) -> None:
        self.began.append(self.world.elapsed_s)
        if len(self.began) > len(self.lives_s):
            return
        await asyncio.sleep(self.lives_s[len(self.began) - 1])
        self.ended.append(self.world.elapsed_s)
        raise RuntimeError("it broke")

    @property
    def pauses(self) -> list[float]:
        """Between an end and the next beginning."""
        return [b - e for e, b in zip(self.ended, self.began[1:], strict=False)]


def supervisor(crashed: Counter[str]) -> Supervisor:
    return Supervisor(np.random.default_rng(1), lambda name: crashed.update([name]))


def test_it_is_started_again_after_a_pause_that_doubles() -> None:
    async def main(world: virtual.World) -> Part:
        part = Part(world, [0.0] * CRASHES_MAX)
        crashed: Counter[str] = Counter()
        await supervisor(crashed).keep("feed", part.run)
        assert crashed == {"feed": CRASHES_MAX}
        return part

    for seed in range(5):
        part = virtual.run(main, seed)
        assert len(part.began) == CRASHES_MAX + 1
        for number, pause_s in enumerate(part.pauses, 1):
            full_s = min(PAUSE_S_MAX, 0.05 * 2**number)
            assert 0.5 * full_s <= pause_s <= full_s


def test_one_crash_more_than_that_within_a_minute_ends_it() -> None:
    async def main(world: virtual.World) -> None:
        part = Part(world, [0.5] * 100)
        with pytest.raises(TooManyCrashes, match="feed: 6 times"):
            await supervisor(Counter()).keep("feed", part.run)
        assert len(part.began) == CRASHES_MAX + 1

    virtual.run(main)


def test_crashes_that_are_long_ago_are_forgotten() -> None:
    async def main(world: virtual.World) -> Part:
        part = Part(world, [PERIOD_S / (CRASHES_MAX - 1)] * 40)
        await supervisor(Counter()).keep("clock", part.run)
        return part

    part = virtual.run(main)
    assert len(part.began) == 41
    assert max(part.pauses) <= PAUSE_S_MAX


def test_the_others_go_on_until_it_is_too_much() -> None:
    async def main(world: virtual.World) -> None:
        ticks = 0

        async def sibling() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.01)
                ticks += 1

        part, boss = Part(world, [0.1] * 100), supervisor(Counter())

        async def both() -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(boss.keep("sibling", sibling))
                group.create_task(boss.keep("feed", part.run))

        with pytest.raises(ExceptionGroup) as found:
            await both()
        assert found.group_contains(TooManyCrashes)
        assert ticks == pytest.approx(part.ended[-1] / 0.01, abs=3)

    virtual.run(main)


def test_an_end_of_its_own_and_a_cancellation_are_no_crashes() -> None:
    async def main(world: virtual.World) -> None:
        crashed: Counter[str] = Counter()
        await supervisor(crashed).keep("feed", Part(world, []).run)
        task = asyncio.create_task(supervisor(crashed).keep("feed", Part(world, [9.0]).run))
        await asyncio.sleep(1.0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not crashed

    virtual.run(main)
