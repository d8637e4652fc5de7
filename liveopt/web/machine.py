"""How busy this machine's processors are, as the kernel counts it."""

from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Final

STAT: Final = Path("/proc/stat")
IDLE: Final = (3, 4)
"""Places of idle and iowait in a line of `cpu`: proc_stat(5)."""
COUNTED: Final = 8
"""From user to steal; guests are in user already."""
APART_S: Final = 1.0


@dataclass(slots=True)
class Busy:
    """The share of the time since the last look, or since this was made; two are a second apart."""

    stat: Path = STAT
    percent: float | None = None
    """Over all processors; None where the kernel does not say."""
    _at_s: float = -inf
    _seen: tuple[int, int] | None = field(init=False)

    def __post_init__(self) -> None:
        self._seen = _ticks(self.stat)

    def look(self, now_s: float) -> float | None:
        """At this time of the loop."""
        if now_s - self._at_s < APART_S:
            return self.percent
        before, self._seen, self._at_s = self._seen, _ticks(self.stat), now_s
        if before is None or self._seen is None:
            self.percent = None
            return None
        busy, all_ = (new - old for new, old in zip(self._seen, before, strict=True))
        self.percent = round(100.0 * max(0, busy) / all_, 1) if all_ > 0 else self.percent
        return self.percent


def _ticks(stat: Path) -> tuple[int, int] | None:
    """Busy, and all, since the machine began."""
    try:
        words = stat.read_text(encoding="ascii").partition("\n")[0].split()
        ticks = [int(word) for word in words[1 : 1 + COUNTED]]
        return sum(ticks) - sum(ticks[place] for place in IDLE), sum(ticks)
    except (OSError, ValueError, IndexError):
        return None
