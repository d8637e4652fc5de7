"""What a dashboard costs: frames of the engine, a thousand browsers, and those that do not read.

    python -m tests.bench.telemetry frames           building a frame, taking it, making a d of it
    python -m tests.bench.telemetry clients          a thousand clients at 4 Hz, then 50 stuck ones
    python -m tests.bench.telemetry clients --variants 200 --clients 500 --seconds 20
    python -m tests.bench.telemetry service          the same at a `liveopt demo` of 1,000 variants

The server has one core and the clients another, which in `service` is the engine's as well; latency
is from the frame's making to the client's having all bytes of it, the clients' own queue among it.
"""

import argparse
import asyncio
import base64
import json
import os
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from aiohttp import ClientSession, web

from liveopt.guard import caller
from liveopt.live.frames import LENGTH, packed, unpacked
from liveopt.live.report import _rss_mib
from liveopt.live.telemetry import Sharpes, Telemetry
from liveopt.walk.state import State
from liveopt.web import messages
from liveopt.web.picture import Picture, difference
from liveopt.web.stream import Stream
from tests.bench.api import VARIANTS, Front, demo
from tests.run import TERMS, folded, opening, ticks, variants
from tests.unit.web.watching import ABOUT, Engine, latch_at, people

FRAME_S: Final = 0.25
STUCK: Final = 50
REPEATS: Final = 200
HANDSHAKE: Final = (
    "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
    "Sec-WebSocket-Protocol: liveopt, ticket.{ticket}\r\n\r\n"
)


# Frames.


def median_ms(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """The middle of many times, in milliseconds."""
    found = []
    for _ in range(repeats):
        began_s = time.perf_counter()
        work()
        found.append(time.perf_counter() - began_s)
    return 1e3 * statistics.median(found)


def frames(count: int, together: bool) -> dict[str, Any]:
    """What one frame costs either side; `together` is whether all began at once, in few groups."""
    state = _state(count, together)
    telemetry = Telemetry(Path("nowhere"), state)
    report: dict[str, Any] = {"ticks": 1}
    asyncio.run(telemetry._sharpes.refresh(state))
    telemetry._frame(report)
    alone = telemetry._frame(report)
    whole = msgspec.structs.replace(alone, who=telemetry._census.who)
    first, data = packed(whole), packed(alone)
    picture = Picture()
    picture.take(unpacked(first[LENGTH:]), 1.0, 1)
    before = picture.shown()
    rng = np.random.default_rng(1)
    equity = picture.columns["equity"] + rng.standard_normal(len(picture.who))
    moved = msgspec.structs.replace(alone, columns=alone.columns | {"equity": equity.tobytes()})
    picture.take(moved, 2.0, 2)
    now = picture.shown()
    unlike = difference(before, now)
    assert unlike is not None
    clocks = picture.clocks(3.0)

    def shown() -> None:
        picture.frames += 1
        picture.shown()

    return {
        "variants": count,
        "groups": sum(1 for _ in state.groups()),
        "build_ms": median_ms(lambda: telemetry._frame(report)),
        "sharpes_of_a_bar_ms": median_ms(lambda: asyncio.run(Sharpes().refresh(state)), 20),
        "pack_ms": median_ms(lambda: packed(alone)),
        "pack_with_people_ms": median_ms(lambda: packed(whole), 20),
        "frame_kib": len(data) / 1024,
        "frame_with_people_kib": len(first) / 1024,
        "unpack_and_take_ms": median_ms(lambda: picture.take(unpacked(data[LENGTH:]), 1.0, 1)),
        "shown_ms": median_ms(shown),
        "difference_ms": median_ms(lambda: difference(before, now)),
        "delta_of_all_ms": median_ms(lambda: messages.delta(now, unlike, 1, [], clocks), 20),
        "delta_of_all_kib": len(messages.delta(now, unlike, 1, [], clocks)) / 1024,
        "snap_ms": median_ms(lambda: messages.snap(now, 1, clocks), 20),
        "history_mib": picture._history.nbytes() / (1 << 20),
    }


def _state(count: int, together: bool) -> State:
    terms = msgspec.structs.replace(TERMS, variants_max=2 * count)
    everybody, market = variants(count), ticks(80, step_s=20.0)  # groups become one at the 32nd bar
    if together:
        return folded([*opening(everybody, terms), *market]).state
    part = count // 50  # who joins later begins in a group of his own
    run = folded([*opening(everybody[:part], terms), market[0]])
    for number in range(1, 50):
        joining = everybody[number * part : (number + 1) * part]
        run.take([*opening(joining, terms)[1:-1], *market[number : number + 1]])
    return run.take(market[50:]).state


# Clients.


def serve(variants_: int, folder: Path) -> None:
    """The server's process: a picture, a stream, and frames four times a second."""
    os.sched_setaffinity(0, {0})
    asyncio.run(_serve(variants_, folder))


async def _serve(count: int, folder: Path) -> None:
    engine = Engine(people(*(f"v{n:05d}" for n in range(count))))
    stream = Stream(Picture(), ABOUT, latch_at(folder))
    lateness: list[float] = []

    async def stats(_: web.Request) -> web.Response:
        return web.json_response({
            "clients": stream.clients, "evicted": stream.evicted, "rss_mib": _rss_mib(),
            "cpu_s": time.process_time(), "snaps": stream.snaps,
            "waiting": sum(client.waiting for client in stream._clients.values()),
            "lag_ms": 1e3 * float(np.quantile(lateness[-400:] or [0.0], 0.99)),
        })  # fmt: skip

    app = web.Application()
    app.router.add_get("/ws", partial(stream.handle, who="the bench"))
    app.router.add_get("/stats", stats)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=2_048)
    await site.start()
    print(json.dumps({"port": runner.addresses[0][1]}), flush=True)
    async with asyncio.TaskGroup() as group:
        group.create_task(stream.run())
        group.create_task(_lag(lateness))
        await _feed(stream.picture, engine)


