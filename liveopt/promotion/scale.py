"""How wild a market is now beside its long run, known before the bar it is used for."""

from math import sqrt
from typing import Final

import msgspec

HALF_LIFE: Final = 50
DECAY: Final = 0.98623270449335920
"""0.5 ** (1 / 50): half of what is known is of the last fifty evidence bars."""
LEAST: Final = 0.5
"""A market that sleeps makes no small difference a large one."""
KNOWN: Final = 20
"""Evidence bars before there is a long run to compare with."""
CRASH: Final = 3.0
"""How many times the largest move that was seen a crash is taken to be."""


class Scale(msgspec.Struct):
    """One market's moves over evidence bars, as log returns."""

    wild: float = 1.0
    """Recent mean square over that of the long run."""
    squares: float = 0.0
    moves: int = 0
    largest: float = 0.0

    def see(self, move: float) -> None:
        """One evidence bar has passed."""
        if self.moves >= KNOWN and self.squares > 0.0:
            beside = move * move * self.moves / self.squares
            self.wild = DECAY * self.wild + (1.0 - DECAY) * beside
        self.squares += move * move
        self.moves += 1
        self.largest = max(self.largest, abs(move))

    @property
    def ratio(self) -> float:
        """What a difference is divided by besides its own size."""
        return max(LEAST, sqrt(self.wild))

    def crash(self, fraction: float, leverage: float, stop: float | None) -> float:
        """The share of its equity that a position would lose in a crash, and at a stop's gap."""
        if stop is None:
            return fraction * min(1.0, leverage * CRASH * self.largest)
        return fraction * min(1.0, max(stop, leverage * self.largest))
