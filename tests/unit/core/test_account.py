"""The rules of trading as drawn tables: bars on the left, the trades they must cause below.

A bar is `open high low close`, and the word beside it is what the signal wants as it closes; an
order from outside (`barred`, `out`, `free`) may follow. A
trade is `side entry-bar entry-price > exit-bar exit-price reason`. Unless a case says otherwise
slippage is 1 %, so a long at an open of 100 costs 101 and brings 99, and prices have two digits.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from types import SimpleNamespace

import pytest

from liveopt.core.account import (
    FREE,
    INF,
    NO_ENTRIES,
    OUT,
    REASONS,
    RUIN,
    Account,
    Book,
    Risk,
    Rule,
    Term,
    act,
    due,
    enter,
    restrain,
)
from liveopt.core.fills import kelly_fraction, quantity
from liveopt.core.market import Fine
from liveopt.core.metrics import Path, mark, watch
from liveopt.core.step import order

BAR_S = 60.0
SIDES = {"long": 1.0, "short": -1.0, "flat": 0.0}
WORDS = {side: word for word, side in SIDES.items()}
LEVELS = {"free": FREE, "barred": NO_ENTRIES, "out": OUT}

TERM = Term(
    rule=Rule(),
    capital=1_000.0,
    taker_fee=0.001,
    maker_fee=0.0005,
    slippage=0.01,
    tick=0.01,
    lot=0.0,
    maintenance=0.005,
    liquidation_fee=0.0,
)

PERPETUAL = Rule("perpetual", "both", stop=True, take=True)


@dataclass
class Noted:
    """A book that keeps the trades as the account showed them."""

    trades: list[tuple[float, Account]] = field(default_factory=list)
    entries: list[tuple[float, Account]] = field(default_factory=list)

    def note(self, fine: Fine, a: Account) -> None:
        kept = self.trades if a.side == 0.0 else self.entries
        kept.append((fine.time_s, replace(a)))


@dataclass
class Run:
    """What is left after the bars."""

    account: Account
    path: Path
    noted: Noted

    def lines(self) -> list[str]:
        """The trades as they are drawn in the tables."""
        return [
            f"{WORDS[a.was_side]} {a.since_s / BAR_S:g} {a.entry:.2f}"
            f" > {time_s / BAR_S:g} {a.leave:.2f} {REASONS[int(a.reason)]}"
            for time_s, a in self.noted.trades
        ]


@dataclass(frozen=True)
class Case:
    name: str
    bars: str
    trades: str = ""
    on: tuple[Rule, Risk] = (Rule(), Risk())
    term: Term = field(default_factory=lambda: TERM)
    left: str = "flat"
    """What the account holds after the last bar."""


def drawn(bars: str) -> Iterator[tuple[list[float], list[str]]]:
    for line in bars.strip().splitlines():
        cells = line.split()
        yield [float(cell) for cell in cells[:4]], cells[4:]


def run(case: Case, atr: float = 0.0, funding: dict[int, float] | None = None) -> Run:
    """Pass the bars by one account, in the order of `core.step`."""
    rule, risk = case.on
    term = replace(case.term, rule=rule)
    a, memory, noted = Account(cash=term.capital), SimpleNamespace(target=0.0), Noted()
    inverse = 1.0 / term.capital
    path = Path(term.capital, inverse, inverse, inverse)
    book: Book = noted
    for number, (prices, words) in enumerate(drawn(case.bars)):
        fine = Fine(number * BAR_S, *prices)
        fine.funding = (funding or {}).get(number, 0.0)
        if due(fine, term, a):
            act(fine, term, risk, atr, a, book)
        mark(fine, term, a, path)
        watch(term, a, path)
        for word in words:
            if word in LEVELS:
                a.barred = LEVELS[word]
                restrain(term, a)
            else:
                order(term, SIDES[word], memory, a)
                memory.target = SIDES[word]
    return Run(a, path, noted)


STOP5 = Rule(stop=True), Risk(stop=0.05)
TAKE5 = Rule(take=True), Risk(take=0.05)
BOTH5 = Rule(stop=True, take=True), Risk(stop=0.05, take=0.05)
MARKET5 = Rule(take=True, limit_targets=False), Risk(take=0.05)
TRAIL = Rule(stop=True, trail=True), Risk(stop=0.10, trail=0.04, arm=0.05)
TENFOLD = Rule("perpetual", "both"), Risk(leverage=10.0)
STEERED = Rule("perpetual", "both", min_hold=True, steered=True), Risk(0.3, min_hold=150.0)
LATE = Rule(late=True, steered=True), Risk(0.3)

CASES = [
    # market orders --------------------------------------------------------------------------
    Case(
        "a market order fills at the next open, with slippage against it",
        """
        100 101  99 100  long
        100 102  99 101
        101 103 100 102  flat
        104 105 103 104
        """,
        "long 1 101.00 > 3 102.96 signal",
    ),
    Case(
        "a short sells below and buys back above the open",
        """
        100 101  99 100  short
        100 102  99 101
         97  98  96  97  flat
         96  97  95  96
        """,
        "short 1 99.00 > 3 96.96 signal",
    ),
    Case(
        "nothing happens without an order",
        """
        100 200   1 100
        100 200   1 100
        """,
    ),
    Case(
        "an order of the last bar has not filled",
        """
        100 101  99 100
        100 101  99 100  long
        """,
    ),
    Case(
        "a position without levels and orders stays",
        """
        100 101  99 100  long
        100 200   1 100
        100 200   1 100
        """,
        left="long",
    ),
    Case(
        "a reversal closes and opens on the same open",
        """
        100 101  99 100  long
        100 102  99 101  short
        104 105 103 104  long
         98  99  97  98
        """,
        """
        long  1 101.00 > 2 102.96 signal
        short 2 102.96 > 3  98.98 signal
        """,
        left="long",
    ),
    Case(
        "a signal that says the same again orders nothing",
        """
        100 101  99 100  long
        100 101  99 100  long
        100 101  99 100  long
        100 101  99 100
        """,
        left="long",
    ),
    # stop and target ------------------------------------------------------------------------
    Case(
        "a stop closes at its price, with slippage",
        """
        100 101  99 100  long
        100 102  99 101
         99 100  95  97
        """,
        "long 1 101.00 > 2 94.99 stop",  # 95.95 less 1 %
        on=STOP5,
    ),
    Case(
        "a touch of the stop is enough",
        """
        100 101  99    100  long
        100 102  99    101
         99 100  95.95  97
        """,
        "long 1 101.00 > 2 94.99 stop",
        on=STOP5,
    ),
    Case(
        "one tick above the stop is not",
        """
        100 101  99    100  long
        100 102  99    101
         99 100  95.96  97
        """,
        left="long",
        on=STOP5,
    ),
    Case(
        "a stop works from the bar of the entry on",
        """
        100 101  99 100  long
        100 102  90  95
        """,
        "long 1 101.00 > 1 94.99 stop",
        on=STOP5,
    ),
    Case(
        "a gap through the stop fills at the open",
        """
        100 101  99 100  long
        100 102  99 101
         90  96  85  95
        """,
        "long 1 101.00 > 2 89.10 stop",
        on=STOP5,
    ),
    Case(
        "a short's stop lies above",
        """
        100   101  99 100  short
        100   102  99 101
        103   104 100 102
        """,
        "short 1 99.00 > 2 104.99 stop",  # 103.95 and 1 %
        on=STOP5,
    ),
    Case(
        "a gap through a short's stop fills at the open",
        """
        100   101  99 100  short
        100   102  99 101
        110   111 100 102
        """,
        "short 1 99.00 > 2 111.10 stop",
        on=STOP5,
    ),
    Case(
        "a target is a resting limit order: its own price",
        """
        100 101  99 100  long
        100 102  99 101
        104 107 103 104
        """,
        "long 1 101.00 > 2 106.05 take",
        on=TAKE5,
    ),
    Case(
        "a touch of the target is enough",
        """
        100 101    99 100  long
        100 102    99 101
        104 106.05 40 104
        """,
        "long 1 101.00 > 2 106.05 take",
        on=TAKE5,
    ),
    Case(
        "a gap through the target fills at the open",
        """
        100 101  99 100  long
        100 102  99 101
        110 112 108 111
        """,
        "long 1 101.00 > 2 110.00 take",
        on=TAKE5,
    ),
    Case(
        "a short's target lies below",
        """
        100 101  99 100  short
        100 102  99 101
         97  98  94  96
        """,
        "short 1 99.00 > 2 94.05 take",
        on=TAKE5,
    ),
    Case(
        "a gap through a short's target fills at the open",
        """
        100 101  99 100  short
        100 102  99 101
         90  91  85  86
        """,
        "short 1 99.00 > 2 90.00 take",
        on=TAKE5,
    ),
    Case(
        "a target at the market has slippage",
        """
        100 101  99 100  long
        100 102  99 101
        104 107 103 104
        """,
        "long 1 101.00 > 2 104.99 take",  # 106.05 less 1 %
        on=MARKET5,
    ),
    Case(
        "a gap through a target at the market has slippage on the open",
        """
        100 101  99 100  long
        100 102  99 101
        110 112 108 111
        """,
        "long 1 101.00 > 2 108.90 take",
        on=MARKET5,
    ),
    Case(
        "the stop wins on a bar that touches both",
        """
        100 101  99 100  long
        100 102  99 101
        101 107  95 101
        """,
        "long 1 101.00 > 2 94.99 stop",
        on=BOTH5,
    ),
    Case(
        "the stop wins for a short too",
        """
        100 101  99 100  short
        100 101  99 100
        100 104  94 100
        """,
        "short 1 99.00 > 2 104.99 stop",
        on=BOTH5,
    ),
    Case(
        "the stop wins even when the bar opens beyond the target",
        """
        100 101  99 100  long
        100 102  99 101
        110 112  95 101
        """,
        "long 1 101.00 > 2 94.99 stop",
        on=BOTH5,
    ),
    Case(
        "a signal's exit at the open comes before the stop of that bar",
        """
        100 101  99 100  long
        100 102  99 101  flat
        100 101  90  91
        """,
        "long 1 101.00 > 2 99.00 signal",
        on=STOP5,
    ),
    Case(
        "stop and target are returns on margin, not moves of the price",
        """
        100 101    99   100  long
        100 101    99.9 100
        100 101.51 99.9 100
        """,
        "long 1 101.00 > 2 101.51 take",  # .05 / 10 = half a percent: 101.505 rounds up
        on=(Rule(stop=True, take=True), Risk(stop=0.5, take=0.05, leverage=10.0)),
    ),
    # staying flat ---------------------------------------------------------------------------
    Case(
        "after a stop the account stays flat until the signal changes",
        """
        100 101  99 100  long
        100 102  90  95
         95  96  94  95  long
         95  96  94  95  flat
         95  96  94  95  long
        100 101  99 100
        """,
        "long 1 101.00 > 1 94.99 stop",
        left="long",
        on=STOP5,
    ),
    Case(
        "after a target too",
        """
        100 101  99 100  long
        100 107  99 105
        105 106 104 105  long
        105 106 104 105
        """,
        "long 1 101.00 > 1 106.05 take",
        on=TAKE5,
    ),
    Case(
        "a reversal after a stop opens at once",
        """
        100 101  99 100  long
        100 102  90  95  short
         90  91  89  90
        """,
        "long 1 101.00 > 1 94.99 stop",
        left="short",
        on=STOP5,
    ),
    # trailing -------------------------------------------------------------------------------
    Case(
        "a trailing stop arms at its return and then follows the best price",
        """
        100 101  99 100  long
        100 102  99 101
        104 107 104 106
        106 110 105 109
        109 109 105 106
        """,
        "long 1 101.00 > 4 104.54 trail",  # 110 less 4 % is 105.60, less 1 %
        on=TRAIL,
    ),
    Case(
        "it counts from the next bar: the bar that moves it cannot be stopped by it",
        """
        100 101  99 100  long
        100 102  99 101
        104 110 100 104
        106 107 106 106
        """,
        left="long",
        on=TRAIL,
    ),
    Case(
        "before its return is reached it does not follow",
        """
        100 101  99 100  long
        100 106  99 105
        105 106 100 101
        """,
        left="long",
        on=TRAIL,
    ),
    Case(
        "it never goes back",
        """
        100 101  99   100  long
        100 110 105.7 109
        109 109 105.7 106
        106 107 105.5 106
        """,
        "long 1 101.00 > 3 104.54 trail",
        on=TRAIL,
    ),
    Case(
        "a fixed stop that trailing has not moved is still called stop",
        """
        100 101  99 100  long
        100 105  99 101
         99 100  90  91
        """,
        "long 1 101.00 > 2 89.99 stop",
        on=TRAIL,
    ),
    Case(
        "a trailing stop below the fixed one does not replace it",
        """
        100 101  99 100  long
        100 103  99 102
        100 101  97 100
        """,
        "long 1 101.00 > 2 96.99 stop",  # 97.97; trailing would stand at 103 - 20 %
        on=(Rule(stop=True, trail=True), Risk(stop=0.03, trail=0.20, arm=0.0)),
    ),
    Case(
        "a gap through the trailing stop fills at the open",
        """
        100 101  99 100  long
        100 110 100 109
        100 101  99 100
        """,
        "long 1 101.00 > 2 99.00 trail",
        on=TRAIL,
    ),
    Case(
        "a short's trailing stop follows downwards",
        """
        100 101  99 100  short
        100 101  90  91
         91  92  88  89
         90  92  90  91
        """,
        "short 1 99.00 > 3 92.44 trail",  # 88 and 4 % is 91.52, and 1 %
        on=TRAIL,
    ),
    Case(
        "its distance and its beginning are returns on margin too",
        """
        100 101   99 100  long
        100 103  100 103
        103 104  103 104
        104 104  102.5 103
        """,
        "long 1 101.00 > 3 101.93 trail",  # armed at 102.01; 104 less 1 % is 102.96, less 1 %
        on=(Rule(trail=True), Risk(leverage=5.0, trail=0.05, arm=0.05)),
    ),
    Case(
        "trailing alone needs no fixed stop",
        """
        100 101  99 100  long
        100 101   1 100
        100 110 106 109
        109 109 105 106
        """,
        "long 1 101.00 > 3 104.54 trail",
        on=(Rule(trail=True), Risk(trail=0.04, arm=0.05)),
    ),
    # holding times --------------------------------------------------------------------------
    Case(
        "a minimum time defers what the signal closes",
        """
        100 101  99 100  long
        100 101  99 100  flat
        100 101  99 100
        100 101  99 100
        102 103 101 102
        """,
        "long 1 101.00 > 4 100.98 signal",
        on=(Rule(min_hold=True), Risk(min_hold=180.0)),
    ),
    Case(
        "an exit taken back in time does not happen",
        """
        100 101  99 100  long
        100 101  99 100  flat
        100 101  99 100  long
        100 101  99 100
        100 101  99 100
        """,
        left="long",
        on=(Rule(min_hold=True), Risk(min_hold=180.0)),
    ),
    Case(
        "but not the stop",
        """
        100 101  99 100  long
        100 101  99 100  flat
        100 101  95 100
        """,
        "long 1 101.00 > 2 94.99 stop",
        on=(Rule(min_hold=True, stop=True), Risk(min_hold=180.0, stop=0.05)),
    ),
    Case(
        "a deferred reversal survives the stop",
        """
        100 101  99 100  long
        100 101  99 100  short
        100 101  95 100
        100 101  99 100
        """,
        "long 1 101.00 > 2 94.99 stop",
        left="short",
        on=(Rule(min_hold=True, stop=True), Risk(min_hold=600.0, stop=0.05)),
    ),
    Case(
        "a maximum time closes at the first open after it, and the account stays flat",
        """
        100 101  99 100  long
        100 101  99 100
        100 101  99 100
        102 103 101 102  long
        102 103 101 102
        """,
        "long 1 101.00 > 3 100.98 time",
        on=(Rule(max_hold=True), Risk(max_hold=120.0)),
    ),
    Case(
        "a maximum time between two bars waits for the later one",
        """
        100 101  99 100  long
        100 101  99 100
        100 101  99 100
        102 103 101 102
        """,
        "long 1 101.00 > 3 100.98 time",
        on=(Rule(max_hold=True), Risk(max_hold=61.0)),
    ),
    Case(
        "when signal and clock agree it was the signal",
        """
        100 101  99 100  long
        100 101  99 100
        100 101  99 100  flat
        102 103 101 102
        """,
        "long 1 101.00 > 3 100.98 signal",
        on=(Rule(max_hold=True), Risk(max_hold=120.0)),
    ),
    Case(
        "the clock closes what a minimum time holds back, and the deferred reversal opens",
        """
        100 101  99 100  long
        100 101  99 100  short
        100 101  99 100
        102 103 101 102
        """,
        "long 1 101.00 > 3 100.98 time",
        left="short",
        on=(Rule(min_hold=True, max_hold=True), Risk(min_hold=600.0, max_hold=120.0)),
    ),
    # margin ---------------------------------------------------------------------------------
    Case(
        "a liquidation takes the margin: the price is that of bankruptcy",
        """
        100 101  99    100  long
        100 101  99    100
         95  96  91.35  92
        """,
        "long 1 101.00 > 2 90.90 liquidation",  # at 91.36, which is 90.90 / (1 - .005)
        on=TENFOLD,
    ),
    Case(
        "a gap to beyond bankruptcy takes no more than that",
        """
        100 101  99 100  long
        100 101  99 100
         50  51  49  50
        """,
        "long 1 101.00 > 2 90.90 liquidation",
        on=TENFOLD,
    ),
    Case(
        "one tick before the level nothing happens",
        """
        100 101  99    100  long
        100 101  99    100
         95  96  91.36  92
        """,
        left="long",
        on=TENFOLD,
    ),
    Case(
        "a short is liquidated above",
        """
        100 101    99 100  short
        100 101    99 100
        105 108.36 99 100
        """,
        "short 1 99.00 > 2 108.90 liquidation",  # at 108.36, which is 108.90 / (1 + .005)
        on=TENFOLD,
    ),
    Case(
        "a gap to liquidation comes before the signal's exit",
        """
        100 101  99 100  long
        100 101  99 100  flat
         91  99  90  95
        """,
        "long 1 101.00 > 2 90.90 liquidation",
        on=TENFOLD,
    ),
    Case(
        "and a reversal then opens one bar later",
        """
        100 101  99 100  long
        100 101  99 100  short
         91  99  90  95
         95  96  94  95
        """,
        "long 1 101.00 > 2 90.90 liquidation",
        left="short",
        on=(Rule("perpetual", "both"), Risk(0.5, 10.0)),
    ),
    Case(
        "a stop before the liquidation price is the stop",
        """
        100 101  99   100  long
        100 101  99   100
         98  99  95.9  97
        """,
        "long 1 101.00 > 2 94.99 stop",
        on=(PERPETUAL, Risk(leverage=10.0, stop=0.5, take=9.0)),
    ),
    Case(
        "a gap from before the stop to beyond the liquidation price is a liquidation",
        """
        100 101  99 100  long
        100 101  99 100
         91  92  90  91
        """,
        "long 1 101.00 > 2 90.90 liquidation",
        on=(PERPETUAL, Risk(leverage=10.0, stop=0.5, take=9.0)),
    ),
    Case(
        "a stop beyond the liquidation price is of no use",
        """
        100 101  99 100  long
        100 101  99 100
         95  96  91  92
        """,
        "long 1 101.00 > 2 90.90 liquidation",
        on=(PERPETUAL, Risk(leverage=10.0, stop=2.0, take=9.0)),
    ),
    Case(
        "without leverage a long is not liquidated",
        """
        100 101  99   100  long
        100 101   0.1   1
          1   2   0.1   1
        """,
        left="long",
        on=(Rule("perpetual", "both"), Risk()),
    ),
    # late orders ----------------------------------------------------------------------------
    Case(
        "a late order fills one bar after it could",
        """
        100 101  99 100  long
        101 102 100 101
        102 103 101 102  flat
        103 104 102 103
        104 105 103 104
        """,
        "long 2 103.02 > 4 102.96 signal",
        on=(Rule(late=True), Risk()),
    ),
    Case(
        "a late reversal closes and opens on the same open",
        """
        100 101  99 100  long
        100 101  99 100  short
        100 101  99 100
        104 105 103 104
        """,
        "long 2 101.00 > 3 102.96 signal",
        left="short",
        on=(Rule(late=True), Risk()),
    ),
    Case(
        "a stop clears a late order of the same side",
        """
        100 101  99 100  long
        100 101  99 100
        100 101  90  95
        100 101  99 100
        100 101  99 100
        """,
        "long 2 101.00 > 2 94.99 stop",
        on=(Rule(late=True, stop=True), Risk(stop=0.05)),
    ),
    Case(
        "a late reversal survives the stop",
        """
        100 101  99 100  long
        100 101  99 100
        100 101  99 100  short
        100 101  90  95
        100 101  99 100
        """,
        "long 2 101.00 > 3 94.99 stop",
        left="short",
        on=(Rule(late=True, stop=True), Risk(stop=0.05)),
    ),
    Case(
        "a late exit does not swallow the entry that was ordered after it",
        """
        100 101  99 100  long
        100 101  99 100
        100 101  99 100  flat
        100 101  99 100  long
        100 101  99 100
        100 101  99 100
        """,
        "long 2 101.00 > 4 99.00 signal",
        left="long",
        on=(Rule(late=True), Risk()),
    ),
    Case(
        "the clock clears a late order of the same side",
        """
        100 101  99 100  long
        100 101  99 100
        100 101  99 100
        100 101  99 100
        100 101  99 100
        """,
        "long 2 101.00 > 3 99.00 time",
        on=(Rule(late=True, max_hold=True), Risk(max_hold=60.0)),
    ),
    # orders from outside --------------------------------------------------------------------
    Case(
        "who is out is closed at the next open, whatever it had to wait for",
        """
        100 101  99 100  long
        100 101  99 100  out
        100 101  99 100  short
        100 101  99 100
        """,
        "long 1 101.00 > 2 99.00 ordered",
        on=STEERED,
    ),
    Case(
        "but a gap to liquidation comes first",
        """
        100 101  99 100  long
        100 101  99 100  out
         91  99  90  95
        """,
        "long 1 101.00 > 2 90.90 liquidation",
        on=(Rule("perpetual", "both", steered=True), Risk(0.3, 10.0)),
        term=replace(TERM, loss_limit=1.0, drawdown_limit=1.0),
    ),
    Case(
        "who is barred keeps its position until the signal says otherwise, and does not turn",
        """
        100 101  99 100  long
        100 101  99 100  barred
        100 101  99 100
        100 101  99 100  short
        100 101  99 100
        100 101  99 100  long
        100 101  99 100
        """,
        "long 1 101.00 > 4 99.00 signal",
        on=STEERED,
    ),
    Case(
        "an entry that waits for the open is dropped",
        """
        100 101  99 100  long  barred
        100 101  99 100
        100 101  99 100        free
        100 101  99 100
        100 101  99 100  flat
        100 101  99 100  long
        100 101  99 100
        """,
        left="long",
        on=STEERED,
    ),
    Case(
        "a late entry that waits is dropped",
        """
        100 101  99 100  long
        100 101  99 100  short  barred
        100 101  99 100
        100 101  99 100
        """,
        on=LATE,
    ),
    Case(
        "who is barred does not come back on a late order for the side that it left meanwhile",
        """
        100 101  99 100  long
        100 101  99 100
        100 101  99 100  flat  barred
        100 101  99 100  long
        100 101  99 100
        100 101  99 100
        """,
        "long 2 101.00 > 4 99.00 signal",
        on=LATE,
    ),
    Case(
        "an order to leave is not late",
        """
        100 101  99 100  long
        100 101  99 100
        100 101  99 100  out
        100 101  99 100
        """,
        "long 2 101.00 > 3 99.00 ordered",
        on=LATE,
    ),
    Case(
        "a loss beyond the limit at a close is closed at the next open",
        """
        100 101  99 100  long
        100 101  80  83
         95 101  94 100
        100 101  99 100  flat
        100 101  99 100  long
        100 101  99 100
        """,
        "long 1 101.00 > 2 94.05 ordered",
        on=(Rule(steered=True), Risk(0.3)),
    ),
    Case(
        "and one within the limit is not",
        """
        100 101  99 100  long
        100 101  80  86
         95 101  94 100
        """,
        left="long",
        on=(Rule(steered=True), Risk(0.3)),
    ),
    Case(
        "a fall from the peak beyond the limit is one too",
        """
        100 101  99 100  long
        100 201  99 200
        160 161 150 155
        150 151 149 150
        """,
        "long 1 101.00 > 3 148.50 ordered",
        on=(Rule(steered=True), Risk(0.3)),
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_rules_of_trading(case: Case) -> None:
    done = run(case)
    wanted = [" ".join(line.split()) for line in case.trades.strip().splitlines()]
    assert done.lines() == wanted
    assert WORDS[done.account.side] == case.left
    if done.account.side == 0.0:
        assert (done.account.low_exit, done.account.high_exit) == (-INF, INF)
        assert done.account.qty == 0.0


# what a trade costs and brings ------------------------------------------------------------------

ROUND = """
    100 101  99 100  long
    100 101  99 100
    104 106.05 103 104  flat
    104 105 103 104
