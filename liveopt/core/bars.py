"""Bars: many as columns, built from ticks one at a time, and grouped into longer ones."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from liveopt.core.events import Bar, Closed, Gap, LateTick, Tick

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
HOUR_NS = 60 * MINUTE_NS
DAY_NS = 24 * HOUR_NS

INTERVALS = {
    "1s": SECOND_NS,
    "5s": 5 * SECOND_NS,
    "15s": 15 * SECOND_NS,
    "1m": MINUTE_NS,
    "3m": 3 * MINUTE_NS,
    "5m": 5 * MINUTE_NS,
    "15m": 15 * MINUTE_NS,
    "30m": 30 * MINUTE_NS,
    "1h": HOUR_NS,
    "4h": 4 * HOUR_NS,
    "1d": DAY_NS,
}

# A longer silence is an outage or a new listing, not a quiet market, and flat bars would hide it.
# It also bounds what one tick can close: 86,400 bars of a second.
FILL_NS_MAX = DAY_NS


def interval_ns(name: str) -> int:
    """The length of a bar by its usual name, such as `5m`."""
    if name not in INTERVALS:
        raise ValueError(f"no interval {name!r}; the intervals are {', '.join(INTERVALS)}")
    return INTERVALS[name]


def floor_ns(at_ns: int, width_ns: int) -> int:
    """When the interval around `at_ns` opened; intervals are counted from 1970-01-01 UTC."""
    return at_ns - at_ns % width_ns


class BadBar(ValueError):
    """The first bar, counted from 0, that cannot have come from a market."""

    def __init__(self, row: int, column: str, value: float, why: str) -> None:
        super().__init__(f"row {row} (the first row is row 0): {column} is {value}, {why}")
        self.row = row
        self.column = column
        self.value = value
        self.why = why


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Bars as columns of one length, oldest first; `at_ns` is when each opens."""

    at_ns: Int64
    open: Float64
    high: Float64
    low: Float64
    close: Float64
    volume: Float64

    def __post_init__(self) -> None:
        assert self.at_ns.dtype == np.int64
        for column in self.floats():
            assert column.dtype == np.float64
            assert column.shape == self.at_ns.shape

    def __len__(self) -> int:
        return len(self.at_ns)

    def floats(self) -> tuple[Float64, Float64, Float64, Float64, Float64]:
        """Open, high, low, close and volume, in this order."""
        return self.open, self.high, self.low, self.close, self.volume

    def part(self, start: int, stop: int) -> "Bars":
        """Bars `start` up to but without `stop`, as views: nothing is copied."""
        return Bars(self.at_ns[start:stop], *(column[start:stop] for column in self.floats()))

    @staticmethod
    def of(rows: Iterable[Bar]) -> "Bars":
        """Single bars put together as columns."""
        kept = list(rows)
        return Bars(
            np.array([bar.at_ns for bar in kept], np.int64),
            np.array([bar.open for bar in kept], np.float64),
            np.array([bar.high for bar in kept], np.float64),
            np.array([bar.low for bar in kept], np.float64),
            np.array([bar.close for bar in kept], np.float64),
            np.array([bar.volume for bar in kept], np.float64),
        )


def check(bars: Bars) -> None:
    """The door for bars from outside: raises `BadBar` for the first row that is wrong."""
    faults: list[tuple[int, str, str]] = []

    def refuse(column: str, bad: NDArray[np.bool_], why: str) -> None:
        if bad.any():
            faults.append((int(bad.argmax()), column, why))

    stuck = np.zeros(len(bars), np.bool_)
    stuck[1:] = bars.at_ns[1:] <= bars.at_ns[:-1]
    refuse("at_ns", stuck, "not later than the row before")
    # Comparisons are written so that NaN fails them.
    for name in ("open", "high", "low", "close"):
        price = getattr(bars, name)
        refuse(name, ~((price > 0.0) & (price < inf)), "not a positive finite price")
    refuse("high", bars.high < np.maximum(bars.open, bars.close), "below the open or the close")
    refuse("low", bars.low > np.minimum(bars.open, bars.close), "above the open or the close")
    refuse(
        "volume", ~((bars.volume >= 0.0) & (bars.volume < inf)), "not a finite amount of 0 or more"
    )
    if faults:
        row, column, why = min(faults, key=lambda fault: fault[0])
        raise BadBar(row, column, getattr(bars, column)[row].item(), why)


