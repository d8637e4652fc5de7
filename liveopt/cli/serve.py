"""`liveopt serve`: the engine's process, which the guard starts; nobody types it."""

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import (
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    nullcontext,
    suppress,
)
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final, TypeVar

import numpy as np
import structlog
import typer

from liveopt import config
from liveopt.cli import exchange, frozen, plan
from liveopt.cli.compiling import compile_for
from liveopt.cli.narrate import narrate
from liveopt.cli.rounds import RoundsFolder
from liveopt.core.bars import MINUTE_NS, interval_ns
from liveopt.core.events import Bar, Tick
from liveopt.core.strategy import Strategy
from liveopt.guard import patient
from liveopt.guard.gate import DISK_FULL, HALT, JOURNAL_BROKEN, Gate
from liveopt.guard.latch import HALT_FILE, NAME, Latch
from liveopt.guard.link import VARIABLE, EngineEnd
from liveopt.journal import ballast, folder
from liveopt.journal.appender import Ground, Limits
from liveopt.journal.disk import DISK
from liveopt.journal.retention import forget
from liveopt.journal.writer import Trouble, Writer
from liveopt.kucoin.history import pages
from liveopt.kucoin.listings import Listing
from liveopt.kucoin.rest import RestError
from liveopt.kucoin.topics import Topic
from liveopt.live.board import Board
from liveopt.live.byway import Byway
from liveopt.live.clock import Clock
from liveopt.live.commands import Commands
from liveopt.live.feed import Feed, Options, Wires
from liveopt.live.frames import NAME as TELEMETRY
from liveopt.live.gauge import Gauge
from liveopt.live.played import Played, Source, first_ns
from liveopt.live.pump import INPUTS, Pump
from liveopt.live.recover import Recovered, recover_run
from liveopt.live.report import report
from liveopt.live.rounds import Rounds, Schedule
from liveopt.live.service import TELL_S, Rhythm, Running, Service, World
from liveopt.live.supervise import Supervisor, TooManyCrashes
from liveopt.live.telemetry import Telemetry, kept
from liveopt.optimize.parameters import BadParameter
from liveopt.slow import lane as slow
from liveopt.slow.lane import SlowLane
from liveopt.strategies import load

T = TypeVar("T")

log = structlog.get_logger()

MIB: Final = 1 << 20
MS_NS: Final = 1_000_000
STARTING_BEAT_S: Final = 0.5
REACH_S: Final = 1.0
REACH_S_MAX: Final = 30.0
BROKEN: Final = 70
"""The journal or a part is beyond mending in this process: the guard starts another."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the guard asked for: where the run lives, what it listens to, for how long."""

    state: Path
    run: Path
    feed: str
    speed: float
    seconds: float | None
    headless: bool
    gauge: Path | None


def serve(
    state: Annotated[Path, typer.Option("--state")],
    run: Annotated[Path, typer.Option("--run")],
    feed: Annotated[str, typer.Option("--feed")],
    speed: Annotated[str, typer.Option("--speed")] = "1",
    seconds: Annotated[float | None, typer.Option("--for")] = None,
    headless: Annotated[bool, typer.Option("--headless")] = False,
    gauge: Annotated[Path | None, typer.Option("--gauge", help="For what a bench reads.")] = None,
) -> None:
    """The engine of a run; `liveopt run` starts it."""
    patient.install()
    settings = frozen.settings_of(run)
    wanted = Wanted(state, run, feed, exchange.speed_of(speed), seconds, headless, gauge)
    with _ends_with_the_guard():
        try:
            exchange.run(_serve(settings, wanted))
        except TooManyCrashes as error:
            log.critical("the engine gives up", why=str(error))
            raise SystemExit(BROKEN) from error


async def _serve(settings: config.Settings, wanted: Wanted) -> None:
    board, strategies = Board(), load()
    gate, latch = Gate.open(wanted.state / "gate"), Latch(wanted.state / NAME)
    is_new = not wanted.run.exists()
    async with _outside(settings, wanted) as outside, AsyncExitStack() as early:
        lane: SlowLane | None = None
        with _alive(gate):
            if is_new:
                lane = await early.enter_async_context(_slow(settings))
                await _asked_first(settings, wanted, strategies, outside, lane)
            _made(settings, wanted)
            recovered = recover_run(wanted.run, strategies)
            writer = _writer(settings, wanted, recovered, gate)
        pump = Pump(recovered.state, writer, gate, latch, board)
        gauge = None if wanted.gauge is None else Gauge(pump, writer, wanted.gauge)
        for journal, content in recovered.missing:
            writer.append(journal, content)
        supervisor = Supervisor(np.random.default_rng(), lambda part: board.restarts.update([part]))
        rhythm = Rhythm(settings.journal.snapshot_s, settings.journal.snapshot_records)
        service = Service(
            wanted.run, recovered.state, writer, pump, board, outside.world, supervisor, rhythm
        )
        slow_one = nullcontext(lane) if is_new else _slow(settings)
        try:
            async with _linked(service, wanted), slow_one as lane:
                async with _watched(pump):
                    await _begun(settings, wanted, service, outside, lane, gate)
                service.rounds = _rounds(settings, wanted, pump)
                service.byway = None if lane is None else Byway(lane, pump)
                board.phase = "running"
                await _until(service, wanted.seconds)
        finally:
            if gauge is not None:
                gauge.save()
            if writer.failed is None:
                with _alive(gate):
                    service.snapshot()
                    writer.close()
                    ballast.give_up(wanted.run, DISK)  # a run that has ended needs none