"""
HELD = """
    100 101  99 100  long
    100 101  99 100
"""
SHORT_ROUND = ROUND.replace("long", "short")


def test_a_round_trip_is_booked_to_the_cent() -> None:
    done = run(Case("", ROUND))
    ((_, trade),) = done.noted.trades
    size = 1_000.0 / 1.001 / 101.0
    fees = 0.001 * (101.0 + 102.96) * size
    assert trade.was_qty == pytest.approx(size, rel=1e-15)
    assert trade.paid == trade.fees == pytest.approx(fees)
    assert trade.net == pytest.approx((102.96 - 101.0) * size - fees)
    assert trade.roi == pytest.approx(trade.net / (101.0 * size))
    assert trade.opened == 1_000.0
    assert trade.margin == pytest.approx(101.0 * size)
    assert done.account.cash == pytest.approx(1_000.0 + trade.net)


def test_a_short_round_trip_is_booked_to_the_cent() -> None:
    ((_, trade),) = run(Case("", SHORT_ROUND)).noted.trades
    size = 1_000.0 / 1.001 / 99.0
    assert trade.was_qty == pytest.approx(-size)
    assert trade.net == pytest.approx((99.0 - 105.04) * size - 0.001 * (99.0 + 105.04) * size)


def test_a_limit_target_pays_the_makers_fee_and_a_market_target_the_takers() -> None:
    for rule, price, rate in (
        (Rule(take=True), 106.05, 0.0005),
        (Rule(take=True, limit_targets=False), 104.99, 0.001),
    ):
        ((_, trade),) = run(Case("", ROUND, on=(rule, Risk(take=0.05)))).noted.trades
        assert trade.leave == pytest.approx(price)
        assert trade.paid == pytest.approx((0.001 * 101.0 + rate * price) * trade.was_qty)


@pytest.mark.parametrize("side", ["long", "short"])
@pytest.mark.parametrize("gap", [False, True])
def test_a_liquidation_takes_exactly_the_margin_and_the_entry_fee(side: str, gap: bool) -> None:
    sign = SIDES[side]
    edge = 100.0 - sign * (40.0 if gap else 8.0)
    worst = 100.0 - sign * 50.0
    high, low = max(edge, worst), min(edge, worst)
    bars = f"100 101 99 100 {side}\n100 101 99 100\n{edge} {high} {low} {edge}"
    done = run(Case("", bars, on=(Rule("perpetual", "both"), Risk(0.3, 10.0))))
    ((_, trade),) = done.noted.trades
    assert REASONS[int(trade.reason)] == "liquidation"
    assert trade.margin == pytest.approx(300.0)
    assert trade.paid == pytest.approx(0.001 * 3_000.0)
    assert trade.net == pytest.approx(-trade.margin - trade.paid)
    assert done.account.cash == pytest.approx(700.0 - 3.0)


@pytest.mark.parametrize(("side", "rate"), [*product((1.0, -1.0), (0.0001, -0.0002))])
def test_funding_is_paid_by_longs_and_received_by_shorts(side: float, rate: float) -> None:
    bars = f"""
        100 101  99 100  {WORDS[side]}
        100 101  99 100
        110 111 109 110
        110 111 109 110  flat
        110 111 109 110
    """
    case = Case("", bars, on=(Rule("perpetual", "both", funding=True), Risk()))
    without = run(case).noted.trades[0][1]
    done = run(case, funding={2: rate})
    trade = done.noted.trades[0][1]
    owed = side * abs(trade.was_qty) * 110.0 * rate
    assert trade.funded == pytest.approx(owed)
    assert without.funded == 0.0
    assert trade.net == pytest.approx(without.net - owed)
    assert done.account.cash == pytest.approx(1_000.0 + trade.net)


def test_funding_is_due_at_the_open_on_what_was_held_until_then() -> None:
    case = Case("", ROUND, on=(Rule("perpetual", "both", funding=True), Risk()))
    ((_, entered),) = run(case, funding={1: 0.01}).noted.trades
    assert entered.funded == 0.0
    ((_, left),) = run(case, funding={3: 0.01}).noted.trades
    assert left.funded == pytest.approx(left.was_qty * 104.0 * 0.01)
    assert run(case, funding={0: 0.01}).account.cash == run(case).account.cash


def test_funding_is_nothing_to_a_rule_without_it() -> None:
    case = Case("", ROUND, on=(Rule("perpetual", "both"), Risk()))
    assert run(case, funding={2: 0.01}).account == run(case).account


# sizes ----------------------------------------------------------------------------------------


def test_a_steered_account_notes_its_entries_with_what_they_cost() -> None:
    done = run(Case("", ROUND, on=(Rule(steered=True), Risk(0.5))))
    ((time_s, opened),) = done.noted.entries
    ((_, closed),) = done.noted.trades
    size = 500.0 / 101.0
    assert (time_s, opened.since_s, opened.side, opened.entry) == (BAR_S, BAR_S, 1.0, 101.0)
    assert opened.qty == pytest.approx(size)
    assert opened.margin == closed.margin == pytest.approx(500.0)
    assert opened.paid == pytest.approx(0.001 * 500.0)
    assert run(Case("", ROUND)).noted.entries == []


def test_an_account_that_may_do_what_it_likes_is_left_alone() -> None:
    for late in (False, True):
        term = replace(TERM, rule=Rule(min_hold=True, late=late, steered=True))
        a = Account(side=1.0, want=-1.0, queue=-1.0, free_s=9.0)
        before = replace(a)
        restrain(term, a)
        assert a == before


def test_an_order_below_one_lot_is_refused_and_counted_once() -> None:
    bars = """
        100 101  99 100  long
        100 101  99 100
        100 101  99 100  short
        100 101  99 100
    """
    done = run(Case("", bars, term=replace(TERM, lot=11.0)))
    assert done.account.refused == 2.0
    assert (done.account.side, done.account.want, done.account.cash) == (0.0, 0.0, 1_000.0)
    assert done.noted.trades == []


def test_a_late_order_below_one_lot_is_refused_once() -> None:
    bars = "100 101 99 100 long\n" + "100 101 99 100\n" * 4
    done = run(Case("", bars, on=(Rule(late=True), Risk()), term=replace(TERM, lot=10.0)))
    assert (done.account.refused, done.account.queue, done.account.want) == (1.0, 0.0, 0.0)


def test_a_reversal_that_is_refused_leaves_the_account_flat() -> None:
    bars = """
        100 101  99 100  short
        100 101  99 100  long
        110 111 109 110
        110 111 109 110
    """
    done = run(Case("", bars, term=replace(TERM, lot=10.0)))
    assert done.lines() == ["short 1 99.00 > 2 111.10 signal"]
    assert (done.account.side, done.account.want, done.account.refused) == (0.0, 0.0, 1.0)


@pytest.mark.parametrize("cash", [-5.0, 0.0, 1_000.0 * RUIN])
def test_a_ruined_account_opens_nothing(cash: float) -> None:
    a = Account(cash=cash, want=1.0)
    enter(Fine(0.0, 1e-9, 1e-9, 1e-9, 1e-9), TERM, Risk(), 0.0, a, Noted())
    assert (a.side, a.qty, a.refused, a.cash) == (0.0, 0.0, 1.0, cash)


def test_a_loss_beyond_everything_leaves_an_account_that_trades_no_more() -> None:
    bars = """
        100 101  99 100  short
        100 101  99 100
        300 301 299 300  long
        300 301 299 300
        300 301 299 300
    """
    done = run(Case("", bars))
    assert done.lines() == ["short 1 99.00 > 3 303.00 signal"]
    assert done.account.cash < 0.0
    assert (done.account.side, done.account.refused) == (0.0, 1.0)
    assert done.path.equity > 0.0


def test_the_size_is_rounded_to_lots_and_paid_from_the_balance() -> None:
    rule = Rule("perpetual", "both")
    done = run(Case("", HELD, on=(rule, Risk(0.25, 4.0)), term=replace(TERM, lot=0.1))).account
    assert done.qty == pytest.approx(9.9)  # 1,000 / 101 = 9.90099
    assert done.margin == pytest.approx(9.9 * 101.0 / 4.0)
    assert done.cash == pytest.approx(1_000.0 - 9.9 * 101.0 * 1.001)
    assert done.paid == done.fees == pytest.approx(9.9 * 101.0 * 0.001)


def test_kelly_takes_the_share_from_the_accounts_own_trades() -> None:
    term = replace(TERM, rule=Rule(sizing="kelly"))
    a = Account(cash=1_000.0, want=1.0, trades=40.0, wins=22.0, gained=220.0, lost=162.0)
    enter(Fine(0.0, 100.0, 100.0, 100.0, 100.0), term, Risk(0.9), 0.0, a, Noted())
    share = kelly_fraction(40.0, 22.0, 220.0, 162.0, 0.9)
    assert a.qty == pytest.approx(quantity(1_000.0, share, 1.0, 101.0, 0.001))
    assert a.qty == pytest.approx(145.0 / 101.0)


def test_kelly_without_an_edge_refuses_the_order() -> None:
    term = replace(TERM, rule=Rule(sizing="kelly"))
    a = Account(cash=1_000.0, want=1.0, trades=40.0, wins=4.0, gained=4.0, lost=900.0)
    enter(Fine(0.0, 100.0, 100.0, 100.0, 100.0), term, Risk(0.9), 0.0, a, Noted())
    assert (a.side, a.refused) == (0.0, 1.0)


def test_volatility_takes_the_share_from_the_average_true_range() -> None:
    case = Case("", HELD, on=(Rule(sizing="volatility"), Risk(0.01)))
    assert run(case, atr=5.0).account.qty == pytest.approx(10.0 / 7.5)
    assert run(case, atr=0.0).account.qty == pytest.approx(10.0 / 101.0)
    assert run(case, atr=0.01).account.qty == pytest.approx(1_000.0 / 1.001 / 101.0)


# tallies --------------------------------------------------------------------------------------


def test_closed_trades_are_tallied() -> None:
    prices = [100.0, 110.0, 100.0, 90.0, 95.0, 100.0]
    closes = iter([120.0, 90.0, 80.0, 110.0, 90.0, 95.0])
    bars = "100 100 100 100 long\n"
    for price, close in zip(prices, closes, strict=True):
        bars += f"{price} {price} {price} {price} flat\n{close} {close} {close} {close} long\n"
    done = run(Case("", bars, term=replace(TERM, slippage=0.0, tick=0.0)))
    nets = [trade.net for _, trade in done.noted.trades]
    rois = [trade.roi for _, trade in done.noted.trades]
    won = [net for net in nets if net > 0.0]
    a = done.account
    assert [net > 0.0 for net in nets] == [True, False, False, True, False, False]
    assert (a.trades, a.wins) == (6.0, 2.0)
    assert (a.losing, a.losing_most) == (2.0, 2.0)
    assert a.gained == pytest.approx(sum(won))
    assert a.gained - a.lost == pytest.approx(sum(nets))
    assert a.roi_sum == pytest.approx(sum(rois))
    assert a.roi_squares == pytest.approx(sum(roi * roi for roi in rois))
    assert a.fees == pytest.approx(sum(trade.paid for _, trade in done.noted.trades))
    assert a.cash == pytest.approx(1_000.0 + sum(nets))


@pytest.mark.parametrize(
    ("rule", "guarded"),
    [
        (Rule(), False),
        (Rule(min_hold=True, max_hold=True, funding=True), False),
        (Rule(stop=True), True),
        (Rule(take=True), True),
        (Rule(trail=True), True),
        (Rule("perpetual"), True),
    ],
)
def test_a_rule_knows_whether_a_price_can_close_a_position(rule: Rule, guarded: bool) -> None:
    assert rule.guarded is guarded
    assert rule.perpetual is (rule.market == "perpetual")


def test_nothing_is_due_where_nothing_can_happen() -> None:
    everything = Rule(
        "perpetual", "both", stop=True, take=True, trail=True,
        min_hold=True, max_hold=True, funding=True,
    )  # fmt: skip
    term = replace(TERM, rule=everything)
    assert not due(Fine(1e9, 1.0, 1e300, 1e-300, 1.0, 0.01), term, Account())
