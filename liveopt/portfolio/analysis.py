"""What is asked of the chosen portfolio: who earns, who is risky, and what if.

Capital by Kelly's rule, a design of our own: each member gets its own Kelly share (of its own
sessions, a quarter at most) times how sure the regime is; together no more than there is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from liveopt.data.panel.panel import Float64
from liveopt.portfolio.aim import Aim
from liveopt.portfolio.figures import Basic, measure
from liveopt.portfolio.gather import CpuGather, Sets
from liveopt.portfolio.likeness import Likeness, matrix
from liveopt.portfolio.result import Allocation, Members, Share, Shock


@dataclass(frozen=True, slots=True)
class Close:
    """A portfolio's members alone, as rows of their own."""

    members: Members
    pnl: Float64
    likeness: Likeness
    aim: Aim

    @property
    def all(self) -> Sets:
        """The portfolio."""
        return np.arange(len(self.members), dtype=np.int32)[None]

    @property
    def each(self) -> Sets:
        """Every member as a portfolio of its own."""
        return np.arange(len(self.members), dtype=np.int32)[:, None]


def close(members: Members, pnl: Float64, likeness: Likeness, aim: Aim) -> Close:
    """The rows of these members."""
    at = np.array(members, np.int64)
    own = pnl[at]
    rows = own if likeness.rows is pnl else likeness.rows[at]
    balance = aim.balance.of(at) if aim.balance is not None else None
    aim = Aim(aim.terms, aim.money, aim.confidence, balance)
    return Close(members, own, Likeness(rows, likeness.mean[at], likeness.scale[at]), aim)


def shares(found: Close) -> list[Share]:
    """Each member's part in profit and risk, the largest profit first."""
    gather, count = CpuGather(found.pnl, found.likeness), len(found.members)
    series, sums = gather(found.each)
    basic = Basic(sums, 1, series.shape[1])
    figures = measure(series, basic, found.aim.money)
    total = series.mean(axis=0)
    off = total - total.mean()
    variance = float(off @ off) if total.min() < total.max() else 0.0
    risk = (series - series.mean(axis=1)[:, None]) @ off / count
    profit = series.sum(axis=1) / count
    alike = matrix(found.likeness)
    mean = (alike.sum(axis=1) - 1.0) / max(count - 1, 1)
    whole = float(profit.sum())
    found_shares = [
        Share(
            member=found.members[i],
            profit=float(profit[i]),
            profit_share=float(profit[i]) / whole if whole else float("nan"),
            risk_share=float(risk[i]) / variance if variance > 0.0 else float("nan"),
            kelly=float(basic.kelly[i]),
            correlation=float(mean[i]),
            figures=figures.row(i),
        )
        for i in range(count)
    ]
    return sorted(found_shares, key=lambda one: -one.profit)


def allocation(parts: Sequence[Share], capital: float, confidence: float) -> Allocation:
    """Capital of each member by Kelly's rule."""
    wanted = {one.member: one.kelly * confidence for one in parts}
    total = sum(wanted.values())
    scale = 1.0 / total if total > 1.0 else 1.0
    fractions = {member: share * scale for member, share in wanted.items()}
    return Allocation(capital, fractions, min(total, 1.0))


def _times(factor: float) -> Callable[[Float64], Float64]:
    return lambda pnl: pnl * factor


def _wilder(factor: float) -> Callable[[Float64], Float64]:
    def change(pnl: Float64) -> Float64:
        mean = pnl.mean(axis=1)[:, None]
        found: Float64 = mean + factor * (pnl - mean)
        return found

    return change


WORLDS: Final[dict[str, Callable[[Float64], Float64]]] = {
    "as it was": _times(1.0),
    "profits x 1.2": _times(1.2),
    "profits x 0.8": _times(0.8),
    "volatility x 1.5": _wilder(1.5),
    "volatility x 0.5": _wilder(0.5),
}


def shocks(found: Close) -> list[Shock]:
    """The portfolio in other worlds; correlations stay what they are."""
    told = []
    for name, change in WORLDS.items():
        gather = CpuGather(np.ascontiguousarray(change(found.pnl)), found.likeness)
        _, figures = found.aim.figures(found.all, gather)
        told.append(Shock(name, float(found.aim.fitness(found.all, gather)[0]), figures.row(0)))
    return told
