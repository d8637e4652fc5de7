"""The tail: all that the journals say, as they grow, within bounds."""

from pathlib import Path

import pytest

from liveopt.journal.folder import point
from liveopt.live.rulings import read_rulings
from liveopt.walk.records import Trade
from liveopt.web import tail as tails
from liveopt.web.tail import Place, Tail, Wanted, place_of
from tests.run import Live, contents, opening, ticks, variants


def trades_in(folder: Path) -> int:
    return sum(b'"type":"Trade"' in c for lines in contents(folder).values() for c in lines)


def begun(folder: Path, moves: int = 300) -> Live:
    live = Live(folder)
    live.take([*opening(variants(6)), *ticks(moves)])
    point(folder, live.folder)
    live.close()
    return live


async def test_it_has_every_trade_in_the_order_of_their_times(tmp_path: Path) -> None:
    live = begun(tmp_path)
    tail = Tail(tmp_path)
    tail.read()
    assert tail.total == len(tail.trades) == trades_in(live.folder) > 20
    times = [kept.place.at_ns for kept in tail.trades]
    assert times == sorted(times)
    assert sum(one.trades for one in tail.accounts.values()) == tail.total
    newest = await tail.find(Wanted(3))
    assert [kept.place for kept in newest] == [k.place for k in list(tail.trades)[:-4:-1]]


async def test_pages_go_through_all_trades_once(tmp_path: Path) -> None:
    begun(tmp_path)
    tail = Tail(tmp_path)
    tail.read()
    found: list[Place] = []
    before = None
    while page := await tail.find(Wanted(7, before=before)):
        found += [kept.place for kept in page]
        before = place_of(str(page[-1].place))
        assert before == page[-1].place
    assert found == [kept.place for kept in reversed(tail.trades)]


async def test_what_memory_has_forgotten_the_files_still_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(tmp_path)
    whole = Tail(tmp_path)
    whole.read()
    monkeypatch.setattr(tails, "TRADES_MAX", 10)
    tail = Tail(tmp_path)
    tail.read()
    assert (len(tail.trades), tail.total, tail.forgotten) == (10, whole.total, True)
    some = whole.trades[5].record
    for wanted in (
        Wanted(1_000), Wanted(40), Wanted(1_000, variant=some.variant), Wanted(20, side="long"),
        Wanted(5, before=whole.trades[8].place), Wanted(9, until_ns=some.at_ns),
        Wanted(9, since_ns=some.at_ns), Wanted(9, reason="take"), Wanted(9, experimental=False),
    ):  # fmt: skip
        assert await tail.find(wanted) == await whole.find(wanted), wanted


async def test_it_follows_a_run_that_goes_on(tmp_path: Path) -> None:
    begun(tmp_path, 150)
    heard: list[Trade] = []
    tail = Tail(tmp_path, heard=heard.append)
    tail.read()
    before = tail.total
    assert heard == [], "what is old is no news"
    live = Live(tmp_path)
    live.take(ticks(300, first=150))
    live.close()
    tail.read()
    assert tail.total == trades_in(live.folder) > before
    assert len(heard) == tail.total - before


async def test_its_rulings_are_those_of_the_journals(tmp_path: Path) -> None:
    live = begun(tmp_path, 600)
    tail = Tail(tmp_path)
    tail.read()
    there = read_rulings(live.folder)
    assert tail.rulings.all == there.all
    assert [one.id for one in tail.rulings.waiting] == [one.id for one in there.waiting]


async def test_another_run_begins_anew_and_none_is_no_trouble(tmp_path: Path) -> None:
    empty = Tail(tmp_path / "nothing")
    empty.read()
    assert (empty.run, empty.total, await empty.find(Wanted())) == (None, 0, [])
    begun(tmp_path)
    tail = Tail(tmp_path)
    tail.read()
    (tmp_path / "other").mkdir()
    point(tmp_path, tmp_path / "other")
    tail.read()
    assert (tail.run, tail.total, len(tail.trades)) == (tmp_path / "other", 0, 0)


async def test_a_torn_end_is_no_damage_and_a_changed_line_is(tmp_path: Path) -> None:
    live = begun(tmp_path)
    path = max(live.folder.glob("experimental-trades*.jsonl"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    tail = Tail(tmp_path)
    tail.read()
    assert tail.damage == ""
    path.write_bytes(whole)
    tail.read()
    assert tail.total == trades_in(live.folder)


def test_a_place_is_read_back_and_nothing_else_is() -> None:
    place = Place(17, "trades", 4)
    assert place_of(str(place)) == place
    for text in ("", "1", "1.2", "1.2.3.4", "a.b.c", "1.9.3", "-1.0.3", "1.0.\u0663"):
        assert place_of(text) is None
