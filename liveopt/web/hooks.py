"""Alerts to somebody else's address: a POST each, tried again when it does not arrive."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import aiohttp
import msgspec
import structlog

from liveopt.web.alerts import Alert

log = structlog.get_logger()

TRIES: Final = 5
FIRST_S: Final = 1.0
TIMEOUT_S: Final = 5.0
WAITING_MAX: Final = 100
"""Beyond it the oldest is not sent: the inbox has them all."""


@dataclass(slots=True)
class Hooks:
    """Off unless there are addresses."""

    urls: Sequence[str] = ()
    first_s: float = FIRST_S
    sent: int = 0
    lost: int = 0
    _waiting: deque[Alert] = field(default_factory=lambda: deque(maxlen=WAITING_MAX))
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, alert: Alert) -> None:
        """As soon as it goes."""
        if self.urls:
            self.lost += len(self._waiting) == WAITING_MAX
            self._waiting.append(alert)
            self._news.set()

    async def run(self) -> None:
        """For as long as the service lives."""
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                await self._news.wait()
                self._news.clear()
                while self._waiting:
                    alert = self._waiting.popleft()
                    for url in self.urls:
                        await self._send(session, url, alert)

    async def _send(self, session: aiohttp.ClientSession, url: str, alert: Alert) -> None:
        """The receiver tells copies apart by the alert's id, count and last_ms."""
        body = msgspec.json.encode({"source": "liveopt", "alert": alert})
        why = ""
        for number in range(TRIES):
            try:
                async with session.post(
                    url, data=body, headers={"Content-Type": "application/json"},
                    allow_redirects=False,
                ) as answer:  # fmt: skip
                    if answer.status < 300:
                        self.sent += 1
                        return
                    why = f"status {answer.status}"
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                why = type(error).__name__
            if number + 1 < TRIES:
                await asyncio.sleep(self.first_s * 2**number)
        self.lost += 1
        log.warning("a webhook was not delivered", code=alert.code, tries=TRIES, why=why)
