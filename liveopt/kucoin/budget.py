"""How much may be sent and when, so that the exchange never has to refuse: one budget for one IP.

KuCoin counts weights in windows of 30 s that begin with somebody's first request, so we do not know
their phase, and others may spend from the same account or IP. A bucket of burst C refilled with R a
second sends at most C + 30 R in *any* 30 s, so it is sized to nine tenths of the quota by that sum;
a bucket of the whole quota (the usual mistake) can send it twice within one window. The tenth that
is left takes up what arrives late, and the exchange's own count is believed where it is worse.
"""

from collections import deque
from collections.abc import Mapping
from enum import IntEnum
from typing import Final, Literal, NamedTuple

import numpy as np

from liveopt.core.bars import SECOND_NS
from liveopt.kucoin.words import PoolName, Venue

WINDOW_NS: Final = 30 * SECOND_NS
LIMITS: Final[dict[PoolName, int]] = {
    "public": 2_000,
    "spot": 4_000,
    "futures": 2_000,
    "management": 2_000,
}
"""Quotas of the lowest account level; the answers tell the real ones."""
LIMIT_MIN: Final = 200
LIMIT_MAX: Final = 1_000_000
RESET_NS_MAX: Final = 2 * WINDOW_NS
"""A header beyond these is not believed: it could stop us for good."""

EDGE_BLOCK_NS: Final = 30 * SECOND_NS
BUSINESS_BLOCK_NS: Final = 10 * SECOND_NS
BACKOFF_NS: Final = (SECOND_NS, 30 * SECOND_NS)
STRIKES: Final = 3
STRIKES_WITHIN_NS: Final = 60 * SECOND_NS
BACKGROUND_OFF_NS: Final = 300 * SECOND_NS
SKEW_MAX: Final = 0.1
RETRY_CREDIT: Final = 30
"""In tenths of a retry: three to begin with and at most; every call earns one tenth."""


class Priority(IntEnum):
    """What goes first when not everything can go."""

    EMERGENCY = 0
    EXIT = 1
    """Stops and exits."""
    RECONCILE = 2
    BACKGROUND = 3


FLOORS: Final = (0, 60, 150, 220)
FLOORS_OF: Final = 300
"""What a priority leaves to the more urgent ones: so many three hundredths of the burst."""

Trouble = Literal["none", "quota", "business", "overload", "edge"]
"""Which of the exchange's ways to say "too many" an answer was."""


class TooHeavy(ValueError):
    """A call that could never be sent, for it weighs more than its priority may ever take."""


class Answer(NamedTuple):
    """What an answer says about the budget; header names are in lower case."""

    headers: Mapping[str, str]
    weight: int
    trouble: Trouble = "none"


class PoolUse(NamedTuple):
    """How a pool stands. `skew` is the share of the quota that the exchange counts differently."""

    limit: int
    used: int
    """Weight that we sent in the last 30 s."""
    remaining: int | None
    """By the last answer; None where no window is known to be open."""
    skew: float
    alarm: bool
    """Somebody else spends from this pool, or our weights are wrong."""


class Counts(NamedTuple):
    """What happened since the start."""

    calls: int
    retries: int
    quota_429: int
    overloads: int
    edge_blocks: int


def trouble_of(venue: Venue, status: int, code: str | None, headers: Mapping[str, str]) -> Trouble:
    """Sort an answer; `code` is None where the body is not the exchange's JSON."""
    if status in {403, 429} and (code is None or (status == 403 and code[:4] != "4000")):
        return "edge"
    if status == 429 or code == "429000":
        return "quota" if "gw-ratelimit-reset" in headers else "overload"
    if code in {"429001", "503000", "504000"}:
        return "overload"
    return "business" if (venue, code) == ("futures", "200002") else "none"


