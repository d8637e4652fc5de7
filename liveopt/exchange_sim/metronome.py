"""An exchange that does nothing but trade, at an even pace: the other end of `liveopt bench live`.

`python -m liveopt.exchange_sim.metronome '{"per_s": 1000}'` says in one JSON line where it listens.
It knows as much of KuCoin's futures as a feed needs to begin; trades come once one has subscribed.
"""

import asyncio
import json
import random
import sys
import time
from collections import deque
from typing import Final

import msgspec
from aiohttp import WSMsgType, web

FIRST: Final = 1_794_100_000_000
PRICES: Final = 1 << 16
START_PRICE: Final = 60_000.0
STEP: Final = 1.5
"""Of the price from one trade to the next, in its own unit: enough to make strategies trade."""
PULL: Final = 1e-5
"""How strongly it is drawn back, so that it stays for ever where it began."""
TAPE: Final = 100
PORTION: Final = 64
"""Trades written at once by a pace of 0."""
WAKE_S: Final = 0.001
MINUTE_NS: Final = 60_000_000_000
CANDLES_MAX: Final = 500
UNREAD_MAX: Final = 1 << 16
"""Bytes that a listener may leave unread before a pace of 0 waits for it."""


class Pace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many trades, and how fast."""

    per_s: float = 1000.0
    """0 is as fast as they are read."""
    count: int = 1 << 62
    symbol: str = "XBTUSDTM"
    seed: int = 1
    origin_ns: int = 0
    """When the market's clock was the machine's; since then it has gone `speed` times as fast."""
    speed: float = 1.0

    def now_ns(self) -> int:
        """The market's clock: whoever knows the pace can tell from a trade when it was sent."""
        wall_ns = time.time_ns()  # noqa: TID251  what is measured is the time between two processes
        return self.origin_ns + int((wall_ns - self.origin_ns) * self.speed)


