"""The exchange never has to refuse us, the urgent never waits, and what it does say is heeded."""

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.core.bars import HOUR_NS, SECOND_NS
from liveopt.kucoin.budget import (
    BACKGROUND_OFF_NS,
    BUSINESS_BLOCK_NS,
    EDGE_BLOCK_NS,
    UPLINK_FLOOR,
    WINDOW_NS,
    Answer,
    Bucket,
    Budget,
    Pool,
    Priority,
    TooHeavy,
    Trouble,
    connects,
    trouble_of,
    uplink,
)

EMERGENCY, EXIT, RECONCILE, BACKGROUND = Priority
MS = 1_000_000
LIMIT = 2_000


def budget(seed: int = 1) -> Budget:
    return Budget(np.random.default_rng(seed))


def headers(remaining: int, reset_ms: int, limit: int = LIMIT) -> dict[str, str]:
    names = ("limit", "remaining", "reset")
    values = (limit, remaining, reset_ms)
    return {f"gw-ratelimit-{n}": str(v) for n, v in zip(names, values, strict=True)}


def drain(spend: Budget, priority: Priority, now_ns: int, weight: int = 1) -> int:
    """Sends what goes at once, and says how much it was."""
    taken = 0
    while spend.ask("futures", weight, priority, now_ns) == 0:
        taken += weight
    return taken


# The exchange as it counts: fixed windows, on a grid of any phase or opened by the first request.


@dataclass
class Venue:
    phase_ns: int
    grid: bool
    limit: int = LIMIT
    began_ns: int = -WINDOW_NS
    used: int = 0
    refused: int = 0

    def take(self, now_ns: int, weight: int) -> tuple[bool, dict[str, str]]:
        if now_ns >= self.began_ns + WINDOW_NS:
            late_ns = (now_ns - self.phase_ns) % WINDOW_NS if self.grid else 0
            self.began_ns, self.used = now_ns - late_ns, 0
        fits = self.used + weight <= self.limit
        self.used += weight * fits
        self.refused += not fits
        reset_ms = -(-(self.began_ns + WINDOW_NS - now_ns) // MS)
        return fits, headers(self.limit - self.used, reset_ms, self.limit)


Ask = Callable[[int, Priority, int], int]
WEIGHTS = {EXIT: (2, 1), RECONCILE: (5, 6), BACKGROUND: (3, 15)}
EMERGENCY_CALLS = (10, 15, 2, 2)


class Rush:
    """Everybody wants far more than fits, in minutes of other mixtures; idle ones fill the bucket.

    Requests need up to 0.8 s to arrive, answers as long to come back, so they overtake each other.
    """

    def __init__(self, ask: Ask, spend: Budget | None, seed: int) -> None:
        self.ask = ask
        self.spend = spend
        self.luck = np.random.default_rng(seed)
        self.delays = self.luck.integers(5 * MS, 800 * MS, 4096).tolist()
        self.venue = Venue(int(self.luck.integers(WINDOW_NS)), grid=bool(self.luck.random() < 0.5))
        self.number = 0
        # Moment, number, weight, and the headers once it is on its way back.
        self.way: list[tuple[int, int, int, dict[str, str]]] = []
        self.urgent: deque[tuple[int, int]] = deque()
        self.active: list[Priority] = []
        self.alarm_ns = self.minute_ns = 0
        self.sent: deque[tuple[int, int]] = deque()
        self.inside = self.heaviest = 0
        self.waits_ns: list[int] = []

    def trade(self, hours: float) -> "Rush":
        now_ns, end_ns = 0, int(hours * HOUR_NS)
        while now_ns < end_ns:
            self.draw(now_ns)
            while self.way and self.way[0][0] <= now_ns:
                self.deliver()
            next_ns = min(self.alarm_ns, self.minute_ns, now_ns + self.send_all(now_ns))
            now_ns = min(next_ns, self.way[0][0]) if self.way else next_ns
        return self

    def draw(self, now_ns: int) -> None:
        if now_ns >= self.minute_ns:
            self.minute_ns = now_ns + 60 * SECOND_NS
            self.active = [p for p in WEIGHTS if self.luck.random() < 0.6]
        if now_ns >= self.alarm_ns:
            self.urgent.extend((now_ns, weight) for weight in EMERGENCY_CALLS)
            self.alarm_ns = now_ns + int(self.luck.exponential(12 * SECOND_NS))

    def deliver(self) -> None:
        at_ns, _, weight, told = heapq.heappop(self.way)
        if not told:
            self.post(at_ns, weight, self.venue.take(at_ns, weight)[1])
        elif self.spend is not None:
            self.spend.learned("futures", Answer(told, weight), at_ns)

    def post(self, now_ns: int, weight: int, told: dict[str, str]) -> None:
        self.number += 1
        at_ns = now_ns + self.delays[self.number % len(self.delays)]
        heapq.heappush(self.way, (at_ns, self.number, weight, told))

    def send_all(self, now_ns: int) -> int:
        """Sends until the most urgent has to wait, and returns for how long."""
        while self.urgent or self.active:
            who = EMERGENCY if self.urgent else self.active[0]
            weight = self.urgent[0][1] if self.urgent else WEIGHTS[who][self.number % 2]
            if wait_ns := self.ask(weight, who, now_ns):
                return wait_ns
            if self.urgent:
                self.waits_ns.append(now_ns - self.urgent.popleft()[0])
            self.count(now_ns, weight)
            self.post(now_ns, weight, {})
        return HOUR_NS

    def count(self, now_ns: int, weight: int) -> None:
        self.sent.append((now_ns, weight))
        self.inside += weight
        while self.sent[0][0] <= now_ns - WINDOW_NS:
            self.inside -= self.sent.popleft()[1]
        self.heaviest = max(self.heaviest, self.inside)


def careful(seed: int, hours: float) -> None:
    spend = budget(seed)

    def ask(weight: int, priority: Priority, now_ns: int) -> int:
        return spend.ask("futures", weight, priority, now_ns)

    rush = Rush(ask, spend, seed).trade(hours)
    assert rush.venue.refused == 0
    assert rush.heaviest <= LIMIT * 9 // 10
    assert rush.heaviest > LIMIT * 7 // 10  # or it would be safe by doing nothing
    assert len(rush.waits_ns) > 500 * hours
    assert np.percentile(rush.waits_ns, 99) <= 100 * MS
    assert not spend.use(int(hours * HOUR_NS))["futures"].alarm


def naive(seed: int, hours: float) -> int:
    """The usual bucket: the whole quota at once, refilled within a window."""
    bucket = Bucket(2 * LIMIT, LIMIT, WINDOW_NS)

    def ask(weight: int, priority: Priority, now_ns: int) -> int:
        return bucket.ask(weight, now_ns)

    return Rush(ask, None, seed).trade(hours).venue.refused


@pytest.mark.parametrize("seed", range(4))
def test_at_ten_times_the_load_nothing_is_refused_and_emergencies_do_not_wait(seed: int) -> None:
    careful(seed, 0.5)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(100, 120))
