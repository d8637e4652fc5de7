"""The market and the sweep that every side of the comparison computes for itself, from one seed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

BARS = 100_000
SEED = 42
START_NS = 1_735_689_600_000_000_000  # 1 January 2025
MINUTE_NS = 60_000_000_000
MINUTES_PER_YEAR = 525_600.0
FEE_RATE = 0.001
CAPITAL = 10_000.0
FAST = np.arange(5, 105)
SLOW = np.arange(110, 408, 3)

TICK_SEED = 7
WINDOW_SEED = 3


@dataclass(frozen=True, slots=True)
class Prices:
    """Minute bars without gaps: a bar opens where the one before it closed."""

    at_ns: Int64
    open: Float64
    high: Float64
    low: Float64
    close: Float64
    volume: Float64


def prices(bars: int) -> Prices:
    """A geometric random walk with a slow mild drift."""
    rng = np.random.default_rng(SEED)
    spread = 0.0006
    drift = 0.00002 * np.sin(np.arange(BARS) / 3000.0)
    close = 100.0 * np.exp(np.cumsum(rng.standard_normal(BARS) * spread + drift))
    opened = np.append(100.0, close[:-1])
    above = np.abs(rng.standard_normal(BARS)) * spread * 0.5
    below = np.abs(rng.standard_normal(BARS)) * spread * 0.5
    high = np.maximum(opened, close) * (1.0 + above)
    low = np.minimum(opened, close) * (1.0 - below)
    volume = rng.gamma(2.0, 5.0, BARS)
    at_ns = START_NS + np.arange(BARS, dtype=np.int64) * MINUTE_NS
    first = slice(bars)
    return Prices(at_ns[first], opened[first], high[first], low[first], close[first], volume[first])


def grid(fasts: int, slows: int) -> tuple[list[int], list[int]]:
    """Pairs of windows: a grid of so many fast by so many slow ones, spread over the whole range.

    A grid and not a random draw, because libraries that compute each window once profit from it.
    """
    fast = FAST[np.linspace(0, len(FAST) - 1, fasts).astype(int)]
    slow = SLOW[np.linspace(0, len(SLOW) - 1, slows).astype(int)]
    pairs = np.meshgrid(fast, slow, indexing="ij")
    return pairs[0].ravel().tolist(), pairs[1].ravel().tolist()


def ticks(count: int) -> tuple[Float64, Int64]:
    """Trade prices on a grid of 0.1 near 60,000, about a thousand a second, and their times."""
    rng = np.random.default_rng(TICK_SEED)
    volatility = np.exp(0.3 * np.cumsum(rng.standard_normal(count) * 0.02))
    volatility /= volatility.mean()
    moves = rng.standard_normal(count) * 2.0 * np.clip(volatility, 0.2, 5.0)
    price = np.round(60_000.0 + np.cumsum(moves), 1)
    at_ns = START_NS + np.cumsum(rng.exponential(1e6, count)).astype(np.int64)
    return price, at_ns


def live_windows(variants: int) -> tuple[Int64, Int64]:
    """Windows of two exponential averages for each variant of the live comparison."""
    rng = np.random.default_rng(WINDOW_SEED)
    fast = rng.integers(20, 86, variants)
    return fast, fast * rng.integers(3, 8, variants)