async def _feed(picture: Picture, engine: Engine) -> None:
    """Everybody's equity moves with each frame."""
    rng, loop = np.random.default_rng(1), asyncio.get_running_loop()
    engine.columns["roi"][:] = rng.standard_normal(len(engine.who)) * 0.01
    due_s = loop.time()
    while True:
        engine.ticked()
        engine.columns["equity"] += rng.standard_normal(len(engine.who))
        frame = engine.frame(wall_ms=time.time_ns() // 1_000_000)  # noqa: TID251  a stamp
        picture.take(unpacked(packed(frame)[LENGTH:]), loop.time(), frame.wall_ms)
        due_s += FRAME_S
        await asyncio.sleep(max(0.0, due_s - loop.time()))


async def _lag(lateness: list[float]) -> None:
    """How late the loop comes to somebody who waits for 5 ms."""
    loop = asyncio.get_running_loop()
    while True:
        began_s = loop.time()
        await asyncio.sleep(0.005)
        lateness.append(loop.time() - began_s - 0.005)


@dataclass(slots=True, eq=False)
class Ear(asyncio.Protocol):
    """A client with no more to it than a clock: it answers pings and notes how old each d is."""

    ages_ms: list[float]
    counts: dict[str, int]
    hands: bytes
    """What it shakes hands with."""
    _kept: bytearray = field(default_factory=bytearray)
    _shaken: bool = False
    _transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._transport.write(self.hands)

    def connection_lost(self, exc: Exception | None) -> None:
        self.counts["lost"] += 1

    def data_received(self, data: bytes) -> None:
        self._kept += data
        if not self._shaken:
            end = self._kept.find(b"\r\n\r\n")
            if end < 0:
                return
            assert self._kept.startswith(b"HTTP/1.1 101"), bytes(self._kept[:80])
            del self._kept[: end + 4]
            self._shaken = True
        while self._message():
            pass

    def _message(self) -> bool:
        kept = self._kept
        if len(kept) < 2:
            return False
        size, first = kept[1], 2
        if size == 126 and len(kept) >= 4:
            size, first = struct.unpack_from("!H", kept, 2)[0], 4
        elif size == 127 and len(kept) >= 10:
            size, first = struct.unpack_from("!Q", kept, 2)[0], 10
        elif size > 125:
            return False
        if len(kept) < first + size:
            return False
        self._heard(kept[0] & 15, bytes(kept[first : first + size]))
        del kept[: first + size]
        return True

    def _heard(self, opcode: int, body: bytes) -> None:
        if opcode == messages.PING:
            self._transport.write(b"\x8a\x80\0\0\0\0")
        elif body.startswith(b'{"type":"d"'):
            at = body.find(b'"engine_ms":') + 12
            made_ms = int(body[at : body.find(b",", at)])
            self.ages_ms.append(time.time_ns() / 1e6 - made_ms)  # noqa: TID251  a stamp
            self.counts["d"] += 1
            self.counts["bytes"] += len(body)
        elif body.startswith(b'{"type":"snap"'):
            self.counts["snap"] += 1


async def clients(variants_: int, count: int, seconds: float) -> dict[str, Any]:
    """So many that read, for so long; then as long with stuck ones beside them."""
    os.sched_setaffinity(0, {1} if (os.cpu_count() or 1) > 1 else {0})
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "tests.bench.telemetry", "serve"]
        server = subprocess.Popen(  # noqa: ASYNC220  before anything is measured
            [*words, "--variants", str(variants_), "--folder", folder], stdout=subprocess.PIPE
        )
        try:
            assert server.stdout is not None
            port = json.loads(server.stdout.readline())["port"]
            async with ClientSession() as session:
                bench = Bench(port, partial(_stats, session, port), partial(_hands, port))
                return await _measured(bench, (variants_, count, seconds))
        finally:
            server.kill()
            server.wait()


