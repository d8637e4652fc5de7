"""The newest of everything, its past, and how old it is."""

from math import isnan, nan
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.live.frames import COLUMNS, BadFrame
from liveopt.web.picture import (
    DECIMALS,
    NOTHING,
    SILENT_S,
    TOLD,
    Clocks,
    Difference,
    Picture,
    difference,
)
from tests.unit.web.watching import START_NS, Engine, people

MS = START_NS // 1_000_000


def seen(engine: Engine, picture: Picture | None = None, now_s: float = 100.0) -> Picture:
    found = picture or Picture()
    found.take(engine.frame(), now_s, 1_000 + engine.seq)
    return found


def test_before_an_engine_speaks_there_is_nothing_and_no_age() -> None:
    picture = Picture()
    assert picture.clocks(5.0) == Clocks(None, None, None, None, None, None)
    assert (picture.variants(10), picture.variant("a"), picture.equity("a")) == ([], None, ([], []))
    assert picture.summary() == {}
    assert picture.shown() is NOTHING


def test_a_frame_is_shown_as_rows_that_people_read() -> None:
    engine = Engine()
    engine.columns["roi"][:] = [0.0, 0.02, -0.01]
    engine.columns["bar_sharpe"][:] = [nan, 1.5, nan]
    engine.columns["status"][:] = [0, 2, 4]
    engine.columns["side"][:] = [0, 1, -1]
    engine.columns["max_drawdown"][:] = [0.3, 0.1, 0.2]
    picture = seen(engine)
    assert picture.place("b") == 2
    one = picture.variant("a")
    assert one is not None
    assert list(one) == ["id", "symbol", "strategy", "origin", "lane", "champion", *COLUMNS]
    assert (one["status"], one["side"], one["roi"], one["champion"]) == (
        "paused", "long", 0.02, False,
    )  # fmt: skip
    assert [row["id"] for row in picture.variants(9)] == ["a", "main", "b"]
    assert [row["id"] for row in picture.variants(9, champions=False)] == ["a", "b"]
    assert [row["id"] for row in picture.variants(2, "max_drawdown")] == ["a", "b"]
    sharpest = picture.variants(9, "bar_sharpe")
    assert [row["bar_sharpe"] for row in sharpest] == [1.5, None, None]
    msgspec.json.encode(sharpest)
    with pytest.raises(KeyError):
        picture.variants(9, "password")


def test_a_frame_that_does_not_fit_leaves_the_picture_as_it_was() -> None:
    engine = Engine()
    picture = seen(engine)
    engine.columns["equity"][:] = 5.0
    broken = engine.frame()
    with pytest.raises(BadFrame):
        picture.take(msgspec.structs.replace(broken, columns={}), 101.0, 2_000)
    with pytest.raises(BadFrame, match="unknown people"):
        picture.take(msgspec.structs.replace(broken, population=9), 101.0, 2_000)
    with pytest.raises(BadFrame, match="unknown people"):
        picture.take(msgspec.structs.replace(broken, boot="other"), 101.0, 2_000)
    assert picture.columns["equity"].tolist() == [10_000.0] * 3
    assert picture.frames == 1


def test_frames_that_did_not_come_are_counted_unless_the_engine_is_another() -> None:
    engine = Engine()
    picture = seen(engine)
    engine.frame()
    engine.frame()
    seen(engine, picture)
    assert picture.gaps == 2
    engine.boot, engine.seq, engine.known = "engine-2", 70, False
    seen(engine, picture)
    assert (picture.gaps, picture.boot) == (2, "engine-2")


def test_clocks_tell_a_silent_market_from_a_silent_engine() -> None:
    engine = Engine()
    engine.ticked()
    engine.report["standing"] = {"XBTUSDTM": {"bar_at_ns": START_NS}}
    picture = Picture()
    picture.take(engine.frame(), 100.0, 1_006)
    assert picture.clocks(100.0) == Clocks(MS + 1_000, 1_001, MS, 5, 5, 0)
    engine.at_ns += 10**9  # the market's clock goes on where nothing trades
    engine.report["tick_age_ms"] = 7_010
    picture.take(engine.frame(), 107.0, 1_002)
    assert picture.clocks(108.0) == Clocks(MS + 1_000, 1_002, MS, 8_010, 0, 1_000)
    engine.ticked()
    picture.take(engine.frame(), 109.0, 1_008)
    assert picture.clocks(109.5) == Clocks(MS + 3_000, 1_003, MS, 505, 5, 500)


def test_a_process_that_starts_anew_knows_how_old_the_newest_tick_is() -> None:
    engine = Engine()
    engine.ticked()
    engine.report["tick_age_ms"] = 25_000
    assert seen(engine, now_s=100.0).clocks(100.5).market_age_ms == 25_500


