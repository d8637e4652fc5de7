"""Price first, then time; nothing is lost; every change is numbered."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveopt.exchange_sim.book import Book
from liveopt.exchange_sim.events import Changed, Event, Side, Traded

FIRST = (100, 10**16)


def empty() -> Book:
    return Book("BTC-USDT", FIRST, lambda number: f"#{number}")


def book_of(*orders: tuple[str, Side, int, int]) -> Book:
    book = empty()
    for order in orders:
        book.add(*order)
    book.drain()
    return book


def trades(book: Book) -> list[tuple[str, int, int]]:
    return [(e.maker_id, e.ticks, e.lots) for e in book.drain() if isinstance(e, Traded)]


QUEUE: list[tuple[str, Side, int, int]] = [
    ("first", "sell", 101, 5),
    ("dear", "sell", 103, 9),
    ("second", "sell", 101, 4),
    ("middle", "sell", 102, 3),
]


@pytest.mark.parametrize(
    ("lots", "limit", "expected", "left"),
    [
        (3, None, [("first", 101, 3)], 0),
        (5, None, [("first", 101, 5)], 0),
        (7, None, [("first", 101, 5), ("second", 101, 2)], 0),
        (10, None, [("first", 101, 5), ("second", 101, 4), ("middle", 102, 1)], 0),
        (10, 101, [("first", 101, 5), ("second", 101, 4)], 1),
        (99, 102, [("first", 101, 5), ("second", 101, 4), ("middle", 102, 3)], 87),
        (99, 100, [], 99),
        (22, None, [*[("first", 101, 5), ("second", 101, 4)], ("middle", 102, 3), ("dear", 103, 9)],
         1),
    ],
)  # fmt: skip
def test_a_taker_meets_the_best_price_first_and_the_oldest_there(
    lots: int, limit: int | None, expected: list[tuple[str, int, int]], left: int
) -> None:
    book = book_of(*QUEUE)
    assert book.take("me", "buy", lots, limit) == left
    assert trades(book) == expected


def test_a_seller_meets_the_highest_bid_first() -> None:
    book = book_of(("low", "buy", 98, 5), ("high", "buy", 99, 5), ("later", "buy", 99, 5))
    assert book.take("me", "sell", 12, 98) == 0
    assert trades(book) == [("high", 99, 5), ("later", 99, 5), ("low", 98, 2)]


def test_a_partly_filled_order_keeps_its_place() -> None:
    book = book_of(*QUEUE)
    book.take("me", "buy", 2, None)
    assert book.resting("first") == 3
    book.take("you", "buy", 4, None)
    assert trades(book) == [("first", 101, 2), ("first", 101, 3), ("second", 101, 1)]


def test_an_order_reduced_by_its_owner_keeps_its_place() -> None:
    book = book_of(*QUEUE)
    assert book.cancel("first", 4) == 4
    book.take("me", "buy", 2, None)
    assert trades(book) == [("first", 101, 1), ("second", 101, 1)]


def test_a_cancel_takes_what_is_left_once() -> None:
    book = book_of(*QUEUE)
    assert [book.cancel("first", 99), book.cancel("first"), book.cancel("nobody")] == [5, 0, 0]
    assert book.levels("sell", 9) == [(101, 4), (102, 3), (103, 9)]
    assert book.cancel("second") == 4
    assert book.levels("sell", 1) == [(102, 3)]


def test_a_cancel_of_nothing_changes_nothing() -> None:
    book = book_of(*QUEUE)
    assert book.cancel("first", 0) == 0
    assert book.drain() == []
    assert book.resting("first") == 5


def test_each_level_touched_is_told_once_with_its_new_total() -> None:
    book = book_of(*QUEUE)
    book.now_ns = 7
    book.take("me", "buy", 10, None)
    told = [
        ("trade", e.ticks, e.lots) if isinstance(e, Traded) else ("level", e.ticks, e.lots)
        for e in book.drain()
    ]
    assert told == [
        *(("trade", 101, 5), ("trade", 101, 4), ("level", 101, 0)),
        *(("trade", 102, 1), ("level", 102, 2)),
    ]


def test_changes_are_numbered_without_holes_and_trades_grow_with_holes() -> None:
    book = empty()
    for number in range(1, 40):
        book.add(number, "sell", 100 + number % 5, 3)
        if number % 3 == 0:
            book.take(f"client {number}", "buy", 4, None)
    events = book.drain()
    changes = [e.sequence for e in events if isinstance(e, Changed)]
    assert changes == list(range(FIRST[0] + 1, book.sequence + 1))
    numbers = [e.sequence for e in events if isinstance(e, Traded)]
    assert numbers[0] > 2**53
    steps = {after - before for before, after in pairwise(numbers)}
    assert min(steps) > 0
    assert max(steps) > 1


def test_anonymous_orders_are_named_in_trades_and_withdrawn_together() -> None:
    book = empty()
    for key in (1, "client", 2):
        book.add(key, "buy", 50, 10)
    book.take(3, "sell", 15, None)
    sold = [e for e in book.drain() if isinstance(e, Traded)]
    assert [(e.taker_id, e.maker_id) for e in sold] == [("#3", "#1"), ("#3", "client")]
    assert book.withdraw(book.bids, 50) == 5
    assert book.levels("buy", 5) == [(50, 5)]
    assert [e.lots for e in book.drain() if isinstance(e, Changed)] == [5]
    assert book.withdraw(book.bids, 50) == 5
    assert book.drain() == []


def test_what_a_taker_would_find_is_known_beforehand() -> None:
    book = book_of(*QUEUE)
    assert [book.fillable("buy", limit) for limit in (100, 101, 102, None)] == [0, 9, 12, 21]
    assert [book.crosses("buy", limit) for limit in (100, 101, None)] == [False, True, True]
    assert book.fillable("sell", None) == 0
    assert not book.crosses("sell", None)


def test_an_identifier_in_the_book_cannot_be_used_again() -> None:
    book = book_of(*QUEUE)
    with pytest.raises(AssertionError):
        book.add("first", "sell", 110, 1)


@dataclass
class Waiting:
    key: str
    side: Side
    ticks: int
    lots: int


class Slow:
    """The same rules over one list in the order of arrival, with everything searched anew."""

    def __init__(self) -> None:
        self.waiting: list[Waiting] = []
        self.trades: list[tuple[str, str, int, int]] = []

    def submit(self, key: str, side: Side, lots: int, limit: int | None, rest: bool) -> None:
        while lots:
            others = [o for o in self.waiting if o.side != side and self._meets(o, side, limit)]
            if not others:
                break
            best = min(o.ticks for o in others) if side == "buy" else max(o.ticks for o in others)
            maker = next(o for o in others if o.ticks == best)
            filled = min(lots, maker.lots)
            self.trades.append((key, maker.key, best, filled))
            maker.lots -= filled
            lots -= filled
            self.waiting = [o for o in self.waiting if o.lots]
        if lots and rest and limit is not None:
            self.waiting.append(Waiting(key, side, limit, lots))

    def cancel(self, key: str, lots: int) -> None:
        for order in self.waiting:
            if order.key == key:
                order.lots = max(0, order.lots - lots)
        self.waiting = [o for o in self.waiting if o.lots]

    def levels(self, side: Side) -> list[tuple[int, int]]:
        totals: dict[int, int] = {}
        for order in self.waiting:
            if order.side == side:
                totals[order.ticks] = totals.get(order.ticks, 0) + order.lots
        return sorted(totals.items(), reverse=side == "buy")

    @staticmethod
    def _meets(order: Waiting, side: Side, limit: int | None) -> bool:
        if limit is None:
            return True
        return order.ticks <= limit if side == "buy" else order.ticks >= limit


SUBMIT = st.tuples(
    st.just("submit"),
    st.sampled_from(["buy", "sell"]),
    st.integers(1, 30),
    st.none() | st.integers(95, 105),
    st.booleans(),
)
CANCEL = st.tuples(st.just("cancel"), st.integers(0, 60), st.integers(0, 20))


@given(st.lists(SUBMIT | CANCEL, max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_program_of_orders_does_what_the_slow_book_does(program: list[Any]) -> None:
    book, slow = empty(), Slow()
    events: list[Event] = []
    shown: dict[tuple[str, int], int] = {}
    for number, (word, *rest) in enumerate(program):
        if word == "submit":
            side, lots, limit, rests = rest
            left = book.take(f"o{number}", side, lots, limit)
            if left and rests and limit is not None:
                book.add(f"o{number}", side, limit, left)
            slow.submit(f"o{number}", side, lots, limit, rests)
        else:
            book.cancel(f"o{rest[0]}", rest[1])
            slow.cancel(f"o{rest[0]}", rest[1])
        events += book.drain()
        assert book.levels("buy", 99) == slow.levels("buy")
        assert book.levels("sell", 99) == slow.levels("sell")
        bid, ask = book.bids.best(), book.asks.best()
        assert bid is None or ask is None or bid < ask
    sold = [(e.taker_id, e.maker_id, e.ticks, e.lots) for e in events if isinstance(e, Traded)]
    assert sold == slow.trades
    assert set(book.orders) == {order.key for order in slow.waiting}
    assert all(book.resting(order.key) == order.lots for order in slow.waiting)
    for event in events:
        if isinstance(event, Changed):
            shown[event.side, event.ticks] = event.lots
    assert {k: v for k, v in shown.items() if v} == {
        (side, ticks): lots
        for side in ("buy", "sell")
        for ticks, lots in (book.levels("buy", 99) if side == "buy" else book.levels("sell", 99))
    }


@given(st.lists(SUBMIT | CANCEL, max_size=80))
@settings(max_examples=200, deadline=None)
def test_every_lot_submitted_is_traded_cancelled_refused_or_resting(program: list[Any]) -> None:
    book = empty()
    submitted = gone = 0
    for number, (word, *rest) in enumerate(program):
        if word == "submit":
            side, lots, limit, rests = rest
            submitted += lots
            left = book.take(f"o{number}", side, lots, limit)
            if left and rests and limit is not None:
                book.add(f"o{number}", side, limit, left)
            else:
                gone += left
        else:
            gone += book.cancel(f"o{rest[0]}", rest[1])
    traded = sum(e.lots for e in book.drain() if isinstance(e, Traded))
    resting = sum(book.resting(key) for key in book.orders)
    assert submitted == 2 * traded + gone + resting
