"""`liveopt feed`: watch the market's stream in one line, or record it."""

import asyncio
import json as jsonlib
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Protocol, TypeGuard

import numpy as np
import typer

from liveopt import config, logs
from liveopt.cli import exchange
from liveopt.cli.glance import Glance
from liveopt.cli.show import Failure, as_json, defined
from liveopt.core.events import FeedEvent, Refused
from liveopt.kucoin.topics import Kind, Topic
from liveopt.live.clock import Clock
from liveopt.live.feed import Feed, Options, Wires
from liveopt.live.mailbox import Mailbox
from liveopt.live.played import Played, Source
from liveopt.live.record import Limits, Recorder, RecordingStopped
from liveopt.optimize.parameters import BadParameter

feed = typer.Typer(no_args_is_help=True, help="The market's stream: watch it or record it.")

DRAW_S = 0.25
SAY_S = 1.0
"""How often the line is drawn on a terminal, and a line is written elsewhere."""
MIB = 1 << 20
MS_NS = 1_000_000

SymbolOption = Annotated[
    list[str] | None,
    typer.Option("--symbol", "-s", help="BTC-USDT (spot) or XBTUSDTM (futures). Repeatable."),
]
FeedOption = Annotated[
    str,
    typer.Option(
        "--feed",
        help="kucoin; sim (an exchange simulated in this process); http://127.0.0.1:PORT (a running"
        " liveopt sim); or a file: a recording, or a table of trades or candles.",
    ),
]
ForOption = Annotated[
    float | None, typer.Option("--for", min=0.1, help="Stop after so many seconds.")
]
SpeedOption = Annotated[
    str, typer.Option("--speed", help="Of sim or a file: 1, 10 ... times as fast, or max.")
]


