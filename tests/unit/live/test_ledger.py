"""The books from the journals alone: what adds up, and what is said of what does not."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from liveopt.live.ledger import Ledger, read_ledger
from liveopt.walk.events import Demote, Halt, Promote, Reopen
from liveopt.walk.records import (
    EXPERIMENTAL,
    TRADES,
    Entered,
    Halted,
    Reopened,
    Trade,
    VariantStarted,
    VariantStopped,
)
from liveopt.walk.verdicts import Demoted, Promoted
from tests import contest
from tests.run import SYMBOL, folded, opening, run_of, ticks, variants

STARTED = VariantStarted(1, "v", SYMBOL, "macd", {}, "h", "random", "fast", 10_000.0)
ENTERED = Entered(5, "v", SYMBOL, "long", 100.0, 2.0, 5.0, 40.0, 0.1)
TRADE = Trade(
    9, "v", SYMBOL, "macd", "h", True, "long", 2.0, 5.0, 40.0, 5, 100.0, 103.0, 4e-9, 6.0, 0.25,
    0.05, 5.7, 0.1425, "signal", None,
)  # fmt: skip


def books(*records: Any) -> Ledger:
    ledger = Ledger()
    for record in records:
        ledger.take(record)
    return ledger


def test_a_round_trip_is_booked() -> None:
    ledger = books(STARTED, ENTERED, TRADE, VariantStopped(10, "v", "manual", 1.0, "me"))
    account = ledger.accounts["v"]
    assert ledger.faults == []
    assert (account.trades, account.wins, account.stopped) == (1, 1, "manual")
    assert (account.gross, account.fees, account.funding, account.net) == (6.0, 0.25, 0.05, 5.7)
    assert account.open is None
    assert ledger.records == 4


replaced = msgspec.structs.replace


@pytest.mark.parametrize(
    ("records", "fault"),
    [
        ([ENTERED], "v trades before it has started"),
        ([STARTED, ENTERED, ENTERED], "opens a position while it holds one"),
        ([STARTED, Halted(2, 1, "halt", 1, 0), ENTERED], "opens a position after a halt"),
        ([STARTED, TRADE], "closes a position that it does not hold"),
        ([STARTED, ENTERED, replaced(TRADE, entry_price=101.0)], "closes another position"),
        ([STARTED, ENTERED, replaced(TRADE, size=1.0)], "closes another position"),
        ([STARTED, ENTERED, replaced(TRADE, side="short")], "closes another position"),
        ([STARTED, ENTERED, replaced(TRADE, entry_ns=6)], "closes another position"),
        ([STARTED, ENTERED, replaced(TRADE, net=None)], "has a trade without a result"),
        ([STARTED, ENTERED, replaced(TRADE, net=5.71)], "is not 5.71"),
        ([STARTED, ENTERED, replaced(TRADE, fees=0.26)], "0.26 fees"),
        ([STARTED, ENTERED, replaced(TRADE, funding=-0.05)], "-0.05 funding"),
    ],
)
def test_what_does_not_add_up_is_said(records: list[Any], fault: str) -> None:
    ledger = books(*records)
    assert len(ledger.faults) == 1
    assert fault in ledger.faults[0]


def test_after_a_reopening_positions_may_be_opened() -> None:
    halted, reopened = Halted(2, 1, "halt", 1, 0), Reopened(3, 2)
    assert books(STARTED, halted, reopened, ENTERED, TRADE).faults == []


def test_the_books_of_a_run_are_those_of_its_engine(tmp_path: Path) -> None:
    market = ticks(400, step_s=20.0)
    events = [
        *opening(variants(12, reckless=0.4)), *market[:200], Halt(1, 2, "halt_and_flatten"),
        *market[200:250], Reopen(1, 3), *market[250:],
    ]  # fmt: skip
    run = folded(events)
    ledger = read_ledger(run_of(tmp_path, events))
    assert ledger.faults == []
    for _, group in run.state.groups():
        for place, seat in enumerate(group.seats):
            account = ledger.accounts[seat.variant.id]
            assert account.trades == group.batch.cell("a_trades")[place]
            assert account.wins == group.batch.cell("a_wins")[place]
            assert (account.open is not None) == (group.batch.cell("a_side")[place] != 0.0)
            if account.open is None:
                cash = float(group.batch.cell("a_cash")[place])
                assert cash - account.capital == pytest.approx(account.net, abs=1e-6)
    assert sum(account.trades for account in ledger.accounts.values()) > 100


def test_a_position_is_closed_in_the_journal_in_which_it_was_opened() -> None:
    ledger = Ledger()
    ledger.begin(EXPERIMENTAL)
    ledger.take(STARTED)
    ledger.take(ENTERED)
    ledger.begin(TRADES)
    assert ledger.accounts["v"].open == ENTERED
    ledger.take(ENTERED)
    ledger.take(TRADE)
    assert ledger.faults == []
    ledger.take(TRADE)
    assert ledger.faults == ["v closes a position that it does not hold"]
    assert ledger.accounts["v"].open == ENTERED, "that of the other journal"


def test_a_champion_of_old_has_traded_since_it_started() -> None:
    ledger = Ledger()
    ledger.expect(STARTED)
    ledger.begin(EXPERIMENTAL)
    ledger.take(ENTERED)
    ledger.take(TRADE)
    ledger.begin(TRADES)
    ledger.take(STARTED)
    ledger.take(ENTERED)
    ledger.take(TRADE)
    assert ledger.faults == []
    assert (ledger.accounts["v"].trades, ledger.accounts["v"].capital) == (2, 10_000.0)


def test_changes_of_champion_with_positions_open_keep_the_books(tmp_path: Path) -> None:
    market = contest.waves(400)
    when = market[999].at_ns
    events = [
        *contest.opening(), *market[:1000], Demote(when, SYMBOL, "me", "a test"),
        *market[1000:1300], Promote(when, "late", "me", "a test"), *market[1300:],
    ]  # fmt: skip
    run = folded(events)
    assert (len(run.of(Promoted)), len(run.of(Demoted))) >= (2, 1)
    ledger = read_ledger(run_of(tmp_path, events))
    assert ledger.faults == []
    assert ledger.records == sum(journal in (EXPERIMENTAL, TRADES) for journal, _ in run.outs)
    journals = {(j, r.variant) for j, r in run.outs if isinstance(r, Trade)}
    moved = {name for _, name in journals if {(EXPERIMENTAL, name), (TRADES, name)} <= journals}
    assert {"quick", "main"} <= moved, "both traded in both roles"
    for _, group in run.state.groups():
        for place, seat in enumerate(group.seats):
            account = ledger.accounts[seat.id]
            assert account.trades == group.batch.cell("a_trades")[place]
            assert (account.open is not None) == (group.batch.cell("a_side")[place] != 0.0)
