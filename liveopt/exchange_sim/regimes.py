"""The moods of a market, and how they follow each other when nobody forces one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Regime:
    """What a mood changes about the fair price and about the order flow."""

    name: str
    drift: float = 0.0
    """Per hour, in standard deviations of an hour of the normal regime."""
    volatility: float = 1.0
    """Standard deviation, as a multiple of the normal one."""
    pull_s: float = 0.0
    """Seconds in which the price goes back most of the way to where the mood began; 0: never."""
    pace: float = 1.0
    """How busy the flow is, as a multiple of the symbol's normal pace."""
    share: float = 1.0
    """How often the mood comes up, relative to the others."""
    length_s: float = 900.0
    """How long it lasts on average."""


# Rises come up more often than falls by what crashes take, so that a long run goes nowhere.
REGIMES: Final[Mapping[str, Regime]] = {
    regime.name: regime
    for regime in (
        Regime("normal", share=6.0, length_s=1800.0),
        Regime("up", drift=2.0, pace=1.3, share=3.0),
        Regime("down", drift=-2.0, pace=1.3, share=2.0),
        Regime("reversion", pull_s=120.0, share=3.0),
        Regime("quiet", volatility=0.4, pace=0.4, share=3.0),
        Regime("crash", drift=-25.0, volatility=4.0, pace=4.0, share=0.3, length_s=240.0),
    )
}


def regime_named(name: str) -> Regime:
    """The mood with this name."""
    if name not in REGIMES:
        raise ValueError(f"no regime {name!r}; there are {', '.join(REGIMES)}")
    return REGIMES[name]
