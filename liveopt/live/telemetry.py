"""Tells the dashboard's process how the run stands, and never waits for it.

Nobody connected: nothing is made. A reader that has not taken the last frame does not get the next
one, so at most one frame waits for each.
"""

import asyncio
import os
import secrets
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from operator import is_
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt
import structlog

from liveopt.core.bars import SECOND_NS
from liveopt.core.metrics import summarise
from liveopt.engine.batch import Array
from liveopt.live.clock import Clock
from liveopt.live.frames import COLUMNS, STATUSES, Columns, Frame, Who, packed, short
from liveopt.live.supervise import Supervisor, TooManyCrashes
from liveopt.promotion.epoch import TOTAL, Epoch
from liveopt.stats.evidence import log_mixture
from liveopt.walk.contest import PESSIMISTIC
from liveopt.walk.group import Group
from liveopt.walk.seat import Seat
from liveopt.walk.standings import YEAR_S
from liveopt.walk.state import Market, State

log = structlog.get_logger()

READERS_MAX: Final = 4
AGAIN_S: Final = 5.0
"""Until it is tried again to listen where that failed."""
STUCK_S: Final = 10.0
"""Who takes nothing of a frame for so long is cut off, and may come again."""
MARKED: Final = ("p_equity", "p_drawdown", "a_trades", "a_wins")
"""Cells of the main account that `AT_ONCE` needs."""
SAMPLED: Final = ("p_returns", "p_return_squares")
"""Those that a Sharpe ratio needs."""
CODES: Final = {status: code for code, status in enumerate(STATUSES)}
ACTIVE, WARMING, HALTED = CODES["active"], CODES["warming"], CODES["halted"]
AT_ONCE: Final = ("equity", "roi", "max_drawdown", "win_rate", "trades")
"""Metrics that do not depend on how many bars somebody has had."""
SLICE_S: Final = 0.002
"""The loop is given to the market at least this often while Sharpe ratios are worked out."""
PASSES_MAX: Final = 3


@dataclass(slots=True)
class Census:
    """Who is there, in which order; noticed without looking at everybody."""

    population: int = 0
    who: tuple[Who, ...] = ()
    _groups: list[tuple[Group, bool]] = field(default_factory=list)
    """Kept, so that none is taken for another that lies where it lay."""
    _unseated: list[Seat] = field(default_factory=list)

    def look(self, state: State) -> None:
        """Groups are made anew when somebody moves; seats stay the same objects while they wait."""
        groups = [(group, group.champion) for _, group in state.groups()]
        unseated = [*state.joining, *state.waiting]
        if self.population and self._knows(groups, unseated):
            return
        self._groups, self._unseated = groups, unseated
        self.population += 1
        seated = [_who(seat, champion) for group, champion in groups for seat in group.seats]
        self.who = (*seated, *(_who(seat, champion=False) for seat in unseated))

    def _knows(self, groups: list[tuple[Group, bool]], unseated: list[Seat]) -> bool:
        same = len(groups) == len(self._groups) and len(unseated) == len(self._unseated)
        return (
            same
            and all(a is b and c == d for (a, c), (b, d) in zip(groups, self._groups, strict=True))
            and all(map(is_, unseated, self._unseated))
        )


def _who(seat: Seat, champion: bool) -> Who:
    key = seat.key
    return Who(seat.id, key.symbol, key.strategy, seat.origin, key.lane, champion)


class Sums(dict[str, Array]):
    """Sums of the main accounts of all groups; what was not gathered is nought, and is not used."""

    def __missing__(self, name: str) -> Array:
        return np.zeros(len(next(iter(self.values()))))


def _sums(groups: Sequence[Group], names: Sequence[str]) -> Sums:
    return Sums({name[2:]: _gathered(groups, name) for name in names})


def _gathered(groups: Sequence[Group], name: str) -> Array:
    """One cell of everybody, copied."""
    return np.concatenate([np.zeros(0), *(group.batch.cell(name) for group in groups)])


def _metrics(state: State, sums: Mapping[str, Array], bars: float) -> dict[str, Array]:
    """Every metric; right are those whose sums are there."""
    terms = state.terms
    assert terms is not None
    with np.errstate(all="ignore"):
        return summarise(sums, bars, terms.capital, YEAR_S * SECOND_NS / terms.signal_ns, np)


