"""Weighted signal: six opinions between -1 (sell) and 1 (buy), mixed into one score.

The weights are what the optimizer searches; they count by their share of their sum. The opinions,
each clamped to -1..1 and 0 where there is nothing to judge by:

    macd          histogram of MACD 12/26/9, in units of a quarter of an ATR: momentum
    rsi           RSI 14: 1 below 30, 0.6 below 40, -0.6 above 60, -1 above 70: reversion
    volume_spike  volume over its average of 20 bars, in the direction of the bar: 0 up to the
                  average, 1 at twice the average
    trend         close above its exponential average of 50 bars, in ATRs: momentum
    kdj           (J - 50) / 50 with J = 3 K - 2 D over 9 bars: momentum, J above 100 is a full 1
    obv           on-balance volume above its average of 20 bars, in average bars: momentum

A score of `strong_buy` opens a long, one of `strong_sell` a short; a long is closed when the score
falls to `moderate_sell`, a short when it rises to `moderate_buy`. Otherwise nothing changes. Since
reversion speaks against momentum a strong score is rare.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from liveopt.core.indicators import (
    clamp,
    ema,
    higher,
    position,
    scaled,
    side,
    since,
    strength,
    wilder,
)
from liveopt.core.market import Market
from liveopt.core.strategy import Array, Columns, Highest, Knob, Lowest, Strategy

OPINIONS = ("macd", "rsi", "volume_spike", "trend", "kdj", "obv")
FAST_INV, FAST_WEIGHT = 1.0 / 12.0, 2.0 / 13.0
SLOW_INV, SLOW_WEIGHT, SLOW_BEFORE = 1.0 / 26.0, 2.0 / 27.0, 25.0
SIGNAL_INV, SIGNAL_WEIGHT = 1.0 / 9.0, 2.0 / 10.0
RSI_WEIGHT = 1.0 / 14.0
VOLUME_INV, VOLUME_WEIGHT = 1.0 / 20.0, 2.0 / 21.0
TREND_BARS = 50.0
TREND_INV, TREND_WEIGHT = 1.0 / TREND_BARS, 2.0 / (TREND_BARS + 1.0)
KDJ_BARS, KDJ_WEIGHT = 9.0, 1.0 / 3.0
MACD_ATRS = 0.25


@dataclass(slots=True)
class Memory:
    """The averages of the six opinions; K and D begin in the middle, as is the custom."""

    target: float = 0.0
    fast: float = 0.0
    slow: float = 0.0
    signal: float = 0.0
    up: float = 0.0
    down: float = 0.0
    volume: float = 0.0
    trend: float = 0.0
    kdj_k: float = 0.5
    kdj_d: float = 0.5
    obv: float = 0.0
    strength: float = 0.0
    """The last score, for the record of a trade."""


def macd_score(bar: Market, m: Memory) -> float:
    """How far the MACD line is from its signal line."""
    m.fast = ema(m.fast, bar.close, bar.inv_n, FAST_INV, FAST_WEIGHT)
    m.slow = ema(m.slow, bar.close, bar.inv_n, SLOW_INV, SLOW_WEIGHT)
    line = m.fast - m.slow
    m.signal = ema(m.signal, line, since(bar.n, SLOW_BEFORE), SIGNAL_INV, SIGNAL_WEIGHT)
    return scaled(line - m.signal, MACD_ATRS * bar.atr)


def rsi_score(bar: Market, m: Memory) -> float:
    """Against what has moved too fast, in two steps."""
    m.up = wilder(m.up, bar.gain, bar.inv_moves, RSI_WEIGHT)
    m.down = wilder(m.down, bar.loss, bar.inv_moves, RSI_WEIGHT)
    rsi = strength(m.up, m.down) if m.up + m.down > 0.0 else 50.0
    buy = 1.0 if rsi < 30.0 else (0.6 if rsi < 40.0 else 0.0)
    sell = -1.0 if rsi > 70.0 else (-0.6 if rsi > 60.0 else 0.0)
    return buy + sell


def volume_score(bar: Market, m: Memory) -> float:
    """Unusual volume behind the bar's direction; the average is that of the bars before."""
    spike = higher(scaled(bar.volume - m.volume, m.volume), 0.0)
    m.volume = ema(m.volume, bar.volume, bar.inv_n, VOLUME_INV, VOLUME_WEIGHT)
    return spike * side(bar.close, bar.open, 0.0)