def _rounds(settings: config.Settings, wanted: Wanted, pump: Pump) -> Rounds:
    """The search beside the run."""
    own = settings.reoptimize
    folder_ = RoundsFolder(wanted.run, wanted.state, settings, pump)
    return Rounds(pump, folder_, Schedule(own.every, own.on_regime))


async def _asked_first(
    settings: config.Settings,
    wanted: Wanted,
    strategies: Mapping[str, Strategy],
    outside: "Outside",
    lane: SlowLane | None,
) -> None:
    """A run that cannot begin leaves nothing behind, and another try would end the same."""
    try:
        listings = await outside.listings()
        now_ns = await outside.began_ns()
    except RestError as error:
        raise config.ConfigError(f"no run was begun: {exchange.unreachable(error)}") from error
    plan.begin(settings, strategies, listings, (wanted.run.name, now_ns))
    if lane is not None:
        plan.slow_variants(settings, lane.loaded.values())


def _made(settings: config.Settings, wanted: Wanted) -> None:
    """The run's folder, its settings and the link to it, whatever an earlier start got to."""
    is_new = not wanted.run.exists()
    if is_new:
        folder.new_run(wanted.state, wanted.run.name)
    frozen.keep(wanted.run, settings)
    link = wanted.state / folder.LATEST
    if not link.is_symlink() or link.readlink().name != wanted.run.name:
        folder.point(wanted.state, wanted.run)
    if is_new:
        forget(wanted.state, INPUTS, settings.journal.keep_days, Clock().wall())


async def _begun(
    settings: config.Settings,
    wanted: Wanted,
    service: Service,
    outside: "Outside",
    lane: SlowLane | None,
    gate: Gate,
) -> None:
    """The exchange is within reach, and everybody who is to be there from the start has joined."""
    listings = await _reached(outside.listings)
    if service.state.begun:
        return
    strategies = service.state.strategies
    with _alive(gate):
        now_ns = await _reached(outside.began_ns)
        first = plan.begin(settings, strategies, listings, (wanted.run.name, now_ns))
        everybody = plan.variants(settings, strategies)
        if lane is not None:
            everybody += plan.slow_variants(settings, lane.loaded.values())
        await compile_for(strategies, first, everybody, headless=wanted.headless)
        await _reached(lambda: service.begin(first, everybody))


async def _reached(ask: Callable[[], Awaitable[T]]) -> T:
    """What comes of asking, however long the exchange is away."""
    pause_s = REACH_S
    while True:
        try:
            return await ask()
        except (RestError, TimeoutError) as error:
            why = exchange.unreachable(error) if isinstance(error, RestError) else "no answer"
            log.warning("waiting for the exchange", why=why, again_in_s=pause_s)
        await asyncio.sleep(pause_s)
        pause_s = min(REACH_S_MAX, 2.0 * pause_s)


@asynccontextmanager
async def _watched(pump: Pump) -> AsyncIterator[None]:
    """A stop is obeyed and acknowledged before the run begins, too."""
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(pump.watch(), name="gate")
        try:
            yield
        finally:
            watching.cancel()


@asynccontextmanager
async def _slow(settings: config.Settings) -> AsyncIterator[SlowLane | None]:
    """The process of the user's own strategies, where there are any."""
    live = settings.live
    if not live.slow:
        yield None
        return
    limits = slow.Limits(budget_ms=live.slow_budget_ms, history_bars=max(1, live.history_bars))
    lane = SlowLane([Path(name) for name in live.slow], limits)
    async with asyncio.TaskGroup() as group:
        lane.start(group)
        try:
            await lane.ready()
            for name, why in lane.refused.items():
                raise BadParameter(f"live.slow: {name}: {why}")
            yield lane
        finally:
            lane.close()


async def _until(service: Service, seconds: float | None) -> None:
    """Until the feed ends or the time is over."""
    try:
        async with asyncio.timeout(seconds):
            await service.run()
    except TimeoutError:
        if seconds is None:
            raise


def _writer(settings: config.Settings, wanted: Wanted, recovered: Recovered, gate: Gate) -> Writer:
    loop = asyncio.get_running_loop()

    def trouble(kind: Trouble, error: BaseException) -> None:
        """Whatever it is, nothing new is opened; called from the writer's thread."""
        gate.shut_from_outside(HALT, DISK_FULL if kind == "disk_full" else JOURNAL_BROKEN)
        with suppress(OSError):
            (wanted.state / HALT_FILE).touch()
        loop.call_soon_threadsafe(log.critical, f"journal: {kind}", str(error))

    own = settings.journal
    limits = Limits(segment_bytes=own.segment_mib * MIB, ballast_bytes=own.ballast_mib * MIB)
    ground = Ground(wanted.run, plan.genesis(settings, settings.live.seed), Clock().wall, limits)
    return Writer(ground, recovered.journals, trouble)


