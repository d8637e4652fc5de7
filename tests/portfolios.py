"""Portfolios for trials of the search: seeded daily P&L, and the optimizer's own fitness of them.

Strategies come in families, as a desk's do: one idea at many stops and targets. A family's day is
heavy-tailed and shares in what moves the market; the variants cut it off and add their own noise.
"""

import itertools
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from liveopt.search.spaces.subsets import Subsets

Array = npt.NDArray[np.float64]
Sets = npt.NDArray[np.int32]

PENALTY = 10.0
"""Weight of the mean correlation of members."""
FLAT = 1e-6
"""A drawdown up to this is none."""


@dataclass(frozen=True)
class Market:
    """P&L [strategy, session], its standardised rows, and what is known of each alone."""

    pnl: Array
    standard: Array
    ratio: Array
    """Each one's own ratio."""

    def fitness(self, sets: Sets) -> Array:
        """Ratio of the members' mean less the penalty, a number each."""
        found: Array = _fitness(self.pnl, self.standard, np.ascontiguousarray(sets))
        return found

    def merit(self) -> Array:
        """What each is worth alone, above 0: its ratio, the very best alike."""
        found: Array = np.clip(self.ratio, 1e-3, max(float(np.quantile(self.ratio, 0.999)), 1e-3))
        return found

    def space(self, members: int, merit: bool = True) -> Subsets:
        """Its portfolios."""
        return Subsets(len(self.pnl), members, self.merit() if merit else None)


def market_of(pnl: Array) -> Market:
    """Of any P&L; losers are turned round first, as the optimizer does."""
    pnl = np.ascontiguousarray(np.where(pnl.sum(axis=1, keepdims=True) < 0.0, -pnl, pnl))
    off = pnl - pnl.mean(axis=1, keepdims=True)
    norm = np.sqrt((off * off).sum(axis=1, keepdims=True))
    standard = np.where(norm > 0.0, off / np.where(norm > 0.0, norm, 1.0), 0.0)
    alone = np.arange(len(pnl), dtype=np.int32)[:, None]
    return Market(pnl, standard, _fitness(pnl, standard, alone))


def drawn(count: int, sessions: int, seed: int, family: int = 100) -> Market:
    """So many strategies, so many of each family."""
    rng = np.random.default_rng(seed)
    families = -(-count // family)
    factors = rng.standard_t(3, size=(5, sessions))
    loads = 0.5 * rng.standard_normal((families, 5))
    loads[:, 0] += 1.0  # what all share, and no choice takes away
    drift = 0.1 + 0.1 * rng.standard_normal((families, 1))
    days = loads @ factors + rng.standard_t(3, size=(families, sessions)) + drift
    which = np.arange(count) // family
    stop = rng.uniform(0.3, 2.0, size=(count, 1))
    target = stop * rng.uniform(0.7, 2.5, size=(count, 1))
    pnl = np.clip(days[which], -stop, target)
    pnl += 0.3 * stop * rng.standard_t(4, size=(count, sessions))
    pnl -= (np.minimum(stop, 1.0) - np.minimum(target, 1.0)) * 0.1
    return market_of(np.round(1_000.0 * pnl, 2))


def planted(count: int, members: int, sessions: int, seed: int) -> tuple[Market, Sets]:
    """A market whose best portfolio is made of members that are poor alone.

    Each carries a wave that dwarfs what it earns, and the waves of all cancel out; the others are
    better alone, and share one risk that no choice among them takes away.
    """
    rng = np.random.default_rng(seed)
    waves = rng.standard_t(4, size=(members, sessions))
    waves -= waves.mean(axis=0)
    waves -= waves.mean(axis=1, keepdims=True)
    shared = rng.standard_t(3, size=(1, sessions))
    shared += 0.4 - shared.mean()
    own = 0.5 * rng.standard_normal((count, sessions))
    pnl = 1_000.0 * (shared + own)
    where = np.sort(rng.choice(count, members, replace=False)).astype(np.int32)
    pnl[where] = 2_000.0 * waves + 200.0 + 300.0 * rng.standard_normal((members, sessions))
    return market_of(pnl), where[None]


@cache
def every(count: int, members: int) -> Sets:
    """All sets there are."""
    return np.array(list(itertools.combinations(range(count), members)), np.int32)


@njit(cache=True)
def _fitness(pnl: Any, standard: Any, sets: Any) -> Any:
    count, members = sets.shape
    sessions = pnl.shape[1]
    found = np.empty(count)
    day, common = np.empty(sessions), np.empty(sessions)
    for i in range(count):
        day[:] = 0.0
        common[:] = 0.0
        live = 0
        for j in range(members):
            own, even = pnl[sets[i, j]], standard[sets[i, j]]
            norm = 0.0
            for t in range(sessions):
                day[t] += own[t]
                common[t] += even[t]
                norm += even[t] * even[t]
            live += norm > 0.5
        equity, high, deepest, pairs = 0.0, -np.inf, 0.0, 0.0
        for t in range(sessions):
            equity += day[t] / members
            high = max(high, equity)
            deepest = max(deepest, high - equity)
            pairs += common[t] * common[t]
        flat = (100.0 if equity > 0.0 else 10.0) * equity
        ratio = equity / deepest if deepest > FLAT else flat
        together = (pairs - live) / (members * (members - 1)) if members > 1 else 0.0
        found[i] = ratio - PENALTY * together
    return found
