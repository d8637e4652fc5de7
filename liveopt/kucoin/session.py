"""One connection's conversation: welcome, subscriptions and their acks, pings; no socket, no clock.

`receive` takes what came, `send` says what to write now, `wake_ns` when to ask again, and `over`
why the connection is of no more use. Times are monotonic nanoseconds.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

import msgspec

from liveopt.core.bars import SECOND_NS
from liveopt.kucoin.budget import UPLINK_FLOOR, Bucket, uplink
from liveopt.kucoin.topics import joined, parted
from liveopt.kucoin.wire import Frame, read_frame

WELCOME_NS_MAX: Final = 10 * SECOND_NS
ACK_NS_MAX: Final = 10 * SECOND_NS
ATTEMPTS_MAX: Final = 3
"""How often a subscription is sent before its silence counts as a refusal."""
BUSY_NS: Final = 10 * SECOND_NS
"""The exchange counts a connection's messages over 10 s."""
RETRY_NS: Final = SECOND_NS
"""How long to wait with what met an error of the exchange's own."""
AWAKE_NS_MAX: Final = SECOND_NS
"""Asked later than this after a deadline, we slept; the other side may have answered meanwhile."""
NEVER_NS: Final = 1 << 62


@dataclass(slots=True, eq=False)
class _Request:
    kind: Literal["subscribe", "unsubscribe"]
    topic: str  # with a comma list
    due_ns: int
    number: str = ""  # stays the same however often it is sent: a late ack counts too
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Denied:
    """A topic that the exchange would not give, and what it said."""

    topic: str
    why: str


