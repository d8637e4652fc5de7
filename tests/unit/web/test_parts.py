"""A part that fails: started again ever more slowly, told of until it is well, never given up."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import numpy as np
import pytest
import structlog

from liveopt import logs
from liveopt.web.parts import LACKS, PATIENCE, WELL_S, Ended, Parts, reason
from tests import virtual


@pytest.fixture(autouse=True)
def plain() -> Iterator[None]:
    logs.setup(stream=io.StringIO())
    yield
    structlog.reset_defaults()


class Odd:
    """Ends so often, each time after so long, and then works."""

    def __init__(self, error: Callable[[], Exception] | None, times: int) -> None:
        self.error, self.times = error, times
        self.began_s: list[float] = []

    async def run(self) -> None:
        self.began_s.append(asyncio.get_running_loop().time())
        if len(self.began_s) > self.times:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error()


@asynccontextmanager
async def kept(parts: Parts, odd: Odd) -> AsyncIterator[None]:
    task = asyncio.create_task(parts.keep("jobs", odd.run, np.random.default_rng(1)))
    yield
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def failing(parts: Parts) -> dict[str, str]:
    return parts.failing(asyncio.get_running_loop().time())


def test_one_crash_is_told_for_a_minute() -> None:
    async def main(_: virtual.World) -> None:
        parts, odd = Parts(), Odd(lambda: PermissionError(13, "Permission denied", "/secret"), 1)
        async with kept(parts, odd):
            await asyncio.sleep(0.1)
            assert failing(parts) == {"jobs": "Permission denied"}
            await asyncio.sleep(WELL_S - 1.0)
            assert (len(odd.began_s), list(failing(parts))) == (2, ["jobs"])
            await asyncio.sleep(3.0)
            assert failing(parts) == {}
            assert parts.all["jobs"].crashes == 1

    virtual.run(main)


def test_it_is_never_given_up_and_told_all_the_while_ever_more_seldom_started() -> None:
    async def main(_: virtual.World) -> None:
        parts, odd = Parts(), Odd(lambda: RuntimeError("it broke"), 10_000)
        async with kept(parts, odd):
            for _minute in range(60):
                await asyncio.sleep(60.0)
                assert failing(parts) == {"jobs": "RuntimeError"}
        pauses = np.diff(odd.began_s)
        assert pauses[0] <= 1.0
        assert pauses.max() <= PATIENCE.pause_s_max
        assert pauses[-20:].min() >= 0.5 * PATIENCE.pause_s_max

    virtual.run(main)


def test_an_end_without_an_error_is_a_failure_as_well() -> None:
    async def main(_: virtual.World) -> None:
        parts, odd = Parts(), Odd(None, 3)
        async with kept(parts, odd):
            await asyncio.sleep(30.0)
            assert (failing(parts), len(odd.began_s)) == ({"jobs": "Ended"}, 4)

    virtual.run(main)


def test_a_part_may_say_itself_that_it_gets_nowhere() -> None:
    said = [""]
    parts = Parts(troubles={"jobs": lambda: said[0]})
    assert parts.failing(1.0) == {}
    said[0] = "the studies cannot be read"
    assert parts.failing(1.0) == {"jobs": said[0]}
    said[0] = ""
    assert parts.failing(1.0) == {}


def test_the_reason_is_of_the_innermost_error_and_names_no_file() -> None:
    inner = OSError(28, "No space left on device", "/where/somebody/lives")
    assert reason(ExceptionGroup("a", [ExceptionGroup("b", [inner]), Ended()])) == inner.strerror
    outer = RuntimeError("it cannot be used")
    outer.__cause__ = inner
    assert reason(ExceptionGroup("a", [outer])) == inner.strerror
    assert reason(KeyError("/where/somebody/lives")) == "KeyError"
    assert reason(TimeoutError()) == "TimeoutError"


def test_what_is_missing_is_known_of_every_part() -> None:
    assert set(LACKS) == {"acts", "card", "hooks", "inbox", "jobs", "lag", "tail", "uses"}
