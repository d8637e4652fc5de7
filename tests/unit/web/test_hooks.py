"""Webhooks: delivered, tried again, given up; and never in anybody's way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.test_utils import TestServer

from liveopt.web.alerts import Alert
from liveopt.web.hooks import TRIES, WAITING_MAX, Hooks

ALERT = Alert("feed_gap", "feed_gap", "warning", "a gap", 1, 2, 1, True, None)


@asynccontextmanager
async def receiver(*statuses: int) -> AsyncIterator[tuple[Hooks, list[dict[str, object]]]]:
    got: list[dict[str, object]] = []
    left = list(statuses)

    async def take(request: web.Request) -> web.Response:
        got.append(await request.json())
        return web.Response(status=left.pop(0) if left else 200)

    app = web.Application()
    app.router.add_post("/hook", take)
    async with TestServer(app) as server:
        hooks = Hooks((str(server.make_url("/hook")),), first_s=0.01)
        task = asyncio.create_task(hooks.run())
        try:
            yield hooks, got
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def until(hooks: Hooks) -> None:
    async with asyncio.timeout(5):
        while not hooks.sent and not hooks.lost:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_it_is_sent_again_until_it_arrives() -> None:
    async with receiver(500, 302, 200) as (hooks, got):
        hooks.tell(ALERT)
        await until(hooks)
        assert (hooks.sent, hooks.lost, len(got)) == (1, 0, 3)
        assert got[0]["source"] == "liveopt"


async def test_it_is_given_up_after_some_tries() -> None:
    async with receiver(*[500] * 9) as (hooks, got):
        hooks.tell(ALERT)
        await until(hooks)
        assert (hooks.sent, hooks.lost, len(got)) == (0, 1, TRIES)


async def test_nobody_there_is_no_trouble_and_the_queue_has_a_bound() -> None:
    off = Hooks()
    off.tell(ALERT)
    assert not off._waiting
    hooks = Hooks(("http://127.0.0.1:1/hook",))
    for _ in range(WAITING_MAX + 5):
        hooks.tell(ALERT)
    assert (len(hooks._waiting), hooks.lost) == (WAITING_MAX, 5)