def test_a_hundred_hours_at_ten_times_the_load_without_a_refusal(seed: int) -> None:
    careful(seed, 5.0)


def test_a_bucket_of_the_whole_quota_is_refused_by_the_same_exchange() -> None:
    assert all(naive(seed, 0.5) > 50 for seed in range(4))


steps = st.lists(
    st.tuples(st.integers(0, 20 * SECOND_NS), st.integers(1, 60), st.sampled_from(Priority)),
    max_size=300,
)


@given(steps, st.integers(40, 50_000))
def test_no_window_of_any_phase_holds_more_than_nine_tenths(
    asked: list[tuple[int, int, Priority]], limit: int
) -> None:
    pool = Pool(limit)
    now_ns, sent = 0, []
    for pause_ns, weight, priority in asked:
        now_ns += pause_ns // 8  # dense enough to hit the bound
        if weight + pool.floor(priority) > pool.bucket.burst:
            continue
        if pool.wait_ns(weight, priority, now_ns) <= 0:
            pool.take(weight, now_ns)
            sent.append((now_ns, weight))
    for began_ns, _ in sent:
        inside = sum(w for at_ns, w in sent if began_ns <= at_ns < began_ns + WINDOW_NS)
        assert inside <= limit * 9 // 10


@given(steps)
def test_after_the_wait_it_goes_and_not_a_nanosecond_before(
    asked: list[tuple[int, int, Priority]],
) -> None:
    bucket = Bucket(1_800, 300, WINDOW_NS)
    now_ns = 0
    for pause_ns, weight, _ in asked:
        now_ns += pause_ns // 64
        while wait_ns := bucket.ask(weight, now_ns, floor=60):
            assert bucket.wait_ns(weight, 60, now_ns + wait_ns - 1) == 1
            now_ns += wait_ns


def test_the_less_urgent_leave_the_floors_of_the_more_urgent() -> None:
    spend = budget()
    taken = [drain(spend, priority, 0) for priority in (BACKGROUND, RECONCILE, EXIT, EMERGENCY)]
    # The edge allows 75 requests at once and keeps 55, 37 and 15 of them for the more urgent.
    assert taken == [20, 18, 22, 15]
    pool = Pool(LIMIT)
    left = [pool.bucket.burst - pool.floor(priority) for priority in Priority]
    assert left == [300, 240, 150, 80]