def trend_score(bar: Market, m: Memory) -> float:
    """How far the close is from its long average."""
    m.trend = ema(m.trend, bar.close, bar.inv_n, TREND_INV, TREND_WEIGHT)
    return scaled(bar.close - m.trend, bar.atr)


def kdj_score(bar: Market, x: Any, m: Memory) -> float:
    """Where J stands, from 0 (-1) over the middle (0) to 100 (1)."""
    stands = position(bar.close, x.kdj_low, x.kdj_high)
    m.kdj_k = m.kdj_k + KDJ_WEIGHT * (stands - m.kdj_k)
    m.kdj_d = m.kdj_d + KDJ_WEIGHT * (m.kdj_k - m.kdj_d)
    return clamp(2.0 * (3.0 * m.kdj_k - 2.0 * m.kdj_d) - 1.0, -1.0, 1.0)


def obv_score(bar: Market, m: Memory) -> float:
    """How far on-balance volume is from its average."""
    m.obv = ema(m.obv, bar.obv, bar.inv_n, VOLUME_INV, VOLUME_WEIGHT)
    return scaled(bar.obv - m.obv, m.volume)


def step(bar: Market, k: Any, x: Any, m: Memory) -> float:
    """What the mixed opinion, within -1..1, says at its four thresholds."""
    score = k.macd_share * macd_score(bar, m)
    score = score + k.rsi_share * rsi_score(bar, m)
    score = score + k.volume_spike_share * volume_score(bar, m)
    score = score + k.trend_share * trend_score(bar, m)
    score = score + k.kdj_share * kdj_score(bar, x, m)
    score = score + k.obv_share * obv_score(bar, m)
    m.strength = score
    tired = (m.target > 0.0) & (score <= k.moderate_sell)
    recovered = (m.target < 0.0) & (score >= k.moderate_buy)
    target = 0.0 if tired | recovered else m.target
    target = 1.0 if score >= k.strong_buy else target
    return -1.0 if score <= k.strong_sell else target


def derive(k: Columns) -> dict[str, Array]:
    """Each weight's share of their sum, and the window of KDJ."""
    total = sum(k[name] for name in OPINIONS)
    shares = {f"{name}_share": k[name] / total for name in OPINIONS}
    return shares | {"kdj_window": np.full_like(k["kdj"], KDJ_BARS)}


STRATEGY = Strategy(
    text="Mixes MACD, RSI, volume, trend, KDJ and OBV into one score and acts on its thresholds.",
    step=step,
    memory=Memory,
    knobs={
        "macd": Knob(0.1, 0.4, 0.25, "weight of the MACD histogram"),
        "rsi": Knob(0.1, 0.4, 0.25, "weight of RSI"),
        "volume_spike": Knob(0.05, 0.3, 0.15, "weight of unusual volume"),
        "trend": Knob(0.1, 0.3, 0.2, "weight of the distance from the long average"),
        "kdj": Knob(0.0, 0.2, 0.1, "weight of KDJ"),
        "obv": Knob(0.0, 0.15, 0.05, "weight of on-balance volume"),
        "strong_buy": Knob(0.5, 0.8, 0.65, "score that opens a long"),
        "strong_sell": Knob(-0.8, -0.5, -0.65, "score that opens a short"),
        "moderate_buy": Knob(0.3, 0.5, 0.4, "score that closes a short"),
        "moderate_sell": Knob(-0.5, -0.3, -0.4, "score that closes a long"),
    },
    inputs={"kdj_low": Lowest("low", "kdj_window"), "kdj_high": Highest("high", "kdj_window")},
    derive=derive,
    warmup=lambda k: np.full_like(k["macd"], TREND_BARS),
    valid=lambda k: (k["strong_buy"] > k["moderate_buy"]) & (k["strong_sell"] < k["moderate_sell"]),
    rule="strong_buy > moderate_buy and strong_sell < moderate_sell",
)
