"""Who subscribed to what: pushes go in once and come out at every socket that wants them."""

import asyncio
from typing import Final, Protocol, TypeVar

from liveopt.exchange_sim.events import Push
from liveopt.exchange_sim.faults import Faults
from liveopt.exchange_sim.frames import encode, frame
from liveopt.exchange_sim.kinds import Params
from liveopt.exchange_sim.specs import Venue
from liveopt.exchange_sim.trouble import Out, Trouble

K = TypeVar("K")
REASONS: Final = {1000: "Bye", 1001: "going away", 1011: "internal error", 1012: "restart"}


class Outlet(Protocol):
    """What the hub needs of a socket."""

    venue: Venue
    user: str

    def send(self, data: bytes) -> None:
        """Take a frame; it is written at the next `flush`."""
        ...

    def flush(self) -> None:
        """Write what was taken."""
        ...

    def backlog(self) -> int:
        """Bytes that the client has not read yet, as far as this side knows."""
        ...

    def probe(self) -> asyncio.Future[None]:
        """Done once the client has read all that it was sent, or is gone."""
        ...

    def check(self, now_s: float) -> None:
        """Look at the clock: silence and age end connections."""
        ...

    def end(self, code: int, reason: str) -> None:
        """Close the connection with this code."""
        ...

    def reset(self) -> None:
        """Cut the connection without a word."""
        ...


class Hub:
    """The sockets of both venues by topic."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.trouble = Trouble(faults)
        self.sockets: dict[Outlet, None] = {}
        self.topics: dict[str, dict[Outlet, None]] = {}
        """Subscribers of a public topic; private ones are in `own`."""
        self.own: dict[tuple[str, str], dict[Outlet, None]] = {}
        """Subscribers of a private topic, by (user, topic)."""
        self.sent = 0
        self._quiet = True
        self._waiting: dict[Outlet, None] = {}
        self._soon: asyncio.Handle | None = None
        self._deserted = asyncio.Event()
        faults.changed.append(self._look)

    def join(self, outlet: Outlet, topic: str) -> None:
        """From now on this socket gets that topic."""
        for data in [] if self._quiet else self.trouble.replayed(topic):
            self.post(outlet, data)
        self.topics.setdefault(topic, {})[outlet] = None

    def leave(self, outlet: Outlet, topic: str) -> None:
        """And no longer."""
        _remove(self.topics, topic, outlet)

    def publish(self, topic: str, payload: bytes) -> None:
        """A public push to all who subscribed to its topic."""
        outlets = self.topics.get(topic)
        if not outlets:
            return
        if self._quiet:
            data = frame(payload)
            for outlet in outlets:
                self.post(outlet, data)
            return
        venue = next(iter(outlets)).venue
        self._post_all(self.trouble.outgoing(topic, payload, venue))

    def deliver(self, push: Push) -> None:
        """A private push to the sockets of its user that subscribed to it."""
        outlets = self.own.get((push.user, push.topic))
        if not outlets or self.faults.strike("data-stop", topic=push.topic):
            return
        data = frame(
            encode(
                {
                    "topic": push.topic,
                    "type": "message",
                    "userId": push.user,
                    "channelType": "private",
                    "subject": push.subject,
                    "data": push.data,
                }
            )
        )
        for outlet in outlets:
            self.post(outlet, data)

    def post(self, outlet: Outlet, data: bytes) -> None:
        """A frame to one socket, with whatever else it gets in this moment."""
        outlet.send(data)
        self.sent += 1
        self.wake(outlet)

    def wake(self, outlet: Outlet) -> None:
        """A socket has something to write."""
        self._waiting[outlet] = None
        if self._soon is None:
            self._soon = asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Write out what was posted."""
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        waiting, self._waiting = self._waiting, {}
        for outlet in waiting:
            outlet.flush()

    def check(self, now_s: float) -> None:
        """Bursts whose time has come go out, and every socket looks at the clock."""
        self._post_all(self.trouble.released(now_s))
        for cut in self.faults.due("ws-cut", "ws-reset"):
            self._cut(cut.kind.name, cut.params)
        for outlet in list(self.sockets):
            outlet.check(now_s)

    def backlog(self) -> int:
        """Bytes waiting for the slowest client."""
        return max((outlet.backlog() for outlet in self.sockets), default=0)

    def listened(self) -> bool:
        """Whether anybody subscribed to anything."""
        return bool(self.topics or self.own)

    def listeners(self) -> dict[Outlet, None]:
        """The sockets that subscribed to anything."""
        found: dict[Outlet, None] = {}
        for outlets in (*self.topics.values(), *self.own.values()):
            found |= outlets
        return found

    async def deserted(self) -> None:
        """Waits until the last socket is gone."""
        if self.sockets:
            self._deserted.clear()
            await self._deserted.wait()

    def forget(self, outlet: Outlet) -> None:
        """The socket is gone."""
        self.sockets.pop(outlet, None)
        if not self.sockets:
            self._deserted.set()
        self._waiting.pop(outlet, None)
        for topic in [topic for topic, outlets in self.topics.items() if outlet in outlets]:
            self.leave(outlet, topic)
        for key in [key for key, outlets in self.own.items() if outlet in outlets]:
            _remove(self.own, key, outlet)

    def join_own(self, outlet: Outlet, topic: str) -> None:
        """From now on this socket gets that private topic of its user."""
        self.own.setdefault((outlet.user, topic), {})[outlet] = None

    def leave_own(self, outlet: Outlet, topic: str) -> None:
        """And no longer."""
        _remove(self.own, (outlet.user, topic), outlet)

    def _cut(self, name: str, params: Params) -> None:
        for outlet in self.sockets:
            if params.get("venue", outlet.venue) != outlet.venue:
                continue
            if name == "ws-reset":
                outlet.reset()
            else:
                code = int(params["code"])
                outlet.end(code, REASONS.get(code, ""))

    def _look(self) -> None:
        self._quiet = not (self.faults.now("data") or self.faults.now("session"))
        self._post_all(self.trouble.kept())

    def _post_all(self, out: Out) -> None:
        for name, data in out:
            for outlet in self.topics.get(name, ()):
                self.post(outlet, data)


def _remove(found: dict[K, dict[Outlet, None]], key: K, outlet: Outlet) -> None:
    outlets = found.get(key)
    if outlets is not None:
        outlets.pop(outlet, None)
        if not outlets:
            del found[key]
