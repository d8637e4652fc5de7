"""The minutes before the market starts, drawn at once, ending at the price it starts with."""

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from liveopt.exchange_sim.candles import MINUTE_S, Row
from liveopt.exchange_sim.edge import Edge
from liveopt.exchange_sim.fair import TAILS, TICKS_MIN, YEAR_S, stream
from liveopt.exchange_sim.specs import Spec

SPELL_MIN = 30
"""Minutes after which the history is calmer or wilder than before."""

Float64 = NDArray[np.float64]


def minutes(spec: Spec, seed: int, end_ns: int, span_s: int, edge: Edge | None = None) -> list[Row]:
    """Minutes with trades of the `span_s` seconds before `end_ns`; the last closes at the start.

    The prices depend on the coin, so that its markets share one past; how busy it was depends on
    the market. An edge is in the past as well.
    """
    count = span_s // MINUTE_S
    if count <= 0:
        return []
    last_s = (end_ns - 1) // 1_000_000_000 // MINUTE_S * MINUTE_S
    open_s = last_s - MINUTE_S * np.arange(count - 1, -1, -1)
    luck = stream(seed, spec.underlying, "history")
    sigma = spec.volatility / sqrt(YEAR_S / MINUTE_S)
    spells = luck.lognormal(-0.08, 0.4, count // SPELL_MIN + 1)
    wild = sigma * np.repeat(spells, SPELL_MIN)[:count]
    moves = wild * luck.standard_t(TAILS, count) * sqrt((TAILS - 2) / TAILS)
    if edge is not None:
        _plant(moves, open_s, edge)
    path = np.cumsum(moves)
    close = spec.start_price * np.exp(path - path[-1])
    opening = np.concatenate([[spec.start_price * np.exp(-path[-1])], close[:-1]])
    reach = 0.6 * wild * np.abs(luck.standard_normal((2, count)))
    high = np.maximum(opening, close) * np.exp(reach[0])
    low = np.minimum(opening, close) * np.exp(-reach[1])
    return _rows(spec, seed, open_s, (opening, close, high, low))


def _plant(moves: Float64, open_s: NDArray[np.int64], edge: Edge) -> None:
    """Adds the drift that follows each window, which itself is part of the next one."""
    window_s = max(MINUTE_S, edge.window_ns // 1_000_000_000)
    starts = np.flatnonzero(np.diff(open_s // window_s, prepend=-1)).tolist()
    past = 0.0
    for start, stop in zip(starts, [*starts[1:], len(moves)], strict=True):
        moves[start:stop] += edge.drift_per_s(past) * MINUTE_S
        past = float(moves[start:stop].sum())


def _rows(
    spec: Spec,
    seed: int,
    open_s: NDArray[np.int64],
    prices: tuple[Float64, Float64, Float64, Float64],
) -> list[Row]:
    luck = stream(seed, spec.symbol, "history volume")
    trades = luck.poisson(spec.trades_per_s * MINUTE_S * luck.lognormal(-0.1, 0.5, len(open_s)))
    lots = np.rint(trades * spec.order_lots * luck.uniform(0.5, 1.0, len(open_s)))
    seen = (trades > 0) | (np.arange(len(open_s)) == len(open_s) - 1)
    first, last, high, low = (
        np.maximum(np.rint(price[seen] / float(spec.tick)), TICKS_MIN).astype(np.int64).tolist()
        for price in prices
    )
    amount = np.maximum(lots[seen], 1).astype(np.int64).tolist()
    return [
        (at_s, o, c, h, low_, n, (o + c + h + low_) * n // 4)
        for at_s, o, c, h, low_, n in zip(
            open_s[seen].tolist(), first, last, high, low, amount, strict=True
        )
    ]
