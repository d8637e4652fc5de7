"""The market as a round sees it is the market as the run saw it, and nothing of what came later."""

from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from liveopt.core.bars import MINUTE_NS, Bars
from liveopt.core.events import Bar, Tick
from liveopt.optimize.rounds.market import recent
from liveopt.walk.events import Begin, Begun, Listed, Past
from tests.run import (
    CHAMPION,
    INSTRUMENT,
    START_NS,
    SYMBOL,
    TERMS,
    Live,
    candles,
    opening,
    run_of,
    ticks,
    variants,
)
from tests.seeking import recorded, singly, waves

MARKET = waves(160)
PAST = 100
EVER = 2 * START_NS
OTHER = "ETHUSDTM"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """It was told of the first bars and saw the others."""
    return recorded(tmp_path_factory.mktemp("run"), MARKET, PAST, variants(2))


def same(found: Bars, wanted: Bars) -> bool:
    """To the last bit."""
    return all(
        np.array_equal(a, b)
        for a, b in zip(
            (found.at_ns, *found.floats()), (wanted.at_ns, *wanted.floats()), strict=True
        )
    )


def grouped(market: list[Tick]) -> list[Bar]:
    """Whole minutes of ticks, the plain way; the last one is not over."""
    found = []
    for at, some in groupby(market, key=lambda tick: tick.at_ns // MINUTE_NS):
        own = list(some)
        prices = [tick.price for tick in own]
        volume = sum(tick.size for tick in own)
        found.append(Bar(at * MINUTE_NS, prices[0], max(prices), min(prices), prices[-1], volume))
    return found[:-1]


def test_what_it_was_told_and_what_it_saw_come_back_as_they_were(run: Path) -> None:
    assert same(recent(run, SYMBOL, 1_000, EVER), MARKET)


def test_bars_of_ticks_are_those_the_run_closed(tmp_path: Path) -> None:
    market = ticks(300)
    run = run_of(tmp_path, [*opening(variants(2)), *market])
    found, wanted = recent(run, SYMBOL, 1_000, EVER), grouped(market)
    assert len(wanted) > 30
    assert found.at_ns.tolist() == [bar.at_ns for bar in wanted]
    for name in ("open", "high", "low", "close"):
        assert getattr(found, name).tolist() == [getattr(bar, name) for bar in wanted]
    np.testing.assert_allclose(found.volume, [bar.volume for bar in wanted], rtol=1e-12)


@given(until=st.integers(PAST, len(MARKET)), late_ns=st.integers(0, MINUTE_NS - 1),
       count=st.integers(1, 200))  # fmt: skip
def test_only_bars_that_had_ended_by_then_are_seen_and_the_newest_of_them(
    run: Path, until: int, late_ns: int, count: int
) -> None:
    found = recent(run, SYMBOL, count, START_NS + until * MINUTE_NS + late_ns)
    wanted = slice(max(0, until - count), until)
    assert same(found, Bars.of(singly(MARKET)[wanted]))


def test_a_bar_is_over_with_its_end_not_before(run: Path) -> None:
    end_ns = START_NS + (PAST + 7) * MINUTE_NS
    assert len(recent(run, SYMBOL, 1_000, end_ns)) == PAST + 7
    assert len(recent(run, SYMBOL, 1_000, end_ns - 1)) == PAST + 6


def test_each_symbol_has_its_own(tmp_path: Path) -> None:
    other = waves(40, seed=2)
    listed = (
        Listed(SYMBOL, INSTRUMENT, CHAMPION),
        Listed(OTHER, INSTRUMENT, replace(CHAMPION, id="other", symbol=OTHER)),
    )
    seen = [replace(candle, symbol=OTHER) for candle in candles(other, MINUTE_NS)[30:]]
    run = run_of(
        tmp_path,
        [
            Begin(START_NS, "run", TERMS, listed), Past(OTHER, tuple(singly(other)[:30])),
            Past(SYMBOL, tuple(singly(MARKET))), Begun(START_NS), *seen,
        ],
    )  # fmt: skip
    assert same(recent(run, OTHER, 1_000, EVER), other)
    assert same(recent(run, SYMBOL, 1_000, EVER), MARKET)
    assert len(recent(run, "XRPUSDTM", 1_000, EVER)) == 0


async def test_a_run_that_goes_on_is_read_as_far_as_it_is_on_the_disk(tmp_path: Path) -> None:
    live, market = Live(tmp_path), candles(MARKET, MINUTE_NS)
    live.take([*opening(variants(2)), *market[:50]])
    await live.pump.written(outputs=True)
    assert same(recent(live.folder, SYMBOL, 1_000, EVER), Bars.of(singly(MARKET)[:50]))
    live.take(market[50:])
    await live.pump.written(outputs=True)
    assert same(recent(live.folder, SYMBOL, 1_000, EVER), MARKET)
    live.close()


def test_a_run_that_was_begun_again_has_one_market(tmp_path: Path) -> None:
    market = candles(MARKET, MINUTE_NS)
    first = Live(tmp_path)
    first.take([*opening(variants(2)), *market[:70]])
    first.close()
    second = Live(tmp_path)
    second.take(market[70:])
    second.close()
    assert same(recent(second.folder, SYMBOL, 1_000, EVER), MARKET)


def test_a_record_that_is_torn_at_its_end_tells_what_is_whole(tmp_path: Path) -> None:
    run = recorded(tmp_path, MARKET, PAST)
    newest = max(
        path for path in run.rglob("*") if path.name.startswith("decisions") and path.is_file()
    )
    whole = newest.read_bytes()
    newest.write_bytes(whole[: whole.rindex(b'"type":"Standing"') + 30])
    found = recent(run, SYMBOL, 1_000, EVER)
    assert same(found, Bars.of(singly(MARKET)[: len(found)]))
    assert PAST <= len(found) < len(MARKET)


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """It has seen nearly all of its bars itself."""
    return recorded(tmp_path_factory.mktemp("long"), MARKET, 20, variants(2))


REQUESTS = st.lists(
    st.tuples(st.integers(1, 200), st.integers(0, len(MARKET) + 5)), min_size=1, max_size=8
)


@given(REQUESTS)
def test_with_a_place_that_is_remembered_the_same_is_read(
    long: Path, tmp_path_factory: pytest.TempPathFactory, requests: list[tuple[int, int]]
) -> None:
    known = tmp_path_factory.mktemp("known") / "place.json"
    for count, minutes in requests:
        until_ns = START_NS + minutes * MINUTE_NS
        plain = recent(long, SYMBOL, count, until_ns)
        assert same(recent(long, SYMBOL, count, until_ns, known), plain)


async def test_a_place_is_good_for_a_run_that_went_on(tmp_path: Path) -> None:
    live, market = Live(tmp_path), candles(MARKET, MINUTE_NS)
    known = tmp_path / "place.json"
    live.take(opening(variants(2)))
    for part in range(0, len(MARKET), 40):
        live.take(market[part : part + 40])
        await live.pump.written(outputs=True)
        found = recent(live.folder, SYMBOL, 30, EVER, known)
        assert same(found, Bars.of(singly(MARKET)[part + 10 : part + 40]))
    live.close()


def decisions(run: Path) -> Path:
    return min(run.glob("decisions-*"))


async def test_what_lies_before_a_place_is_not_read_again(tmp_path: Path) -> None:
    live, market = Live(tmp_path), candles(MARKET, MINUTE_NS)
    live.take(opening(variants(2)))
    for one in market:  # a batch of the journal each
        live.take([one])
        await live.pump.written(outputs=True)
    run, known = live.folder, tmp_path / "place.json"
    live.close()
    wanted = recent(run, SYMBOL, 30, EVER, known)
    file = decisions(run)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert not same(recent(run, SYMBOL, 30, EVER), wanted), "nothing behind the damage"
    assert same(recent(run, SYMBOL, 30, EVER, known), wanted)
    assert not same(recent(run, SYMBOL, 31, EVER, known), wanted), "more than is known of"


def test_a_place_that_the_record_does_not_have_any_more_is_forgotten(tmp_path: Path) -> None:
    run, known = recorded(tmp_path, MARKET, 20, variants(2)), tmp_path / "place.json"
    recent(run, SYMBOL, 30, EVER, known)
    file = decisions(run)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    plain = recent(run, SYMBOL, 30, EVER)
    assert len(plain) > 0
    assert same(recent(run, SYMBOL, 30, EVER, known), plain)
    other = recorded(tmp_path / "other", waves(160, seed=2), 20, variants(2))
    assert same(recent(other, SYMBOL, 30, EVER, known), recent(other, SYMBOL, 30, EVER))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"count":9}'])
def test_a_damaged_place_is_none(long: Path, tmp_path: Path, content: bytes) -> None:
    known = tmp_path / "place.json"
    known.write_bytes(content)
    wanted = recent(long, SYMBOL, 30, EVER)
    assert same(recent(long, SYMBOL, 30, EVER, known), wanted)
    assert known.read_bytes() != content


def test_bars_from_before_the_run_have_no_place(run: Path, tmp_path: Path) -> None:
    known = tmp_path / "place.json"
    assert len(recent(run, SYMBOL, 150, EVER, known)) == 150
    assert not known.exists()