@dataclass(slots=True)
class Session:
    """The state of one connection; made when the socket has opened."""

    ping_interval_ns: int
    ping_timeout_ns: int
    opened_ns: int
    welcomed: bool = False
    over: str = ""
    """Why the connection is of no more use; empty while it is."""
    pings: int = 0
    pongs: int = 0
    denied: list[Denied] = field(default_factory=list)
    """Topics refused since the owner last took them away."""
    _waiting: list[_Request] = field(default_factory=list)
    _asked: dict[str, _Request] = field(default_factory=dict)
    _count: int = 0
    _uplink: Bucket = field(default_factory=uplink)
    _held_ns: int = 0  # until when no request goes: no room, or the exchange has said so
    _ping_ns: int = 0  # when the next ping is due
    _pong_ns: int = NEVER_NS  # when the awaited pong is overdue
    _woken_ns: int = 0
    _spared: bool = False  # overdue things got more time, and nothing has been answered since

    def __post_init__(self) -> None:
        self._woken_ns = self.opened_ns
        self._ping_ns = self.opened_ns + self.ping_interval_ns

    def subscribe(self, topics: Iterable[str], now_ns: int) -> None:
        """Ask for topics; those of one kind share a message."""
        self._waiting.extend(_Request("subscribe", text, now_ns) for text in joined(topics))

    def unsubscribe(self, topics: Iterable[str], now_ns: int) -> None:
        """Give topics back."""
        self._waiting.extend(_Request("unsubscribe", text, now_ns) for text in joined(topics))

    @property
    def settled(self) -> bool:
        """Welcomed, and nothing asked for is still open."""
        return self.welcomed and not self._waiting and not self._asked

    def receive(self, raw: str | bytes, now_ns: int) -> Frame | None:
        """Takes a frame; hands it back if it is a push, raises `BadFrame` if it is nothing."""
        frame = read_frame(raw)
        if frame.type == "message":
            return frame
        self._spared = False
        match frame.type:
            case "welcome":
                self.welcomed = True
            case "pong":
                self._pong_ns = NEVER_NS
                self.pongs += 1
            case "ack":
                self._granted(str(frame.id))
            case "error":
                self._refused(frame, now_ns)
            case _:
                pass  # a new kind of frame is no fault
        return None

    def ping(self, now_ns: int) -> int:
        """Pings now instead of in a while; returns which pong, counted from 1, will answer it."""
        self._ping_ns = min(self._ping_ns, now_ns)
        return self.pings + 1

    def excuse(self, now_ns: int) -> None:
        """We do not read: what is overdue may be waiting for us."""
        if self._pong_ns != NEVER_NS:
            self._pong_ns = max(self._pong_ns, now_ns + AWAKE_NS_MAX)

    def send(self, now_ns: int) -> list[str]:
        """The frames to write now."""
        self._check(now_ns)
        self._woken_ns = now_ns
        frames: list[str] = []
        if self.over or not self.welcomed:
            return frames
        for request in [one for one in self._waiting if one.due_ns <= now_ns]:
            if not self._fits(now_ns):
                break
            self._waiting.remove(request)
            frames.append(self._ask(request, now_ns))
        if now_ns >= self._ping_ns:
            frames += self._ping(now_ns)
        return frames

    def wake_ns(self) -> int:
        """When `send` has something to do next."""
        if not self.welcomed:
            return self.opened_ns + WELCOME_NS_MAX
        due = [self._ping_ns, self._pong_ns]
        due += [request.due_ns for request in self._asked.values()]
        due += [max(request.due_ns, self._held_ns) for request in self._waiting]
        return min(due)

    def _next(self) -> int:
        self._count += 1
        return self._count

    def _fits(self, now_ns: int) -> bool:
        if now_ns < self._held_ns:
            return False
        wait_ns = self._uplink.ask(1, now_ns, UPLINK_FLOOR)
        self._held_ns = now_ns + wait_ns
        return wait_ns == 0

    def _ping(self, now_ns: int) -> list[str]:
        wait_ns = self._uplink.ask(1, now_ns)
        if wait_ns:
            self._ping_ns = now_ns + wait_ns
            return []
        self._ping_ns = now_ns + self.ping_interval_ns
        self._pong_ns = min(self._pong_ns, now_ns + self.ping_timeout_ns)
        self.pings += 1
        return [_text({"id": str(self._next()), "type": "ping"})]

    def _ask(self, request: _Request, now_ns: int) -> str:
        request.number = request.number or str(self._next())
        request.attempts += 1
        request.due_ns = now_ns + ACK_NS_MAX
        self._asked[request.number] = request
        return _text(
            {
                "id": request.number,
                "type": request.kind,
                "topic": request.topic,
                "privateChannel": False,
                "response": True,
            }
        )

    def _check(self, now_ns: int) -> None:
        slept_ns = now_ns - self._woken_ns
        late = slept_ns > AWAKE_NS_MAX and self.wake_ns() + AWAKE_NS_MAX < now_ns
        self._spared = self._spared and late
        if late and not self._spared:
            # We were away, not the exchange: whatever is overdue gets a moment more, once.
            self._spared = True
            self._pong_ns = max(self._pong_ns, now_ns + AWAKE_NS_MAX)
            for request in self._asked.values():
                request.due_ns = max(request.due_ns, now_ns + AWAKE_NS_MAX)
            if not self.welcomed:
                self.opened_ns = max(self.opened_ns, now_ns + AWAKE_NS_MAX - WELCOME_NS_MAX)
            return
        if not self.welcomed and now_ns >= self.opened_ns + WELCOME_NS_MAX:
            self.over = self.over or f"no welcome in {WELCOME_NS_MAX // SECOND_NS} s"
        if now_ns >= self._pong_ns:
            self.over = self.over or f"no pong in {self.ping_timeout_ns / SECOND_NS:g} s"
        for number in [n for n, request in self._asked.items() if now_ns >= request.due_ns]:
            self._again(self._asked.pop(number), now_ns, "no ack")

    def _granted(self, number: str) -> None:
        if self._asked.pop(number, None) is None:
            self._waiting = [request for request in self._waiting if request.number != number]

    def _refused(self, frame: Frame, now_ns: int) -> None:
        code, text = str(frame.code), frame.text
        why = f"{code} {text}"
        # Before the welcome it is said at the door: too many connections, or too busy.
        if code == "401" or "ping timeout" in text or not self.welcomed:
            self.over = self.over or why
            return
        crowded = code == "509" and "permits" in text
        if crowded:
            self._held_ns = max(self._held_ns, now_ns + BUSY_NS)
        request = self._asked.pop(str(frame.id), None)
        if request is None:
            return  # whatever it was about: without an ack it is asked again
        if crowded:
            self._again(request, now_ns + BUSY_NS, why)
        elif code == "500" or "retry later" in text:
            self._again(request, now_ns + RETRY_NS, why)
        elif "," in request.topic and code != "509":
            # One of several is wrong: ask for either half to learn which.
            topics = parted(request.topic)
            middle = len(topics) // 2
            for half in (topics[:middle], topics[middle:]):
                self._waiting += [_Request(request.kind, text, now_ns) for text in joined(half)]
        else:
            self._deny(request, why)

    def _again(self, request: _Request, due_ns: int, why: str) -> None:
        if request.attempts >= ATTEMPTS_MAX:
            self._deny(request, why)
        else:
            request.due_ns = due_ns
            self._waiting.append(request)

    def _deny(self, request: _Request, why: str) -> None:
        if request.kind == "subscribe":
            self.denied += [Denied(topic, why) for topic in parted(request.topic)]


def _text(message: dict[str, object]) -> str:
    return msgspec.json.encode(message).decode()