def test_time_that_goes_backwards_earns_nothing() -> None:
    bucket = Bucket(1_800, 300, WINDOW_NS)
    assert bucket.ask(300, 10 * SECOND_NS) == 0
    assert bucket.ask(1, 0) > 0
    assert bucket.ask(1, 10 * SECOND_NS) > 0


def test_a_call_that_could_never_go_is_an_error_and_no_endless_wait() -> None:
    with pytest.raises(TooHeavy, match="80 at most"):
        budget().ask("futures", 81, BACKGROUND, 0)


def test_what_others_spent_is_believed_until_the_window_ends() -> None:
    spend = budget()
    assert spend.ask("futures", 3, BACKGROUND, 0) == 0
    spend.learned("futures", Answer(headers(400, 20_000), 3), SECOND_NS)
    wait_ns = spend.ask("futures", 3, BACKGROUND, SECOND_NS)
    assert wait_ns == 20 * SECOND_NS  # 400 less the reserve of 200 is less than the floor of 220
    assert spend.ask("futures", 3, EXIT, SECOND_NS) == 0  # whose floor is 60
    assert spend.ask("futures", 3, BACKGROUND, SECOND_NS + wait_ns) == 0


def test_an_emergency_may_use_the_reserve() -> None:
    spend = budget()
    assert spend.ask("futures", 3, EXIT, 0) == 0
    spend.learned("futures", Answer(headers(100, 20_000), 3), SECOND_NS)
    assert spend.ask("futures", 10, EXIT, SECOND_NS) == 20 * SECOND_NS
    assert spend.ask("futures", 100, EMERGENCY, SECOND_NS) == 0
    assert spend.ask("futures", 1, EMERGENCY, SECOND_NS) == 20 * SECOND_NS


def test_an_answer_of_the_window_before_that_comes_late_changes_nothing() -> None:
    spend = budget()
    for _ in range(2):
        assert spend.ask("futures", 3, BACKGROUND, 0) == 0
    spend.learned("futures", Answer(headers(1_990, 29_900), 3), SECOND_NS)  # the new window
    spend.learned("futures", Answer(headers(10, 5), 3), SECOND_NS)  # the old one, overtaken
    assert spend.ask("futures", 3, BACKGROUND, SECOND_NS) == 0
    assert spend.use(2 * SECOND_NS)["futures"].remaining == 1_990


def test_of_two_answers_from_one_window_the_worse_counts_whichever_comes_first() -> None:
    for order in ((1_000, 400), (400, 1_000)):
        spend = budget()
        for remaining in order:
            assert spend.ask("futures", 3, EXIT, 0) == 0
            spend.learned("futures", Answer(headers(remaining, 20_000), 3), SECOND_NS)
        assert spend.ask("futures", 3, BACKGROUND, SECOND_NS) == 20 * SECOND_NS
        assert spend.use(SECOND_NS)["futures"].remaining == 400


def test_requests_under_way_are_not_in_the_answer_yet() -> None:
    spend = budget()
    for _ in range(10):
        assert spend.ask("futures", 3, BACKGROUND, 0) == 0
    spend.learned("futures", Answer(headers(440, 20_000), 3), SECOND_NS)
    # 440 - 200 of reserve - 27 under way = 213, under the floor of 220.
    assert spend.ask("futures", 3, BACKGROUND, SECOND_NS) > 0


def test_a_better_account_level_is_learnt_and_used() -> None:
    pool = Pool(LIMIT)
    pool.read(headers(3_990, 29_000, limit=4_000), 0)
    assert (pool.limit, pool.bucket.most, pool.bucket.burst) == (4_000, 3_600, 600)


@pytest.mark.parametrize(
    "told",
    [
        {"gw-ratelimit-limit": "0"},
        {"gw-ratelimit-limit": "-5"},
        {"gw-ratelimit-limit": "2e9"},
        {"gw-ratelimit-limit": "99999999999999999999"},
        {"gw-ratelimit-remaining": "١٢", "gw-ratelimit-reset": "١٢"},
        {"gw-ratelimit-remaining": "0", "gw-ratelimit-reset": "86400000"},
        {"gw-ratelimit-remaining": "5000", "gw-ratelimit-reset": "100"},
    ],
)
def test_headers_that_make_no_sense_change_nothing(told: dict[str, str]) -> None:
    pool = Pool(LIMIT)
    pool.read(told, 0)
    assert pool.limit == LIMIT
    assert pool.use(0).remaining is None
    assert pool.wait_ns(80, BACKGROUND, SECOND_NS) == 0