@dataclass(slots=True)
class Sharpes:
    """Sharpe ratios change with a signal bar only, and cost most where many joined one by one.

    A metric is worked out for those of one age together, and where there are many ages that takes
    many milliseconds: so once a bar, from sums that were copied when it began, and in slices.
    """

    _known: list[tuple[Group, int]] = field(default_factory=list)
    """Groups in order, and how many bars each had seen."""
    _ratios: Array = field(default_factory=lambda: np.zeros(0))

    def of(self, groups: Sequence[Group]) -> Array:
        """The newest; of others than those who were refreshed there are none yet."""
        if len(groups) == len(self._known) and all(map(is_, groups, (g for g, _ in self._known))):
            return self._ratios
        return np.full(sum(len(group.seats) for group in groups), np.nan)

    async def refresh(self, state: State) -> None:
        """If there was another bar; a market that runs ahead of this is not waited for."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + SLICE_S
        for _ in range(PASSES_MAX):
            now = [(group, group.batch.signals) for _, group in state.groups()]
            if len(now) == len(self._known) and all(
                a is b and m == n for (a, m), (b, n) in zip(now, self._known, strict=True)
            ):
                return
            groups = [group for group, _ in now]
            bars = np.concatenate([np.zeros(0, np.int64), *(g.batch.bars() for g in groups)])
            ratios = np.full(len(bars), np.nan)
            sums = _sums(groups, SAMPLED)
            for age in np.unique(bars).tolist():
                own = bars == age
                some = Sums({name: values[own] for name, values in sums.items()})
                ratios[own] = _metrics(state, some, float(age))["bar_sharpe"]
                if loop.time() > until_s:
                    await asyncio.sleep(0)
                    until_s = loop.time() + SLICE_S
            self._known, self._ratios = now, ratios


def columns_of_state(state: State, sharpes: Sharpes) -> Columns:
    """Everybody's numbers, in the order of a census."""
    groups = [group for _, group in state.groups()]
    seated = sum(len(group.seats) for group in groups)
    count = seated + len(state.joining) + len(state.waiting)
    found: Columns = {
        name: np.full(count, np.nan if kind == "<f8" else 0, kind) for name, kind in COLUMNS.items()
    }
    found["status"][seated:] = CODES["waiting"]
    if groups:
        with np.errstate(invalid="ignore"):
            for name, values in _of_groups(state, groups).items():
                found[name][:seated] = values
        found["bar_sharpe"][:seated] = sharpes.of(groups)
    return found


def _of_groups(state: State, groups: Sequence[Group]) -> dict[str, npt.NDArray[Any]]:
    metrics = _metrics(state, _sums(groups, MARKED), bars=0.0)
    found: dict[str, npt.NDArray[Any]] = {name: metrics[name] for name in AT_ONCE}
    if all(group.batch.setup.pessimistic for group in groups):
        found["pessimistic"] = _gathered(groups, PESSIMISTIC)
    found["bars"] = np.concatenate([group.batch.bars() for group in groups])
    found["side"] = np.sign(_gathered(groups, "a_side"))
    found["status"] = _statuses(state, groups)
    evidence = [_evidence(market) for market in state.markets.values()]
    found["log_evidence"], found["p_value"] = np.concatenate(evidence, axis=1)
    return found


def _statuses(state: State, groups: Sequence[Group]) -> npt.NDArray[np.uint8]:
    """As `standings` says it: an active variant may be halted, or else be warming up."""
    found = np.array([CODES[seat.status] for group in groups for seat in group.seats], np.uint8)
    if state.halt is not None:
        found[found == ACTIVE] = HALTED
    sizes = [len(group.seats) for group in groups]
    seen = np.repeat([group.batch.signals for group in groups], sizes)
    warming = _gathered(groups, "k_warmup") > seen
    found[warming & (found == ACTIVE)] = WARMING
    return found


def _evidence(market: Market) -> Array:
    """Two rows, of everybody in the market: log e-value and p-value. Champions have none."""
    slots = np.concatenate([
        np.zeros(0, np.int64),
        *(np.full(len(g.seats), -1) if g.champion else g.slots for g in market.groups),
    ])  # fmt: skip
    found = np.full((2, len(slots)), np.nan)
    if market.contest is not None:
        epoch, there = market.contest.epoch, slots >= 0
        log_e = log_mixture(epoch.sums[TOTAL], epoch.spreads(), epoch.terms.rho)
        found[:, there] = np.stack([log_e, p_values(epoch)])[:, slots[there]]
    return found


def p_values(epoch: Epoch) -> Array:
    """`Epoch.p_value` of all slots at once."""
    terms = epoch.terms
    each = np.exp(-np.maximum(0.0, epoch.top)) * terms.alpha / terms.alpha_each
    worlds = epoch.level * terms.alpha / terms.alpha_worlds
    return np.asarray(np.round(np.minimum(1.0, np.minimum(each, worlds)), 6), np.float64)