def test_an_engine_speaks_while_it_is_there_and_its_word_is_young() -> None:
    picture = Picture()
    assert (picture.speaks(0.0), picture.as_of_ms) == (False, None)
    seen(Engine(), picture, now_s=100.0)
    assert not picture.speaks(100.0), "nobody is at the other end"
    picture.connected = True
    assert [picture.speaks(100.0 + s) for s in (0.0, SILENT_S, SILENT_S + 0.01)] == [
        True,
        True,
        False,
    ]
    assert picture.as_of_ms == 1_001


def test_what_is_made_of_a_frame_is_made_once_and_goes_with_it() -> None:
    engine = Engine()
    picture = seen(engine)
    made = [picture.once("a", lambda: picture.variants(9)) for _ in range(2)]
    assert made[0] is made[1]
    engine.columns["roi"][1] = 0.5
    seen(engine, picture)
    assert picture.once("a", lambda: picture.variants(9))[0]["roi"] == 0.5


def test_what_anybody_may_see_of_the_report_is_listed_by_name() -> None:
    engine = Engine(report=dict.fromkeys(TOLD, "word") | {"folder": "/home/me", "key": "s3"})
    picture = seen(engine_without_markets(engine))
    assert set(picture.summary()) == set(TOLD)
    assert "folder" in picture.report


def engine_without_markets(engine: Engine) -> Engine:
    engine.report |= {"markets": {}, "standing": {}, "seq": 7, "durable_seq": 7}
    return engine


def test_a_curve_goes_on_when_the_engine_starts_again_and_ends_with_the_run() -> None:
    engine = Engine()
    picture = seen(engine, now_s=100.0)
    engine.boot, engine.known = "engine-2", False
    engine.ticked()
    engine.columns["equity"][1] = 10_100.0
    seen(engine, picture, now_s=101.0)
    assert picture.equity("a") == ([MS, MS + 1_000], [10_000.0, 10_100.0])
    engine.run = "20231115-000000"
    seen(engine, picture, now_s=102.0)
    assert picture.equity("a") == ([MS + 1_000], [10_100.0])


def test_people_who_are_told_again_keep_their_places() -> None:
    engine = Engine()
    picture = seen(engine)
    before = picture.shown()
    engine.known = False
    seen(engine, picture)
    assert difference(before, picture.shown()) is not None
    engine.meet(people("main", "b", "a"))
    seen(engine, picture)
    assert difference(before, picture.shown()) is None


NUMBERS = st.floats(allow_nan=True, allow_infinity=False, width=32) | st.sampled_from([nan, 0.0, 1])
TABLE = st.lists(st.lists(NUMBERS, min_size=3, max_size=3), min_size=4, max_size=4)


def fill(engine: Engine, table: list[list[float]], ticks: int) -> None:
    for name, values in zip(("equity", "roi", "bar_sharpe", "log_evidence"), table, strict=True):
        engine.columns[name][:] = values
    engine.columns["trades"][:] = [int(abs(v)) % 5 if not isnan(v) else 0 for v in table[0]]
    engine.report["ticks"] = ticks


@given(TABLE, TABLE, st.integers(0, 3))
def test_the_difference_makes_the_one_moment_of_the_other(
    first: list[list[float]], second: list[list[float]], ticks: int
) -> None:
    engine, picture = Engine(), Picture()
    fill(engine, first, 1)
    before = seen(engine, picture).shown()
    fill(engine, second, ticks)
    now = seen(engine, picture).shown()
    unlike = difference(before, now)
    assert unlike is not None
    rows: list[tuple[Any, ...]] = before.rows()
    changed = now.rows(unlike.places)
    for place, row in zip(unlike.places.tolist(), changed, strict=True):
        assert msgspec.json.encode(rows[place]) != msgspec.json.encode(row) or "-0.0" in repr(
            (rows[place], row)
        )
        rows[place] = row
    assert np.array_equal(np.array(rows), np.array(now.rows()), equal_nan=True)
    assert before.summary | unlike.summary == now.summary
    assert ("ticks" in unlike.summary) == (ticks != 1)


def test_a_change_that_is_not_shown_is_none() -> None:
    engine, picture = Engine(), Picture()
    before = seen(engine, picture).shown()
    assert picture.shown() is before
    for name, places in DECIMALS.items():
        engine.columns[name][:] += 0.2 * 10.0**-places
    unlike = difference(before, seen(engine, picture).shown())
    assert unlike is not None
    assert unlike.places.tolist() == []
    assert Difference.none().places.tolist() == []
