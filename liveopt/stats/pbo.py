"""How likely the winner of a selection is a loser out of sample: PBO by CSCV."""

from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from liveopt.stats.arrays import NOISE, library_of

SPLITS = 512
"""So many splits at a time: with 1,000 series 4 MB a table."""


class Overfit(NamedTuple):
    """The probability of backtest overfitting, and the logit of every split."""

    probability: float
    logits: Any


def pbo(values: Any, blocks: int) -> Overfit:
    """Combinatorially symmetric cross-validation of returns [n, N].

    Bailey, Borwein, Lopez de Prado & Zhu (2017), "The probability of backtest overfitting". The
    rows are cut into an even number of equal blocks (the oldest n mod blocks rows are left out) and
    each half of the blocks is in sample once, the other half then out of sample. Of the series with
    the best Sharpe ratio in sample (the first, if several), w = rank / (N + 1) among the Sharpe
    ratios out of sample, the worst having rank 1 and equals their mean rank. The logit is
    log(w / (1 - w)) and the probability the share of splits where it is not above nought.

    A series without variance in a half has the Sharpe ratio 0 there. Undefined (NaN) below two
    series or two rows a half, and where a value is NaN. Raises a ValueError for an odd number of
    blocks or none.
    """
    if blocks < 2 or blocks % 2:
        raise ValueError(f"blocks are an even number, not {blocks}")
    xp = library_of(values)
    n, series = values.shape
    size = n // blocks
    if series < 2 or size * blocks < 4 or bool(xp.isnan(values).any()):
        return Overfit(float("nan"), xp.full(0, xp.nan))
    cut = values[n - size * blocks :].reshape(blocks, size, series)
    sums, squares = cut.sum(axis=1), (cut * cut).sum(axis=1)
    halves = xp.asarray(_halves(blocks))
    rows = size * blocks // 2
    logits = []
    for first in range(0, len(halves), SPLITS):
        inside = halves[first : first + SPLITS]
        learned = _sharpe(inside @ sums, inside @ squares, rows)
        tried = _sharpe((1.0 - inside) @ sums, (1.0 - inside) @ squares, rows)
        best = xp.take_along_axis(tried, learned.argmax(axis=1)[:, None], axis=1)
        rank = (tried < best).sum(axis=1) + 0.5 * ((tried == best).sum(axis=1) + 1)
        logits.append(xp.log(rank / (series + 1.0 - rank)))
    found = xp.concatenate(logits)
    return Overfit(float((found <= 0.0).mean()), found)


def _halves(blocks: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Every half of the blocks as a row of noughts and ones."""
    chosen = np.array(list(combinations(range(blocks), blocks // 2)))
    halves = np.zeros((len(chosen), blocks))
    np.put_along_axis(halves, chosen, 1.0, axis=1)
    return halves


def _sharpe(sums: Any, squares: Any, rows: int) -> Any:
    xp = library_of(sums)
    mean, square = sums / rows, squares / rows
    variance = square - mean * mean
    varied = variance > NOISE * square
    return xp.where(varied, mean / xp.sqrt(xp.where(varied, variance, 1.0)), 0.0)
