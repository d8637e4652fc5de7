"""The columns that every variant reads alike, derived as each signal bar closes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.core.market import ATR_MOVES, Fine, Market, observe

Row = tuple[float, float, float, float, float, float]  # open high low close volume day


def seen(*rows: Row) -> list[dict[str, float]]:
    """Every column after every bar."""
    bar = Market()
    found = []
    for row in rows:
        bar.open, bar.high, bar.low, bar.close, bar.volume, bar.day = row
        observe(bar)
        found.append({name: getattr(bar, name) for name in Market.__slots__})
    return found


def test_a_market_begins_with_nothing() -> None:
    assert Fine() == Fine(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    assert Market().last_day == -1.0


def test_the_first_bar_has_no_bar_before_it() -> None:
    (first,) = seen((10.0, 13.0, 8.0, 12.0, 5.0, 3.0))
    assert first == {
        "open": 10.0, "high": 13.0, "low": 8.0, "close": 12.0, "volume": 5.0, "day": 3.0,
        "n": 1.0, "inv_n": 1.0, "inv_moves": 1.0, "day_start": 1.0,
        "change": 0.0, "gain": 0.0, "loss": 0.0,
        "true_range": 5.0, "up_move": 0.0, "down_move": 0.0,
        "typical": 11.0, "obv": 5.0, "atr": 5.0,
        "last_open": 10.0, "last_high": 13.0, "last_low": 8.0, "last_close": 12.0, "last_day": 3.0,
    }  # fmt: skip


# A bar of 10 13 8 12 volume 5 came before.
#  open high low close vol | change gain loss range  up  down obv
MOVES = """
   12   15   9   14    3  |   2     2    0    6     2    0     8
   12   13   6   11    3  |  -1     0    1    7     0    2     2
   12   13   8   12    3  |   0     0    0    5     0    0     5
   20   22  19   21    3  |   9     9    0   10     9    0     8
    4    5   3    4    3  |  -8     0    8    9     0    5     2
   12   15   6   12    3  |   0     0    0    9     0    0     5
   12   16   6   12    3  |   0     0    0   10     3    0     5
   12   14   5   12    3  |   0     0    0    9     0    3     5
   12   12   9   12    0  |   0     0    0    3     0    0     5
   12   12   9   13    0  |   1     1    0    3     0    0     5
"""


@pytest.mark.parametrize("line", MOVES.strip().splitlines())
def test_the_columns_of_a_bar_follow_from_it_and_the_one_before(line: str) -> None:
    given_, wanted = ([float(cell) for cell in part.split()] for part in line.split("|"))
    opened, high, low, close, volume = given_
    before, now = seen((10, 13, 8, 12, 5, 0), (opened, high, low, close, volume, 0))
    names = ("change", "gain", "loss", "true_range", "up_move", "down_move", "obv")
    assert [now[name] for name in names] == wanted
    assert now["typical"] == (high + low + close) / 3.0
    assert (now["n"], now["inv_n"], now["inv_moves"]) == (2.0, 0.5, 1.0)
    assert before["n"] == 1.0


def test_a_day_starts_with_its_first_bar_only() -> None:
    days = (3.0, 3.0, 4.0, 4.0, 6.0)
    bars = seen(*((1.0, 1.0, 1.0, 1.0, 1.0, day) for day in days))
    assert [bar["day_start"] for bar in bars] == [1.0, 0.0, 1.0, 0.0, 1.0]
    assert seen((1.0, 1.0, 1.0, 1.0, 1.0, 0.0))[0]["day_start"] == 1.0


def test_the_weights_of_plain_means_are_kept() -> None:
    bars = seen(*((1.0, 1.0, 1.0, 1.0, 1.0, 0.0) for _ in range(5)))
    assert [bar["inv_n"] for bar in bars] == [1.0, 1 / 2, 1 / 3, 1 / 4, 1 / 5]
    assert [bar["inv_moves"] for bar in bars] == [1.0, 1.0, 1 / 2, 1 / 3, 1 / 4]


def naive_atr(ranges: list[float]) -> list[float]:
    """Wilder's mean over 14 moves, seeded by the plain mean of the moves there are.

    The first bar has no move; its range stands until the second bar brings the first.
    """
    found = ranges[:1]
    for count in range(1, len(ranges)):
        moves = ranges[1 : count + 1]
        window = int(ATR_MOVES)
        if count <= window:
            found.append(sum(moves) / count)
        else:
            found.append(found[-1] + (moves[-1] - found[-1]) / window)
    return found


@given(st.lists(st.tuples(*[st.floats(1.0, 100.0)] * 3), min_size=1, max_size=40))
def test_atr_and_obv_are_those_of_the_textbook(draws: list[tuple[float, float, float]]) -> None:
    rows: list[Row] = [(sorted(d)[1], max(d), min(d), d[0], d[1], 0.0) for d in draws]
    bars = seen(*rows)
    closes = [row[3] for row in rows]
    ranges = [rows[0][1] - rows[0][2]] + [
        max(high, last) - min(low, last)
        for (_, high, low, _, _, _), last in zip(rows[1:], closes, strict=False)
    ]
    assert [bar["true_range"] for bar in bars] == ranges
    assert [bar["atr"] for bar in bars] == pytest.approx(naive_atr(ranges), rel=1e-12)
    volumes = np.array([row[4] for row in rows])
    signs = np.sign(np.diff(closes, prepend=closes[0]))
    signs[0] = 1.0
    assert [bar["obv"] for bar in bars] == pytest.approx(np.cumsum(signs * volumes), abs=1e-9)
