"""An act that fails is told and counted, and the next one happens."""

import asyncio

import pytest

from liveopt.guard.attempt import attempt, attempt_async, failures


@pytest.mark.parametrize("error", [OSError("disk"), ValueError(), MemoryError(), AssertionError()])
def test_whatever_an_act_raises_is_told_and_counted(error: Exception) -> None:
    def act() -> int:
        raise error

    failed: list[str] = []
    before = failures["jump"]
    assert attempt("jump", act, failed) is None
    assert failed == [f"jump: {type(error).__name__}: {error}"]
    assert failures["jump"] == before + 1


async def test_what_an_act_gives_is_handed_on() -> None:
    failed: list[str] = []

    async def act() -> int:
        return 7

    assert attempt("jump", lambda: 6, failed) == 6
    assert await attempt_async("jump", act, failed) == 7
    assert failed == []


async def test_being_cancelled_is_no_failure() -> None:
    async def act() -> None:
        await asyncio.sleep(60)

    failed: list[str] = []
    task = asyncio.create_task(attempt_async("sleep", act, failed))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert failed == []
