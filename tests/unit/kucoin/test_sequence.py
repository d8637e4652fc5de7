"""Each tick once and in order, and whatever is missing lies within a span that was told.

Whole lives of a connection are drawn: cuts, replays, a history that is short or stale, a mend that
comes late or not at all, an exchange that begins to count anew. HYPOTHESIS_PROFILE=night and the
slow mark run a million of them.
"""

import os
import random
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.core.bars import SECOND_NS
from liveopt.core.events import Tick
from liveopt.kucoin.sequence import BACKWARDS_NS, KNOWN_MAX, WAITING_MAX, Sequencer, Span

MS = 1_000_000
SETTLE = 2 * MS
BEGAN = 1_700_000_000 * SECOND_NS
NIGHT = os.environ.get("HYPOTHESIS_PROFILE") == "night"
seeds = st.integers(0, 2**32)


def tick(sequence: int, at_ns: int | None = None, price: float = 100.0) -> Tick:
    at_ns = BEGAN + sequence * MS if at_ns is None else at_ns
    return Tick(at_ns, price, 1.0, "BTC-USDT", sequence, 1)


def numbers(ticks: Sequence[Tick]) -> list[int]:
    return [one.sequence for one in ticks]


def coded(ticks: Sequence[Tick]) -> bytes:
    return b"\n".join(msgspec.json.encode(one) for one in ticks)


def fed(*sequences: int, now_ns: int = 0) -> Sequencer:
    order = Sequencer(SETTLE)
    for number in sequences:
        assert order.offer(tick(number), now_ns) is None
    return order


def by_sequence(one: Tick) -> int:
    return one.sequence


def asks(order: Sequencer) -> bool:
    return order.asks


def due(order: Sequencer) -> bool:
    return order.due


def held(order: Sequencer) -> bool:
    return order.held


def counts_anew(order: Sequencer) -> bool:
    return order.restarted


# Order and duplicates.


def shuffled(rng: random.Random, count: int) -> None:
    """A stream out of order within the settle time, each tick up to five times."""
    clean, sequence, at_ns = [], 0, BEGAN
    for _ in range(count):
        sequence += rng.randint(1, 5)
        at_ns += rng.choice((0, 0, MS, 30 * MS))
        clean.append(tick(sequence, at_ns, rng.uniform(1, 2)))
    coming = []
    for index, one in enumerate(clean):
        came_ns = index * MS // 2 + rng.randint(0, SETTLE)
        again = [came_ns + rng.randint(0, 20 * MS) for _ in range(rng.randint(0, 4))]
        coming += [(at_ns, one) for at_ns in (came_ns, *again)]
    coming.sort(key=lambda pair: pair[0])
    order, handed = Sequencer(SETTLE), []
    for now_ns, one in coming:
        assert order.offer(one, now_ns) is None
        if rng.random() < 0.7:
            handed += order.settled(now_ns)
    handed += order.settled(coming[-1][0] + SETTLE)
    assert coded(handed) == coded(clean)
    assert order.duplicates == len(coming) - len(clean)
    assert len(order) == 0
    assert order.late == 0


@given(seeds)
def test_shuffles_and_duplicates_leave_the_ticks_byte_for_byte(seed: int) -> None:
    rng = random.Random(seed)
    shuffled(rng, rng.randint(1, 60))


def test_a_tick_waits_for_the_settle_time() -> None:
    order = fed(1)
    assert order.settled(SETTLE - 1) == []
    assert numbers(order.settled(SETTLE)) == [1]
    assert order.settled(SETTLE) == []


def test_what_comes_too_late_is_told_once_and_changes_nothing() -> None:
    order = fed(10, 12)
    assert numbers(order.settled(SETTLE)) == [10, 12]
    late = tick(11)
    assert order.offer(late, SETTLE) is late
    assert order.offer(late, SETTLE) is None, "a second time it is a duplicate"
    assert order.offer(tick(12), SETTLE) is None
    assert (order.late, order.duplicates) == (1, 2)
    assert order.settled(9 * SETTLE) == []


def test_a_tick_from_before_the_first_is_late_too() -> None:
    order = fed(10)
    order.settled(SETTLE)
    assert order.offer(tick(9), SETTLE) is not None


