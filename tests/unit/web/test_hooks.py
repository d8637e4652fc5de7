"""Webhooks: delivered, tried again, given up; and never in anybody's way."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from liveopt.web.alerts import Alert
from liveopt.web.hooks import TRIES, WAITING_MAX, Hooks
from liveopt.web.inbox import FILE
from tests.unit.web.house import house

ALERT = Alert("feed_gap", "feed_gap", "warning", "a gap", 1, 2, 1, True, None)
NOBODY = "http://127.0.0.1:1/hook"
REFUSED_BY_IDNA = "http://hooks..example/x"


@asynccontextmanager
async def receiver(*statuses: int) -> AsyncIterator[tuple[str, list[dict[str, object]]]]:
    got: list[dict[str, object]] = []
    left = list(statuses)

    async def take(request: web.Request) -> web.Response:
        got.append(await request.json())
        return web.Response(status=left.pop(0) if left else 200)

    app = web.Application()
    app.router.add_post("/hook", take)
    async with TestServer(app) as server:
        yield str(server.make_url("/hook")), got


@asynccontextmanager
async def hanging() -> AsyncIterator[str]:
    """Takes connections and says nothing."""

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"


@asynccontextmanager
async def running(*urls: str) -> AsyncIterator[Hooks]:
    hooks = Hooks(urls, first_s=0.01)
    task = asyncio.create_task(hooks.run())
    try:
        yield hooks
        assert not task.done(), "whatever happens outside, it goes on"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def settled(hooks: Hooks, number: int) -> None:
    async with asyncio.timeout(20):
        while hooks.sent + hooks.lost < number:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_it_is_sent_again_until_it_arrives() -> None:
    async with receiver(500, 302, 200) as (url, got), running(url) as hooks:
        hooks.tell(ALERT)
        await settled(hooks, 1)
        assert (hooks.sent, hooks.lost, hooks.failing, len(got)) == (1, 0, 0, 3)
        assert got[0]["source"] == "liveopt"


async def test_it_is_given_up_after_some_tries_and_the_address_fails_until_one_arrives() -> None:
    async with receiver(*[500] * TRIES) as (url, got), running(url) as hooks:
        hooks.tell(ALERT)
        await settled(hooks, 1)
        assert (hooks.sent, hooks.lost, hooks.failing, len(got)) == (0, 1, 1, TRIES)
        hooks.tell(ALERT)
        await settled(hooks, 2)
        assert (hooks.sent, hooks.lost, hooks.failing) == (1, 1, 0)


@pytest.mark.parametrize("bad", [NOBODY, REFUSED_BY_IDNA])
async def test_an_address_that_cannot_be_reached_costs_itself_alone(bad: str) -> None:
    async with receiver() as (url, got), running(bad, url) as hooks:
        for number in range(3):
            hooks.tell(msgspec.structs.replace(ALERT, count=number))
        await settled(hooks, 6)
        assert (hooks.sent, hooks.lost, hooks.failing) == (3, 3, 1)
        assert [one["alert"]["count"] for one in got] == [0, 1, 2]  # type: ignore[index]


async def test_one_that_hangs_delays_nobody() -> None:
    async with hanging() as slow, receiver() as (url, got), running(slow, url) as hooks:
        began_s = asyncio.get_running_loop().time()
        for number in range(5):
            hooks.tell(msgspec.structs.replace(ALERT, count=number))
        await settled(hooks, 5)
        assert len(got) == 5
        assert asyncio.get_running_loop().time() - began_s < 2.0, "the other takes 5 s for each"


async def test_names_that_hang_hold_up_neither_others_nor_the_loops_own_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    over, real = threading.Event(), socket.getaddrinfo

    def slow(host: str, *args: Any, **named: Any) -> Any:
        if host.endswith(".invalid"):
            over.wait(30)
            raise socket.gaierror(socket.EAI_AGAIN, "the name server hangs")
        return real(host, *args, **named)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    hanging = [f"http://a{number}.invalid/x" for number in range(40)]
    async with (
        receiver() as (url, got),
        running(*hanging, url.replace("127.0.0.1", "localhost")) as hooks,
    ):
        try:
            hooks.tell(ALERT)
            async with asyncio.timeout(5):
                await settled(hooks, 1)
                assert await asyncio.to_thread(lambda: "here") == "here"
            assert (hooks.sent, len(got)) == (1, 1)
        finally:
            over.set()


async def test_nobody_there_is_no_trouble_and_each_queue_has_a_bound() -> None:
    off = Hooks()
    off.tell(ALERT)
    assert (off.sent, off.lost) == (0, 0)
    hooks = Hooks((NOBODY, NOBODY.replace("hook", "other"), NOBODY))
    for number in range(WAITING_MAX + 5):
        hooks.tell(msgspec.structs.replace(ALERT, count=number))
    assert hooks.lost == 10, "of two addresses: one that is named twice is one"
    for one in hooks.addresses:
        assert [alert.count for alert in one.waiting] == list(range(5, WAITING_MAX + 5))


async def test_without_addresses_it_goes_on_and_does_nothing() -> None:
    async with running() as hooks:
        hooks.tell(ALERT)
        await asyncio.sleep(0.05)


async def test_of_what_rose_before_a_restart_an_address_hears_once_it_is_seen_again(
    tmp_path: Path,
) -> None:
    """Whether the process before this one still told it nobody knows."""
    name = "emergency_stop"
    stood = Alert(name, name, "critical", "halted", 1, 2, 3, True, None)
    (tmp_path / FILE).write_bytes(msgspec.json.encode([stood]))
    async with receiver() as (url, got), house(tmp_path, webhooks=(url,)) as home:

        def heard() -> list[tuple[int, bool]]:
            own = [msgspec.convert(one["alert"], Alert) for one in got]
            return [(one.count, one.active) for one in own if one.id == name]

        await home.settled()
        assert heard() == []
        await home.ask("POST", "/api/optimizer/stop", {"reason": "a test"})
        await home.until(heard)
        await asyncio.sleep(1.5)
        assert heard() == [(3, True)], "as the same one, and once"
