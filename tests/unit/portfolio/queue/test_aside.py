"""Threads that are never left alone."""

import asyncio
import threading

import pytest

from liveopt.portfolio.queue import aside as module
from liveopt.portfolio.queue.aside import aside, briefly


async def test_what_the_thread_gives_or_raises_is_the_callers() -> None:
    assert await aside(lambda: 1) == 1
    with pytest.raises(ZeroDivisionError):
        await aside(lambda: 1 // 0)


async def test_cancelled_it_waits_for_the_thread_and_undoes_what_came_of_it() -> None:
    begun, go_on, undone = threading.Event(), threading.Event(), list[str]()

    def act() -> str:
        begun.set()
        go_on.wait(10)
        return "taken"

    task = asyncio.create_task(aside(act, undone.append))
    await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    await asyncio.sleep(0)
    assert undone == []
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert undone == ["taken"]


async def test_a_thread_that_hangs_holds_up_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.1)
    go_on, undone = threading.Event(), list[bool]()
    assert not await briefly(go_on.wait)
    task = asyncio.create_task(aside(go_on.wait, undone.append))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(5.0):
            await task
    assert undone == []
    go_on.set()


async def test_briefly_tells_whether_it_was_done() -> None:
    assert await briefly(lambda: 1)
    assert not await briefly(lambda: 1 // 0)