def test_of_two_ticks_with_one_sequence_the_first_stays() -> None:
    order = fed(5)
    assert order.offer(tick(5, price=200.0), 0) is None
    assert [one.price for one in order.settled(SETTLE)] == [100.0]
    assert order.offer(tick(5, price=300.0), 0) is None
    assert order.duplicates == 2


def test_what_is_forgotten_counts_as_a_duplicate_and_memory_is_bounded() -> None:
    order = Sequencer(SETTLE)
    for number in range(2, 10 * KNOWN_MAX, 2):
        order.offer(tick(number), number)
        if number % 100 == 0:
            order.settled(number + SETTLE)
    order.settled(1 << 62)
    assert len(order._known) <= 2 * KNOWN_MAX
    assert order.offer(tick(3), 0) is None
    assert order.duplicates == 1
    assert order.offer(tick(10 * KNOWN_MAX - 5), 0) is not None


def test_what_waits_is_bounded_and_the_loss_is_told() -> None:
    order = fed(1)
    order.settled(SETTLE)
    order.hold()
    for number in range(10, 10 + 3 * WAITING_MAX):
        order.offer(tick(number), number)
        if number % 1000 == 0:
            assert order.settled(number) == []
    assert len(order) <= WAITING_MAX + 1000
    newest = 9 + 3 * WAITING_MAX
    history = [tick(number) for number in range(newest - 99, newest + 1)]
    verdict, span = order.join(history, 0)
    handed = numbers(order.settled(1 << 62))
    assert verdict == "joined"
    assert handed == list(range(handed[0], newest + 1))
    assert span == Span(tick(1).at_ns, tick(handed[0]).at_ns, "history too short")


def test_release_hands_everything_on() -> None:
    order = fed(1)
    order.settled(SETTLE)
    order.hold()
    order.offer(tick(2), 0)
    order.offer(tick(3), 0)
    assert order.settled(9 * SETTLE) == []
    assert not due(order)
    assert numbers(order.release()) == [2, 3]
    assert not held(order)
    assert order.release() == []


def test_ticks_without_a_number_do_no_harm() -> None:
    order = Sequencer(SETTLE)
    assert order.offer(tick(0), 0) is None
    assert order.offer(tick(0), 0) is None
    assert order.duplicates == 1
    order.settled(SETTLE)
    assert order.offer(tick(0), 0) is None
    assert order.duplicates == 2


def test_it_knows_what_has_come() -> None:
    order = fed(5, 9)
    assert order.knows(tick(7))
    assert order.knows(tick(9))
    assert not order.knows(tick(10))
    order.settled(SETTLE)
    anew = tick(3, tick(9).at_ns + BACKWARDS_NS + 1)
    assert not order.knows(anew), "of a new count"
    order.offer(anew, 0)
    assert order.knows(anew)
    assert not order.knows(tick(4, anew.at_ns))


# Cuts. The history covers the ticks by their sequence, inclusive.


def span_of(first: int, last: int) -> list[Tick]:
    return [tick(number) for number in range(first, last + 1)]


def cut(before: Sequence[int], after: Sequence[int]) -> Sequencer:
    """A feed that handed on `before`, was cut, and got `after` from its next connection."""
    order = fed(*before)
    order.settled(SETTLE)
    order.hold()
    for number in after:
        order.offer(tick(number), 10 * MS)
    return order


def test_the_history_fills_what_a_cut_has_taken() -> None:
    order = cut([1, 2, 3], [7, 8])
    assert asks(order)
    assert order.settled(99 * MS) == []
    assert order.join(span_of(2, 7), 20 * MS) == ("joined", None)
    assert numbers(order.settled(20 * MS)) == [4, 5, 6, 7, 8]
    assert not asks(order)


def test_a_history_that_does_not_reach_the_new_ticks_is_asked_for_again() -> None:
    order = cut([1, 2, 3], [7, 8])
    assert order.join(span_of(1, 6), 20 * MS) == ("again", None)
    assert order.join([], 20 * MS) == ("again", None)
    assert order.join(span_of(1, 2), 20 * MS) == ("again", None)
    assert held(order)


