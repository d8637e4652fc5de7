"""How often who may ask: token buckets for each key and address, and one for wrong keys.

The defaults an hour for keys are those that seed 001 documents: 100 in general, 10 optimisations,
1,000 of data, 50 exports. A person at the dashboard asks far more often; a stop is never counted.
At once there is what a minute brings, or what a page or a script asks in one go if that is more;
so nobody who was silent for an hour keeps this process busy with what he has saved up.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from math import ceil
from typing import Final, Literal

Kind = Literal["general", "optimization", "data", "export", "free"]
HOUR_S: Final = 3600.0
MINUTES: Final = 60
AT_ONCE: Final = 100
"""Of what is given an hour, so much may be asked for at once, however little a minute brings."""
BUCKETS_MAX: Final = 10_000
BODY_MAX: Final = 256 * 1024
BODY_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Rates:
    """Requests an hour; `free` is not counted."""

    general: int = 100
    optimization: int = 10
    data: int = 1_000
    export: int = 50
    session: int = 36_000
    """Of each kind, for a person at the dashboard."""
    address: int = 360_000
    """Of each kind, for all keys and sessions of one address together; a key that may ask more
    often than this may do so from one address."""
    failures_address: int = 10
    """Wrong keys a minute."""
    failures_all: int = 100

    def of(self, kind: Kind) -> int:
        """A key's; 0 is without limit."""
        return 0 if kind == "free" else int(getattr(self, kind))


def at_once(limit: int) -> int:
    """How much of an hour's limit whoever was silent may ask for without a pause."""
    return max(ceil(limit / MINUTES), min(limit, AT_ONCE))


@dataclass(slots=True)
class Bucket:
    """Holds up to `size` tokens, and gets so many back in `span_s`."""

    size: int
    span_s: float
    tokens: float
    at_s: float

    def fill(self, now_s: float) -> None:
        """As much as time has brought."""
        self.tokens = min(self.size, self.tokens + (now_s - self.at_s) * self.size / self.span_s)
        self.at_s = now_s

    def wait_s(self, count: float = 1.0) -> float:
        """Until there are so many."""
        return max(0.0, count - self.tokens) * self.span_s / self.size


@dataclass(frozen=True, slots=True)
class Left:
    """What is left to one who asked."""

    allowed: bool
    limit: int
    """An hour."""
    remaining: int
    """Now, without a pause."""
    reset_s: int
    """Until the bucket is full again."""
    retry_s: int = 0

    @property
    def headers(self) -> dict[str, str]:
        """As an answer says it."""
        said = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset_s),
        }
        return said if self.allowed else said | {"Retry-After": str(self.retry_s)}


@dataclass(slots=True)
class Buckets:
    """Of everybody; the one that was used longest ago is forgotten when there are too many."""

    _of: OrderedDict[Hashable, Bucket] = field(default_factory=OrderedDict)

    def at(self, who: Hashable, size: int, span_s: float, now_s: float) -> Bucket:
        """One's own bucket, filled up to now."""
        found = self._of.get(who)
        if found is None:
            found = self._of[who] = Bucket(size, span_s, size, now_s)
            if len(self._of) > BUCKETS_MAX:
                self._of.popitem(last=False)
        else:
            self._of.move_to_end(who)
            found.fill(now_s)
        return found


@dataclass(slots=True)
class Limits:
    """Who has how much left."""

    rates: Rates = Rates()
    hits: int = 0
    """Requests that were refused."""
    _buckets: Buckets = field(default_factory=Buckets)
    _failed: Buckets = field(default_factory=Buckets)

    def spend(self, who: str, address: str, kind: Kind, now_s: float) -> Left | None:
        """One request of a key or session; None where nothing is counted."""
        limit = self.rates.of(kind)
        if not limit:
            return None
        if who.startswith("session"):
            limit = self.rates.session
        own = self._bucket((who, kind), limit, now_s)
        together = max(self.rates.address, self.rates.of(kind))
        all_ = self._bucket((address, kind), together, now_s)
        wait_s = max(own.wait_s(), all_.wait_s())
        if wait_s > 0.0:
            self.hits += 1
        else:
            own.tokens -= 1.0
            all_.tokens -= 1.0
        full_s = ceil(own.wait_s(own.size))
        return Left(wait_s <= 0.0, limit, int(own.tokens), full_s, ceil(wait_s))

    def _bucket(self, who: Hashable, limit: int, now_s: float) -> Bucket:
        """One that gets so much an hour."""
        size = at_once(limit)
        return self._buckets.at(who, size, HOUR_S * size / limit, now_s)

    def failed(self, address: str, now_s: float) -> int:
        """A wrong key came; 0, or for how many seconds no more are listened to."""
        own = self._failed.at(address, self.rates.failures_address, 60.0, now_s)
        all_ = self._failed.at("", self.rates.failures_all, 60.0, now_s)
        wait_s = max(own.wait_s(), all_.wait_s())
        if wait_s > 0.0:
            return ceil(wait_s)
        own.tokens -= 1.0
        all_.tokens -= 1.0
        return 0
