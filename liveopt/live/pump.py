"""The one place where order is made: event -> input journal -> walk -> output journals -> board."""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from liveopt.core.events import Candle, FeedEvent, FeedState, Hole, Quote, Tick
from liveopt.guard.gate import BY_NAME, MODES, OPEN, Gate
from liveopt.guard.latch import Latch
from liveopt.journal.writer import Writer
from liveopt.live.board import Board
from liveopt.live.mailbox import Mailbox
from liveopt.walk.events import Explained, Funding, Halt, Input, Reopen
from liveopt.walk.lines import written
from liveopt.walk.records import Out
from liveopt.walk.state import State
from liveopt.walk.walk import walk

log = structlog.get_logger()

INPUTS: Final = "inputs"
MARKET: Final = (Tick, Candle)
"""What moves the market's clock and price."""
SLICE_S: Final = 0.004
"""The loop is given to others at least this often."""
LOOK_S: Final = 0.005
"""How often the gate is looked at while nothing comes."""
BACKLOG_MAX: Final = 100_000
"""Records that may wait for the disk before the feed has to wait too."""
WAIT_S: Final = 0.005


class HalfDone(Exception):
    """The state is of no event's end, so nothing may follow from it."""


class Pump:
    """Takes events one by one. Between any two of them the gate is asked whether all must stop."""

    def __init__(
        self, state: State, writer: Writer, gate: Gate, latch: Latch, board: Board
    ) -> None:
        self.state = state
        self.board = board
        self.seq = writer.durable[INPUTS]
        """Of the last input that was applied."""
        self.resumed = self.seq > 0
        """This process goes on with what another began."""
        self._writer = writer
        self._gate = gate
        self._latch = latch
        self._number = -1
        """Of the gate's change that was acted upon."""
        self._unexplained = 0
        word = latch.read()
        self._latched = word.number if word.halted == (state.halt is not None) else 0
        """The word that has been journalled: what the run does not know of is still to be told."""
        self._made: dict[str, int] = {}
        """The newest record of each output journal."""
        self.sound = True
        """False while an event is half done, and for good if that failed."""
        self.settlements: dict[str, tuple[int, float]] = {}
        """When a symbol's funding is settled next, and at what rate."""
        self.busy = False
        """Amid a batch of the feed: what comes from elsewhere may be newer than what is left."""
        self.listeners: list[Callable[[Input, list[Out]], None]] = []

    async def run(self, mailbox: Mailbox) -> None:
        """Until the feed ends."""
        loop = asyncio.get_running_loop()
        if self.resumed and self.board.ticked_s is None:
            self.board.ticked_s = loop.time()
        while events := await mailbox.get():
            until_s = loop.time() + SLICE_S
            self.busy = True
            try:
                for event in events:
                    self.feed(event)
                    now_s = loop.time()
                    if isinstance(event, MARKET):
                        self.board.ticked_s = now_s
                    if now_s > until_s:
                        await asyncio.sleep(0)
                        until_s = loop.time() + SLICE_S
            finally:
                self.busy = False
            while self._writer.backlog > BACKLOG_MAX:  # noqa: ASYNC110  a thread works it off
                await asyncio.sleep(WAIT_S)

    def feed(self, event: FeedEvent) -> None:
        """One event of the market."""
        if isinstance(event, Tick):
            self.board.ticks += 1
            due = self.settlements.get(event.symbol)
            if due is not None and event.at_ns >= due[0]:
                del self.settlements[event.symbol]
                self.take(Funding(due[0], event.symbol, due[1]))
        elif isinstance(event, Quote):
            self.board.quoted(event)
            return
        elif isinstance(event, FeedState):
            self.board.feed[event.topic] = event
        elif isinstance(event, Hole):
            self.board.holes += 1
        self.take(event)

    def take(self, event: Input) -> list[Out]:
        """Journal it, apply it, journal what came of it; returns the latter."""
        if self._gate.number != self._number:
            self.obey()
        return self._apply(event)

    def _apply(self, event: Input) -> list[Out]:
        if not self.sound:
            raise HalfDone("an event was left half done; a new start folds the journal again")
        self.seq = self._writer.append(INPUTS, written(event))
        self.sound = False
        outs = walk(self.state, event)
        for journal, record in outs:
            self._made[journal] = self._writer.append(journal, written(record))
        self.sound = True
        if outs:
            self.board.heard(outs)
        for listener in self.listeners:
            listener(event, outs)
        return outs

    def obey(self) -> None:
        """The gate has changed: whoever runs is told, and the gate that it is done."""
        number, wanted = self._gate.number, self._gate.wanted
        halted = self.state.halt
        known = (0, OPEN) if halted is None else (halted.number, BY_NAME[halted.mode])
        if wanted and (known[0] != number or known[1] < wanted):
            self._apply(Halt(self.state.at_ns, number, MODES[wanted]))
            self._unexplained = number
        elif not wanted and halted is not None:
            self._apply(Reopen(self.state.at_ns, number))
            self._unexplained = number
        self._number = number
        self._gate.acknowledge(number, self.seq, self.state.running(), self.state.positions())

    def _explain(self) -> None:
        """The latch is written after the gate is shut; it says who did it and why."""
        word = self._latch.read()
        if word.number != self._latched:
            self._latched = word.number
            self.take(Explained(self.state.at_ns, self._unexplained, word.reason, word.by))
            self._unexplained = 0

    async def watch(self) -> None:
        """Looks at the gate when nothing else comes, and says that the loop is alive."""
        while True:
            self._gate.beat()
            if self._gate.number != self._number:
                self.obey()
            elif self._unexplained:
                self._explain()
            await asyncio.sleep(LOOK_S)

    async def written(self, seconds: float = 5.0, *, outputs: bool = False) -> None:
        """Waits until every input so far is on the disk, and what came of it if that is asked.

        What came of it follows from the inputs, so a command need not wait for that.
        """
        wanted = {INPUTS: self.seq} | (dict(self._made) if outputs else {})
        async with asyncio.timeout(seconds):
            while any(self._writer.durable[name] < seq for name, seq in wanted.items()):
                if self._writer.failed is not None:
                    raise self._writer.failed
                await asyncio.sleep(0.001)