@pytest.mark.parametrize(
    ("venue", "status", "code", "told", "trouble"),
    [
        ("futures", 200, "200000", {}, "none"),
        ("futures", 429, "429000", headers(0, 5_000), "quota"),
        ("futures", 429, "429000", {}, "overload"),
        ("spot", 200, "429000", {}, "overload"),  # the code says it, whatever the status
        ("spot", 503, "503000", {}, "overload"),
        ("spot", 429, None, {}, "edge"),  # Cloudflare 1015 in HTML
        ("spot", 403, None, {}, "edge"),
        ("spot", 403, "403000", {}, "edge"),
        ("spot", 403, "400007", {}, "none"),  # a key without the permission
        ("futures", 200, "200002", {}, "business"),
        ("spot", 200, "200002", {}, "none"),  # where it is about a cancelled order
    ],
)
def test_every_way_to_say_too_many_is_told_apart(
    venue: str, status: int, code: str | None, told: dict[str, str], trouble: Trouble
) -> None:
    assert trouble_of("spot" if venue == "spot" else "futures", status, code, told) == trouble


def answered(spend: Budget, trouble: Trouble, now_ns: int, reset_ms: int | None = None) -> int:
    assert spend.ask("futures", 2, EMERGENCY, now_ns) == 0
    told = {} if reset_ms is None else headers(0, reset_ms)
    return spend.learned("futures", Answer(told, 2, trouble), now_ns)


def test_a_used_up_quota_closes_the_pool_until_its_reset_and_no_other() -> None:
    spend = budget()
    assert answered(spend, "quota", 0, 7_000) == 7 * SECOND_NS
    assert spend.ask("futures", 2, EMERGENCY, SECOND_NS) == 6 * SECOND_NS
    assert spend.ask("public", 2, BACKGROUND, SECOND_NS) == 0
    assert spend.ask("futures", 2, BACKGROUND, 7 * SECOND_NS) == 0
    assert spend.counts().quota_429 == 1


def test_a_pool_stays_closed_until_the_latest_reset_it_was_told() -> None:
    spend = budget()
    for _ in range(2):
        assert spend.ask("futures", 2, EMERGENCY, 0) == 0
    spend.learned("futures", Answer({"gw-ratelimit-reset": "20000"}, 2, "quota"), 0)
    spend.learned("futures", Answer({}, 2, "business"), 0)
    assert spend.ask("futures", 2, EMERGENCY, 0) == 20 * SECOND_NS


def test_a_limit_of_the_futures_business_layer_closes_the_pool_for_ten_seconds() -> None:
    spend = budget()
    assert answered(spend, "business", 0) == BUSINESS_BLOCK_NS
    assert spend.ask("futures", 2, EMERGENCY, 0) == BUSINESS_BLOCK_NS


def test_an_overload_is_waited_out_longer_and_longer_but_not_by_an_emergency() -> None:
    spend = budget()
    now_ns, waits = 0, []
    for _ in range(12):
        waits.append(answered(spend, "overload", now_ns))
        now_ns += 120 * SECOND_NS
    caps = [min(30, 2**n) * SECOND_NS for n in range(12)]
    assert all(0 <= wait <= cap for wait, cap in zip(waits, caps, strict=True))
    assert max(waits) > 8 * SECOND_NS
    assert len(set(waits)) == 12
    again = answered(spend, "overload", now_ns)
    assert spend.ask("public", 2, EXIT, now_ns) == again
    assert answered(spend, "none", now_ns) == 0
    assert answered(spend, "overload", now_ns) <= SECOND_NS  # one success, and it begins anew
    assert spend.counts().overloads == 14


def test_the_same_seed_waits_the_same() -> None:
    one, other = budget(5), budget(5)
    assert [one.backoff_ns(n) for n in range(1, 9)] == [other.backoff_ns(n) for n in range(1, 9)]


def test_a_block_by_the_edge_stops_every_pool_of_the_ip() -> None:
    spend = budget()
    assert answered(spend, "edge", 0) == EDGE_BLOCK_NS
    for name in ("public", "spot", "futures", "management"):
        assert spend.ask(name, 2, EMERGENCY, 0) == EDGE_BLOCK_NS
    assert spend.counts().edge_blocks == 1


