"""Ids that want to be paths, to every route of the real service, under a fence that sees each open.

`python -m tests.attack.paths --ids 1000000` runs the service over real sockets in this process: the
real pump, guard's door and telemetry of `tests.unit.web.house`. Each id goes raw into a path, a
query, a body or a header of the next route in turn. Ends with 0 if no file outside of the state
folder was opened, none whose name has an id in it, nobody was told what such a file holds, and no
answer was a server's error.
"""

import argparse
import asyncio
import io
import json
import math
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from liveopt.web.limits import Rates
from liveopt.web.openapi import EXAMPLES, PARAMETER
from liveopt.web.routes import ROUTES
from liveopt.web.static import PAGES
from tests.attack.api_service import candles
from tests.attack.paths_fence import Fence
from tests.attack.paths_ids import ids, plain
from tests.unit.web.house import TOKEN, House, house

KNOWN: Final = frozenset({"/proc/self/statm", "/proc/meminfo", "/proc/stat"})
LOOSE: Final = Rates(*[1_000_000_000] * 8)
PROGRAMS: Final = ("/api/v1/demo",)
"""What starts a program whatever is said, or ends it: it takes seconds, and no words."""
LINES: Final = 48
"""Connections at a time."""
SECRETS: Final = (b"root:x:0", b"token-of-the-door", TOKEN.encode(), b"PATH=/")
RARE: Final = 50
"""A stop and the end of a stop wait for the disk: so often less than others."""
HEADERS: Final = (
    "Idempotency-Key", "If-None-Match", "X-API-Key", "Cookie", "Range", "X-Original-URL",
    "X-Rewrite-URL", "Referer", "Accept-Language",
)  # fmt: skip
HEAD: Final = (
    "{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n"
)


class Place(NamedTuple):
    """Where in a request the id stands."""

    method: str
    target: str
    """With `@` for the id."""
    kind: str
    name: str = ""
    """Of a field or a header."""
    body: Any = None


def places() -> list[Place]:
    """In every route, and around it; in every page of the dashboard, and beside all of them."""
    found = [
        Place("GET", target, "path") for target in ("/@", "@", "/assets/@", "/static/@", "/api/@")
    ]
    found += [Place("GET", page.replace("{id}", "@"), "path") for page in PAGES if "{id}" in page]
    found += [Place("GET", "http://127.0.0.1/@", "path"), Place("OPTIONS", "/@", "path")]
    for route in ROUTES:
        found += _of_route(route)
    return found


def _of_route(route: Any) -> Iterator[Place]:
    method, path = route.method, PARAMETER.sub("ma_crossover", route.path)
    if path != route.path:
        yield Place(method, PARAMETER.sub("@", route.path), "path")
    yield Place(method, f"{path}/@", "path")
    yield Place(method, f"/@{path}", "path")
    if path in PROGRAMS:
        return
    yield Place(method, f"{path}?@=@", "query")
    if route.query is not None:
        for one in msgspec.structs.fields(route.query):
            yield Place(method, f"{path}?{one.encode_name}=@", "query")
    if route.body is not None:
        example = EXAMPLES.get(f"{route.method} {route.path}", {})
        for one in msgspec.structs.fields(route.body):
            yield Place(method, path, "body", one.encode_name, example)
    yield Place(method, path, "header", random.Random(path).choice(HEADERS))


def request(place: Place, id_: str, port: int, key: str) -> bytes:
    """The bytes of one request."""
    target = place.target.replace("@", id_)
    head = HEAD.format(method=place.method, target=target, port=port, key=key)
    body = b""
    if place.kind == "header":
        safe = "".join(letter for letter in id_ if letter.isprintable())
        head += f"{place.name}: {'liveopt_8787=' if place.name == 'Cookie' else ''}{safe}\r\n"
    if place.kind == "body":
        value: Any = plain(id_)
        if place.name == "requests":
            value = [{**place.body["requests"][0], "asset": value}]
        elif place.name == "parameters":
            value = {value: value}
        body = msgspec.json.encode({**place.body, place.name: value})
        head += "Content-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode("utf-8", "surrogateescape") + body


class Silent(io.StringIO):
    """Log lines that nobody keeps: there are a million."""

    def write(self, text: str) -> int:
        """Nowhere."""
        return len(text)