class Running(Protocol):
    """A feed, live or played."""

    mailbox: Mailbox

    async def run(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the options ask for."""

    symbols: tuple[str, ...]
    source: str
    speed: float
    kinds: tuple[Kind, ...]
    seconds: float | None
    recorder: Callable[[str], Recorder] | None = None


@feed.command()
def watch(
    symbol: SymbolOption = None,
    source: FeedOption = "kucoin",
    seconds: ForOption = None,
    speed: SpeedOption = "1",
    json: Annotated[bool, typer.Option("--json", help="A JSON object a second.")] = False,
) -> None:
    """One line that lives: price, age of the data, ticks a second, gaps, reconnects.

    Example: `liveopt feed watch --symbol BTC-USDT --feed sim`
    """
    wanted = Wanted(
        tuple(dict.fromkeys(symbol or ())), source, exchange.speed_of(speed), KINDS, seconds
    )
    exchange.run(_show(wanted, config.load(), Screen(json=json)))


@feed.command()
def record(
    out: Annotated[Path, typer.Option("--out", "-o", help="A folder of its own.")],
    symbol: SymbolOption = None,
    source: FeedOption = "kucoin",
    seconds: ForOption = None,
    json: Annotated[bool, typer.Option("--json", help="The result as JSON.")] = False,
) -> None:
    """Write every frame, as it came and when, to compressed files; `watch --feed DIR` plays them.

    Example: `liveopt feed record --symbol XBTUSDTM --out logs/xbt --for 3600`
    """
    if exchange.is_file(source):
        raise BadParameter(f"--feed {source}: a recording is made of a live feed: kucoin or sim")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadParameter(
            f"--out {out}: it is there already; a recording wants a folder of its own"
        )
    settings = config.load()
    limits = Limits(total_bytes=settings.feed.recording_mib * MIB)
    if limits.total_bytes < limits.segment_bytes:
        limits = Limits(segment_bytes=limits.total_bytes // 4, total_bytes=limits.total_bytes)
    made: list[Recorder] = []

    def recorder(venue: str) -> Recorder:
        made.append(Recorder(out, venue, symbol or (), limits))
        made[0].begin()
        return made[0]

    screen = Screen(err=True)
    wanted = Wanted(tuple(dict.fromkeys(symbol or ())), source, 1.0, RECORDED, seconds, recorder)
    try:
        exchange.run(_show(wanted, settings, screen))
    finally:
        for one in made:
            with suppress(RecordingStopped):  # said already
                one.close()
            ticks = {name: seen.ticks for name, seen in screen.glance.symbols.items()}
            if json:
                stopped = None if one.stopped is None else one.stopped.why
                as_json(
                    {"folder": str(out), "frames": one.kept, "ticks": ticks, "stopped": stopped}
                )
            elif one.kept:
                typer.echo(
                    f"{one.kept} frames in {out}; play them: liveopt feed watch --feed {out}"
                )


KINDS: tuple[Kind, ...] = ("trades", "ticker")
RECORDED: tuple[Kind, ...] = ("trades", "ticker", "depth5")


class Screen:
    """Where the line is drawn: over itself on a terminal, below the last one elsewhere."""

    def __init__(self, *, json: bool = False, err: bool = False) -> None:
        """`err`: on stderr, for stdout is kept for a result."""
        self.glance = Glance()
        self._json = json
        self._err = err
        self._live = not json and (sys.stderr if err else sys.stdout).isatty()
        if self._live:
            logs.setup(level="error")  # what is less is in the line, which it would tear apart

    async def draw(self) -> None:
        """Until it is cancelled."""
        while True:
            await asyncio.sleep(DRAW_S if self._live else SAY_S)
            self.say()

    def end(self) -> None:
        """The last line stays."""
        if self.glance.symbols:
            self.say(last=True)

    def say(self, *, last: bool = False) -> None:
        """The line as it stands."""
        now_s = asyncio.get_running_loop().time()
        if self._json:
            text = jsonlib.dumps(defined(self.glance.rows(now_s)), allow_nan=False)
        else:
            text = self.glance.line(now_s)
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            shown = text if len(text) <= width else text[: width - 1] + "\u2026"
            typer.echo(f"\r\x1b[2K{shown}", nl=last, err=self._err)
        else:
            typer.echo(text, err=self._err)


async def _show(wanted: Wanted, settings: config.Settings, screen: Screen) -> None:
    stop = nullcontext() if wanted.seconds is None else asyncio.timeout(wanted.seconds)
    async with _opened(wanted, settings) as running:
        try:
            async with stop, asyncio.TaskGroup() as group:
                feeding = group.create_task(running.run(), name="feed")
                drawing = group.create_task(screen.draw(), name="screen")
                loop = asyncio.get_running_loop()
                while events := await running.mailbox.get():
                    screen.glance.take(events, loop.time())
                    if stopped := next((e for e in events if _is_end(e)), None):
                        raise Failure(f"{stopped.why}; what was written before is good")
                feeding.cancel()
                drawing.cancel()
        except TimeoutError:
            if wanted.seconds is None:
                raise
        finally:
            screen.end()
    if isinstance(running, Played) and not running.mailbox.handed_over:
        what = ", ".join(wanted.symbols) or "a topic that is known"
        raise Failure(f"{wanted.source}: nothing of {what}; it has {running.others()}")


def _is_end(event: FeedEvent) -> TypeGuard[Refused]:
    """A recording that cannot go on has nothing left to do."""
    return isinstance(event, Refused) and event.topic == "recording"


@asynccontextmanager
async def _opened(wanted: Wanted, settings: config.Settings) -> AsyncIterator[Running]:
    options = settings.feed
    settle_ns = int(options.settle_ms * MS_NS)
    if exchange.is_file(wanted.source):
        yield Played(Source(
            Path(wanted.source), frozenset(wanted.symbols), wanted.speed, settle_ns,
            options.price_band,
        ))  # fmt: skip
        return
    if wanted.speed != 1.0 and wanted.source != "sim":
        raise BadParameter(f"--speed is for sim and files; {wanted.source} has its own time")
    if not wanted.symbols:
        raise BadParameter("which --symbol? such as BTC-USDT (spot) or XBTUSDTM (futures)")
    async with exchange.reach(wanted.source, wanted.symbols, settings, wanted.speed) as there:
        await exchange.check_listed(there.rest, wanted.symbols)
        venue = there.rest.venue
        topics = [Topic(venue, kind, name) for name in wanted.symbols for kind in wanted.kinds]
        hours = options.rotate_hours
        wires = Wires(there.rest, there.background, Clock(), np.random.default_rng())
        yield Feed(
            topics,
            wires,
            Options(settle_ns, options.price_band, (hours * 3540, hours * 3600)),
            wanted.recorder(venue) if wanted.recorder else None,
        )
