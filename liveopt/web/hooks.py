"""Alerts to other people's addresses: a POST each when it rises and when it falls.

Each address has a queue and a task of its own: one that hangs delays no other. What does not arrive
is sent again, ever more slowly, and given up after some minutes; the inbox has them all.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import aiohttp
import msgspec
import numpy as np
import structlog
from aiohttp.abc import AbstractResolver, ResolveResult

from liveopt import logs
from liveopt.live.supervise import Supervisor
from liveopt.web.alerts import Alert
from liveopt.web.parts import PATIENCE

log = structlog.get_logger()

TRIES: Final = 8
FIRST_S: Final = 1.0
PAUSE_S_MAX: Final = 60.0
"""One, two, four ... seconds: two minutes in all for a receiver that starts again."""
TIMEOUT_S: Final = 5.0
WAITING_MAX: Final = 100
"""Of one address; beyond it the oldest is not sent."""


@dataclass(slots=True)
class Address:
    """One of them, and what waits for it in its order."""

    url: str
    waiting: deque[Alert] = field(default_factory=deque)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    sent: int = 0
    lost: int = 0
    fails: bool = False
    """Whether the last one did not arrive."""

    def put(self, alert: Alert) -> None:
        """As soon as it goes."""
        if len(self.waiting) == WAITING_MAX:
            self.drop(self.waiting.popleft(), "too many wait", 0)
        self.waiting.append(alert)
        self.news.set()

    def drop(self, alert: Alert, why: str, tries: int) -> None:
        """It is not sent any more."""
        self.lost += 1
        self.fails = True
        log.warning("a webhook was not delivered", id=alert.id, tries=tries, why=why)


@dataclass(slots=True)
class Hooks:
    """Off unless there are addresses."""

    urls: Sequence[str] = ()
    first_s: float = FIRST_S
    addresses: tuple[Address, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.addresses = tuple(Address(url) for url in dict.fromkeys(self.urls))
        for url in self.urls:
            logs.hide_address(url)

    @property
    def sent(self) -> int:
        """Alerts that arrived, counted for each address."""
        return sum(one.sent for one in self.addresses)

    @property
    def lost(self) -> int:
        """Those that did not."""
        return sum(one.lost for one in self.addresses)

    @property
    def failing(self) -> int:
        """Addresses that did not take the last one."""
        return sum(one.fails for one in self.addresses)

    def tell(self, alert: Alert) -> None:
        """Everybody; never waits and never fails."""
        for one in self.addresses:
            one.put(alert)

    async def run(self) -> None:
        """For as long as the service lives."""
        connector = aiohttp.TCPConnector(resolver=Names(len(self.addresses)))
        supervisor = Supervisor(np.random.default_rng(), lambda _: None, PATIENCE)
        timeout, jar = aiohttp.ClientTimeout(total=TIMEOUT_S), aiohttp.DummyCookieJar()
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=jar) as session,
            asyncio.TaskGroup() as group,
        ):
            for one in self.addresses:
                own = partial(self._serve, session, one)
                group.create_task(supervisor.keep("webhook", own), name="webhook")
            await asyncio.Event().wait()

    async def _serve(self, session: aiohttp.ClientSession, address: Address) -> None:
        while True:
            while address.waiting:
                await self._deliver(session, address, address.waiting.popleft())
            address.news.clear()
            await address.news.wait()

    async def _deliver(
        self, session: aiohttp.ClientSession, address: Address, alert: Alert
    ) -> None:
        """The receiver tells copies apart by the alert's id, count and active."""
        body = msgspec.json.encode({"source": "liveopt", "alert": alert})
        why, tries = "cut off", 0
        try:
            while why and tries < TRIES:
                if tries:
                    await asyncio.sleep(min(PAUSE_S_MAX, self.first_s * 2 ** (tries - 1)))
                tries += 1
                why = await _post(session, address.url, body)
        finally:
            if why:
                address.drop(alert, why, tries)
        address.sent += not why
        address.fails = bool(why)


class Names(AbstractResolver):
    """Looks hosts up in threads of their own: the loop's are for others, and a name may hang."""

    def __init__(self, number: int) -> None:
        """Of as many hosts at a time; the connector asks for each once."""
        self._threads = ThreadPoolExecutor(max(number, 1), "names")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """As the system knows it."""
        look = partial(
            socket.getaddrinfo, host, port, family=family, type=socket.SOCK_STREAM,
            flags=socket.AI_ADDRCONFIG,
        )  # fmt: skip
        found = await asyncio.get_running_loop().run_in_executor(self._threads, look)
        numbers = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            ResolveResult(
                hostname=host, host=str(address[0]), port=int(address[1]), family=own, proto=proto,
                flags=numbers,
            )
            for own, _, proto, _, address in found
        ]  # fmt: skip

    async def close(self) -> None:
        """Nobody waits for a name server."""
        self._threads.shutdown(wait=False, cancel_futures=True)


async def _post(session: aiohttp.ClientSession, url: str, body: bytes) -> str:
    """Once; why it did not arrive."""
    try:
        async with session.post(
            url, data=body, headers={"Content-Type": "application/json"}, allow_redirects=False
        ) as answer:
            return "" if answer.status < 300 else f"status {answer.status}"
    except (aiohttp.ClientError, OSError, ValueError) as error:  # a name that is none, too
        return type(error).__name__