@dataclass(slots=True)
class Attack:
    """Ids of one seed to one service."""

    home: House
    count: int
    seed: int
    until_s: float = math.inf
    statuses: Counter[int] = field(default_factory=Counter)
    asked: Counter[tuple[str, ...]] = field(default_factory=Counter)
    told: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    done: int = 0

    async def run(self) -> None:
        """All of them, over several connections at a time."""
        luck, around = random.Random(self.seed), places()
        order = [p for p in around for _ in range(1 if _slow(p) else RARE)]
        luck.shuffle(order)
        key = self.home.key("admin")

        def next_() -> tuple[Place, str] | None:
            if self.done >= self.count or time.monotonic() > self.until_s:
                return None
            place = order[self.done % len(order)]
            self.done += 1
            return place, ids(luck, self.done)

        async with asyncio.TaskGroup() as group:
            for _ in range(LINES):
                group.create_task(self._line(next_, key))

    async def _line(self, next_: Any, key: str) -> None:
        port, there = self.home.port, None
        while (found := next_()) is not None:
            place, id_ = found
            answer = b""
            said = request(place, id_, port, key)
            for _ in range(2):  # a connection that had been ended is made again
                there = there or await asyncio.open_connection("127.0.0.1", port)
                answer, keep = await _exchange(*there, said)
                if not keep:
                    there[1].close()
                    there = None
                if answer:
                    break
            self._judge(place, id_, answer)
        if there is not None:
            there[1].close()

    def _judge(self, place: Place, id_: str, answer: bytes) -> None:
        status = int(answer[9:12] or b"0")
        self.statuses[status] += 1
        self.asked[place[:4]] += 1
        if any(secret in answer for secret in SECRETS):
            self.told.append(f"{place} {id_}")
        ready = place.target.startswith("/api/v1/health/ready")
        if (status >= 500 and not ready) or not status:
            self.errors.append(
                f"{status} {place.method} {place.target} {id_:.200} {answer[-300:]!r}"
            )


def _slow(place: Place) -> bool:
    return place.target.startswith(
        ("/api/optimizer/stop", "/api/optimizer/re", "/api/optimizer/st")
    )


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, said: bytes
) -> tuple[bytes, bool]:
    """The answer, and whether the connection goes on; nothing where it was ended before."""
    try:
        writer.write(said)
        head = await reader.readuntil(b"\r\n\r\n")
        lower = head.lower()
        at = lower.find(b"content-length: ")
        size = int(lower[at + 16 : lower.index(b"\r\n", at)]) if at >= 0 else 0
        body = await reader.readexactly(size) if size else b""
    except (asyncio.IncompleteReadError, ConnectionError):
        return b"", False
    return head + body, b"connection: close" not in lower and not head.startswith(b"HTTP/1.0")


async def attack(
    folder: Path, count: int, seed: int, until_s: float = math.inf
) -> tuple[Attack, Fence, bool]:
    """A service, a fence around it, and all the ids, or as many as time allows."""
    state = folder / "state"
    state.mkdir()
    candles(state / "data" / "XBTUSDTM-1m.csv", 100)
    fence = Fence(str(state), KNOWN)
    fence.raise_()
    async with house(state, rates=LOOSE, lines=Silent()) as home:
        await Attack(home, 5 * len(places()), seed + 1).run()  # what is loaded once is loaded now
        sees = fence.sees()
        found = Attack(home, count, seed, until_s)
        fence.armed = True
        await found.run()
        fence.armed = False
        return found, fence, sees and fence.sees()


def main() -> None:
    """Attack, and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ids", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=0.0, help="0 for all of them.")
    options = parser.parse_args()
    began_s = time.monotonic()
    until_s = began_s + options.seconds if options.seconds else math.inf
    with tempfile.TemporaryDirectory() as name:
        found, fence, sees = asyncio.run(
            attack(Path(name).resolve(), options.ids, options.seed, until_s)
        )
    seconds = time.monotonic() - began_s
    report = {
        "ids": sum(found.statuses.values()),
        "seed": options.seed,
        "places": len(found.asked),
        "least_often": min(found.asked.values()),
        "ids/s": round(sum(found.statuses.values()) / seconds),
        "statuses": dict(sorted(found.statuses.items())),
        "opens": dict(fence.counts),
        "fence_sees": sees,
        "outside": fence.outside,
        "made_of_ids": fence.marked,
        "told": found.told[:10],
        "errors": found.errors[:10],
    }
    print(json.dumps(report))
    wrong = not sees or fence.outside or fence.marked or found.told or found.errors
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
