"""A market made from a seed, for the demonstration, the tests and the benchmarks."""

from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from liveopt.core.bars import MINUTE_NS, Bars

Float64 = NDArray[np.float64]

FIRST_PRICE = 30_000.0
MINUTE_VOLATILITY = 0.0008  # of log returns; about 58 % a year
TAIL_DEGREES = 4  # of Student's t: heavy tails as seen in crypto minutes, with finite variance
REGIME_BARS = 2_000.0  # how long a drift lasts on average
REGIME_DRIFT = 0.02  # its spread, as a share of the volatility of a bar
GAP_CHANCE = 0.01  # of a bar that does not open at the previous close
MEAN_VOLUME = 20.0


def synthetic_bars(rows: int, seed: int, interval_ns: int, start_ns: int) -> Bars:
    """Bars with drifting regimes, clustered volatility, heavy tails and volume that follows it.

    A bar opens at the previous close but for occasional small gaps. More rows of the same seed
    continue the same market, since every quantity draws from a generator of its own.
    """
    luck = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(9)]
    usual = MINUTE_VOLATILITY * (interval_ns / MINUTE_NS) ** 0.5
    fast = _persistent(luck[0].standard_normal(rows), 0.98, 0.35)
    slow = _persistent(luck[1].standard_normal(rows), 0.9995, 0.45)
    volatility = usual * np.exp(fast + slow)
    shock = luck[2].standard_t(TAIL_DEGREES, rows) * (1.0 - 2.0 / TAIL_DEGREES) ** 0.5
    move = volatility * shock + usual * REGIME_DRIFT * _regimes(luck[3], luck[8], rows)
    gap = 0.5 * volatility * luck[4].standard_normal(rows)
    gap[luck[5].random(rows) >= GAP_CHANCE] = 0.0
    close = FIRST_PRICE * np.exp(np.cumsum(gap + move))
    opened = np.concatenate(([FIRST_PRICE], close[:-1]))[:rows] * np.exp(gap)
    wick = volatility[:, None] * luck[6].exponential(0.4, (rows, 2))
    activity = volatility / usual * (0.5 + np.abs(shock))
    return Bars(
        at_ns=start_ns + np.arange(rows, dtype=np.int64) * interval_ns,
        open=opened,
        high=np.maximum(opened, close) * np.exp(wick[:, 0]),
        low=np.minimum(opened, close) * np.exp(-wick[:, 1]),
        close=close,
        volume=MEAN_VOLUME * activity * luck[7].gamma(2.0, 0.5, rows),
    )


def _persistent(noise: Float64, memory: float, spread: float) -> Float64:
    """A first-order autoregression with standard deviation `spread`, starting at 0."""
    step = spread * (1.0 - memory * memory) ** 0.5
    return np.array(
        list(accumulate((noise * step).tolist(), lambda last, new: memory * last + new))
    )


def _regimes(drifts: np.random.Generator, ends: np.random.Generator, rows: int) -> Float64:
    """A drift for every row, drawn anew whenever a regime ends."""
    begins = ends.random(rows) < 1.0 / REGIME_BARS
    begun = np.maximum.accumulate(np.where(begins, np.arange(rows), 0))
    return drifts.standard_normal(rows)[begun]
