"""Rounds of search beside the run: when one begins, the process that does it, what it proposes.

The search itself is another process, which reads the run's own record and has only the processor's
time that nobody else wants. What it finds comes back as `Propose`, one input a proposal, so a
replay needs neither the process nor its luck. A process that dies is started again and goes on
where it was; an engine that dies leaves a round open, and the next one goes on with it.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

import msgspec
import structlog

from liveopt.journal.writer import JournalBroken
from liveopt.live.compile import compile_all
from liveopt.live.pump import HalfDone, Pump
from liveopt.stats.regimes import Regimes
from liveopt.walk.events import Input, Proposal, Propose
from liveopt.walk.group import programs
from liveopt.walk.records import Out, Standing
from liveopt.walk.state import State
from liveopt.walk.verdicts import Admission

log = structlog.get_logger()

BY: Final = "reoptimizer"
LOOK_S: Final = 0.25
"""How often it is looked whether a round is due."""
DEATHS_MAX: Final = 5
"""Deaths of a round's process in a row that brought it no further, after which it is given up."""
AGAIN_S: Final = 1.0
AGAIN_S_MAX: Final = 30.0
TROUBLE_S_MAX: Final = 300.0
"""Between two tries where rounds fail for another reason."""
LINE_MAX: Final = 4 << 20
REGIME_SPAN: Final = 50
REGIME_MEMORY: Final = 2_000
REGIME_PAUSE: Final = 4
"""A change of regime begins a round when this part of the usual pause is over, not before."""
Why = Literal["every", "regime", "asked", "left open"]


class Said(msgspec.Struct, frozen=True):
    """A line of the process: how far it is, or at its end what it proposes."""

    proposals: tuple[Proposal, ...] | None
    done: int
    wanted: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a round begins by itself."""

    every: int
    """Signal bars; 0 never."""
    on_regime: bool


@dataclass(frozen=True, slots=True)
class Open:
    """A round that is begun, or was and has not ended."""

    number: int
    why: str
    by: str = ""
    """Who asked for it; empty where nobody did."""


class Searches(Protocol):
    """Where rounds are kept, and how their processes are started."""

    def last(self) -> tuple[int, Open | None, dict[str, int]]:
        """The newest round's number, itself if it is open, and bars of each symbol at its begin."""

    def prepare(self, one: Open, state: State) -> Callable[[], None]:
        """What a new round needs to know, as things stand; calling it, anywhere, keeps that."""

    def command(self, number: int) -> Sequence[str]:
        """The words that start its process, or start it again."""

    def end(self, number: int, outcome: Mapping[str, Any]) -> None:
        """It has ended."""


@dataclass(slots=True)
class Progress:
    """The round under way, or the last one; plain data for whoever asks."""

    number: int = 0
    phase: Literal["none", "searching", "proposing", "ended", "given up"] = "none"
    why: str = ""
    done: int = 0
    wanted: int = 0
    deaths: int = 0
    proposed: int = 0
    admitted: int = 0
    replaced: int = 0
    trouble: str = ""
    """Why it was given up, where it is not its process that died."""
    by: str = ""
    """Who asked for it; empty where nobody did."""


class Died(Exception):
    """The process ended without a result."""


