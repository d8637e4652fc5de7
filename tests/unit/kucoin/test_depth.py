"""A book that says it is one equals the exchange's, whatever became of its changes on the way.

HYPOTHESIS_PROFILE=night and the slow mark run a million patterns.
"""

import os
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.core.events import Quote
from liveopt.kucoin.depth import BACKWARDS_NS, WAITING_MAX, BookSnapshot, Depth
from liveopt.kucoin.wire import Delta

MS = 1_000_000
BEGAN = 1_700_000_000_000 * MS
NIGHT = os.environ.get("HYPOTHESIS_PROFILE") == "night"


def delta(first: int, *changes: tuple[bool, float, float], at_ns: int = BEGAN) -> Delta:
    numbered = tuple((*change, first + place) for place, change in enumerate(changes))
    return Delta("BTC-USDT", at_ns, first, first + len(changes) - 1, numbered)


def snapshot(sequence: int, bid: float = 99.0, ask: float = 101.0) -> BookSnapshot:
    return BookSnapshot("BTC-USDT", sequence, BEGAN, [(bid, 1.0)], [(ask, 1.0)])


def book(sequence: int = 10) -> Depth:
    depth = Depth("BTC-USDT")
    assert depth.start(snapshot(sequence))
    return depth


def wants(depth: Depth) -> bool:
    return depth.wants


BID, ASK = (True, 98.0, 2.0), (False, 102.0, 2.0)


def test_the_snapshot_is_asked_for_after_the_first_change() -> None:
    depth = Depth("BTC-USDT")
    assert not wants(depth)
    assert depth.top() is None
    assert not depth.change(delta(9, BID))
    assert wants(depth)
    assert depth.start(snapshot(8))
    assert not wants(depth)
    assert (depth.sequence, depth.bids) == (9, {99.0: 1.0, 98.0: 2.0})


def test_changes_that_the_snapshot_has_are_passed_over() -> None:
    depth = Depth("BTC-USDT")
    depth.change(delta(7, BID))
    depth.change(delta(8, BID, ASK))
    assert depth.start(snapshot(8))
    assert depth.bids == {99.0: 1.0}, "of 8 to 9 only 9 is new"
    assert depth.asks == {101.0: 1.0, 102.0: 2.0}
    assert not depth.change(delta(9, BID)), "known"
    assert depth.levels(1) == ([(99.0, 1.0)], [(101.0, 1.0)])


def test_a_snapshot_older_than_the_changes_is_not_taken() -> None:
    depth = Depth("BTC-USDT")
    depth.change(delta(9, BID))
    assert not depth.start(snapshot(7))
    assert wants(depth)
    assert depth.start(snapshot(8))


def test_a_snapshot_that_comes_twice_does_not_set_the_book_back() -> None:
    depth = book(10)
    depth.change(delta(11, BID))
    assert depth.start(snapshot(9))
    assert depth.sequence == 11
    assert depth.start(snapshot(15))
    assert depth.sequence == 15


def test_a_book_without_a_number_is_none() -> None:
    assert not Depth("BTC-USDT").start(snapshot(0))


def test_a_gap_starts_anew() -> None:
    depth = book(10)
    assert depth.change(delta(11, BID))
    assert not depth.change(delta(13, BID))
    assert depth.gaps == 1
    assert wants(depth)
    assert depth.top() is None
    assert depth.start(snapshot(12))
    assert depth.sequence == 13


def test_a_gap_within_what_waits_is_one_too() -> None:
    depth = Depth("BTC-USDT")
    for first in (11, 13, 14):
        depth.change(delta(first, BID))
    assert not depth.start(snapshot(10))
    assert depth.start(snapshot(12))
    assert depth.sequence == 14


def test_a_price_of_zero_moves_the_number_only() -> None:
    depth = book(10)
    assert depth.change(delta(11, (True, 0.0, 0.0)))
    assert depth.sequence == 11
    assert depth.bids == {99.0: 1.0}


def test_a_size_of_zero_takes_a_level_away_even_an_absent_one() -> None:
    depth = book(10)
    depth.change(delta(11, (True, 99.0, 0.0), (True, 55.0, 0.0)))
    assert depth.bids == {}
    assert depth.top() is None, "one side is empty"


def test_a_new_count_starts_anew() -> None:
    depth = book(10)
    assert not depth.change(delta(3, BID, at_ns=BEGAN + BACKWARDS_NS))
    assert not wants(depth), "that may be an old one"
    assert not depth.change(delta(3, BID, at_ns=BEGAN + BACKWARDS_NS + 1))
    assert wants(depth)
    assert depth.start(snapshot(2))
    assert depth.sequence == 3


