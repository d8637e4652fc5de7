"""How much is too much: quotas of REST pools, and what one WebSocket client may do."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from liveopt.exchange_sim.api import Pool

POOLS: Final[dict[Pool, int]] = {"public": 2000, "spot": 4000, "futures": 2000, "management": 2000}
"""Weights per window at VIP 0; public counts by address, the others by account."""
POOL_WINDOW_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may do; None of it is about market time."""

    connects: int = 30
    connects_s: float = 60.0
    messages: int = 100
    messages_s: float = 10.0
    sessions: int = 800
    spot_topics: int = 400
    silence_s: float = 60.0
    """A client that sends no frame for so long is closed, however much it is sent."""
    token_s: float = 86_400.0
    session_s: float = 86_400.0
    ping_interval_ms: int = 18_000
    ping_timeout_ms: int = 10_000
    outbox_bytes: int = 16 * 1024 * 1024
    """A socket whose client reads so slowly that more waits for it is reset."""


class Window:
    """A budget per span of time; the span begins with its first use."""

    __slots__ = ("_ends_s", "limit", "span_s", "used")

    def __init__(self, limit: int, span_s: float) -> None:
        self.limit = limit
        self.span_s = span_s
        self.used = 0
        self._ends_s = float("-inf")

    def take(self, weight: int, now_s: float) -> bool:
        """Whether so much may still be used; what is refused is not counted."""
        if now_s >= self._ends_s:
            self.used = 0
            self._ends_s = now_s + self.span_s
        if self.used + weight > self.limit:
            return False
        self.used += weight
        return True

    def left_s(self, now_s: float) -> float:
        """How long the span still lasts."""
        return max(0.0, self._ends_s - now_s)


class Quotas:
    """The windows of every pool and whoever draws on it."""

    def __init__(self, limits: dict[Pool, int] | None = None) -> None:
        self._limits = POOLS | (limits or {})
        self._windows: dict[tuple[Pool, str], Window] = {}

    def take(self, pool: Pool, who: str, weight: int, now_s: float) -> tuple[bool, dict[str, str]]:
        """Whether the call may pass, and the gw-ratelimit headers of its answer."""
        window = self._windows.get((pool, who))
        if window is None:
            self._forget(now_s)
            window = self._windows[pool, who] = Window(self._limits[pool], POOL_WINDOW_S)
        passed = window.take(weight, now_s)
        return passed, {
            "gw-ratelimit-limit": str(window.limit),
            "gw-ratelimit-remaining": str(window.limit - window.used if passed else 0),
            "gw-ratelimit-reset": str(round(window.left_s(now_s) * 1000)),
        }

    def _forget(self, now_s: float) -> None:
        """Windows that are over count nothing: nobody's past is kept."""
        for key in [k for k, window in self._windows.items() if window.left_s(now_s) == 0.0]:
            del self._windows[key]


class Visits:
    """Who connects how often and holds how many sockets."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._connects: dict[str, Window] = {}
        self._open: defaultdict[str, int] = defaultdict(int)

    def enter(self, who: str, now_s: float) -> str:
        """Empty when one more may connect, else the text of the refusal."""
        limits = self._limits
        for key in [k for k, window in self._connects.items() if window.left_s(now_s) == 0.0]:
            del self._connects[key]
        window = self._connects.setdefault(who, Window(limits.connects, limits.connects_s))
        if not window.take(1, now_s):
            return "service busy, please retry later"
        if self._open[who] >= limits.sessions:
            return f"exceed max session count limitation of {limits.sessions}"
        self._open[who] += 1
        return ""

    def leave(self, who: str) -> None:
        """A socket of theirs is closed."""
        self._open[who] -= 1
        if not self._open[who]:
            del self._open[who]
