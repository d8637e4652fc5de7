"""Rows of the market, from bars at rest and one by one, are the same rows."""

from itertools import pairwise

import numpy as np
import pytest

from liveopt.core.bars import DAY_NS, HOUR_NS, MINUTE_NS, BadBar, Bars
from liveopt.core.events import Bar
from liveopt.data.market import synthetic_bars
from liveopt.engine.program import FINE, FINE_ROW, ROW_CELLS, SIGNAL
from liveopt.engine.rows import Rows, rows_of, signal_row, signal_rows

NOON_NS = 1_704_110_400_000_000_000  # 2024-01-01 12:00 UTC
SIGNAL_CELLS = slice(len(FINE_ROW), None)


def bars() -> Bars:
    """Seven minutes from noon on; the last two do not fill a signal bar of five."""
    return synthetic_bars(7, 1, MINUTE_NS, NOON_NS)


def column(rows: Rows, name: str) -> list[float]:
    found: list[float] = rows.table[:, ROW_CELLS.index(name)].tolist()
    return found


def test_a_row_holds_its_fine_bar_and_the_seconds_since_the_first() -> None:
    rows = rows_of(bars(), MINUTE_NS, MINUTE_NS)
    assert len(rows) == 7
    assert column(rows, "fine_time_s") == [60.0 * i for i in range(7)]
    for name in ("open", "high", "low", "close"):
        assert column(rows, f"fine_{name}") == getattr(bars(), name).tolist()
        assert column(rows, f"bar_{name}") == getattr(bars(), name).tolist()
    assert column(rows, "fine_funding") == [0.0] * 7
    assert rows.kinds.tolist() == [FINE + SIGNAL] * 7
    assert rows.kinds.dtype == np.uint8


def test_the_last_fine_bar_of_a_signal_bar_brings_its_close() -> None:
    rows, fine = rows_of(bars(), MINUTE_NS, 5 * MINUTE_NS), bars()
    assert rows.kinds.tolist() == [FINE] * 4 + [FINE + SIGNAL] + [FINE] * 2
    whole = rows.table[4, SIGNAL_CELLS].tolist()
    assert whole == [
        fine.open[0], fine.high[:5].max(), fine.low[:5].min(), fine.close[4],
        pytest.approx(fine.volume[:5].sum()), NOON_NS // DAY_NS,
    ]  # fmt: skip
    assert not rows.table[[0, 1, 2, 3, 5, 6], SIGNAL_CELLS].any()


def test_time_may_be_counted_from_another_moment_and_funding_given() -> None:
    funding = np.arange(7.0) * 1e-4
    rows = rows_of(bars(), MINUTE_NS, MINUTE_NS, funding, NOON_NS - HOUR_NS)
    assert column(rows, "fine_time_s")[:2] == [3_600.0, 3_660.0]
    assert column(rows, "fine_funding") == funding.tolist()


def test_no_bars_are_no_rows() -> None:
    assert len(rows_of(bars().part(0, 0), MINUTE_NS, MINUTE_NS)) == 0


def test_a_part_is_a_view_of_the_rows() -> None:
    rows = rows_of(bars(), MINUTE_NS, 5 * MINUTE_NS)
    part = rows.part(3, 5)
    assert part.kinds.tolist() == [FINE, FINE + SIGNAL]
    assert np.shares_memory(part.table, rows.table)
    assert part.table.flags.c_contiguous


def test_the_day_of_a_signal_bar_is_that_of_its_open() -> None:
    night = synthetic_bars(120, 1, MINUTE_NS, NOON_NS - NOON_NS % DAY_NS - HOUR_NS)
    days = column(rows_of(night, MINUTE_NS, MINUTE_NS), "bar_day")
    day = NOON_NS // DAY_NS
    assert days == [day - 1.0] * 60 + [float(day)] * 60


def test_live_rows_are_the_rows_at_rest() -> None:
    """Live a signal bar's close is a row of its own; `Stepper.fine` is held to its part by law."""
    fine = bars()
    stored = rows_of(fine, MINUTE_NS, 5 * MINUTE_NS)
    singles = [
        Bar(int(fine.at_ns[i]), *(float(c[i]) for c in fine.floats())) for i in range(len(fine))
    ]
    volume = 0.0
    for bar in singles[:5]:
        volume += bar.volume
    coarse = Bar(
        NOON_NS, singles[0].open, max(b.high for b in singles[:5]),
        min(b.low for b in singles[:5]), singles[4].close, volume,
    )  # fmt: skip
    closed = signal_row(coarse)
    assert closed.kinds.tolist() == [SIGNAL]
    assert closed.table[0, SIGNAL_CELLS].tolist() == stored.table[4, SIGNAL_CELLS].tolist()
    assert not closed.table[0, : len(FINE_ROW)].any()


def test_the_closes_of_signal_bars_alone_are_those_of_their_rows() -> None:
    fine = bars()
    found = signal_rows(fine)
    assert found.kinds.tolist() == [SIGNAL] * len(fine)
    for i in range(len(fine)):
        one = signal_row(Bar(int(fine.at_ns[i]), *(float(c[i]) for c in fine.floats())))
        assert found.table[i].tolist() == one.table[0].tolist()
    assert len(signal_rows(fine.part(0, 0))) == 0


def test_every_row_of_a_prefix_but_the_newest_is_final() -> None:
    fine = synthetic_bars(40, 2, MINUTE_NS, NOON_NS)
    whole = rows_of(fine, MINUTE_NS, 5 * MINUTE_NS)
    for last, _ in pairwise(range(1, 41)):
        part = rows_of(fine.part(0, last), MINUTE_NS, 5 * MINUTE_NS)
        assert np.array_equal(part.table[: last - 1], whole.table[: last - 1])
        assert np.array_equal(part.kinds[: last - 1], whole.kinds[: last - 1])


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), 0.1, -5.0])
def test_a_funding_rate_that_is_none_is_refused_with_its_row(rate: float) -> None:
    """One NaN used to empty the account without a word."""
    rates = np.zeros(len(bars()))
    rates[3] = rate
    with pytest.raises(BadBar, match=r"row 3.*funding"):
        rows_of(bars(), MINUTE_NS, MINUTE_NS, rates)


@pytest.mark.parametrize(
    ("prices", "volume", "column"),
    [
        ((1.0, float("nan"), 1.0, 1.0), 1.0, "high"),
        ((1.0, 2.0, 0.0, 1.0), 1.0, "low"),
        ((float("nan"), 2.0, 1.0, 1.0), 1.0, "open"),
        ((1.0, 2.0, 1.0, float("nan")), 1.0, "close"),  # used to pass: min(1.0, nan) is 1.0
        ((1.0, 2.0, 1.0, 3.0), 1.0, "high"),
        ((1.0, 2.0, 1.0, 0.5), 1.0, "low"),
        ((1.0, 2.0, 1.0, 1.0), float("nan"), "volume"),
        ((1.0, 0.5, 0.4, 0.5), 1.0, "high"),
        ((1.0, 1.0, 1.0, 1.0), -1.0, "volume"),
    ],
)
def test_a_single_bar_passes_the_same_door(
    prices: tuple[float, float, float, float], volume: float, column: str
) -> None:
    bar = Bar(0, *prices, volume)
    with pytest.raises(BadBar, match=column):
        signal_row(bar)
    with pytest.raises(BadBar, match=column):
        signal_rows(Bars.of([bar]))