@dataclass(slots=True)
class Rounds:
    """One run's rounds, one after the other."""

    pump: Pump
    searches: Searches
    schedule: Schedule
    progress: Progress = field(default_factory=Progress)
    _asked: str = ""
    """Who wants a round now."""
    _changed: str = ""
    """The symbol whose regime has changed since the last round."""
    _regimes: dict[str, Regimes] = field(default_factory=dict)
    _begun: dict[str, int] = field(default_factory=dict)
    """Bars of each symbol when the last round began."""
    _pause_s: float = LOOK_S
    """Until it is looked again whether a round is due."""

    def ask(self, by: str = "") -> bool:
        """A person wants a round now; says whether one will begin for that."""
        if self.progress.phase in {"searching", "proposing"}:
            return False
        self._asked = self._asked or by or "operator"
        return True

    async def run(self) -> None:
        """Until it is cancelled."""
        self._listen()
        try:
            left, known = None, False
            while not known:
                with self._unharmed():
                    left, known = await self._known(), True
                await asyncio.sleep(self._pause_s)
            while True:
                why = self._due()
                if left is not None or why is not None:
                    with self._unharmed():
                        await self._round(left or await self._open(why or "asked"))
                    left = None
                await asyncio.sleep(self._pause_s)
        finally:
            self.pump.listeners.remove(self._heard)
            if self.progress.phase in {"searching", "proposing"}:
                self.progress.phase = "none"

    async def _known(self) -> Open | None:
        """What there is of earlier rounds; the one that was left open."""
        number, left, self._begun = await asyncio.to_thread(self.searches.last)
        self.progress = Progress(max(self.progress.number, number))
        self._pause_s = LOOK_S
        return left

    @contextmanager
    def _unharmed(self) -> Iterator[None]:
        """Whatever is wrong with a round is no harm to the run: it is told, and tried again later.

        But for a journal that cannot be written: that is the run's own trouble.
        """
        try:
            yield
        except (JournalBroken, HalfDone):
            raise
        except Exception as error:
            self._pause_s = min(TROUBLE_S_MAX, max(AGAIN_S, 2.0 * self._pause_s))
            self.progress.phase, self.progress.trouble = "given up", str(error) or repr(error)
            log.exception("a round of search failed", number=self.progress.number)

    def _listen(self) -> None:
        """From now on every close is heard; what was before is known already."""
        for market in self.pump.state.markets.values():
            regimes = Regimes(REGIME_SPAN, REGIME_MEMORY, REGIME_SPAN)
            for bar in market.past:
                regimes.see(bar.close)
            self._regimes[market.symbol] = regimes
        self.pump.listeners.append(self._heard)

    def _heard(self, _event: Input, outs: Sequence[Out]) -> None:
        for _, record in outs:
            if isinstance(record, Standing):
                if self._regimes[record.symbol].see(record.bar.close) is not None:
                    self._changed = record.symbol
            elif isinstance(record, Admission) and record.by == BY:
                self.progress.admitted += record.admitted
                self.progress.replaced += bool(record.replaces)

    def _due(self) -> Why | None:
        state = self.pump.state
        if state.halt is not None or not state.begun or not self.pump.sound:
            return None
        if self._asked:
            return "asked"
        markets, every = state.markets.values(), self.schedule.every
        since = max((m.bars - self._begun.get(m.symbol, 0) for m in markets), default=0)
        if every and since >= every:
            return "every"
        settled = since * REGIME_PAUSE >= max(every, REGIME_PAUSE * REGIME_SPAN)
        if self.schedule.on_regime and self._changed and settled:
            return "regime"
        return None

    async def _open(self, why: Why) -> Open:
        state = self.pump.state
        one = Open(self.progress.number + 1, why, self._asked if why == "asked" else "")
        bars = {market.symbol: market.bars for market in state.markets.values()}
        self.progress = Progress(one.number, "searching", one.why, by=one.by)
        await self.pump.written(outputs=True)  # the record is to hold the bars that made it due
        await asyncio.to_thread(self.searches.prepare(one, state))
        self._asked, self._changed, self._begun = "", "", bars  # not before: else still due
        return one

    async def _round(self, one: Open) -> None:
        """One round to its end, whichever it is: what becomes of it is kept."""
        log.info("a round of search begins", number=one.number, why=one.why, by=one.by)
        self.progress = own = Progress(one.number, "searching", one.why, by=one.by)
        with self._unharmed():
            proposals = await self._found(own)
            if proposals is not None:
                await self._propose(proposals, own)
            await self.pump.written()
            own.phase = "given up" if proposals is None else "ended"
        await asyncio.to_thread(self.searches.end, one.number, facts(own))
        if not own.trouble:
            self._pause_s = LOOK_S
        log.info("a round of search has ended", **facts(own))

    async def _found(self, own: Progress) -> tuple[Proposal, ...] | None:
        """What its process proposes, however often that dies; None if it comes no further."""
        barren, pause_s = 0, AGAIN_S
        while True:
            known = own.done
            try:
                return await self._search(own)
            except (Died, OSError, msgspec.MsgspecError) as error:
                log.warning("a round's process died", number=own.number, why=str(error))
            own.deaths += 1
            barren, pause_s = (0, AGAIN_S) if own.done > known else (barren + 1, 2.0 * pause_s)
            if barren == DEATHS_MAX:
                return None
            await asyncio.sleep(min(AGAIN_S_MAX, pause_s))

    async def _search(self, own: Progress) -> tuple[Proposal, ...]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *self.searches.command(own.number),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=LINE_MAX,
        )  # fmt: skip
        proposals: tuple[Proposal, ...] | None = None
        try:
            async for said in _lines(process):
                own.done, own.wanted = max(own.done, said.done), max(own.wanted, said.wanted)
                proposals = said.proposals
            code = await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if code or proposals is None:
            raise Died(f"exit code {code}")
        return proposals

    async def _propose(self, proposals: Sequence[Proposal], own: Progress) -> None:
        """One by one, each once its step is compiled, and none in a halt."""
        own.phase, own.proposed = "proposing", len(proposals)
        for one in proposals:
            if one.variant.id in self.pump.state.used:  # let in before the engine was cut off
                own.admitted += 1
                continue
            await self._compile(one)
            while not self._taken(one):  # noqa: ASYNC110  no event tells of a halt's end
                await asyncio.sleep(LOOK_S)
            await asyncio.sleep(0)

    def _taken(self, one: Proposal) -> bool:
        """Not in a halt, which may have come with this very input: the walk refuses it then."""
        if self.pump.state.halt is None:
            self.pump.take(Propose(self.pump.state.at_ns, (one,), BY))
        return self.pump.state.halt is None

    async def _compile(self, one: Proposal) -> None:
        state, variant = self.pump.state, one.variant
        market = state.markets.get(variant.symbol)
        if market is not None and state.terms is not None:
            wanted = programs([variant], state.strategies, market.instrument, state.terms)
            await compile_all(wanted, lambda _done, _of: None)


async def _lines(process: asyncio.subprocess.Process) -> AsyncIterator[Said]:
    assert process.stdout is not None
    while line := await process.stdout.readline():
        yield msgspec.json.decode(line, type=Said)


def facts(progress: Progress) -> dict[str, Any]:
    """A round for whoever asks, and for the log."""
    return {name: getattr(progress, name) for name in Progress.__slots__}
