"""A recorded market on which it is known who is better, so that somebody passes the gate."""

from pathlib import Path

import numpy as np

START_S = 1_700_000_040
BARS = 30_000
HALF = 30
"""Bars up, then as many down: whoever turns early loses least."""
PARTS = 4
PASSES = {
    "LIVE__STRATEGIES": "ma_crossover",
    "LIVE__CHAMPION_SET": "fast=30,slow=60,kind=ema",
    "LIVE__VARIANTS": "8",
    "LIVE__LOSS_LIMIT": "1",
    "LIVE__DRAWDOWN_LIMIT": "1",
    "LIVE__AUTO_PROMOTE": "true",
    "ACCOUNT__FRACTION": "0.2",
    "ACCOUNT__LEVERAGE": "3",
    "GATE__EVIDENCE_BARS": "2",
    "GATE__LOOK_EVERY": "2",
    "GATE__WORLDS": "99",
    "GATE__COOLDOWN": "500",
    "GATE__TRADES": "1",
    "GATE__CONFIDENCE": "0",
    "GATE__SHARPE": "-100",
}
"""The evidence is asked for in full; what a candidate must have earned besides is not."""


def waves(path: Path, bars: int = BARS) -> Path:
    """Candles of a minute as a table."""
    rng = np.random.default_rng(3)
    way = np.where(np.arange(bars) // HALF % 2 == 0, 1.0, -1.0).repeat(PARTS)
    steps = 0.0004 * way + 0.0002 * rng.standard_normal(bars * PARTS)
    close = np.round(30_000.0 * np.cumprod(1.0 + steps), 1).reshape(bars, PARTS)
    opens = np.concatenate(([close[0, 0]], close[:-1, -1]))
    high, low = np.maximum(close.max(1), opens), np.minimum(close.min(1), opens)
    rows = (
        f"{START_S + 60 * n},{opens[n]},{high[n]},{low[n]},{close[n, -1]},10\n" for n in range(bars)
    )
    path.write_text("time,open,high,low,close,volume\n" + "".join(rows))
    return path
