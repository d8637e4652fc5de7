"""Durations counted by size, as Prometheus reads them; of constant size."""

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Final

ANSWERS_S: Final = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
JOBS_S: Final = (1.0, 10.0, 60.0, 300.0, 1_800.0, 7_200.0, 28_800.0)


@dataclass(slots=True)
class Histogram:
    """So many took no longer than each edge, in seconds."""

    edges_s: tuple[float, ...] = ANSWERS_S
    counts: list[int] = field(init=False)
    sum_s: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.edges_s) + 1)

    def add(self, seconds: float) -> None:
        """One more."""
        self.counts[bisect_left(self.edges_s, seconds)] += 1
        self.sum_s += seconds

    @property
    def count(self) -> int:
        """How many in all."""
        return sum(self.counts)
