"""The browsers' WebSockets: what changed, four times a second, to whoever keeps up.

    stream = Stream(picture, about, latch)
    group.create_task(stream.run())          its owner's; ends by being cancelled, then `close()`
    return await stream.handle(request, who) the route /ws, behind security: it lets nobody in,
                                             and sends away those who are not `alive` any more
    stream.publish({"type": "alert", "id": ..., ...})   or "job": at once, and after every snap
    stream.traded([...])                     closed trades, plain data; part of the next d
    stream.refresh()                         something happened that the latch tells: look now

A message is made once and written to every socket as it is. Nothing waits for a client: who has
not taken what it was sent gets nothing more, then a fresh snap instead of what it missed, and who
takes nothing for two seconds, or does not answer a ping for three, is closed with code 1013.
"""

import asyncio
import socket
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any, Final, cast

import msgspec
import structlog
from aiohttp import web

from liveopt.guard.latch import Latch
from liveopt.live.clock import Clock
from liveopt.web import inbound, messages, seed_telemetry
from liveopt.web.client import GAP, Client
from liveopt.web.errors import NO_JSON
from liveopt.web.inbound import Broken, Inbound
from liveopt.web.messages import About, Halt
from liveopt.web.picture import NOTHING, Difference, Picture, Shown, difference

log = structlog.get_logger()

CLIENTS_MAX: Final = 2_000
AGAIN_S: Final = 5
"""When to come again, for who is refused or closed."""
SLICE: Final = 64
"""Clients between two times that the loop is given to others."""
ROUND_S: Final = 0.25
ROUND_S_MIN: Final = 0.2
"""Frames that come closer together wait for one another."""
BEAT_S: Final = 1.0
SEED_S: Final = 5.0
LATE_S: Final = 1.0
"""If this process itself was away so long, nobody is blamed for silence."""
ROOM: Final = 32 << 10
"""Bytes that may wait for one client when something urgent is added."""
SEND_BUFFER: Final = 64 << 10
"""Of a socket: what lies there is old when it comes, and nobody can take it back."""
BUFFERED_MAX: Final = 32 << 20
"""Bytes that may wait for all clients together; then snaps have to wait."""
GRACE_S: Final = 0.5
STICKY_MAX: Final = 256
"""Alerts and jobs that are told again after a snap."""
TRADES_MAX: Final = 200
"""In one message; of more the newest."""
MESSAGE_MAX: Final = 4 << 10
PROTOCOL: Final = "liveopt"
OVER: Final = "the key or session is over"
SEED_TYPE: Final = "optimizer_telemetry"


@dataclass(slots=True)
class _Round:
    """What is written in one round, made once; None where it is not its turn."""

    now_s: float
    delta: bytes | None = None
    beat: bytes = b""
    seed: bool = False