@dataclass(frozen=True, slots=True)
class Bench:
    """A server to be measured: where it is, how it does, and how one gets in."""

    port: int
    stats: Callable[[], Awaitable[dict[str, Any]]]
    hands: Callable[[], bytes]


async def _stats(session: ClientSession, port: int) -> dict[str, Any]:
    async with session.get(f"http://127.0.0.1:{port}/stats") as said:
        found: dict[str, Any] = await said.json()
        return found


def _hands(port: int, ticket: str = "none") -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    return HANDSHAKE.format(port=port, key=key, ticket=ticket).encode()


async def service(count: int, seconds: float) -> dict[str, Any]:
    """The product as it is: guard, engine with a simulated market, web process, tickets."""
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        os.sched_setaffinity(0, {cores[-1]})  # what begins here stays here, but for the web process
        with demo(Path(folder), (cores[0], cores[-1])) as front:
            bench = Bench(front.port, partial(_told, front), partial(_admitted, front))
            return await _measured(bench, (VARIANTS, count, seconds))


async def _told(front: Front) -> dict[str, Any]:
    return await asyncio.to_thread(_of_the_service, front)


def _of_the_service(front: Front) -> dict[str, Any]:
    said: dict[str, Any] = front.get("/api/v1/run")["web"]
    pid = caller.status(front.state)["web"]["pid"]
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    cpu_s = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return said | {"cpu_s": cpu_s, "lag_ms": said["loop_lag_ms"], "waiting": 0}


def _admitted(front: Front) -> bytes:
    status, said = front.ask("POST", "/api/ticket", "{}")
    assert status == 201, said
    return _hands(front.port, said["ticket"])


