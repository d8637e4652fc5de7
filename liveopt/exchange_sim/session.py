"""One WebSocket connection: its welcome, its subscriptions, its pings, and how it ends."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from aiohttp import WSMsgType, web

from liveopt.exchange_sim.cut import cut
from liveopt.exchange_sim.faults import Faults
from liveopt.exchange_sim.frames import PING, encode, frame
from liveopt.exchange_sim.hub import Hub
from liveopt.exchange_sim.limits import Limits, Window
from liveopt.exchange_sim.specs import Venue
from liveopt.exchange_sim.topics import TEXTS, Refused, parse_topics

GRACE_S: Final = 2.0
"""How long a client may take to answer a close frame."""
MESSAGE_MAX: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class House:
    """What all connections share."""

    hub: Hub
    faults: Faults
    limits: Limits
    now_ns: Callable[[], int]
    """Market time, for the timestamp of pongs."""


class Session:
    """The server's side of one socket. What is sent waits for `flush`; what waits is bounded."""

    def __init__(
        self, house: House, venue: Venue, user: str, socket: web.WebSocketResponse, connect_id: str
    ) -> None:
        self.venue = venue
        self.user = user
        self.topics: set[str] = set()
        self._house = house
        self._socket = socket
        self._id = connect_id
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._pending: list[bytes] = []
        self._acks: list[bytes] = []
        self._early: list[str | bytes] | None = None
        """What was said before a late welcome."""
        self._probes: dict[bytes, asyncio.Future[None]] = {}
        self._asked = 0
        self._opened_s = self._heard_s = self._loop.time()
        self._budget = Window(house.limits.messages, house.limits.messages_s)
        self._told: asyncio.Future[tuple[int, str]] = self._loop.create_future()

    async def serve(self, transport: asyncio.Transport) -> None:
        """The whole life of the connection, from the welcome on."""
        self._transport = transport
        self._house.hub.sockets[self] = None
        try:
            async with asyncio.TaskGroup() as tasks:
                closer = tasks.create_task(self._close_when_told())
                self._greet()
                await self._read()
                if not self._told.done():
                    closer.cancel()
        finally:
            self._house.hub.forget(self)
            for probe in self._probes.values():
                _finish(probe)

    # What the hub calls.

    def send(self, data: bytes) -> None:
        """Take a push."""
        self._pending.append(data)
        if self._acks:
            self._pending += self._acks
            self._acks.clear()

    def flush(self) -> None:
        """Write what was taken; a client too slow to read it is cut off."""
        data, self._pending = b"".join(self._pending), []
        transport = self._transport
        if transport is None or transport.is_closing() or self._mute():
            return
        transport.write(data)
        if transport.get_write_buffer_size() > self._house.limits.outbox_bytes:
            self.reset()

    def backlog(self) -> int:
        """Bytes that could not be written yet."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def probe(self) -> asyncio.Future[None]:
        """Done once the client has read all this: a ping follows it, and the pong comes back."""
        probe: asyncio.Future[None] = self._loop.create_future()
        if self._told.done() or self._mute() or self not in self._house.hub.sockets:
            probe.set_result(None)
            return probe
        self._asked += 1
        mark = self._asked.to_bytes(8, "big")
        self._probes[mark] = probe
        self._pending.append(frame(mark, PING))
        self._house.hub.wake(self)
        return probe

    def check(self, now_s: float) -> None:
        """Silence and age end connections; data that is sent to the client does not count."""
        faults, limits = self._house.faults, self._house.limits
        age = faults.holds("session-life", venue=self.venue)
        life_s = limits.session_s if age is None else float(age["seconds"])
        if now_s - self._opened_s >= life_s:
            self.end(1000 if age is None else int(age["code"]), "Bye")
            return
        rule = faults.holds("ping-rule", venue=self.venue)
        silence_s = limits.silence_s if rule is None else float(rule["seconds"])
        if now_s - self._heard_s >= silence_s and not self._told.done():
            luck = faults.luck("ping-rule", venue=self.venue)
            if luck.random() < (0.5 if rule is None else float(rule["frame"])):
                self._say({"type": "error", "code": 400, "data": "ping timeout"})
            self.end(1000, "Bye")

    def end(self, code: int, reason: str) -> None:
        """Close with this code, unless half open: then nobody hears of it."""
        if not self._told.done() and not self._mute():
            self._told.set_result((code, reason))

    def reset(self) -> None:
        """Cut the connection without a close frame."""
        if self._transport is not None:
            cut(self._transport)

    # What the client says.

    async def _read(self) -> None:
        while True:
            message = await self._socket.receive()
            match message.type:
                case WSMsgType.TEXT | WSMsgType.BINARY:
                    self._heard_s = self._loop.time()
                    self._hear(message.data)
                case WSMsgType.PING:
                    await self._pong(message.data)
                case WSMsgType.PONG:
                    if (probe := self._probes.pop(bytes(message.data), None)) is not None:
                        _finish(probe)
                case _:
                    return

    async def _pong(self, data: bytes) -> None:
        """A WebSocket ping; it is answered but does not count as a frame of the client."""
        stalled = self._house.faults.holds("protocol-pong-stall", venue=self.venue)
        if stalled is None and not self._mute():
            await asyncio.wait_for(self._socket.pong(data), GRACE_S)

    def _hear(self, text: str | bytes) -> None:
        if not self._budget.take(1, self._loop.time()):
            said_id = _id_in(text)
            self._refuse(said_id, Refused(509))
        elif self._early is not None:
            self._early.append(text)
        else:
            self._understand(text)

    def _understand(self, text: str | bytes) -> None:
        try:
            said = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._refuse(self._id, Refused(400, _complaint(text)))
            return
        if not isinstance(said, dict):
            self._refuse(self._id, Refused(400, _complaint(text)))
            return
        try:
            self._obey(said)
        except Refused as refused:
            self._refuse(_id_of(said), refused)

    def _obey(self, said: dict[str, Any]) -> None:
        match said.get("type"):
            case "ping":
                self._answer_ping(said)
            case "subscribe":
                self._subscribe(said)
            case "unsubscribe":
                self._unsubscribe(said)
            case _:
                raise Refused(415)

    def _answer_ping(self, said: dict[str, Any]) -> None:
        faults = self._house.faults
        if faults.strike("pong-stall", venue=self.venue):
            return
        pong: dict[str, Any] = {"id": _id_of(said), "type": "pong"}
        if self.venue == "futures":
            pong["timestamp"] = self._house.now_ns() // 1_000
        late = faults.strike("pong-late", venue=self.venue)
        self._say(pong, 0.0 if late is None else float(late["seconds"]))

    def _subscribe(self, said: dict[str, Any]) -> None:
        topic = str(said.get("topic", ""))
        fault = self._house.faults.strike("subscribe-error", venue=self.venue, topic=topic)
        if fault is not None:
            code = int(fault["code"])
            raise Refused(code, TEXTS.get(code, "system error"))
        kind, names = parse_topics(self.venue, said.get("topic"))
        if kind == "private" and not self.user:
            raise Refused(403)
        new = [name for name in names if name not in self.topics]
        most = self._house.limits.spot_topics
        if self.venue == "spot" and len(self.topics) + len(new) > most:
            raise Refused(509, f"exceed max subscription count limitation of {most} per session")
        self._ack(said, topic)
        for name in new:
            if kind != "private":
                self.topics.add(name)
                self._house.hub.join(self, name)
            elif said.get("privateChannel") is True:
                self.topics.add(name)
                self._house.hub.join_own(self, name)

    def _unsubscribe(self, said: dict[str, Any]) -> None:
        kind, names = parse_topics(self.venue, said.get("topic"))
        leave = self._house.hub.leave_own if kind == "private" else self._house.hub.leave
        trail = self._house.faults.strike("trailing-pushes", venue=self.venue)
        for name in self.topics.intersection(names):
            self.topics.remove(name)
            if trail is None:
                leave(self, name)
            else:
                self._loop.call_later(float(trail["seconds"]), self._leave_late, leave, name)
        self._ack(said, "")

    def _leave_late(self, leave: Callable[["Session", str], None], name: str) -> None:
        if name not in self.topics:
            leave(self, name)

    # What is said to the client.

    def _greet(self) -> None:
        faults = self._house.faults
        if faults.strike("welcome-never", venue=self.venue):
            return
        late = faults.strike("welcome-late", venue=self.venue)
        welcome = {"id": self._id, "type": "welcome"}
        if late is None:
            self._say(welcome)
        else:
            self._early = []
            self._loop.call_later(float(late["seconds"]), self._greet_late, welcome)
        close = faults.strike("connect-close", venue=self.venue)
        if close is not None:
            self.end(int(close["code"]), "Bye")

    def _greet_late(self, welcome: dict[str, Any]) -> None:
        """What came before the welcome is answered after it."""
        early, self._early = self._early or [], None
        if self in self._house.hub.sockets:
            self._say(welcome)
            for text in early:
                self._understand(text)

    def _ack(self, said: dict[str, Any], topic: str) -> None:
        if said.get("response") is not True:
            return
        faults, where = self._house.faults, {"venue": self.venue, "topic": topic}
        if faults.strike("ack-never", **where):
            return
        ack = {"id": _id_of(said), "type": "ack"}
        if faults.strike("ack-after-data", **where):
            self._acks.append(frame(encode(ack)))
            return
        late = faults.strike("ack-late", **where)
        self._say(ack, 0.0 if late is None else float(late["seconds"]))

    def _refuse(self, message_id: str, refused: Refused) -> None:
        self._say({"id": message_id, "type": "error", "code": refused.code, "data": refused.text})

    def _say(self, said: dict[str, Any], late_s: float = 0.0) -> None:
        data = frame(encode(said))
        if late_s:
            self._loop.call_later(late_s, self._queue, data)
        else:
            self._queue(data)

    def _queue(self, data: bytes) -> None:
        if self in self._house.hub.sockets:
            self._pending.append(data)
            self._house.hub.wake(self)

    def _mute(self) -> bool:
        return self._house.faults.holds("half-open", venue=self.venue) is not None

    async def _close_when_told(self) -> None:
        code, reason = await self._told
        self.flush()
        try:
            async with asyncio.timeout(GRACE_S):
                await self._socket.close(code=code, message=reason.encode())
        except TimeoutError:
            self.reset()


def _finish(probe: asyncio.Future[None]) -> None:
    if not probe.done():
        probe.set_result(None)


def _id_of(said: dict[str, Any]) -> str:
    """A message's id as it comes back: text, whatever it was."""
    return str(said.get("id", ""))


def _id_in(text: str | bytes) -> str:
    try:
        said = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    return _id_of(said) if isinstance(said, dict) else ""


def _complaint(text: str | bytes) -> str:
    """What the exchange's parser says about a frame that is not JSON."""
    words = (text if isinstance(text, str) else text.decode("utf-8", "replace")).split()
    first = words[0][:40] if words else ""
    return (
        f"Unrecognized token '{first}': was expecting (JSON String, Number, Array, Object or token"
        " 'null', 'true' or 'false')"
    )
