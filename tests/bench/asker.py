"""Asks a web service over kept-alive sockets: as often as is wanted, or as often as it answers.

    echo '{"port": 8787, "request": "GET / HTTP/1.1...", "rate": 100}' | python -m tests.bench.asker

With a rate the requests are due at even times, whatever becomes of those before (an open loop), and
a request's time is from when it was due: one that waits for a connection, or for its answer to be
read, is that much late, and who answers late is not asked less often. A rate of 0 asks again as
soon as an answer is there.
"""

import json
import select
import socket
import sys
import time
from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from typing import Any, Final

GRACE_S: Final = 10.0
"""For answers to what was asked at the end."""
CHUNK: Final = 1 << 18
END: Final = b"\r\n\r\n"
LENGTH: Final = b"\r\nContent-Length: "


@dataclass(frozen=True)
class Wish:
    """What to ask, how often and for how long."""

    port: int
    request: str
    seconds: float
    rate: float = 0.0
    connections: int = 16


@dataclass
class Line:
    """One connection: the time for which its request was due, or 0, and what came of the answer."""

    socket: socket.socket
    due_s: float = 0.0
    came: bytearray = field(default_factory=bytearray)

    def answered(self) -> int:
        """The status, once the answer is whole; 0 until then."""
        head = self.came.find(END)
        if head < 0:
            return 0
        at = self.came.find(LENGTH, 0, head + 2) + len(LENGTH)
        if at < len(LENGTH):
            raise SystemExit(f"no length: {bytes(self.came[:head])!r}")
        length = int(self.came[at : self.came.find(b"\r", at)])
        if len(self.came) < head + len(END) + length:
            return 0
        return int(self.came[9:12])


class Asker:
    """One wish, under way."""

    def __init__(self, wish: Wish) -> None:
        """Connected, and nothing asked yet."""
        self.wish, self.request = wish, wish.request.encode()
        self.lines: dict[int, Line] = {}
        self.poll = select.epoll()
        for _ in range(wish.connections):
            one = socket.create_connection(("127.0.0.1", wish.port))
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.lines[one.fileno()] = Line(one)
            self.poll.register(one, select.EPOLLIN)
        self.free = deque(self.lines.values())
        """Used in turn: who keeps a connection and asks nothing is hung up on."""
        self.statuses, self.took_s = Counter[int](), list[float]()
        self.asked, self.began_s = 0, time.perf_counter()
        self.until_s = self.began_s + wish.seconds

    def run(self) -> dict[str, Any]:
        """All of them, and what they say together."""
        while True:
            self._send()
            now_s = time.perf_counter()
            waits = len(self.free) < len(self.lines)
            if now_s > self.until_s and (not waits or now_s > self.until_s + GRACE_S):
                break
            next_s = min(self._due_s(now_s), now_s + 0.1) if self.free else now_s + 0.1
            self._hear(max(0.0, next_s - now_s))
        return said_of(self.wish, self.asked, self.statuses, self.took_s, now_s - self.began_s)

    def _due_s(self, now_s: float) -> float:
        """When the next one is."""
        return self.began_s + self.asked / self.wish.rate if self.wish.rate else now_s

    def _send(self) -> None:
        """All that is due, as far as there are connections."""
        now_s = time.perf_counter()
        while self.free and (due_s := self._due_s(now_s)) <= now_s and due_s < self.until_s:
            line = self.free.popleft()
            line.due_s, self.asked = due_s, self.asked + 1
            line.socket.sendall(self.request)
            now_s = time.perf_counter()

    def _hear(self, timeout_s: float) -> None:
        """Whatever has come."""
        for number, _ in self.poll.poll(timeout_s):
            line = self.lines[number]
            said = line.socket.recv(CHUNK)
            if not said:
                raise SystemExit(f"hung up after {len(self.took_s)} answers: {self.statuses}")
            line.came += said
            if status := line.answered():
                self.took_s.append(time.perf_counter() - line.due_s)
                self.statuses[status] += 1
                line.came.clear()
                self.free.append(line)


def said_of(
    wish: Wish, asked: int, statuses: Counter[int], took_s: list[float], seconds: float
) -> dict[str, Any]:
    """Rates and times; whatever was due and not answered is said as well."""
    took_s.sort()

    def at(share: float) -> float:
        return round(1e3 * took_s[min(int(share * len(took_s)), len(took_s) - 1)], 3)

    due = int(wish.rate * wish.seconds) if wish.rate else asked
    return {
        "wanted_per_s": wish.rate or None,
        "per_s": round(len(took_s) / seconds, 1),
        "statuses": {str(status): count for status, count in sorted(statuses.items())},
        "unanswered": max(due, asked) - len(took_s),
        "p50_ms": at(0.5), "p99_ms": at(0.99), "p999_ms": at(0.999), "max_ms": at(1.0),
        "own_cpu_share": round(time.process_time() / seconds, 3),
    }  # fmt: skip


def told(wish: Wish) -> str:
    """A wish as this program reads it."""
    return json.dumps(asdict(wish))


def main() -> None:
    """One wish on stdin, what came of it on stdout."""
    wish = Wish(**json.loads(sys.stdin.read()))
    print(json.dumps(Asker(wish).run()))


if __name__ == "__main__":
    main()