def test_a_history_that_begins_too_late_declares_a_span() -> None:
    order = cut([1, 2, 3], [9])
    verdict, span = order.join(span_of(6, 9), 20 * MS)
    assert verdict == "joined"
    assert span == Span(tick(3).at_ns, tick(6).at_ns, "history too short")
    assert numbers(order.settled(20 * MS)) == [6, 7, 8, 9]


def test_the_span_ends_with_the_stream_where_that_begins_first() -> None:
    order = cut([1, 2, 3], range(9, 20))
    _, span = order.join(span_of(12, 19), 20 * MS)
    assert span == Span(tick(3).at_ns, tick(9).at_ns, "history too short")
    assert numbers(order.settled(20 * MS)) == list(range(9, 20))


def test_without_a_tick_since_the_cut_the_first_to_come_is_compared_again() -> None:
    order = cut([1, 2, 3], [])
    assert order.join(span_of(1, 5), 20 * MS) == ("quiet", None)
    assert not asks(order)
    assert due(order), "4 and 5 are known to be whole"
    assert numbers(order.settled(20 * MS)) == [4, 5]
    order.offer(tick(8), 30 * MS)
    assert asks(order)
    assert not due(order)
    assert order.settled(90 * MS) == []
    assert order.join(span_of(4, 8), 90 * MS) == ("joined", None)
    assert numbers(order.settled(90 * MS)) == [6, 7, 8]


def test_a_second_cut_during_the_mend_is_not_forgotten() -> None:
    order = cut([1, 2, 3], [7])
    order.hold()  # 8 to 11 are lost; the history was asked for before that
    assert order.join(span_of(1, 7), 20 * MS) == ("quiet", None)
    assert numbers(order.settled(20 * MS)) == [4, 5, 6, 7]
    order.offer(tick(12), 30 * MS)
    assert order.settled(90 * MS) == [], "what lies between 7 and 12 is not known"
    assert order.join(span_of(1, 12), 90 * MS) == ("joined", None)
    assert numbers(order.settled(90 * MS)) == [8, 9, 10, 11, 12]


def test_ticks_between_two_cuts_are_within_the_span_of_a_short_history() -> None:
    order = cut([1, 2, 3], [7])
    order.hold()
    order.offer(tick(20), 20 * MS)
    assert order.join(span_of(1, 19), 20 * MS)[0] == "again"
    _, span = order.join(span_of(15, 20), 20 * MS)
    assert span == Span(tick(3).at_ns, tick(15).at_ns, "history too short")
    assert numbers(order.settled(30 * MS)) == list(range(15, 21))


def test_a_feed_that_is_cut_before_it_handed_anything_on_begins_after_the_cut() -> None:
    order = fed(1, 2)
    order.hold()
    order.offer(tick(5), 0)
    assert order.join(span_of(3, 5), 20 * MS) == ("joined", None)
    assert numbers(order.settled(20 * MS)) == [5]


def test_a_cut_before_the_first_tick_is_none() -> None:
    order = Sequencer(SETTLE)
    order.hold()
    order.offer(tick(4), 0)
    assert order.join([], 0) == ("joined", None)
    assert order.give_up("no history", 0) is None
    assert numbers(order.settled(SETTLE)) == [4]


def test_giving_up_declares_everything_up_to_the_stream() -> None:
    order = cut([1, 2, 3], [9, 10])
    assert order.give_up("REST is down", 0) == Span(tick(3).at_ns, tick(9).at_ns, "REST is down")
    assert numbers(order.settled(20 * MS)) == [9, 10]
    assert not asks(order)


def test_giving_up_without_a_new_tick_leaves_a_doubt() -> None:
    order = cut([1, 2, 3], [])
    assert order.give_up("REST is down", tick(6).at_ns) == Span(
        tick(3).at_ns, tick(6).at_ns, "REST is down"
    )
    order.offer(tick(9), 30 * MS)
    assert asks(order)
    assert order.join(span_of(1, 9), 30 * MS) == ("joined", None)
    assert numbers(order.settled(40 * MS)) == [7, 8, 9], "4 to 6 were told as lost"