async def _measured(bench: Bench, wanted: tuple[int, int, float]) -> dict[str, Any]:
    variants_, count, seconds = wanted
    counts = dict.fromkeys(("d", "snap", "lost", "bytes"), 0)
    ages_ms: list[float] = []
    loop = asyncio.get_running_loop()
    stats = bench.stats
    for _ in range(0, count, 50):
        hands = [await asyncio.to_thread(bench.hands) for _ in range(min(50, count))]
        ears = [
            loop.create_connection(partial(Ear, ages_ms, counts, own), "127.0.0.1", bench.port)
            for own in hands
        ]
        await asyncio.gather(*ears)
    await asyncio.sleep(3.0)
    ages_ms.clear()
    counts.update(dict.fromkeys(counts, 0))
    before = await stats()
    await asyncio.sleep(seconds)
    after = await stats()
    found: dict[str, Any] = {
        "variants": variants_,
        "clients": after["clients"],
        "seconds": seconds,
        "d_per_client_per_s": counts["d"] / count / seconds,
        "d_bytes": counts["bytes"] / max(1, counts["d"]),
        "latency_ms": _quantiles(ages_ms),
        "core_share": (after["cpu_s"] - before["cpu_s"]) / seconds,
        "loop_lag_p99_ms": after["lag_ms"],
        "rss_mib": after["rss_mib"],
        "snaps": counts["snap"],
        "lost": counts["lost"],
        "evicted": after["evicted"],
    }
    found["stuck"] = await _stuck(bench, (count, ages_ms, counts))
    return found


async def _stuck(bench: Bench, there: tuple[int, list[float], dict[str, int]]) -> dict[str, Any]:
    """Clients that shake hands and read nothing: when the last is gone, and what they weighed."""
    count, ages_ms, counts = there
    ages_ms.clear()
    lost, loop, stats = counts["lost"], asyncio.get_running_loop(), bench.stats
    hands = [await asyncio.to_thread(bench.hands) for _ in range(STUCK)]
    before = await stats()
    most_mib, most_bytes, began_s = before["rss_mib"], 0, loop.time()
    ends = []
    for own in hands:
        end = socket.create_connection(("127.0.0.1", bench.port))
        end.sendall(own)
        ends.append(end)
    entered_s = loop.time()
    gone_s: float | None = None
    while loop.time() < began_s + 15.0:
        now = await stats()
        most_mib, most_bytes = max(most_mib, now["rss_mib"]), max(most_bytes, now["waiting"])
        if gone_s is None and now["evicted"] - before["evicted"] == STUCK:
            gone_s = loop.time() - entered_s
        await asyncio.sleep(0.05)
    for end in ends:
        end.close()
    return {
        "clients": STUCK,
        "all_evicted_after_s": gone_s,
        "rss_growth_mib": most_mib - before["rss_mib"],
        "waiting_kib_max": most_bytes / 1024,
        "latency_of_the_others_ms": _quantiles(ages_ms),
        "others_lost": counts["lost"] - lost,
        "others": count,
    }


def _quantiles(ages_ms: list[float]) -> dict[str, float]:
    if not ages_ms:
        return {}
    p50, p99, most = np.quantile(ages_ms, [0.5, 0.99, 1.0]).tolist()
    return {"p50": p50, "p99": p99, "max": most}


def main() -> None:
    """One of the two, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("frames", "clients", "service", "serve"))
    parser.add_argument("--variants", type=int, default=50)
    parser.add_argument("--clients", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if given.what == "serve":
        serve(given.variants, given.folder)
    elif given.what == "clients":
        found = asyncio.run(clients(given.variants, given.clients, given.seconds))
        print(json.dumps(found, indent=1))
    elif given.what == "service":
        print(json.dumps(asyncio.run(service(given.clients, given.seconds)), indent=1))
    else:
        for count, together in ((1_000, True), (10_000, True), (10_000, False)):
            print(json.dumps(frames(count, together), indent=1), flush=True)


if __name__ == "__main__":
    main()
