"""Jobs that could not be begun: tried again after a while that doubles, and said meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

MOST_S: Final = 60.0
"""It never takes longer from one try to the next."""


@dataclass(frozen=True, slots=True)
class Put:
    """One that was put off."""

    pause_s: float
    until_s: float
    why: str
    shared: bool
    """Others will fare no better: the share or the machine is to blame, not the job's file."""


@dataclass(slots=True)
class Later:
    """By the jobs' keys; those that nobody has tried again for long are forgotten."""

    steady: Callable[[], float]
    first_s: float
    _all: dict[str, Put] = field(default_factory=dict)

    def put_off(self, key: str, why: str, *, shared: bool) -> None:
        """It could not be begun just now."""
        now_s, before = self.steady(), self._all.get(key)
        pause_s = min(MOST_S, 2.0 * before.pause_s if before else self.first_s)
        self._all[key] = Put(pause_s, now_s + pause_s, why, shared)

    def begun(self, key: str) -> None:
        """It could."""
        self._all.pop(key, None)

    def why(self, key: str) -> str:
        """What it waits for; empty if it may be tried."""
        put = self._all.get(key)
        if put is None or self.steady() >= put.until_s:
            return ""
        return f"{put.why}; it is tried again in {put.until_s - self.steady():.0f} s"

    def trouble(self) -> str:
        """What of the share or the machine keeps jobs from being begun; empty if nothing does."""
        now_s = self.steady()
        self._all = {key: p for key, p in self._all.items() if now_s < p.until_s + 2.0 * MOST_S}
        return next((put.why for put in self._all.values() if put.shared), "")
