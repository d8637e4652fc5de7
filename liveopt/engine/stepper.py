"""Live bars, one at a time, into one batch on the CPU.

What a call needs besides the kernel is laid out once, when the stepper is made: a tick that hits
nobody costs a few microseconds and makes no garbage.
"""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Literal

import numpy as np

from liveopt.core.account import FREE, INF, NO_ENTRIES
from liveopt.core.bars import Bars
from liveopt.core.events import Bar
from liveopt.engine.batch import Array, Batch
from liveopt.engine.cpu import Cpu, compiled
from liveopt.engine.inputs import NOTHING
from liveopt.engine.program import FINE, LANES, LOG_SIDE, LOGGED, ROW_CELLS
from liveopt.engine.rows import FUNDING_LIMIT, check_funding, check_one, signal_row, signal_rows
from liveopt.engine.steer import Places, bar, unbar

NOTES_MOST = 3
"""A fine bar can close a position, open another and close that one."""
LOG_LEAST = NOTES_MOST * LANES
NAMES = tuple(n.removeprefix("a_").removeprefix("fine_") for n in LOGGED)
ENTRY_NAMES = ("since_s", "time_s", "entry", "paid", "side", "qty", "margin")
_FINE_ROW = struct.Struct("=6d")


@dataclass(frozen=True, slots=True)
class Note:
    """A position that was opened or closed, in the words of `Batch.trades`.

    An entry knows `ENTRY_NAMES` (`paid` is the fee of the entry, `qty` has the sign of the side);
    an exit knows all of `NAMES`, with the size and side it had as `was_qty` and `was_side`.
    """

    variant: int
    kind: Literal["entry", "exit"]
    values: Mapping[str, float]


class Stepper:
    """One batch of a live run, on the thread that calls; other threads run while the kernel does.

    Whoever stops itself (see `barred`) does so with a signal bar, or on a fine bar that brings an
    exit or is followed by one: it is enough to look at `barred` after `signal`, and after `fine`
    when it says that something was noted.
    """

    def __init__(self, batch: Batch) -> None:
        """Load the kernel and lay out what every call hands to it."""
        if batch.program.log and batch.log.shape[1] < LOG_LEAST:
            raise ValueError(
                f"log_trades must be 0 or at least {LOG_LEAST}, or notes could be lost"
            )
        self.batch = batch
        self._cpu = Cpu(threads=1)
        self._kernel = compiled(batch.program)
        table, layout = np.zeros((1, len(ROW_CELLS))), batch.inputs.layout
        self._row = table.data.cast("B")
        self._arguments = (  # a fine bar reads no input, so their layout may change
            table, np.array([FINE], np.uint8), batch.terms, batch.blocks,
            NOTHING.values, NOTHING.offsets, layout.strides, layout.index, layout.runs,
            batch.log, batch.logged, 0, len(batch.blocks),
        )  # fmt: skip
        self._noted = False
        self._kept: list[Note] = []

    def fine(
        self,
        time_s: float,
        open: float,  # noqa: A002  its name in every bar
        high: float,
        low: float,
        close: float,
        funding: float = 0.0,
    ) -> bool:
        """Pass one fine bar; says whether a position was opened or closed."""
        sound = 0.0 < low <= open <= high < INF and low <= close <= high
        if not (sound and -FUNDING_LIMIT < funding < FUNDING_LIMIT and -INF < time_s < INF):
            _refuse(time_s, Bar(0, open, high, low, close, 0.0), funding)
        if self._noted:
            self._collect()
        _FINE_ROW.pack_into(self._row, 0, time_s, open, high, low, close, funding)
        self._kernel(*self._arguments)
        self._noted = bool(np.count_nonzero(self.batch.logged))
        return self._noted

    def signal(self, bar: Bar) -> None:
        """Pass the close of one signal bar."""
        self._cpu.advance(self.batch, signal_row(bar))

    def notes(self) -> list[Note]:
        """What was noted since the last call: bar by bar, variant by variant, as it happened."""
        self._collect()
        found, self._kept = self._kept, []
        return found

    def warm(self, bars: Bars | Iterable[Bar]) -> None:
        """Take signal bars from before the trading: strategies learn, nobody trades or is measured.

        Afterwards everybody stays flat until the target changes.
        """
        batch = self.batch
        if batch.signals != batch.before:
            raise ValueError("a batch is warmed before its first signal bar")
        rows = signal_rows(bars if isinstance(bars, Bars) else Bars.of(bars))
        free = np.flatnonzero(self.barred() == FREE)
        bar(batch, free, NO_ENTRIES)
        self._cpu.advance(batch, rows)
        unbar(batch, free[self.barred()[free] == NO_ENTRIES])
        batch.before = batch.signals

    def bar(self, variants: Places, level: float) -> None:
        """Let these open nothing more; at level 2 (`OUT`) they go flat at the next open as well."""
        bar(self.batch, variants, level)

    def unbar(self, variants: Places) -> None:
        """Let these trade again, from the next change of their target on."""
        unbar(self.batch, variants)

    def barred(self) -> Array:
        """For each variant: 0 free, 1 opens nothing, 2 out, 3 out for want of a target."""
        return self.batch.cell("a_barred")

    def _collect(self) -> None:
        if not self._noted:
            return
        log, logged = self.batch.log, self.batch.logged
        for block in np.flatnonzero(logged).tolist():
            lines: list[list[float]] = log[block, : logged[block]].tolist()
            lines.sort(key=itemgetter(0))  # what one variant did stays in its order
            self._kept.extend(map(_note, lines))
        logged[:] = 0
        self._noted = False


def _note(line: list[float]) -> Note:
    values = dict(zip(NAMES, line[1:], strict=True))
    if line[LOG_SIDE] == 0.0:
        return Note(int(line[0]), "exit", values)
    return Note(int(line[0]), "entry", {name: values[name] for name in ENTRY_NAMES})


def _refuse(time_s: float, bar: Bar, funding: float) -> None:
    """Say what is wrong with a fine bar."""
    check_one(bar)
    check_funding(np.array([funding]))
    raise ValueError(f"time_s is {time_s}, not a finite time")
