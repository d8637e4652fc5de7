"""What a promotion takes: how much error, how much evidence, which conditions besides."""

from math import sqrt

import msgspec

WORLDS, WORLDS_OF_MANY, MANY = 999, 499, 5_000
"""Shadow worlds, and how many of them from so many variants on."""
SEASON_MAX = 512
"""Evidence bars whose sums are exact in single precision; see `kernels`."""


class GateTerms(msgspec.Struct, frozen=True):
    """The promotion gate's settings; those of a run never change."""

    seed: int
    bars: int = 10
    """Signal bars in an evidence bar: long enough that one says nothing of the next."""
    look_every: int = 5
    """Evidence bars from one look to the next."""
    season: int = 500
    """Evidence bars over which the error is spent."""
    new_seasons: bool = False
    """Whether another season begins after one, with an error of its own."""
    worlds: int = 999
    alpha_each: float = 0.005
    """Error spent on the track that needs nothing but the variant's own evidence."""
    alpha_worlds: float = 0.045
    """Error spent on the track that knows how alike the variants are."""
    prior: float = 0.032
    """Edge per signal bar that is looked for, in standard deviations of the difference."""
    bars_min: int = 20
    """Evidence bars of its own before a variant passes by the worlds' track."""
    cooldown: int = 20
    """Evidence bars after a change of champion in which there is no other."""
    trades_min: int = 50
    confidence_min: float = 0.95
    sharpe_min: float = 0.0
    score_min: float | None = None
    win_rate_min: float | None = None
    roi_min: float | None = None
    auto: bool = False
    """Whether who passes is promoted at once, or when the operator consents."""

    @property
    def rho(self) -> float:
        """Of the mixture: one over the prior variance of an evidence bar's edge."""
        return 1.0 / (self.prior * self.prior * self.bars)

    @property
    def alpha(self) -> float:
        """The chance of a single false promotion in a season."""
        return self.alpha_each + self.alpha_worlds


def spent(terms: GateTerms, bar: int) -> float:
    """The share of the worlds' error that may be spent by an evidence bar: (t / H)^1.5."""
    done = min(bar / terms.season, 1.0)
    return done * sqrt(done)


def worlds_for(variants: int) -> int:
    """Fewer worlds where there are many variants: a look must not take too long."""
    return WORLDS if variants < MANY else WORLDS_OF_MANY