def test_a_span_goes_on_where_the_one_before_ended() -> None:
    order = cut([1], [])
    order.give_up("REST is down", tick(6).at_ns)
    order.offer(tick(20), 30 * MS)
    _, span = order.join(span_of(15, 20), 30 * MS)
    assert span == Span(tick(6).at_ns, tick(15).at_ns, "history too short")


def test_nothing_more_is_lost_where_the_history_reaches_back_into_the_span_told() -> None:
    order = cut([1], [])
    order.give_up("REST is down", tick(6).at_ns)
    order.offer(tick(9), 30 * MS)
    assert order.join(span_of(5, 9), 30 * MS) == ("joined", None)
    assert numbers(order.settled(40 * MS)) == [7, 8, 9]


def test_a_span_whose_end_is_not_known_ends_where_it_begins() -> None:
    span = cut([3], []).give_up("REST is down", 0)
    assert span == Span(tick(3).at_ns, tick(3).at_ns, "REST is down")


def test_who_releases_sees_whether_there_was_another_cut() -> None:
    order = cut([1, 2, 3], [])
    cuts = order.cuts
    order.hold()
    assert order.cuts == cuts + 1


def test_behind_a_fence_ticks_of_two_connections_are_put_in_order() -> None:
    order = fed(1)
    order.settled(SETTLE)
    order.fenced = True
    order.offer(tick(3), SETTLE)
    assert order.settled(99 * MS) == []
    assert not due(order)
    assert not asks(order)
    order.offer(tick(2), 99 * MS)
    order.fenced = False
    assert numbers(order.settled(99 * MS)) == [2, 3]
    order.fenced = True
    order.offer(tick(4), 99 * MS)
    assert numbers(order.release()) == [4]
    assert not order.fenced


def test_what_the_history_has_and_the_stream_passed_by_is_told_once() -> None:
    order = fed(5, 8)
    assert order.overlooked(span_of(1, 9)) == [], "nothing was handed on yet"
    order.settled(SETTLE)
    assert numbers(order.overlooked(span_of(1, 9))) == [6, 7]
    assert order.overlooked(span_of(1, 9)) == []
    assert order.offer(tick(6), 9 * MS) is None, "a duplicate by now"


def test_what_a_span_has_declared_lost_was_not_overlooked() -> None:
    order = cut([1], [9])
    order.join(span_of(7, 9), 20 * MS)
    order.settled(20 * MS)
    assert order.overlooked(span_of(1, 9)) == []


# A new count.

LATER = BEGAN + 60 * SECOND_NS


def anew(number: int) -> Tick:
    return tick(number, LATER + number * MS)


def restarted(*sequences: int) -> Sequencer:
    order = cut([101, 102, 103], [])
    for number in sequences:
        assert order.offer(anew(number), 10 * MS) is None
    return order


def test_a_new_count_is_joined_where_the_history_shows_both() -> None:
    order = restarted(4, 5)
    assert counts_anew(order)
    assert asks(order)
    history = [anew(number) for number in range(1, 6)] + span_of(103, 105)  # by sequence
    assert order.join(history, 20 * MS) == ("joined", None)
    handed = order.settled(20 * MS)
    assert numbers(handed) == [104, 105, 1, 2, 3, 4, 5]
    assert not asks(order)
    order.offer(anew(6), 30 * MS)
    assert numbers(order.settled(40 * MS)) == [6]


def test_ticks_of_the_new_count_that_the_history_lacks_are_not_lost() -> None:
    order = restarted(4, 5, 6)
    history = [anew(number) for number in range(1, 5)] + span_of(103, 103)
    assert order.join(history, 20 * MS) == ("joined", None)
    assert numbers(order.settled(20 * MS)) == [1, 2, 3, 4, 5, 6]


def test_after_a_new_count_what_has_an_old_number_is_passed_over() -> None:
    order = restarted(4)
    order.join([anew(1), anew(4), tick(103)], 20 * MS)
    assert numbers(order.settled(20 * MS)) == [1, 4]
    assert order.offer(tick(120), 20 * MS) is None
    assert order.knows(tick(120))
    order.hold()
    order.offer(anew(9), 30 * MS)
    history = [anew(4), anew(7), anew(9), *span_of(101, 120)]
    assert order.join(history, 30 * MS) == ("joined", None)
    assert numbers(order.settled(40 * MS)) == [7, 9]


