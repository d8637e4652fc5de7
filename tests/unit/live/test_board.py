"""What is shown of a run, counted as it happens."""

import pytest

from liveopt.core.events import Quote
from liveopt.live.board import RECENT_MAX, Board, listing, variants_by_status
from liveopt.walk import standings
from liveopt.walk.events import Add, Halt, Pause, Retire
from liveopt.walk.records import Entered, Standing, Trade, VariantStopped
from tests.run import SYMBOL, folded, opening, ticks, variant, variants

PEOPLE = variants(16, reckless=0.5)
MARKET = ticks(600, step_s=20.0)


def test_records_are_counted_and_the_newest_are_kept() -> None:
    run, board = folded([*opening(PEOPLE), *MARKET]), Board()
    board.heard(run.outs)
    assert board.entries == len(run.of(Entered)) > RECENT_MAX / 2
    assert board.trades == len(run.of(Trade))
    assert sum(board.stopped.values()) == len(run.of(VariantStopped)) > 0
    assert board.newest == {SYMBOL: run.of(Standing)[-1]}
    others = [record for _, record in run.outs if not isinstance(record, Standing)]
    assert list(board.recent) == others[-RECENT_MAX:]


def test_of_quotes_only_the_newest_is_kept() -> None:
    board = Board()
    for bid in (1.0, 2.0):
        board.quoted(Quote(1, SYMBOL, 1, bid, 1.0, 3.0, 1.0))
    assert board.quotes[SYMBOL].bid == 2.0


def test_variants_are_counted_by_status_without_the_champion() -> None:
    run = folded([*opening(PEOPLE[:6]), *MARKET[:2]])
    early = variants_by_status(run.state)
    assert early["warming"] > 0
    run.take([*MARKET[2:150], Pause(1, ("v001",), "me"), Retire(1, ("v002",), "me")])
    run.take([Add(1, (variant("late"),), "me")])
    found = variants_by_status(run.state)
    assert (found["paused"], found["retired"], found["waiting"]) == (1, 1, 1)
    assert sum(found.values()) == 7


def test_a_listing_has_the_champion_first_then_the_best() -> None:
    run = folded([*opening(PEOPLE), *MARKET[:300], Pause(1, ("v000",), "me")])
    found = listing(run.state, 100)
    assert [one["champion"] for one in found] == [True] + [False] * (len(found) - 1)
    returns = [one["metrics"]["roi"] for one in found[1:]]
    assert returns == sorted(returns, reverse=True)
    assert [listing(run.state, limit) for limit in range(1, 18)] == [
        found[:limit] for limit in range(1, 18)
    ]
    (one,) = listing(run.state, 3, "v000")
    assert one in found
    assert (one["id"], one["status"], one["parameters"]) == ("v000", "paused", PEOPLE[0].parameters)
    assert listing(run.state, 3, "nobody") == []
    run.take([Halt(1, 2, "halt")])
    assert {one["status"] for one in listing(run.state, 100)} <= {"halted", "paused", "stopped"}
    run.take([Add(1, (variant("late"),), "me")])
    assert listing(run.state, 9, "late")[0]["status"] == "waiting"


def test_who_stands_alike_is_listed_by_name_and_who_waits_or_has_no_number_is_last() -> None:
    run = folded([*opening(PEOPLE), *MARKET[:1], Add(1, (variant("a_late_one"),), "me")])
    found = run.state.find("v003")
    assert found is not None
    found[1].batch.put("a_cash", found[2], float("nan"))
    found[1].batch.put("p_equity", found[2], float("nan"))
    names = ["main", *(v.id for v in PEOPLE if v.id != "v003"), "a_late_one", "v003"]
    assert [one["id"] for one in listing(run.state, 100)] == names
    for limit in range(1, len(names)):
        assert [one["id"] for one in listing(run.state, limit)] == names[:limit]


def test_a_listing_makes_only_the_rows_that_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    run = folded([*opening(PEOPLE), *MARKET[:300]])
    made: list[int] = []
    whole = standings._Columns.row

    def counted(self: standings._Columns, place: int) -> standings.Standing:
        made.append(place)
        return whole(self, place)

    monkeypatch.setattr(standings._Columns, "row", counted)
    listing(run.state, 3)
    assert len(made) == 3
    listing(run.state, 20, "v004")
    assert len(made) == 4
