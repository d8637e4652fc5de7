"""Somebody tries keys as fast as the service answers, while an honest client of his address asks.

`python -m tests.attack.brute` makes a million tries: keys of the right form, the real id with
another secret, the real key with one letter changed, cut short or longer, and what is no key at
all, in either header and as a ticket. Every answer has to be 401, or 429 for too many.
"""

import argparse
import asyncio
import json
import os
import random
import secrets
import string
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.attack.peer import Place
from tests.attack.service import HERE, service
from tests.attack.timing import Asking, Watch

TRIES: Final = 1_000_000
LINES: Final = 8
TOGETHER: Final = 25
"""Requests that are sent before their answers are awaited."""
HONEST_S: Final = 0.02
LETTERS: Final = string.ascii_letters + string.digits + "-_"
REFUSED: Final = frozenset({401, 429})


def guesses(key: str, rng: random.Random) -> list[str]:
    """One of each sort; none of them is the key."""
    id_, at = key.split("_")[1], rng.randrange(12, len(key))
    other = rng.choice([letter for letter in LETTERS if letter != key[at]])
    return [
        f"lo_{rng.randbytes(4).hex()}_{secrets.token_urlsafe(32)}",
        f"lo_{id_}_{secrets.token_urlsafe(32)}",
        key[:at] + other + key[at + 1 :],
        key[:at],
        key + rng.choice(LETTERS),
        key.swapcase(),
        f"lo_{id_}_",
        rng.choice(LETTERS) * rng.randrange(1, 200),
    ]


def headers(guess: str, number: int) -> str:
    """Each way in which a key may be shown."""
    ways = "Authorization: Bearer {}", "X-API-Key: {}", "authorization: bearer {}"
    return ways[number % len(ways)].format(guess)


@dataclass(slots=True)
class Tries:
    """The attacker."""

    place: Place
    wanted: int
    made: int = 0
    statuses: Counter[int] = field(default_factory=Counter)

    async def make(self) -> None:
        """All of them, on several connections."""
        async with asyncio.TaskGroup() as group:
            for number in range(LINES):
                group.create_task(self._line(random.Random(number)))

    async def _line(self, rng: random.Random) -> None:
        while self.made < self.wanted:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.place.port)
                try:
                    while self.made < self.wanted:
                        await self._some(rng, reader, writer)
                finally:
                    writer.transport.abort()
            except (ConnectionError, asyncio.IncompleteReadError):
                continue  # another connection

    async def _some(
        self, rng: random.Random, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        sorts = guesses(self.place.key, rng)
        asked = []
        for number in range(TOGETHER):
            shown = headers(sorts[number % len(sorts)], rng.randrange(3))
            host = f"Host: 127.0.0.1:{self.place.port}"
            asked.append(f"GET /api/v1/health HTTP/1.1\r\n{host}\r\n{shown}\r\n\r\n")
        writer.write("".join(asked).encode())
        for _ in range(TOGETHER):
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]
            await reader.readexactly(int(length))
            self.statuses[int(head[9:12])] += 1
            self.made += 1


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of it."""

    tries: int
    seconds: float
    a_second: float
    statuses: dict[str, int]
    hits: int
    """Answers that were no refusal."""
    honest_ms: dict[str, float]
    rss_mib: float
    """More than before, at most."""
    work_ms: dict[str, float]
    """The processor's time that the service's loop took without a pause."""


async def attack(place: Place, lags: Path, tries: int) -> Figures:
    """The attacker in a process of his own, and the honest client beside him."""
    watch = Watch(place.pid, lags)
    honest = Asking(place, "GET", "/api/v1/health", HONEST_S)
    await honest.go(0.5)
    before_mib = await watch.settled()
    honest.took_ms.clear()
    process = _attacker(place, tries)
    began_s = time.perf_counter()
    watch.begin()
    try:
        asking = asyncio.create_task(honest.go(1e9))
        said, _ = await asyncio.to_thread(process.communicate)
        took_s = time.perf_counter() - began_s
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    finally:
        process.kill()
        process.wait()
    statuses: dict[str, int] = json.loads(said)
    count = sum(statuses.values())
    return Figures(
        tries=count, seconds=round(took_s, 1), a_second=round(count / took_s), statuses=statuses,
        hits=sum(many for status, many in statuses.items() if int(status) not in REFUSED),
        honest_ms=honest.told(), rss_mib=round(watch.peak_mib - before_mib, 1),
        work_ms=watch.lag()[1],
    )  # fmt: skip


def _attacker(place: Place, tries: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tests.attack.brute", "--at", json.dumps(asdict(place))]
    return subprocess.Popen([*command, "--tries", str(tries)], cwd=HERE, stdout=subprocess.PIPE)


def run(folder: Path, tries: int) -> Figures:
    """A service of its own, and its attacker."""
    with service(folder) as place:
        return asyncio.run(attack(place, folder / "lag", tries))


async def _tries(at: dict[str, Any], wanted: int) -> None:
    made = Tries(Place(**at), wanted)
    await made.make()
    print(json.dumps(made.statuses))


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.attack.brute")
    parser.add_argument("--tries", type=int, default=TRIES)
    parser.add_argument("--at", type=json.loads, help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.at:
        os.nice(5)
        asyncio.run(_tries(told.at, told.tries))
        return
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(asdict(run(Path(folder), told.tries)), indent=2))


if __name__ == "__main__":
    main()
