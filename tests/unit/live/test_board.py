"""What is shown of a run, counted as it happens."""

from liveopt.core.events import Quote
from liveopt.live.board import RECENT_MAX, Board, listing, variants_by_status
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
    assert listing(run.state, 3) == found[:3]
    (one,) = listing(run.state, 3, "v000")
    assert (one["id"], one["status"], one["parameters"]) == ("v000", "paused", PEOPLE[0].parameters)
    assert listing(run.state, 3, "nobody") == []
    run.take([Halt(1, 2, "halt")])
    assert {one["status"] for one in listing(run.state, 100)} <= {"halted", "paused", "stopped"}
    run.take([Add(1, (variant("late"),), "me")])
    assert listing(run.state, 9, "late")[0]["status"] == "waiting"
