"""One market with its feed, and all that the feed says."""

import asyncio
import json
from typing import Any

from liveopt.exchange_sim.exchange import Exchange
from liveopt.exchange_sim.faults import Faults
from liveopt.exchange_sim.hub import Hub
from liveopt.exchange_sim.push import Publisher
from liveopt.exchange_sim.view import View

START_NS = 1_704_103_195_000_000_000
SPOT, FUTURES = "BTC-USDT", "XBTUSDTM"


class Ear:
    """A socket that reads what it is sent."""

    venue: Any = "spot"
    user = ""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.waiting = 0

    def send(self, data: bytes) -> None:
        self.heard.append(json.loads(data[data.index(b'{"') :]))

    def flush(self) -> None:
        """Everything was read at once."""

    def backlog(self) -> int:
        return self.waiting

    def probe(self) -> asyncio.Future[None]:
        probe: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not self.waiting:
            probe.set_result(None)
        return probe

    def check(self, now_s: float) -> None:
        """It never grows old."""

    def end(self, code: int, reason: str) -> None:
        raise AssertionError(code)

    def reset(self) -> None:
        raise AssertionError("reset")


class Station:
    """An exchange whose pushes end in one ear."""

    def __init__(self, activity: float = 1.0) -> None:
        self.exchange = Exchange(1, START_NS, [SPOT, FUTURES], activity=activity)
        self.faults = Faults(1, lambda: 0.0)
        self.view = View(self.exchange, self.faults)
        self.hub = Hub(self.faults)
        self.fundings: list[tuple[str, dict[str, Any]]] = []
        self.publisher = Publisher(self.view, self.hub, self._taken)
        self.ear = Ear()

    def listen(self, *topics: str) -> None:
        for topic in topics:
            self.hub.join(self.ear, topic)

    def run(self, seconds: float) -> list[dict[str, Any]]:
        """What was said in so much market time."""
        self.ear.heard.clear()
        until_ns = self.exchange.now_ns + int(seconds * 1e9)
        while self.exchange.now_ns < until_ns:
            self.publisher.step(until_ns)
        return list(self.ear.heard)

    def _taken(self) -> list[tuple[str, dict[str, Any]]]:
        rows, self.fundings = self.fundings, []
        return rows