@dataclass(slots=True)
class Stream:
    """All clients, and what they have been told."""

    picture: Picture
    about: About
    latch: Latch
    wall_ns: Callable[[], int] = Clock().wall
    alive: Callable[[str], bool] = lambda _: True
    """Whether one who was let in may stay."""
    rounds: int = 0
    snaps: int = 0
    evicted: int = 0
    """Clients that did not keep up."""
    refused: int = 0
    """For being one too many."""
    _clients: dict[int, Client] = field(default_factory=dict)
    _entering: int = 0
    _seq: int = 0
    _shown: Shown = NOTHING
    _halt: Halt | None = None
    _urgent: list[bytes] = field(default_factory=list)
    _sticky: OrderedDict[tuple[str, str], bytes] = field(default_factory=OrderedDict)
    _trades: deque[Mapping[str, Any]] = field(default_factory=lambda: deque(maxlen=TRADES_MAX))
    _recent: seed_telemetry.Recent = field(default_factory=seed_telemetry.Recent)
    _kept: dict[str, bytes] = field(default_factory=dict)
    """The snap and the seed's message of this round."""
    _buffered: int = 0
    _round_s: float = -inf
    _told_s: float = -inf
    _beat_s: float = -inf
    _seed_s: float = -inf

    @property
    def clients(self) -> int:
        """How many are connected."""
        return len(self._clients)

    # What happens.

    def publish(self, message: Mapping[str, Any]) -> None:
        """An alert or a job, to everybody at once; the newest of each id is told to who comes."""
        key = str(message["type"]), str(message.get("id", ""))
        said = messages.text(message)
        self._sticky[key] = said
        self._sticky.move_to_end(key)
        while len(self._sticky) > STICKY_MAX:
            self._sticky.popitem(last=False)
        if len(self._urgent) < STICKY_MAX:
            self._urgent.append(said)
        else:  # nobody can read so fast: who is told anew is told all of it
            self._miss_all()
        self.refresh()

    def traded(self, trades: Sequence[Mapping[str, Any]]) -> None:
        """Closed trades, the oldest first, each with its `variant`."""
        self._trades.extend(trades)
        self._recent.add(trades)

    def refresh(self) -> None:
        """Look at latch and picture now, not with the next round."""
        self.picture.news.set()

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await self._pause()
            await self._tell_urgent()
            if asyncio.get_running_loop().time() >= self._due_s():
                await self._round()

    async def close(self) -> None:
        """Everybody is sent away: this process ends."""
        for client in list(self._clients.values()):
            self.send_away(client, 1001, "the dashboard's process ends")
        await asyncio.sleep(0)

    # Rounds.

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout_at(self._due_s()):
                await self.picture.news.wait()
        except TimeoutError:
            pass
        self.picture.news.clear()

    def _due_s(self) -> float:
        """A round without news must not hold up the news that come right after it."""
        new = self.picture.frames != self._shown.number
        return self._told_s + ROUND_S_MIN if new else self._round_s + ROUND_S

    async def _round(self) -> None:
        """What is new, to everybody; and who does not keep up goes."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._round_s > LATE_S:
            for client in self._clients.values():
                client.forgive(now_s)
        self._round_s, self.rounds = now_s, self.rounds + 1
        self._kept.clear()
        own = _Round(now_s, self._news(now_s))
        if now_s >= self._beat_s + BEAT_S:
            self._beat_s = now_s
            own.beat = messages.heartbeat(self._wall_ms(), self.picture.clocks(now_s))
        if now_s >= self._seed_s + SEED_S:
            self._seed_s, own.seed = now_s, True
        self._buffered = sum(client.waiting for client in self._clients.values())
        self._send_strangers_away()
        for number, client in enumerate(list(self._clients.values())):
            if number % SLICE == SLICE - 1:
                await asyncio.sleep(0)
            self._serve(client, own)

    def _news(self, now_s: float) -> bytes | None:
        """The d of this round; None if there is nothing new, or all of it is."""
        shown = self.picture.shown()
        if shown is self._shown and not self._trades:
            return None
        unlike = difference(self._shown, shown) if shown is not self._shown else Difference.none()
        self._shown, self._told_s = shown, now_s
        self._seq += 1
        if unlike is None:  # everybody is told all anew; a snap has no trades, so the next d has
            return None
        trades = list(self._trades)
        self._trades.clear()
        clocks = self.picture.clocks(now_s)
        return messages.delta(shown, unlike, self._seq, trades, clocks)

    def _serve(self, client: Client, own: _Round) -> None:
        """One client in one round: one write at most, and none while another is still under way."""
        if client.leaving:
            return
        size = client.look(own.now_s)
        if why := client.why_stuck(own.now_s):
            self.evicted += 1
            log.info("a client of the dashboard does not keep up", why=why)
            self.send_away(client, 1013, f"retry-after {AGAIN_S}; {why}")
            return
        if size:
            client.seq = GAP
            return
        beat = client.beat(own.now_s) if own.beat else b""
        if client.is_seed:
            due = own.seed or client.seq == GAP
            said, client.seq = (self._seed_text() if due else b""), self._seq
        else:
            said = self._due(client, own.delta) + own.beat
        if said or beat:
            client.write(said + beat)

    def _due(self, client: Client, delta: bytes | None) -> bytes:
        """What brings one up to date."""
        if client.seq == self._seq:
            return b""
        if client.seq == self._seq - 1 and delta is not None:
            client.seq = self._seq
            return delta
        return self._everything(client)

    def _everything(self, client: Client) -> bytes:
        """A snap and all that belongs to it, unless too much is under way already."""
        snap = self._snap()
        if self._buffered + len(snap) > BUFFERED_MAX:
            client.seq = GAP
            return b""
        self._buffered += len(snap)
        client.seq = self._seq
        self.snaps += 1
        return snap

    def _snap(self) -> bytes:
        if "snap" not in self._kept:
            clocks = self.picture.clocks(asyncio.get_running_loop().time())
            word = b"" if self._halt is None else messages.text(self._halt)
            snap = messages.snap(self._shown, self._seq, clocks)
            self._kept["snap"] = b"".join([snap, word, *self._sticky.values()])
        return self._kept["snap"]

    def _seed_text(self) -> bytes:
        if "seed" not in self._kept:
            said = seed_telemetry.message(self.picture, self._recent, self._wall_ms())
            self._kept["seed"] = messages.text(said)
        return self._kept["seed"]

    # What cannot wait for a round.

    async def _tell_urgent(self) -> None:
        """The latch, if it has another word, and what was published."""
        word = messages.halt(self.latch.read(), self.picture.report.get("halted"))
        if word != self._halt:
            self._halt = word
            self._urgent.append(messages.text(word))
        if not self._urgent:
            return
        said = b"".join(self._urgent)
        self._urgent.clear()
        self._kept.pop("snap", None)
        for number, client in enumerate(list(self._clients.values())):
            if number % SLICE == SLICE - 1:
                await asyncio.sleep(0)
            if client.is_seed or client.leaving or client.seq == GAP:
                continue
            if client.waiting > ROOM:
                client.seq = GAP
            else:
                client.write(said)

    def _send_strangers_away(self) -> None:
        """Those whose key or session is over since the last round."""
        over = {who for who in {one.who for one in self._clients.values()} if not self.alive(who)}
        gone = [one for one in self._clients.values() if one.who in over and not one.leaving]
        for client in gone:
            self.send_away(client, 1008, OVER)
        if gone:
            log.info("sockets outlived what had opened them", who=sorted(over), count=len(gone))

    def _miss_all(self) -> None:
        for client in self._clients.values():
            client.seq = GAP

    # Clients.

    async def handle(self, request: web.Request, who: str) -> web.StreamResponse:
        """One client of somebody, from its handshake to its end; 503 if there are too many."""
        if len(self._clients) + self._entering >= CLIENTS_MAX:
            self.refused += 1
            raise web.HTTPServiceUnavailable(headers={"Retry-After": str(AGAIN_S)})
        headers = inbound.shaken(request.version, request.headers, PROTOCOL)
        answer = web.StreamResponse(status=101, headers=headers)
        self._entering += 1
        try:
            await answer.prepare(request)
        finally:
            self._entering -= 1
        if request.transport is not None:  # not gone already
            await self._attend(request, request.transport, who)
        return answer

    async def _attend(self, request: web.Request, transport: asyncio.Transport, who: str) -> None:
        """Tell one all there is, and go on until it leaves."""
        end = transport.get_extra_info("socket")
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        is_seed = request.query.get("type") == SEED_TYPE
        client = Client(transport, is_seed, asyncio.get_running_loop().time(), who)
        if is_seed:
            client.write(self._seed_text())
            client.seq = self._seq
        else:
            client.write(messages.hello(self.about, self._wall_ms()) + self._everything(client))
        self._clients[id(client)] = client
        ear = _Ear(self, client, Inbound(MESSAGE_MAX))
        try:
            request.protocol.set_parser(cast(Any, ear))  # from here on it hears all that comes
            await ear.gone.wait()
        finally:
            del self._clients[id(client)]

    def hear(self, client: Client, opcode: int, payload: bytes) -> bool:
        """What a client says: that it lives, or that it missed something; False once it goes."""
        if opcode == messages.CLOSE:
            self.send_away(client, inbound.code_of(payload), "")
        elif not client.hear(asyncio.get_running_loop().time()):
            self.send_away(client, 1008, "too many messages")
        elif opcode == messages.PING:
            if client.waiting <= ROOM:
                client.write(messages.framed(messages.PONG, payload))
        elif opcode == messages.TEXT:
            self._obey(client, payload)
        elif opcode != messages.PONG:
            self.send_away(client, 1003, "a message is text")
        return not client.leaving

    def _obey(self, client: Client, said: bytes) -> None:
        try:
            words = msgspec.json.decode(said)
        except NO_JSON:
            words = None
        if isinstance(words, dict) and words.get("resync") is True:
            client.seq = GAP
        else:
            self.send_away(client, 1008, 'the only message is {"resync": true}')

    def send_away(self, client: Client, code: int, why: str) -> None:
        """Say why, and hang up: soon, even if it does not read that."""
        client.leave(messages.goodbye(code, why))
        asyncio.get_running_loop().call_later(GRACE_S, client.transport.abort)

    def _wall_ms(self) -> int:
        return self.wall_ns() // 1_000_000


@dataclass(slots=True)
class _Ear:
    """Where aiohttp brings what a client sends, once it is a socket."""

    stream: Stream
    client: Client
    inbound: Inbound
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Bytes as they come; True once nothing more is listened to."""
        if not self.client.leaving:
            try:
                for opcode, payload in self.inbound.take(data):
                    if not self.stream.hear(self.client, opcode, payload):
                        break
            except Broken as broken:
                self.stream.send_away(self.client, broken.code, broken.why)
        return self.client.leaving, b""

    def feed_eof(self) -> None:
        """The connection is over."""
        self.gone.set()