def test_the_top_has_the_time_of_the_newest_change_and_is_never_crossed() -> None:
    depth = book(10)
    depth.change(delta(11, (False, 100.0, 3.0), at_ns=BEGAN + MS))
    assert depth.top() == Quote(BEGAN + MS, "BTC-USDT", 11, 99.0, 1.0, 100.0, 3.0)
    depth.change(delta(12, (True, 100.5, 1.0), at_ns=BEGAN))
    assert depth.top() is None
    depth.change(delta(13, (False, 100.0, 0.0)))
    top = depth.top()
    assert top is not None
    assert (top.bid, top.ask, top.at_ns) == (100.5, 101.0, BEGAN + MS)


def test_what_waits_is_bounded() -> None:
    depth = Depth("BTC-USDT")
    for first in range(1, WAITING_MAX + 100):
        depth.change(delta(first, BID))
    assert len(depth._waiting) == WAITING_MAX
    assert not depth.start(snapshot(50))
    assert depth.start(snapshot(99))


def test_dropped_it_is_no_book() -> None:
    depth = book(10)
    depth.drop()
    assert depth.top() is None
    assert depth.levels(5) == ([], [])
    assert not wants(depth)


# Patterns of faults against a plain book.

Levels = tuple[dict[float, float], dict[float, float]]


class Exchange:
    """Makes changes and remembers every state of its book."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.sequence = rng.choice((1, 1_613_277_183_892))
        self.states: dict[int, Levels] = {self.sequence: ({99.0: 1.0}, {101.0: 1.0})}
        self.at_ns = BEGAN

    def trade(self) -> Delta:
        rng, first = self.rng, self.sequence + 1
        self.at_ns += MS
        changes = []
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            bids, asks = (dict(side) for side in self.states[self.sequence])
            is_bid = rng.random() < 0.5
            price = float(rng.randint(90, 99) if is_bid else rng.randint(101, 110))
            price *= rng.random() > 0.3
            size = float(rng.randint(0, 2))
            self.sequence += 1
            side = bids if is_bid else asks
            if price and size:
                side[price] = size
            elif price:
                side.pop(price, None)
            self.states[self.sequence] = bids, asks
            changes.append((is_bid, price, size))
        return delta(first, *changes, at_ns=self.at_ns)

    def snapshot(self) -> BookSnapshot:
        """The book as it is, or as it was a few changes ago."""
        oldest = min(self.states)
        sequence = max(oldest, self.sequence - self.rng.choice((0, 0, 1, 3, 30)))
        bids, asks = self.states[sequence]
        return BookSnapshot("BTC-USDT", sequence, BEGAN, [*bids.items()], [*asks.items()])


def disturbed(rng: random.Random, sent: list[Delta]) -> list[Delta]:
    """What arrives of what was sent: some of it not, twice, or in another order."""
    came: list[Delta] = []
    gaps, twice, swaps = (rng.choice((0.0, 0.05, 0.3)) for _ in range(3))
    for one in sent:
        if rng.random() < gaps:
            continue
        came.append(one)
        if rng.random() < twice:
            came.append(rng.choice(came[-4:]))
        if rng.random() < swaps and len(came) > 1:
            came[-1], came[-2] = came[-2], came[-1]
    return came


def settle(exchange: Exchange, depth: Depth) -> None:
    """Without a fault any more, the book is whole again after the next change."""
    for _ in range(2):
        depth.change(exchange.trade())
        if depth.wants:
            bids, asks = exchange.states[exchange.sequence]
            levels = [*bids.items()], [*asks.items()]
            assert depth.start(BookSnapshot("BTC-USDT", exchange.sequence, BEGAN, *levels))
    assert depth.sequence == exchange.sequence
    assert (depth.bids, depth.asks) == exchange.states[exchange.sequence]


def pattern(seed: int) -> int:
    """One life of a book; how often it was whole."""
    rng = random.Random(seed)
    exchange, depth = Exchange(rng), Depth("BTC-USDT")
    whole, asked = 0, None
    while len(exchange.states) < 60:
        sent = [exchange.trade() for _ in range(rng.randint(1, 8))]
        for one in disturbed(rng, sent):
            depth.change(one)
            if depth.sequence:
                assert (depth.bids, depth.asks) == exchange.states[depth.sequence]
                whole += 1
            if asked is not None and rng.random() < 0.5:
                depth.start(asked)  # it comes late
                asked = None
            if depth.wants and asked is None:
                asked = exchange.snapshot()
        if rng.random() < 0.02:
            depth.drop()
    settle(exchange, depth)
    return whole


@given(st.integers(0, 2**32))
def test_a_book_that_says_it_is_one_equals_the_exchanges(seed: int) -> None:
    pattern(seed)


def test_two_thousand_patterns_are_mostly_whole() -> None:
    assert sum(pattern(seed) for seed in range(2_000)) > 20_000


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_many_patterns() -> None:
    for seed in range(1_000_000 if NIGHT else 20_000):
        pattern(seed)