class Metronome:
    """Listens from `open` on; a trade's sequence is one more than that of the one before."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.address = ""
        self.sent = 0
        self._runner: web.AppRunner | None = None
        self._prices = prices(pace.seed)
        self._tape: deque[tuple[int, float, int]] = deque(maxlen=TAPE)
        self._topic = f"/contractMarket/execution:{pace.symbol}"

    async def open(self) -> None:
        """On a free port of this machine."""
        app = web.Application()
        app.router.add_post("/api/v1/bullet-public", self._bullet)
        app.router.add_get("/api/v1/timestamp", self._timestamp)
        app.router.add_get("/api/v1/contracts/active", self._contracts)
        app.router.add_get("/api/v1/trade/history", self._history)
        app.router.add_get("/api/v1/contract/funding-rates", self._nothing)
        app.router.add_get("/api/v1/kline/query", self._klines)
        app.router.add_get("/endpoint", self._endpoint)
        self._runner = runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.address = "{}:{}".format(*runner.addresses[0][:2])

    async def close(self) -> None:
        """Nobody is answered any more."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _bullet(self, _: web.Request) -> web.Response:
        place = {
            "endpoint": f"ws://{self.address}/endpoint",
            "encrypt": False,
            "protocol": "websocket",
            "pingInterval": 18000,
            "pingTimeout": 10000,
        }
        return _reply({"token": "t", "instanceServers": [place]})

    async def _timestamp(self, _: web.Request) -> web.Response:
        return _reply(self.pace.now_ns() // 1_000_000)

    async def _contracts(self, _: web.Request) -> web.Response:
        return _reply([contract(self.pace.symbol)])

    async def _history(self, _: web.Request) -> web.Response:
        """The newest trades, the newest first."""
        ids = {"takerOrderId": "247822202957807616", "makerOrderId": "247822167163555840"}
        tape = reversed(self._tape)
        rows = [{"sequence": n, "price": f"{price:.1f}", "ts": at_ns} for n, price, at_ns in tape]
        return _reply([{**row, "side": "buy", "size": 2, **ids} for row in rows])

    async def _nothing(self, _: web.Request) -> web.Response:
        return _reply([])

    async def _klines(self, request: web.Request) -> web.Response:
        """Minutes of the past, for strategies to warm up with."""
        at_ms = [int(request.query[name]) for name in ("from", "to")]
        minutes = [ms * 1_000_000 // MINUTE_NS for ms in at_ms]
        last = min(minutes[1], minutes[0] + CANDLES_MAX, self.pace.now_ns() // MINUTE_NS)
        return _reply([self._candle(minute) for minute in range(minutes[0], last)])

    def _candle(self, minute: int) -> list[float]:
        """Made of the same prices; time, open, high, low, close, volume, turnover."""
        first = minute * 61 % (PRICES - 60)
        part = self._prices[first : first + 60]
        prices_ = (part[0], max(part), min(part), part[-1])
        return [minute * MINUTE_NS // 1_000_000, *prices_, 100, 100 * part[-1] / 1000]

    async def _endpoint(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        assert request.transport is not None
        await socket.send_json({"id": "1", "type": "welcome"})
        async with asyncio.TaskGroup() as group:
            sending: asyncio.Task[None] | None = None
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    break
                said = json.loads(message.data)
                answer = {"ping": "pong", "subscribe": "ack"}[said["type"]]
                await socket.send_json({"id": said["id"], "type": answer})
                if answer == "ack" and sending is None:
                    send = self._evenly if self.pace.per_s else self._at_once
                    sending = group.create_task(send(request.transport), name="trades")
            if sending is not None:
                sending.cancel()
        return socket

    async def _evenly(self, transport: asyncio.Transport) -> None:
        """Each trade when it is due, as exactly as a loop can wake."""
        loop, first = asyncio.get_running_loop(), self.sent
        began_s = loop.time()
        while self.sent < self.pace.count:
            due = first + int((loop.time() - began_s) * self.pace.per_s) + 1
            for _ in range(min(due, self.pace.count) - self.sent):
                transport.write(self._trade(self.pace.now_ns()))
            next_s = began_s + (self.sent - first) / self.pace.per_s
            await asyncio.sleep(max(WAKE_S, next_s - loop.time()))

    async def _at_once(self, transport: asyncio.Transport) -> None:
        """As fast as it is read."""
        while self.sent < self.pace.count:
            at_ns = self.pace.now_ns()
            portion = [self._trade(at_ns) for _ in range(min(PORTION, self.pace.count - self.sent))]
            transport.write(b"".join(portion))
            await asyncio.sleep(0)
            while transport.get_write_buffer_size() > UNREAD_MAX:  # noqa: ASYNC110  no drain here
                await asyncio.sleep(WAKE_S)

    def _trade(self, at_ns: int) -> bytes:
        number = FIRST + self.sent
        price = self._prices[self.sent % PRICES]
        self.sent += 1
        self._tape.append((number, price, at_ns))
        return _framed(
            b'{"topic":"%b","type":"message","subject":"match","sn":%d,"data":{"symbol":"%b",'
            b'"sequence":%d,"side":"buy","size":2,"price":"%.1f","takerOrderId":'
            b'"247822202957807616","makerOrderId":"247822167163555840","tradeId":"%d","ts":%d}}'
            % (
                self._topic.encode(),
                number,
                self.pace.symbol.encode(),
                number,
                price,
                number,
                at_ns,
            )
        )


def prices(seed: int) -> list[float]:
    """A seeded walk that ends about where it began, so that it can go round."""
    luck = random.Random(seed)  # noqa: S311  prices, no secret
    found, price = [], START_PRICE
    for left in range(PRICES, 0, -1):
        price += luck.gauss(0.0, STEP) + (START_PRICE - price) * max(PULL, 1.0 / left / 4)
        found.append(round(price, 1))
    return found


def contract(symbol: str) -> dict[str, object]:
    """A linear perpetual as the exchange lists it."""
    return {
        "symbol": symbol, "type": "FFWCSX", "baseCurrency": symbol.removesuffix("USDTM"),
        "quoteCurrency": "USDT", "settleCurrency": "USDT", "status": "Open", "multiplier": 0.001,
        "lotSize": 1, "tickSize": 0.1, "makerFeeRate": 0.0002, "takerFeeRate": 0.0006,
        "maintainMargin": 0.004, "maxOrderQty": 1_000_000, "maxLeverage": 125, "isInverse": False,
        "fundingRateGranularity": 28_800_000,
    }  # fmt: skip


def _reply(data: object) -> web.Response:
    return web.json_response({"code": "200000", "data": data})


def _framed(payload: bytes) -> bytes:
    """A text frame as a server sends it: not masked."""
    assert 126 <= len(payload) < 65_536
    return b"\x81\x7e" + len(payload).to_bytes(2, "big") + payload


async def play(pace: Pace) -> None:
    """Until the process is ended."""
    metronome = Metronome(pace)
    await metronome.open()
    sys.stdout.write(json.dumps({"futures": f"http://{metronome.address}"}) + "\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(play(msgspec.json.decode(sys.argv[1], type=Pace)))
