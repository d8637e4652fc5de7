"""What is shown of a run, counted as it happens."""

import msgspec
import pytest

from liveopt.core.events import Quote
from liveopt.live.board import (
    RECENT_MAX,
    Board,
    eligible,
    leading,
    listing,
    position,
    variants_by_status,
    why_none_is_eligible,
)
from liveopt.walk import standings
from liveopt.walk.events import Add, Demote, Halt, Pause, Promote, Retire
from liveopt.walk.explain import explain
from liveopt.walk.records import Entered, Standing, Trade, VariantStopped
from liveopt.walk.verdicts import Leader, Looked
from tests import contest
from tests.run import SYMBOL, Folded, folded, opening, ticks, variant, variants

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


def gate_run(bars: int, **gate: bool) -> tuple[Folded, Board]:
    """A contest up to a bar, and what the board took in of it."""
    terms = msgspec.structs.replace(contest.GATE, **gate)
    run, board = folded([*contest.opening(terms), *contest.waves(bars)]), Board()
    board.heard(run.outs)
    return run, board


def test_the_newest_look_is_kept_and_changes_of_champion_are_counted() -> None:
    run, board = gate_run(170)
    assert board.looked == {SYMBOL: run.of(Looked)[-1]}
    run, board = gate_run(200)
    assert (board.promotions, board.demotions) == (1, 0)
    before = len(run.outs)
    run.take([Demote(run.state.at_ns, SYMBOL, "me", "a test")])
    board.heard(run.outs[before:])
    assert (board.promotions, board.demotions) == (1, 1)
    assert board.looked == {}, "it was about another champion"


def test_who_is_eligible_has_a_verdict_and_is_still_there() -> None:
    run, board = gate_run(200, auto=False)
    market = run.state.markets[SYMBOL]
    assert eligible(market) == {"quick": "XBTUSDTM-1-2"}
    assert why_none_is_eligible(run.state, board) == ""
    run.take([Retire(run.state.at_ns, ("quick",), "me")])
    assert eligible(market) == {}


def test_who_is_paused_is_not_eligible_and_that_is_why_nobody_is() -> None:
    run, board = gate_run(200, auto=False)
    run.take([Pause(run.state.at_ns, ("quick",), "me")])
    assert eligible(run.state.markets[SYMBOL]) == {}
    assert why_none_is_eligible(run.state, board) == "quick has passed, but it is paused"


def test_who_has_lost_its_slot_is_not_eligible_though_no_look_has_said_so_yet() -> None:
    run, board = gate_run(200, auto=False)
    own = run.state.markets[SYMBOL].contest
    assert own is not None
    own.found = {"quick": "a", "long_gone": "b"}
    assert eligible(run.state.markets[SYMBOL]) == {"quick": "a"}
    own.found = {"long_gone": "b"}
    assert eligible(run.state.markets[SYMBOL]) == {}
    assert why_none_is_eligible(run.state, board).startswith("quick leads")


def test_the_eligible_are_listed_by_their_evidence_and_not_as_they_were_found() -> None:
    run, _ = gate_run(200, auto=False)
    market = run.state.markets[SYMBOL]
    own = market.contest
    assert own is not None
    own.found = {"late": "b", "bold": "c", "quick": "a"}
    evidence = {name: explain(run.state, name).evidence or 0.0 for name in own.found}
    ranked = sorted(evidence, key=lambda name: -evidence[name])
    assert ranked != list(own.found)
    assert list(eligible(market)) == ranked
    assert eligible(market) == own.found


def test_who_was_promoted_is_not_eligible_any_more() -> None:
    run, _ = gate_run(200, auto=False)
    run.take([Promote(run.state.at_ns, "quick", "me", "it passed")])
    assert eligible(run.state.markets[SYMBOL]) == {}


def test_why_none_is_eligible_is_said_in_the_words_of_the_last_look() -> None:
    run, board = gate_run(0)
    assert why_none_is_eligible(run.state, board) == "no signal bar has closed yet"
    run, board = gate_run(3)
    assert why_none_is_eligible(run.state, board).startswith("nobody has any evidence yet")
    run, board = gate_run(120)
    looked = board.looked.pop(SYMBOL)
    name = looked.leaders[0].variant
    ranked = explain(run.state, name).ranked
    why = why_none_is_eligible(run.state, board)
    assert why.startswith(f"{ranked} have evidence that was not looked at yet")
    board.looked[SYMBOL] = looked
    leader = board.looked[SYMBOL].leaders[0]
    why = why_none_is_eligible(run.state, board)
    assert why == leading(leader)
    assert why.startswith("quick leads with evidence ")
    assert f" and {leader.trades} trades; stopped by: insufficient_samples" in why
    assert leading(Leader("v", 0.0, 1.0, 3, None, ())).endswith(
        "v leads with evidence 1 and 3 trades; nothing stops it"
    )
    bare, board = folded([*contest.opening(None), *contest.waves(3)]), Board()
    board.heard(bare.outs)
    assert why_none_is_eligible(bare.state, board) == "this run has no promotion gate"


def held(run: Folded) -> dict[str, Entered]:
    """By the records: who has entered and not left."""
    found: dict[str, Entered] = {}
    for _, record in run.outs:
        if isinstance(record, Entered):
            found[record.variant] = record
        elif isinstance(record, Trade):
            found.pop(record.variant, None)
    return found


def test_what_a_variant_holds_is_what_the_records_say() -> None:
    run, seen = folded(opening(PEOPLE)), 0
    for tick in MARKET[:300]:
        run.take([tick])
        there = held(run)
        for name in ("main", *(v.id for v in PEOPLE)):
            said, entered = position(run.state, name), there.get(name)
            if entered is None:
                assert said is None
                continue
            assert said is not None
            seen += 1
            assert (said["side"], said["size"]) == (entered.side, entered.size)
            assert (said["entry_price"], said["entry_ns"]) == (entered.price, entered.at_ns)
            sign = 1.0 if entered.side == "long" else -1.0
            assert sign * (entered.price - said["stop"]) > 0.0
    assert seen > 100
    assert position(run.state, "nobody") is None


def test_a_stop_that_is_told_is_where_the_stop_closes() -> None:
    run = folded(opening(PEOPLE))
    stops, closed = dict[str, float](), 0
    for tick in MARKET:
        before = len(run.outs)
        run.take([tick])
        for _, record in run.outs[before:]:
            if isinstance(record, Trade) and record.reason == "stop":
                level, sign = stops[record.variant], 1.0 if record.side == "long" else -1.0
                assert sign * (tick.price - level) <= 0.0, "the price has reached it"
                assert sign * (record.exit_price - level) <= 0.0
                closed += 1
        for name in held(run):
            said = position(run.state, name)
            assert said is not None
            if said["stop"] is not None:
                stops[name] = said["stop"]
    assert closed > 3


def alone(**changed: float) -> list[float | None]:
    """The stops that are told while one variant with these parameters holds something."""
    name, found = "one", []
    run = folded(opening([variant(name, "ma_crossover", **changed)]))
    for tick in MARKET:
        run.take([tick])
        said = position(run.state, name)
        found += [] if said is None else [said["stop"]]
    return found


def test_a_trailing_stop_is_told_as_it_moves() -> None:
    fixed = alone(trail=5.0, arm=10.0, stop=0.5, take=5.0)
    moving = alone(trail=0.02, stop=0.5, take=5.0)
    assert None not in moving
    assert len(set(moving)) > 2 * len(set(fixed))


def test_a_stop_beyond_the_liquidation_is_none() -> None:
    found = alone(stop=1.0, leverage=20.0, take=5.0)
    assert found
    assert set(found) == {None}