class Bucket:
    """Lets at most `most` pass within any `window_ns`, at most `burst` of them at once.

    Whole numbers throughout (the level is in parts of 1/window_ns), so the bound is exact.
    """

    def __init__(self, most: int, burst: int, window_ns: int) -> None:
        """It begins full."""
        assert 0 < burst < most, (burst, most)
        self.most = most
        self.burst = burst
        self.window_ns = window_ns
        self._level = burst * window_ns
        self._at_ns: int | None = None

    def wait_ns(self, weight: int, floor: int, now_ns: int) -> int:
        """How long until so much may go without touching the floor; 0 is now."""
        if weight + floor > self.burst:
            raise TooHeavy(f"a weight of {weight} never fits: {self.burst - floor} at most")
        self._refill(now_ns)
        missing = (weight + floor) * self.window_ns - self._level
        return max(0, -(-missing // (self.most - self.burst)))

    def take(self, weight: int) -> None:
        """It goes now: after a wait of 0."""
        self._level -= weight * self.window_ns
        assert self._level >= 0

    def ask(self, weight: int, now_ns: int, floor: int = 0) -> int:
        """0: go, it is taken. Otherwise ask again after so many nanoseconds."""
        wait_ns = self.wait_ns(weight, floor, now_ns)
        if wait_ns == 0:
            self.take(weight)
        return wait_ns

    def resize(self, most: int, burst: int, now_ns: int) -> None:
        """Another quota from now on; what is left stays, as far as it still fits."""
        self._refill(now_ns)
        self.most = most
        self.burst = burst
        self._level = min(self._level, burst * self.window_ns)

    def _refill(self, now_ns: int) -> None:
        if self._at_ns is not None and now_ns > self._at_ns:
            grown = self._level + (now_ns - self._at_ns) * (self.most - self.burst)
            self._level = min(grown, self.burst * self.window_ns)
        self._at_ns = now_ns if self._at_ns is None else max(now_ns, self._at_ns)


UPLINK_FLOOR: Final = 5
"""What subscriptions leave for pings."""


def uplink() -> Bucket:
    """Messages to the exchange over one socket: 100 in 10 s are allowed, a tenth stays free."""
    return Bucket(most=90, burst=40, window_ns=10 * SECOND_NS)


def connects() -> Bucket:
    """New sockets: 30 a minute are allowed, 20 are ours."""
    return Bucket(most=20, burst=10, window_ns=60 * SECOND_NS)


class Pool:
    """One quota of the exchange: our own count, and the exchange's where it is worse."""

    def __init__(self, limit: int) -> None:
        """The limit is believed until an answer tells another."""
        self.limit = limit
        self.bucket = Bucket(*_sizes(limit), WINDOW_NS)
        self._left = 0  # what the exchange would still take in its open window, less the reserve
        self._until_ns: int | None = None  # when that window ends at the latest
        self._used = 0  # of that window, by the exchange's last word
        self._told = (0, 0)  # when that came, and how much was then unanswered
        self._closed_ns = 0
        self._unanswered = 0
        self._sent: deque[tuple[int, int]] = deque()  # moment and weight; the budget bounds it

    def floor(self, priority: Priority) -> int:
        """What this priority must leave untouched."""
        return self.bucket.burst * FLOORS[priority] // FLOORS_OF

    def wait_ns(self, weight: int, priority: Priority, now_ns: int) -> int:
        """How long until it may go; 0 is now."""
        own_ns = self.bucket.wait_ns(weight, self.floor(priority), now_ns)
        return max(own_ns, self._closed_ns - now_ns, self._window_wait_ns(weight, priority, now_ns))

    def take(self, weight: int, now_ns: int) -> None:
        """It goes now."""
        self.bucket.take(weight)
        self._left -= weight
        self._unanswered += weight
        self._sent.append((now_ns, weight))
        self._forget(now_ns)

    def answered(self, weight: int) -> None:
        """The call is over, with an answer or without one."""
        self._unanswered -= weight
        assert self._unanswered >= 0

    def close(self, until_ns: int) -> None:
        """Nothing goes before that moment."""
        self._closed_ns = max(self._closed_ns, until_ns)

    def read(self, headers: Mapping[str, str], now_ns: int) -> int | None:
        """Believe the headers of an answer; returns when the exchange's window ends, if told."""
        limit = _whole(headers, "gw-ratelimit-limit", LIMIT_MAX)
        remaining = _whole(headers, "gw-ratelimit-remaining", LIMIT_MAX)
        reset_ms = _whole(headers, "gw-ratelimit-reset", RESET_NS_MAX // 1_000_000)
        if limit is not None and limit >= LIMIT_MIN and limit != self.limit:
            self.limit = limit
            self.bucket.resize(*_sizes(limit), now_ns)
        if reset_ms is None:
            return None
        until_ns = now_ns + reset_ms * 1_000_000
        if remaining is not None and remaining <= self.limit:
            self._window(remaining, until_ns, now_ns)
        return until_ns

    def use(self, now_ns: int) -> PoolUse:
        """How the pool stands."""
        self._forget(now_ns)
        known = self._until_ns is not None and now_ns < self._until_ns
        skew = self._difference() / self.limit
        return PoolUse(
            self.limit,
            sum(weight for at_ns, weight in self._sent if at_ns > now_ns - WINDOW_NS),
            self.limit - self._used if known else None,
            skew,
            abs(skew) > SKEW_MAX,
        )

    def _window_wait_ns(self, weight: int, priority: Priority, now_ns: int) -> int:
        if self._until_ns is None or now_ns >= self._until_ns:
            return 0
        # In an emergency the reserve is there to be used.
        spare = self.limit // 10 if priority is Priority.EMERGENCY else -self.floor(priority)
        return 0 if self._left + spare >= weight else self._until_ns - now_ns

    def _window(self, remaining: int, until_ns: int, now_ns: int) -> None:
        """Answers overtake each other: in one window the worst counts, an older one is dropped."""
        left = remaining - self.limit // 10 - self._unanswered
        known_ns = self._until_ns
        if known_ns is not None and until_ns < known_ns - WINDOW_NS // 2 and now_ns < known_ns:
            return
        if known_ns is None or until_ns > known_ns + WINDOW_NS // 2:
            self._left, self._until_ns, self._used = left, until_ns, self.limit - remaining
        else:
            self._left = min(self._left, left)
            self._until_ns = min(until_ns, known_ns)
            self._used = max(self._used, self.limit - remaining)
        self._told = (now_ns, self._unanswered)

    def _difference(self) -> int:
        """The exchange's count of its last window beyond what ours can explain.

        We take the window to begin later than it does, by the time an answer is on its way; and a
        request that is not answered yet may or may not be counted.
        """
        if self._until_ns is None:
            return 0
        told_ns, unanswered = self._told
        began_ns = self._until_ns - WINDOW_NS
        sent = [(at_ns, weight) for at_ns, weight in self._sent if at_ns <= told_ns]
        most = sum(weight for at_ns, weight in sent if at_ns >= began_ns - SECOND_NS)
        least = sum(weight for at_ns, weight in sent if at_ns >= began_ns)
        if self._used > most:
            return self._used - most
        return min(0, self._used - (least - unanswered))

    def _forget(self, now_ns: int) -> None:
        while self._sent and self._sent[0][0] < now_ns - 3 * WINDOW_NS:
            self._sent.popleft()


class Budget:
    """All pools of one IP and account, and what they share: the edge, strikes and retries."""

    def __init__(
        self, luck: np.random.Generator, limits: Mapping[PoolName, int] | None = None
    ) -> None:
        """`luck` spreads the waits after an overload."""
        self.pools: dict[PoolName, Pool] = {
            name: Pool(limit) for name, limit in {**LIMITS, **(limits or {})}.items()
        }
        # The edge in front of the exchange blocks an IP for 500 requests in 10 s, whatever weight.
        self._requests = Bucket(most=450, burst=75, window_ns=10 * SECOND_NS)
        self._luck = luck
        self._edge_ns = 0
        self._overload_ns = 0
        self._overloads_in_row = 0
        self._background_ns = 0
        self._strikes: deque[int] = deque(maxlen=STRIKES)
        self._credit = RETRY_CREDIT
        self._calls = self._retries = 0
        self._troubles: dict[Trouble, int] = dict.fromkeys(
            ("none", "quota", "business", "overload", "edge"), 0
        )

    def ask(self, name: PoolName, weight: int, priority: Priority, now_ns: int) -> int:
        """0: send it now, it is taken. Otherwise ask again after so many nanoseconds."""
        pool = self.pools[name]
        floor = self._requests.burst * FLOORS[priority] // FLOORS_OF
        wait_ns = max(
            pool.wait_ns(weight, priority, now_ns),
            self._requests.wait_ns(1, floor, now_ns),
            self._edge_ns - now_ns,
            # An emergency is not held back by somebody else's overload; it does not count.
            0 if priority is Priority.EMERGENCY else self._overload_ns - now_ns,
            self._background_ns - now_ns if priority is Priority.BACKGROUND else 0,
        )
        if wait_ns <= 0:
            pool.take(weight, now_ns)
            self._requests.take(1)
            self._calls += 1
            self._credit = min(self._credit + 1, RETRY_CREDIT)
            return 0
        return wait_ns

    def learned(self, name: PoolName, answer: Answer, now_ns: int) -> int:
        """What an answer teaches; returns for how long the like of it should not be sent."""
        pool = self.pools[name]
        pool.answered(answer.weight)
        until_ns = pool.read(answer.headers, now_ns)
        self._troubles[answer.trouble] += 1
        if answer.trouble == "none":
            self._overloads_in_row = 0
            return 0
        self._strike(now_ns)
        if answer.trouble == "edge":
            self._edge_ns = now_ns + EDGE_BLOCK_NS
            return EDGE_BLOCK_NS
        if answer.trouble == "overload":
            self._overloads_in_row += 1
            wait_ns = self.backoff_ns(self._overloads_in_row)
            self._overload_ns = now_ns + wait_ns
            return wait_ns
        if answer.trouble == "business" or until_ns is None:
            until_ns = now_ns + BUSINESS_BLOCK_NS
        pool.close(until_ns)
        return until_ns - now_ns

    def lost(self, name: PoolName, weight: int) -> None:
        """No answer came, nor will: whether the exchange counted it is not known, so it counts."""
        self.pools[name].answered(weight)

    def backoff_ns(self, failures: int) -> int:
        """A wait after so many failures in a row: anything up to 1, 2, 4 ... 30 s."""
        first_ns, most_ns = BACKOFF_NS
        return int(self._luck.integers(0, min(most_ns, first_ns << min(failures - 1, 10)) + 1))

    def may_retry(self) -> bool:
        """Whether there is a retry left, which is then spent: they are a tenth of all calls."""
        if self._credit < 10:
            return False
        self._credit -= 10
        self._retries += 1
        return True

    def use(self, now_ns: int) -> dict[PoolName, PoolUse]:
        """How every pool stands."""
        return {name: pool.use(now_ns) for name, pool in self.pools.items()}

    def counts(self) -> Counts:
        """What happened since the start."""
        trouble = self._troubles
        return Counts(
            self._calls,
            self._retries,
            trouble["quota"] + trouble["business"],
            trouble["overload"],
            trouble["edge"],
        )

    def _strike(self, now_ns: int) -> None:
        self._strikes.append(now_ns)
        if len(self._strikes) == STRIKES and now_ns - self._strikes[0] <= STRIKES_WITHIN_NS:
            self._background_ns = now_ns + BACKGROUND_OFF_NS


def _sizes(limit: int) -> tuple[int, int]:
    """What may pass in a window, and how much of it at once: C + 30 R = 0.9 L, C = 0.15 L."""
    return limit * 9 // 10, limit * 3 // 20


def _whole(headers: Mapping[str, str], name: str, most: int) -> int | None:
    """A header that is a whole number from 0 to `most`; otherwise as if it were not there."""
    text = headers.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        return None
    return value if (value := int(text)) <= most else None
