"""Whether data still comes as it should: how long a topic may be silent, how much of it is bad."""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from liveopt.core.bars import SECOND_NS
from liveopt.core.events import State

SILENCE_NS_MIN: Final = 3 * SECOND_NS
SILENCE_FACTOR: Final = 3.0
LEARNING: Final = 0.05
"""Weight of the newest interval in the usual one."""
PROBE_SHARE: Final = 0.7
"""A probe starts this early, so that its answer is there when the silence is too long."""
QUIET_NS_MAX: Final = 60 * SECOND_NS
"""However long it has been quiet, the exchange is asked this often: the feed may die meanwhile."""


@dataclass(slots=True)
class Silence:
    """Learns how often a topic has data, and says when its silence has to be looked into.

    A silence is too long after three usual intervals, 3 s at least. Then the exchange is asked: if
    it has nothing newer the market is quiet, and the next look comes after a tenth as long again,
    but within a minute.
    """

    since_ns: int
    """When the last data came, or the subscription was made."""
    state: State = "live"
    usual_ns: float = 0.0
    strikes: int = 0
    """How often in a row its connection was replaced for it."""
    _quiet_ns: int = 0  # when the exchange last said that nothing trades

    def data(self, now_ns: int) -> bool:
        """Data came; true if that changes the state."""
        passed = now_ns - self.since_ns
        self.since_ns = now_ns
        if not self.usual_ns:
            self.usual_ns = float(passed)
        elif self.state in ("live", "quiet"):  # an outage teaches nothing about the market
            self.usual_ns += LEARNING * (passed - self.usual_ns)
        self._quiet_ns = self.strikes = 0
        if self.state == "live":
            return False
        self.state = "live"
        return True

    def age_ns(self, now_ns: int) -> int:
        """How long ago the last data came."""
        return now_ns - self.since_ns

    @property
    def allowed_ns(self) -> int:
        """How long a silence may be before it is one too long."""
        return max(SILENCE_NS_MIN, int(SILENCE_FACTOR * self.usual_ns))

    @property
    def probe_ns(self) -> int:
        """When the exchange has to be asked."""
        if self._quiet_ns:
            later = min((self._quiet_ns - self.since_ns) // 10, QUIET_NS_MAX)
            return self._quiet_ns + max(int(PROBE_SHARE * self.allowed_ns), later)
        return self.since_ns + int(PROBE_SHARE * self.allowed_ns)

    def stale(self) -> bool:
        """The exchange has newer data that did not come; true if that changes the state."""
        changed, self.state = self.state != "stale", "stale"
        return changed

    def quiet(self, now_ns: int) -> bool:
        """The exchange has nothing newer either; true if that changes the state."""
        self._quiet_ns = now_ns
        if self.state in ("quiet", "stale"):  # what was stale, only data makes good
            return False
        self.state = "quiet"
        return True

    def restart(self, now_ns: int) -> None:
        """A new connection: its silence is counted from now, what was learnt stays."""
        self.since_ns = now_ns
        self._quiet_ns = 0


QUALITY_S: Final = 10
BAD_SHARE_MAX: Final = 0.01
BAD_MIN: Final = 3
"""Fewer bad frames than this are an accident, whatever their share."""


@dataclass(slots=True)
class Quality:
    """Counts good and bad frames of a connection over the last ten seconds."""

    bad: int = 0
    """All bad frames ever."""
    _good: int = 0
    _slots: deque[tuple[int, int, int]] = field(default_factory=deque)  # second, good, bad

    def good(self) -> None:
        """A frame was used."""
        self._good += 1

    def refuse(self, now_ns: int) -> bool:
        """A frame was refused; true when too many were."""
        self.bad += 1
        self._roll(now_ns, 1)
        good = sum(slot[1] for slot in self._slots)
        bad = sum(slot[2] for slot in self._slots)
        return bad >= BAD_MIN and bad > BAD_SHARE_MAX * (good + bad)

    def roll(self, now_ns: int) -> None:
        """Time goes on; to be called about once a second."""
        self._roll(now_ns, 0)

    def _roll(self, now_ns: int, bad: int) -> None:
        second = now_ns // SECOND_NS
        slots = self._slots
        if slots and slots[-1][0] == second:
            _, good, worse = slots.pop()
            slots.append((second, good + self._good, worse + bad))
        else:
            slots.append((second, self._good, bad))
        self._good = 0
        while slots[0][0] <= second - QUALITY_S:
            slots.popleft()


@dataclass(slots=True)
class Band:
    """Refuses a price that is absurd beside the last good one, unless the exchange insists."""

    width: float
    """A fraction: 0.2 lets through what is up to 20 % away; 0 lets everything through."""
    good: float = 0.0
    """The last good price; 0 before the first."""

    def holds(self, price: float) -> bool:
        """The price is within the band, and then becomes the last good one."""
        good = self.good
        if self.width and good and not abs(price - good) <= self.width * good:
            return False
        self.good = price
        return True
