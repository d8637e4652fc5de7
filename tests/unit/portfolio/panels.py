"""Strategies' profits of every kind that a figure may meet, and portfolios of them."""

from functools import cache

import numpy as np

from liveopt.config.portfolio import Portfolio
from liveopt.data.panel.panel import Float64, Panel, Sessions
from liveopt.portfolio.figures import Money
from liveopt.portfolio.gather import Sets

MONEY = Money(capital=100_000.0, periods_per_year=252.0, risk_free=0.02)
TERMS = Portfolio()
SIZES = (1, 2, 3, 4, 5, 7, 12, 35)


def _made() -> dict[str, Float64]:
    rng = np.random.default_rng(8)
    plain = 20.0 + 1_000.0 * rng.standard_normal((40, 82))
    steps = rng.integers(-2, 3, (40, 60)).astype(float)
    level = np.tile(100.0 * np.arange(-20.0, 20.0)[:, None], (1, 30))
    mixed = plain.copy()
    mixed[::3] = 7.0
    mixed[1::6] = 0.0
    return {
        "plain": plain,
        "heavy tails": 500.0 * rng.standard_t(2, (40, 250)),
        "all gain": np.abs(plain) + 1.0,
        "all lose": -np.abs(plain) - 1.0,
        "one session": plain[:, :1].copy(),
        "two sessions": plain[:, :2].copy(),
        "never moves": level,
        "rests": np.zeros_like(plain[:, :25]),
        "some never move": mixed,
        "twins": np.repeat(np.rint(plain[:4]), 10, axis=0),
        "mirrored": np.round(np.concatenate([plain[:20], -plain[:20]])),
        "few values": steps,
        "thousands of millions": 1e12 * rng.standard_normal((40, 82)),
        "crumbs": 1e-9 * rng.standard_normal((40, 82)),
        "a level": 1e6 + rng.standard_normal((40, 82)),
        "far from 0": 1e9 + rng.standard_normal((40, 82)),
        "very far from 0": 1e12 + rng.standard_normal((40, 82)),
    }


PANELS = _made()
FAR = {"far from 0": 1e-7, "very far from 0": 1e-5}
"""Panels whose doubles hold few digits of what moves: what can be asked of correlations there."""
FAR_SUMS = {"far from 0": 1e-6, "very far from 0": 1e-3}
"""And of figures: 35 members of 1e12 add up to steps of 0.004, where they move by 1."""


@cache
def sets_of(name: str, size: int, count: int = 6) -> Sets:
    """Some portfolios of a panel, the same each time."""
    rng = np.random.default_rng([8, size])
    drawn = [rng.permutation(len(PANELS[name]))[:size] for _ in range(count)]
    return np.array(drawn, np.int32)


def panel_of(pnl: Float64, sessions: Sessions | None = None) -> Panel:
    """A panel of one file; a session is a day."""
    count, days = pnl.shape
    dates = np.datetime64("2024-01-01") + np.arange(days)
    return Panel(
        [f"s{i}" for i in range(count)], np.ascontiguousarray(pnl, np.float64),
        sessions or Sessions(dates), ["all"], np.zeros(count, np.int32),
    )  # fmt: skip
