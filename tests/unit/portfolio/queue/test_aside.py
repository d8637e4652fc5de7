"""Threads that are never left alone."""

import asyncio
import threading

import pytest

from liveopt.portfolio.queue.aside import aside


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