def test_the_end_of_the_old_count_alone_is_handed_on_too() -> None:
    order = restarted()
    order.restarted = True
    history = [anew(1), *span_of(103, 104)]
    assert order.join(history, 20 * MS)[0] == "quiet"
    assert len(order) == 2
    order._ticks.clear()
    order._came_ns.clear()
    assert numbers(order.settled(20 * MS)) == [104]
    assert order.last == msgspec.structs.replace(tick(104), sequence=0)


def test_a_new_count_whose_history_is_too_short_declares_a_span() -> None:
    order = restarted(4)
    verdict, span = order.join([anew(3), anew(4)], 20 * MS)
    assert verdict == "joined"
    assert span == Span(tick(103).at_ns, anew(3).at_ns, "history too short after a new count")
    assert numbers(order.settled(20 * MS)) == [3, 4]


def test_a_history_from_before_the_new_count_is_asked_for_again() -> None:
    order = restarted(4)
    assert order.join(span_of(90, 103), 20 * MS) == ("again", None)
    assert order.join([anew(1), *span_of(90, 103)], 20 * MS) == ("again", None)
    assert order.join([], 20 * MS) == ("again", None)


def test_a_stray_low_number_is_no_new_count() -> None:
    order = cut([101, 102, 103], [105])
    order.offer(tick(3, tick(105).at_ns + BACKWARDS_NS), 10 * MS)
    assert counts_anew(order)
    later = tick(106, tick(105).at_ns + BACKWARDS_NS)
    order.offer(later, 10 * MS)  # the old count goes on
    assert order.join(span_of(100, 105), 20 * MS) == ("joined", None)
    assert not counts_anew(order)
    assert numbers(order.settled(20 * MS)) == [104, 105, 106]


def test_an_old_tick_repeated_after_the_new_count_began_does_not_refute_it() -> None:
    order = restarted(4)
    order.offer(tick(106), 10 * MS)
    assert order.join(span_of(100, 106), 20 * MS) == ("again", None)
    history = [anew(1), anew(4), *span_of(100, 106)]
    assert order.join(history, 20 * MS) == ("joined", None)
    assert numbers(order.settled(20 * MS)) == [104, 105, 106, 1, 4]


def test_a_cut_during_a_new_count_starts_the_proof_again() -> None:
    order = restarted(4)
    order.hold()
    history = [*(anew(number) for number in range(1, 6)), tick(103)]
    assert order.join(history, 20 * MS) == ("quiet", None)
    assert numbers(order.settled(20 * MS)) == [1, 2, 3, 4, 5]
    order.offer(anew(9), 30 * MS)
    assert asks(order)


def test_giving_up_on_a_new_count_believes_it() -> None:
    order = restarted(4, 5)
    span = order.give_up("REST is down", 0)
    assert span == Span(tick(103).at_ns, anew(4).at_ns, "REST is down")
    assert numbers(order.settled(20 * MS)) == [4, 5]
    order = restarted(4)
    order.hold()
    assert order.give_up("REST is down", LATER) == Span(tick(103).at_ns, LATER, "REST is down")
    assert order.doubtful


# Whole lives.