def test_three_refusals_within_a_minute_put_the_background_off_for_five() -> None:
    spend = budget()
    for second in (0, 25, 50):
        answered(spend, "quota", second * SECOND_NS, 1_000)
    now_ns = 55 * SECOND_NS
    assert spend.ask("public", 2, BACKGROUND, now_ns) == BACKGROUND_OFF_NS - 5 * SECOND_NS
    assert spend.ask("public", 2, RECONCILE, now_ns) == 0
    assert spend.ask("public", 2, BACKGROUND, now_ns + BACKGROUND_OFF_NS) == 0


def test_three_refusals_within_more_than_a_minute_do_not() -> None:
    spend = budget()
    for second in (0, 31, 62):
        answered(spend, "quota", second * SECOND_NS, 1_000)
    assert spend.ask("public", 2, BACKGROUND, 64 * SECOND_NS) == 0


def test_retries_are_a_tenth_of_all_calls_and_three_to_begin_with() -> None:
    spend = budget()
    retries = calls = 0
    now_ns = 0
    for _ in range(2_000):
        now_ns += SECOND_NS // 4
        calls += spend.ask("spot", 1, EXIT, now_ns) == 0
        retries += spend.may_retry()
        assert retries <= 3 + calls / 10
    assert calls == 2_000
    assert retries >= 200
    assert spend.counts()[:2] == (2_000, retries)


def test_retries_that_were_not_needed_are_not_saved_for_a_storm() -> None:
    spend = budget()
    for tick in range(1_000):
        assert spend.ask("spot", 1, EXIT, tick * SECOND_NS) == 0
    assert [spend.may_retry() for _ in range(5)] == [True] * 3 + [False] * 2


def test_somebody_else_on_the_account_raises_the_alarm() -> None:
    spend = budget()
    for second, others in ((0, 0), (1, 150), (2, 250)):
        assert spend.ask("futures", 10, EXIT, second * SECOND_NS) == 0
        told = headers(LIMIT - 10 * (second + 1) - others, 30_000 - 1_000 * second)
        spend.learned("futures", Answer(told, 10), second * SECOND_NS)
        use = spend.use(second * SECOND_NS)["futures"]
        assert use.skew == others / LIMIT
        assert use.alarm == (others > 200)
    use = spend.use(2 * SECOND_NS)["futures"]
    assert (use.limit, use.used, use.remaining) == (LIMIT, 30, 1_720)


def test_a_window_that_our_own_burst_opened_is_no_alarm() -> None:
    """The first answer tells the window's end late, so the burst seems to lie before its begin."""
    spend = budget()
    for _ in range(4):
        assert spend.ask("futures", 60, EXIT, 0) == 0
    for done in range(4):
        told = headers(LIMIT - 240, 29_900 - done)
        spend.learned("futures", Answer(told, 60), 200 * MS)
    assert spend.use(SECOND_NS)["futures"].skew == 0.0


def test_an_exchange_that_counts_less_than_we_do_raises_it_too() -> None:
    spend = budget()
    for second in range(2, 6):
        assert spend.ask("futures", 60, EXIT, second * SECOND_NS) == 0
        spend.learned("futures", Answer({}, 60), second * SECOND_NS)
    assert spend.ask("futures", 1, EXIT, 6 * SECOND_NS) == 0
    spend.learned("futures", Answer(headers(LIMIT - 1, 24_500), 1), 6 * SECOND_NS)
    assert spend.use(6 * SECOND_NS)["futures"].alarm


def test_a_lost_call_is_no_longer_under_way() -> None:
    spend = budget()
    assert spend.ask("futures", 80, BACKGROUND, 0) == 0
    spend.lost("futures", 80)
    assert spend.ask("futures", 3, EXIT, 0) == 0
    spend.learned("futures", Answer(headers(480, 20_000), 3), 9 * SECOND_NS)
    assert spend.ask("futures", 60, BACKGROUND, 9 * SECOND_NS) == 0


@pytest.mark.parametrize(
    ("bucket", "window_s", "most"),
    [(uplink(), 10, 90), (connects(), 60, 20)],
    ids=["messages", "connects"],
)
def test_sockets_and_their_messages_stay_within_their_limits(
    bucket: Bucket, window_s: int, most: int
) -> None:
    sent = []
    for tick in range(30 * window_s):
        now_ns = tick * SECOND_NS // 10
        while bucket.ask(1, now_ns) == 0:
            sent.append(now_ns)
    inside = [sum(began <= at < began + window_s * SECOND_NS for at in sent) for began in set(sent)]
    assert most - 1 <= max(inside) <= most


def test_subscriptions_leave_room_for_a_ping() -> None:
    bucket = uplink()
    while bucket.ask(1, 0, floor=UPLINK_FLOOR) == 0:
        pass
    assert bucket.ask(1, 0) == 0