@dataclass(slots=True)
class BarBuilder:
    """Folds ticks into clock-aligned bars; a plain value that can be copied, compared and stored.

    An interval without trades becomes a bar at the previous close with volume 0. A silence of more
    than a day is reported as a `Gap` instead, and the bars start anew with the next trade. A tick
    older than the open interval changes no bar: it is counted in `late` and handed back.
    """

    interval_ns: int
    open_ns: int | None = None  # when the open interval began; None before the first tick
    bar: Bar | None = None  # the open interval so far; None while it has no trade
    last_close: float | None = None  # what an empty bar repeats; None when there is nothing to
    late: int = 0

    def add(self, tick: Tick) -> Closed:
        """Take one tick; the bars returned are those that its time shows to be over."""
        assert 0.0 < tick.price < inf, tick
        assert 0.0 <= tick.size < inf, tick
        if self.open_ns is not None and tick.at_ns < self.open_ns:
            self.late += 1
            return Closed(late=LateTick(tick, self.open_ns))
        start_ns = floor_ns(tick.at_ns, self.interval_ns)
        closed = self._open(start_ns)
        self.bar = _joined(self.bar, tick, start_ns)
        return closed

    def join(self, bar: Bar) -> Closed:
        """Take one closed finer bar, which lies within one interval, as if it were its ticks."""
        if self.open_ns is not None and bar.at_ns < self.open_ns:
            self.late += 1
            return Closed(late=LateTick(Tick(bar.at_ns, bar.close, bar.volume), self.open_ns))
        start_ns = floor_ns(bar.at_ns, self.interval_ns)
        closed = self._open(start_ns)
        so_far = self.bar
        if so_far is None:
            self.bar = Bar(start_ns, bar.open, bar.high, bar.low, bar.close, bar.volume)
        else:
            high, low = max(so_far.high, bar.high), min(so_far.low, bar.low)
            volume = so_far.volume + bar.volume
            self.bar = Bar(start_ns, so_far.open, high, low, bar.close, volume)
        return closed

    def due(self, now_ns: int) -> bool:
        """Whether `seal` would close something."""
        return self.open_ns is not None and self.open_ns + self.interval_ns <= now_ns

    def seal(self, now_ns: int) -> Closed:
        """Close by the clock every bar that ends at or before `now_ns`; without ticks, none."""
        if self.open_ns is None:
            return _NOTHING
        return self._open(max(self.open_ns, floor_ns(now_ns, self.interval_ns)))

    def _open(self, start_ns: int) -> Closed:
        from_ns, self.open_ns = self.open_ns, start_ns
        if from_ns is None or from_ns == start_ns:
            return _NOTHING
        bars: list[Bar] = []
        if self.bar is not None:
            bars.append(self.bar)
            from_ns += self.interval_ns
            self.last_close = self.bar.close
            self.bar = None
        if start_ns - from_ns > FILL_NS_MAX:
            self.last_close = None
            return Closed(tuple(bars), gap=Gap(from_ns, start_ns))
        if self.last_close is not None:
            price = self.last_close
            bars.extend(
                Bar(at_ns, price, price, price, price, 0.0)
                for at_ns in range(from_ns, start_ns, self.interval_ns)
            )
        return Closed(tuple(bars))


_NOTHING = Closed()


def _joined(bar: Bar | None, tick: Tick, start_ns: int) -> Bar:
    price = tick.price
    if bar is None:
        return Bar(start_ns, price, price, price, price, tick.size)
    high = max(bar.high, price)
    low = min(bar.low, price)
    return Bar(start_ns, bar.open, high, low, price, bar.volume + tick.size)


def resample(bars: Bars, fine_ns: int, signal_ns: int) -> tuple[NDArray[np.uint8], Bars]:
    """Group fine bars into clock-aligned signal bars.

    Returns a mark (1) on each fine bar that closes a signal bar, and the signal bars closed. A
    signal bar closes with the last fine bar inside its interval, which is known to be the last when
    it ends with the interval or when a later fine bar follows; until then it is left out. So the
    signal bars of a prefix are a prefix of the signal bars, and every mark but the newest is final.
    A fine bar without trades counts with its prices like any other.
    """
    if fine_ns <= 0 or signal_ns <= 0 or signal_ns % fine_ns != 0:
        raise ValueError(
            f"a signal bar of {signal_ns} ns is not made of whole bars of {fine_ns} ns"
        )
    within_ns = bars.at_ns % signal_ns
    start_ns = bars.at_ns - within_ns
    closes = np.zeros(len(bars), np.uint8)
    closes[:-1] = start_ns[1:] != start_ns[:-1]
    closes[-1:] = within_ns[-1:] + fine_ns >= signal_ns
    last = np.flatnonzero(closes)
    if len(last) == 0:
        return closes, bars.part(0, 0)
    stop = int(last[-1]) + 1
    first = np.zeros_like(last)
    first[1:] = last[:-1] + 1
    # bincount adds one after the other, as a live sum does; a pairwise sum differs in the last bit.
    volume = np.bincount(
        np.repeat(np.arange(len(last)), last - first + 1), weights=bars.volume[:stop]
    )
    signal = Bars(
        start_ns[first],
        bars.open[first],
        np.maximum.reduceat(bars.high[:stop], first),
        np.minimum.reduceat(bars.low[:stop], first),
        bars.close[last],
        volume.astype(np.float64, copy=False),
    )
    return closes, signal


def infer_interval_ns(bars: Bars) -> int:
    """The most common step between bars, the shorter of two equally common; a known interval."""
    if len(bars) < 2:
        raise ValueError(f"an interval needs at least 2 bars, there are {len(bars)}")
    steps, counts = np.unique(np.diff(bars.at_ns), return_counts=True)
    step_ns = int(steps[counts.argmax()])
    if step_ns not in INTERVALS.values():
        step_s = step_ns / SECOND_NS
        raise ValueError(f"most bars are {step_s:g} s apart; intervals are {', '.join(INTERVALS)}")
    return step_ns