class Life:
    """A connection with cuts; the exchange's history answers late, short, stale or not at all."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = random.Random(seed)
        self.order = Sequencer(SETTLE)
        self.length = rng.choice((2, 5, 20, 100))
        self.lag = rng.choice((0, 0, 1, 3, 8))
        self.marks = rng.random() < 0.5  # whether a mend begins with a hold of its own
        self.handed: list[Tick] = []
        self.spans: list[Span] = []
        self.truth: list[Tick] = []
        self.came: list[Tick] = []
        self.tries = 0
        self.asked: int | None = None  # how many ticks there were when the history was asked for
        self.now_ns = 0

    def trade(self) -> Tick:
        last = self.truth[-1] if self.truth else tick(self.rng.choice((10**9, 10**16)), BEGAN)
        at_ns = last.at_ns + self.rng.choice((0, 0, 1, MS, 40 * MS))
        one = tick(last.sequence + self.rng.randint(1, 9), at_ns)
        self.truth.append(one)
        return one

    def begin_anew(self) -> None:
        last = self.truth[-1]
        number = self.rng.randint(1, 3)
        self.truth.append(tick(number, last.at_ns + BACKWARDS_NS + 1 + self.rng.randint(0, 9)))

    def mend(self) -> None:
        if self.asked is not None:
            if self.rng.random() < 0.6:  # or the answer is still on its way
                self.answer(self.asked)
        elif self.order.asks:
            if self.marks:
                self.order.hold()
            self.order.held = True
            self.asked = len(self.truth)

    def answer(self, asked: int) -> None:
        stop = max(0, asked - self.lag)
        history = self.truth[max(0, stop - self.length) : stop]
        self.asked = None
        self.tries += 1
        verdict, span = "again", None
        if self.rng.random() < 0.9:
            verdict, span = self.order.join(sorted(history, key=by_sequence), self.now_ns)
        if verdict != "again":
            self.tries = 0
        elif self.tries < 4:
            self.asked = len(self.truth)
        else:
            span = self.order.give_up("given up", self.truth[-1].at_ns)
            self.tries = 0
        if span is not None:
            self.spans.append(span)

    def step(self) -> None:
        self.now_ns += self.rng.choice((MS // 2, MS, 3 * MS))
        self.handed += self.order.settled(self.now_ns)
        self.mend()

    def deliver(self, one: Tick) -> None:
        late = self.order.offer(one, self.now_ns)
        assert late is None or self.told(one), "lost, told, and repeated by a new connection"
        self.came.append(one)

    def told(self, one: Tick) -> bool:
        return any(span.from_ns <= one.at_ns <= span.to_ns for span in self.spans)

    def run(self) -> None:
        rng = self.rng
        turn = rng.randint(1, 4) if rng.random() < 0.2 else 0
        self.deliver(self.trade())
        self.now_ns += SETTLE
        self.step()
        for number in range(rng.randint(1, 4)):
            self.connection()
            self.order.hold()
            for _ in range(rng.randint(0, 15)):
                self.trade()
                self.step()
            if number + 1 == turn:
                self.begin_anew()
        self.lag = 0
        for _ in range(300):
            self.deliver(self.trade())
            self.step()
            if not self.order.asks and self.order.last == self.truth[-1]:
                break

    def connection(self) -> None:
        rng = self.rng
        for one in self.truth[len(self.truth) - rng.choice((0, 0, 1, 9)) :]:
            self.deliver(one)  # it begins with some of the past
        for _ in range(rng.randint(1, 12)):
            self.deliver(self.trade())
            if rng.random() < 0.2:
                self.deliver(rng.choice(self.came[-5:]))
            self.step()

    def check(self) -> None:
        place = {id(one): index for index, one in enumerate(self.truth)}
        places = [place[id(one)] for one in self.handed]
        assert places == sorted(set(places)), "in order, and each once"
        had = set(places)
        for index in range(places[0], places[-1] + 1):
            one = self.truth[index]
            assert index in had or self.told(one), f"{one} is lost and nobody was told"
        for before, span in zip([None, *self.spans], self.spans, strict=False):
            assert span.from_ns <= span.to_ns
            assert before is None or before.to_ns <= span.from_ns, "spans follow upon each other"


def live(seed: int) -> Life:
    life = Life(seed)
    life.run()
    life.check()
    return life


@given(seeds)
def test_every_tick_is_handed_on_or_within_a_span_that_was_told(seed: int) -> None:
    live(seed)


def test_a_thousand_lives_meet_every_fate() -> None:
    lives = [live(seed) for seed in range(3_000)]
    assert any(span.why == "history too short" for life in lives for span in life.spans)
    assert any(span.why.endswith("new count") for life in lives for span in life.spans)
    assert any(span.why == "given up" for life in lives for span in life.spans)
    assert sum(not life.spans for life in lives) > 300


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_a_million_segments() -> None:
    for seed in range(1_000_000 if NIGHT else 20_000):
        if seed % 2:
            live(seed)
        else:
            shuffled(random.Random(seed), 20)
