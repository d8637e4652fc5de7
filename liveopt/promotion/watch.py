"""After a promotion: is the new champion still better than the one it replaced?

Two e-CUSUMs (Shin, Ramdas, Rinaldo 2022) on the same evidence bars. One bets that the edge is below
zero and demotes; one, faster, bets that it is below half of what was promised and warns. While what
they bet against is true, each runs about `LENGTH` evidence bars on average before it errs: many
more for any usual law, a few less where the edge is a rare large gain.
"""

from typing import Final

import msgspec
import numpy as np

from liveopt.promotion.epoch import TOTAL, Epoch
from liveopt.stats.evidence import e_cusum

LENGTH: Final = 1_000.0
STAKES: Final = np.array([0.05, 0.1, 0.2, 0.4])
"""Shares staked, a quarter of the capital each: which is best depends on how bad it is."""
LOSS_MOST: Final = 8.0
"""Of one evidence bar, in standard deviations, as in the gate: one crash is no decline."""


class Watch(msgspec.Struct):
    """One champion beside its predecessor."""

    predecessor: str
    unit: float
    """The root mean square of their differences before the promotion."""
    promised: float
    """The edge per evidence bar, in units, that the gate believed in."""
    demoting: list[float] = msgspec.field(default_factory=lambda: [0.0] * len(STAKES))
    warning: list[float] = msgspec.field(default_factory=lambda: [0.0] * len(STAKES))
    bars: int = 0
    warned: bool = False

    def see(self, difference: float, ratio: float) -> None:
        """One evidence bar of champion less predecessor."""
        y = max(difference / (self.unit * ratio), -LOSS_MOST)
        self.bars += 1
        self.demoting = e_cusum(self.demoting, -y, STAKES).tolist()
        self.warning = e_cusum(self.warning, 0.5 * self.promised - y, STAKES).tolist()

    @property
    def evidence(self) -> float:
        """Against the champion; at `LENGTH` it goes."""
        return sum(self.demoting) / len(STAKES)

    @property
    def demotes(self) -> bool:
        """Whether it has proved the worse."""
        return self.evidence >= LENGTH

    @property
    def warns(self) -> bool:
        """Whether it has proved less than half as good as was promised."""
        return sum(self.warning) / len(STAKES) >= LENGTH


def watch_of(epoch: Epoch, slot: int, predecessor: str) -> Watch | None:
    """What a slot's variant is held to as champion; None where too little is known of it.

    Promised is what the evidence's prior and the sums make of the edge: less than the mean, for
    whoever was picked as the best was lucky, too.
    """
    unit = epoch.unit(slot)
    if unit is None:
        return None
    believed = float(epoch.sums[TOTAL, slot]) / (epoch.spread(slot) + epoch.terms.rho)
    return Watch(predecessor, unit, max(0.0, believed))
