"""What a large run costs the web process at its start: reading its journals, pages meanwhile.

    python -m tests.bench.tail --records 1000000

Trades and entries are those of a small real run, told again at later times, framed and chained by
the real writer. Then a real service is started on them: how fast it reads, how long its pages take
meanwhile, how much memory it takes, and how long a question about the oldest trades.
"""

import argparse
import asyncio
import json
import os
import re
import socket
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from aiohttp import ClientSession

from liveopt.config import Settings
from liveopt.guard.clock import WALL
from liveopt.journal.appender import Limits
from liveopt.journal.folder import point
from liveopt.live.report import _rss_mib
from liveopt.web.app import SERVICE, Setup, make_app
from liveopt.web.connections import serving
from liveopt.web.kept import Wanted
from liveopt.web.limits import Rates
from tests.run import Live, contents, opening, ticks, variants

JOURNAL: Final = "experimental-trades"
TIME: Final = re.compile(rb'"(at_ns|entry_ns)":(\d+)')
WAITING_MAX: Final = 50_000
PLENTY: Final = Rates(*[1_000_000_000] * 6)
LIMITS: Final = Limits(ballast_bytes=0)


def made(folder: Path, records: int) -> Path:
    """A run of so many records of trading."""
    live = Live(folder, LIMITS)
    live.take([*opening(variants(64)), *ticks(600)])
    live.close()
    lines = [
        c for c in contents(live.folder)[JOURNAL] if b'"type":"Trade"' in c or b'"type":"Ent' in c
    ]
    times = [int(found[2]) for line in lines for found in TIME.finditer(line)]
    span_ns = max(times) - min(times) + 1_000_000_000
    more = Live(folder, LIMITS)
    for number in range(records):
        turn, place = divmod(number, len(lines))
        later = (turn + 1) * span_ns
        content = TIME.sub(lambda m, n=later: b'"%b":%d' % (m[1], int(m[2]) + n), lines[place])  # type: ignore[misc]
        more.writer.append(JOURNAL, content)
        if number % 1_000 == 0:
            while more.writer.backlog > WAITING_MAX:
                time.sleep(0.01)
    more.writer.close(600.0)
    more.close()
    point(folder, live.folder)
    return live.folder


async def measured(folder: Path, run: Path) -> dict[str, Any]:
    """A service that starts on it."""
    rss_mib = _rss_mib()
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    settings = Setup(folder, run, Settings(), "paper", "1", "", port, rates=PLENTY)
    app = make_app(settings)
    service = app[SERVICE]
    key = service.keys.create("bench", ["read"], WALL())
    pages: list[float] = []
    asked: list[float] = []
    began_s, cpu_s = time.perf_counter(), time.process_time()
    async with serving(app, service.caps, listening), ClientSession() as http:
        url, own = f"http://127.0.0.1:{port}", {"Authorization": f"Bearer {key}"}
        while not service.tail.caught_up:
            pages.append(await _timed(http, f"{url}/compare", {}))
            asked.append(await _timed(http, f"{url}/api/v1/trades?limit=50", own))
            await asyncio.sleep(0.02)
        seconds, busy_s = time.perf_counter() - began_s, time.process_time() - cpu_s
        tail = service.tail
        lines = tail.total + sum(isinstance(k.record, object) for k in tail.entries)
        newest = tail.trades[0].place
        found: dict[str, Any] = {
            "trades": tail.total,
            "in_memory": lines,
            "seconds": round(seconds, 1),
            "cpu_seconds": round(busy_s, 1),
            "rss_mib_more": round(_rss_mib() - rss_mib, 1),
            "page_ms": _spread(pages),
            "trades_ms": _spread(asked),
        }
        for name, wanted in (
            ("just_forgotten", Wanted(50, before=newest)),
            (
                "the_oldest",
                Wanted(50, until_ns=newest.at_ns // 2 + tail.trades[-1].place.at_ns // 2),
            ),
            ("of_nobody", Wanted(50, variant="nobody")),
        ):
            at_s = time.perf_counter()
            page = await tail.page(wanted)
            took_ms = (time.perf_counter() - at_s) * 1e3
            found[name] = {
                "ms": round(took_ms),
                "kept": len(page.kept),
                "more": page.next is not None,
            }
    return found


async def _timed(http: ClientSession, url: str, headers: dict[str, str]) -> float:
    at_s = time.perf_counter()
    async with http.get(url, headers=headers) as answer:
        await answer.read()
    return (time.perf_counter() - at_s) * 1e3


def _spread(ms: Sequence[float]) -> dict[str, float]:
    several = sorted(ms)
    at = several[min(len(several) - 1, int(0.99 * len(several)))]
    return {
        "first": round(ms[0], 1),
        "p50": round(statistics.median(several), 1),
        "p99": round(at, 1),
        "max": round(several[-1], 1),
        "count": len(ms),
    }


def main() -> None:
    """Make, start, tell."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--records", type=int, default=1_000_000)
    asked = words.parse_args()
    with tempfile.TemporaryDirectory() as name:
        began_s = time.perf_counter()
        run = made(Path(name), asked.records)
        size = sum(file.stat().st_size for file in run.iterdir() if file.is_file())
        print(f"made in {time.perf_counter() - began_s:.0f} s, {size >> 20} MiB", flush=True)
        found = asyncio.run(measured(Path(name), run))
        rate = round(asked.records / found["seconds"])
        print(json.dumps({"load": os.getloadavg()[0], "records_per_s": rate} | found, indent=1))


if __name__ == "__main__":
    main()
