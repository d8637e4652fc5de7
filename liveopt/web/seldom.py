"""What happens often is written down seldom, with how often it was: a flood fills no log."""

from dataclasses import dataclass
from math import inf
from typing import Final

EVERY_S: Final = 1.0


@dataclass(slots=True)
class Seldom:
    """One kind of line."""

    every_s: float = EVERY_S
    _told_s: float = -inf
    _count: int = 0

    def due(self, now_s: float) -> int:
        """It happened: how often since it was last written down, if it may be written now."""
        self._count += 1
        if now_s < self._told_s + self.every_s:
            return 0
        count, self._count, self._told_s = self._count, 0, now_s
        return count