@dataclass(frozen=True, slots=True)
class Outside:
    """The market, and what a run must know of it before it begins."""

    world: World
    listings: Callable[[], Awaitable[dict[str, Listing]]]
    """All that is listed, the run's symbols among it; a file lists nothing."""
    began_ns: Callable[[], Awaitable[int]]
    """When the run begins, by the market's clock."""


@asynccontextmanager
async def _outside(settings: config.Settings, wanted: Wanted) -> AsyncIterator[Outside]:
    """The market: an exchange, which is not asked yet, or a file."""
    live, options, source = settings.live, settings.feed, wanted.feed
    settle_ns = int(options.settle_ms * MS_NS)
    if exchange.is_file(source):
        played = Source(
            Path(source), frozenset(live.symbols), wanted.speed, settle_ns, options.price_band,
            candle_pushes=False,
        )  # fmt: skip
        world = World(lambda known: Played(replace(played, after=known)), None, None)
        yield Outside(world, _nothing_listed, lambda: first_ns(played))
        return
    async with exchange.reach(source, live.symbols, settings, wanted.speed) as there:
        topics = [Topic(there.rest.venue, "trades", name) for name in live.symbols]
        wires = Wires(there.rest, there.background, Clock(), np.random.default_rng())
        hours = options.rotate_hours

        def open_feed(known: tuple[Tick, ...]) -> Running:
            rotate_s = (hours * 3540, hours * 3600)
            return Feed(
                topics, wires, Options(settle_ns, options.price_band, rotate_s, known=known)
            )

        signal_ns = interval_ns(live.signal)

        async def history(symbol: str) -> Sequence[Bar]:
            return await _history(there, symbol, signal_ns, live.history_bars)

        asked = live.history_bars > 0 and signal_ns % MINUTE_NS == 0
        now_ns = there.background.server_now_ns
        perpetual = there.rest.venue == "futures"
        funding = there.background.funding if perpetual else None
        world = World(open_feed, now_ns, history if asked else None, funding, there.budget)
        yield Outside(world, lambda: exchange.listed(there.rest, live.symbols), now_ns)


async def _nothing_listed() -> dict[str, Listing]:
    return {}


async def _history(there: exchange.There, symbol: str, signal_ns: int, count: int) -> Sequence[Bar]:
    """The newest closed signal bars."""
    now_ns = await there.rest.server_now_ns()
    to_ns = now_ns - now_ns % signal_ns
    bars: list[Bar] = []
    for from_ns, until_ns in pages(there.rest.venue, signal_ns, to_ns - count * signal_ns, to_ns):
        bars += await there.rest.candles(symbol, signal_ns, from_ns, until_ns)
    return bars


@asynccontextmanager
async def _linked(service: Service, wanted: Wanted) -> AsyncIterator[None]:
    """Tells guard and people how it goes, answers commands; ends this process with the guard."""
    link, board = EngineEnd.from_environment(), service.board
    telemetry = Telemetry(wanted.state / TELEMETRY, service.state)
    commands = Commands(service.pump, service.state.strategies, lambda: service.rounds)
    me = asyncio.current_task()
    assert me is not None

    async def listen(link: EngineEnd) -> None:
        await link.run(commands.answer, lambda _: service.pump.obey())
        log.warning("the guard is gone: so is the engine")
        me.cancel()

    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_tell(service, link, telemetry), name="status"),
            group.create_task(kept(telemetry, service.supervisor), name="telemetry"),
        ]
        if link is not None:
            tasks.append(group.create_task(listen(link), name="link"))
        if not wanted.headless:
            tasks.append(group.create_task(narrate(service, board), name="narration"))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def _tell(service: Service, link: EngineEnd | None, telemetry: Telemetry) -> None:
    while True:
        said = report(service, service.board)
        if link is not None:
            link.tell(said)
        telemetry.tell(said)
        await asyncio.sleep(TELL_S)


@contextmanager
def _alive(gate: Gate) -> Iterator[None]:
    """Beats while something long runs on the loop's own thread, before the run begins."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(STARTING_BEAT_S):
            gate.beat()

    thread = threading.Thread(target=beat, name="starting", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def _ends_with_the_guard() -> Iterator[None]:
    """Ctrl-C reaches the whole group of processes: the guard decides, and tells this one.

    To the guard a link that ends is an engine to be ended, so one end of it is kept to the last.
    """
    number = os.environ.get(VARIABLE)
    before = None if number is None else signal.signal(signal.SIGINT, signal.SIG_IGN)
    if number is not None:
        os.dup(int(number))
    try:
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)
