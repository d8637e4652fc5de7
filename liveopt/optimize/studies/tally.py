"""How many trials there were, and how far their Sharpe ratios lie apart: the chances of luck."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(slots=True)
class Tally:
    """All trials: how many, and how far their Sharpe ratios lie apart."""

    count: int = 0
    known: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, sharpe: Array) -> None:
        """Some more; an undefined ratio counts as a trial, not as a ratio."""
        defined = sharpe[np.isfinite(sharpe)]
        self.count += len(sharpe)
        self.known += len(defined)
        self.total += float(defined.sum())
        self.squares += float(defined @ defined)

    def merge(self, other: "Tally") -> None:
        """Those of another study."""
        self.count += other.count
        self.known += other.known
        self.total += other.total
        self.squares += other.squares

    @property
    def deviation(self) -> float:
        """Of the annual Sharpe ratios."""
        if self.known < 2:
            return 0.0
        spread = self.squares - self.total * self.total / self.known
        return float(np.sqrt(max(spread, 0.0) / (self.known - 1)))


def luck(trials: Tally, before: int, deviation_before: float) -> tuple[float, int]:
    """The deviation to reckon with, and of how many trials it is known.

    Trials of other studies on the same candles were chances too: the wider spread counts, or a
    last study of few neighbours would make all those before it look like no luck at all.
    """
    known = trials.known + (before if deviation_before > 0.0 else 0)
    return max(trials.deviation, deviation_before), known