class _Reader(asyncio.Protocol):
    """The other end of one connection; it has nothing to say."""

    def __init__(self, readers: set["_Reader"]) -> None:
        self._readers = readers
        self.transport: asyncio.WriteTransport
        self.population = -1
        """The people that it knows."""
        self._behind_s: float | None = None
        self._size = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport
        if len(self._readers) >= READERS_MAX:
            transport.abort()
            return
        self._readers.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._readers.discard(self)

    def data_received(self, data: bytes) -> None:  # noqa: ARG002
        self.transport.abort()

    def ready(self, now_s: float) -> bool:
        """Whether it has taken all that it was sent; who takes nothing is cut off."""
        size = self.transport.get_write_buffer_size()
        if not size:
            self._behind_s = None
            return not self.transport.is_closing()
        if self._behind_s is None or size < self._size:
            self._behind_s = now_s
        self._size = size
        if now_s - self._behind_s > STUCK_S:
            log.warning("who reads the telemetry takes nothing: cut off")
            self.transport.abort()
        return False


@dataclass(slots=True)
class Telemetry:
    """Listens while `run` does; each `tell` becomes a frame for whoever is ready for one."""

    path: Path
    state: State
    wall_ns: Callable[[], int] = Clock().wall
    made: int = 0
    """Frames, for whom there was a reader."""
    skipped: int = 0
    """Frames that a reader was not ready for."""
    _boot: str = field(default_factory=lambda: secrets.token_hex(8))
    _census: Census = field(default_factory=Census)
    _sharpes: Sharpes = field(default_factory=Sharpes)
    _readers: set[_Reader] = field(default_factory=set)
    _report: Mapping[str, Any] | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _seq: int = 0

    def tell(self, report: Mapping[str, Any]) -> None:
        """Never waits, and makes nothing yet."""
        self._report = report
        self._news.set()

    async def run(self) -> None:
        """Until it is cancelled. A socket that cannot be had is told of and tried for again."""
        try:
            while True:
                try:
                    await self._serve()
                except OSError as error:
                    log.warning("nobody can read the telemetry", why=str(error), again_in_s=AGAIN_S)
                await asyncio.sleep(AGAIN_S)
        finally:
            for reader in tuple(self._readers):
                reader.transport.abort()

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        end = _bound(self.path)
        own = _number(self.path)
        try:
            server = await loop.create_unix_server(lambda: _Reader(self._readers), sock=end)
            try:
                while True:
                    await self._news.wait()
                    self._news.clear()
                    await self.send()
            finally:
                server.close()
        finally:
            end.close()
            _remove(self.path, own)

    async def send(self) -> None:
        """A frame of this moment to whoever is ready."""
        now_s = asyncio.get_running_loop().time()
        self._seq += 1
        ready = [reader for reader in tuple(self._readers) if reader.ready(now_s)]
        self.skipped += len(self._readers) - len(ready)
        if not self._readers:
            self._census = Census(self._census.population)  # let go of groups that are no more
            self._sharpes = Sharpes()
        if not ready or self._report is None:
            return
        await self._sharpes.refresh(self.state)
        frame = self._frame(self._report)
        self.made += 1
        await asyncio.sleep(0)  # the market first: both halves take their time
        ready = [reader for reader in ready if not reader.transport.is_closing()]
        for knows, who in ((True, None), (False, self._census.who)):
            some = [r for r in ready if (r.population == frame.population) == knows]
            self._write(some, frame, who)

    def _write(self, readers: Iterable[_Reader], frame: Frame, who: tuple[Who, ...] | None) -> None:
        said = b""
        for reader in readers:
            said = said or packed(msgspec.structs.replace(frame, who=who))
            reader.population = frame.population
            reader.transport.write(said)

    def _frame(self, report: Mapping[str, Any]) -> Frame:
        """The people are left out here."""
        self._census.look(self.state)
        columns = columns_of_state(self.state, self._sharpes)
        return Frame(
            boot=self._boot,
            seq=self._seq,
            at_ns=self.state.at_ns,
            wall_ms=self.wall_ns() // 1_000_000,
            run=self.state.run,
            population=self._census.population,
            who=None,
            columns={name: column.tobytes() for name, column in columns.items()},
            report=dict(report),
        )


async def kept(telemetry: Telemetry, supervisor: Supervisor) -> None:
    """While the run lasts, if it can be: no run ends for want of a dashboard."""
    try:
        await supervisor.keep("telemetry", telemetry.run)
    except TooManyCrashes as error:
        log.error("no dashboard until the next start", why=str(error))  # noqa: TRY400  told before


def _bound(path: Path) -> socket.socket:
    """A socket at this path that nobody else may open; what an earlier process left goes."""
    end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.fchmod(end.fileno(), 0o600)  # the file is made with the mode of the socket
        path.unlink(missing_ok=True)
        with short(path) as name:
            end.bind(name)
    except OSError:
        end.close()
        raise
    return end


def _number(path: Path) -> int:
    return path.stat().st_ino


def _remove(path: Path, number: int) -> None:
    """Our own file, not that of a process that came after."""
    with suppress(FileNotFoundError):
        if _number(path) == number:
            path.unlink()
