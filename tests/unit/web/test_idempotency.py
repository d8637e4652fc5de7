"""Answers that are repeated: whose, for how long, and of which nothing is kept."""

import asyncio

import pytest
from aiohttp import web

from liveopt.web.errors import Problem
from liveopt.web.idempotency import ANSWER_MAX, KEPT_MAX, OF_ONE_MAX, Idempotency

NAME = ("key a", "POST /x", "k")


class Act:
    """Counts how often it is done."""

    def __init__(self, status: int = 200, body: bytes = b"{}") -> None:
        self.done, self.status, self.body = 0, status, body

    async def __call__(self) -> web.Response:
        self.done += 1
        await asyncio.sleep(0)
        return web.Response(status=self.status, body=self.body)


async def test_the_second_gets_what_the_first_got() -> None:
    kept, act = Idempotency(), Act(201)
    first, second = await asyncio.gather(*(kept.once(NAME, b"1", act) for _ in range(2)))
    assert (act.done, first.status, second.status) == (1, 201, 201)
    assert second.headers["Idempotent-Replay"] == "true"
    assert "Idempotent-Replay" not in first.headers


@pytest.mark.parametrize(("status", "size"), [(500, 2), (503, 2), (200, ANSWER_MAX + 1)])
async def test_a_failure_and_a_giant_are_not_kept(status: int, size: int) -> None:
    kept, act = Idempotency(), Act(status, b"x" * size)
    for _ in range(2):
        await kept.once(NAME, b"1", act)
    assert act.done == 2


async def test_who_waits_for_one_that_fails_does_it_himself() -> None:
    kept = Idempotency()
    tries: list[int] = []

    async def act() -> web.Response:
        tries.append(1)
        await asyncio.sleep(0.01)
        if len(tries) == 1:
            raise Problem(503, "NOT_RUNNING", "not yet")
        return web.Response()

    first, second = await asyncio.gather(
        *(kept.once(NAME, b"1", act) for _ in range(2)), return_exceptions=True
    )
    assert isinstance(first, Problem)
    assert isinstance(second, web.Response)
    assert len(tries) == 2


@pytest.mark.parametrize("key", ["", "x" * 201, "a\tb"])
async def test_a_key_that_is_none_is_refused(key: str) -> None:
    with pytest.raises(Problem):
        await Idempotency().once(("key a", "POST /x", key), b"", Act())


async def test_of_too_many_the_oldest_of_the_same_caller_is_forgotten() -> None:
    kept, act, own = Idempotency(), Act(), Act()
    await kept.once(("key b", "POST /x", "0"), b"", own)
    for number in range(OF_ONE_MAX + 1):
        await kept.once(("key a", "POST /x", str(number)), b"", act)
    await kept.once(("key a", "POST /x", "0"), b"", act)
    await kept.once(("key b", "POST /x", "0"), b"", own)
    assert (act.done, own.done) == (OF_ONE_MAX + 2, 1)


async def test_of_all_together_whoever_has_the_most_is_forgotten_first() -> None:
    kept, act, own = Idempotency(), Act(), Act()
    await kept.once(("key b", "POST /x", "0"), b"", own)
    for number in range(KEPT_MAX):
        await kept.once((f"key a{number % 11}", "POST /x", str(number)), b"", act)
    assert sum(len(entries) for entries in kept._done.values()) == KEPT_MAX
    await kept.once(("key b", "POST /x", "0"), b"", own)
    assert own.done == 1


async def test_what_is_under_way_is_never_forgotten() -> None:
    kept, quick = Idempotency(), Act()
    over, done = asyncio.Event(), list[int]()

    async def slow() -> web.Response:
        done.append(1)
        await over.wait()
        return web.Response(body=b"slow")

    first = asyncio.create_task(kept.once(NAME, b"", slow))
    await asyncio.sleep(0)
    for number in range(2 * OF_ONE_MAX):
        await kept.once(("key a", "POST /x", f"n{number}"), b"", quick)
    second = asyncio.create_task(kept.once(NAME, b"", slow))
    await asyncio.sleep(0)
    over.set()
    assert [(await one).body for one in (first, second)] == [b"slow", b"slow"]
    assert len(done) == 1
