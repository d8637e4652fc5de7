"""What is sought: the fitness of a batch of portfolios.

Legacy: a metric, held against it the mean correlation of the members. Enhanced: Kelly's share
times the Sharpe ratio times how sure the regime is, less 100 for each unit of return by which the
value at risk is beyond 2.5 %. Hybrid: three parts of the one, seven of the other.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from liveopt.config.portfolio import Portfolio
from liveopt.data.panel.panel import Float64, Ints
from liveopt.portfolio.figures import Basic, Figures, Money, measure, sharpe, sortino, tail
from liveopt.portfolio.gather import Gather, Sets
from liveopt.portfolio.refused import Refused

SHARPE_LEAST: Final = 0.1
RISK_ALLOWED: Final = 0.025
RISK_WEIGHT: Final = 100.0
SORTINO_WEIGHT: Final = 0.1
LEGACY_SHARE: Final = 0.3
OF: Final = {"profit_factor": "capped_profit_factor"}
"""Metrics that a fitness knows under another name than reports do."""


@dataclass(frozen=True, slots=True)
class Balance:
    """How many members of each group are wanted, and what each too many or too few costs."""

    group: npt.NDArray[np.int32]
    """Of each strategy."""
    wanted: Float64
    penalty: float

    def of(self, members: Ints) -> "Balance":
        """The same where these are all the strategies there are."""
        return Balance(self.group[members], self.wanted, self.penalty)

    def cost(self, sets: Sets) -> Float64:
        """Of each set."""
        kinds, rows = len(self.wanted), np.arange(len(sets))[:, None]
        counts = np.bincount(
            (rows * kinds + self.group[sets]).ravel(), minlength=len(sets) * kinds
        ).reshape(len(sets), kinds)
        found: Float64 = self.penalty * np.abs(counts - self.wanted).sum(axis=1)
        return found


@dataclass(frozen=True, slots=True)
class Aim:
    """A fitness; more is better."""

    terms: Portfolio
    money: Money
    confidence: float
    """How sure the regime is, on the mean of the sessions; 1 where the file does not say."""
    balance: Balance | None = None

    def fitness(self, sets: Sets, gather: Gather) -> Float64:
        """Of each set."""
        series, sums = gather(sets)
        basic = Basic(sums, sets.shape[1], series.shape[1])
        if self.terms.fitness == "legacy":
            found = self._legacy(basic)
        else:
            found = self._enhanced(series, basic)
            if self.terms.fitness == "hybrid":
                found = LEGACY_SHARE * self._legacy(basic) + (1.0 - LEGACY_SHARE) * found
        if self.balance is not None:
            found = found - self.balance.cost(sets)
        return found

    def figures(self, sets: Sets, gather: Gather) -> tuple[Float64, Figures]:
        """Series and figures of each set."""
        series, sums = gather(sets)
        return series, measure(series, Basic(sums, sets.shape[1], series.shape[1]), self.money)

    def _legacy(self, basic: Basic) -> Float64:
        metric, terms = self.terms.metric, self.terms
        base = (
            -basic.max_drawdown if metric == "drawdown" else getattr(basic, OF.get(metric, metric))
        )
        weighed = terms.penalty_weight * basic.correlation
        found = base - weighed if terms.penalty == "subtractive" else base * (1.0 - weighed)
        if metric in {"ratio", "drawdown"} and terms.drawdown_threshold > 0.0:
            found = np.where(basic.max_drawdown < terms.drawdown_threshold, 0.5 * found, found)
        return np.asarray(found)

    def _enhanced(self, series: Float64, basic: Basic) -> Float64:
        returns = series / self.money.capital
        good = sharpe(returns, self.money)
        down = sortino(returns, self.money)
        risk, _ = tail(returns, 0.05)
        gain = basic.kelly * np.maximum(good, SHARPE_LEAST) * self.confidence
        found = gain - RISK_WEIGHT * np.maximum(np.abs(risk) - RISK_ALLOWED, 0.0)
        better = down > good  # never where it is undefined
        return np.where(better, found * (1.0 + SORTINO_WEIGHT * (down - good)), found)


def balance_of(terms: Portfolio, groups: list[str], group: npt.NDArray[np.int32], size: int) -> (
    Balance | None
):  # fmt: skip
    """What the settings ask for; None where no balance is."""
    if not terms.balance_penalty:
        return None
    wanted = np.full(len(groups), size / len(groups))
    if terms.balance:
        given = dict(one.split("=") for one in terms.balance)
        if strangers := sorted(given.keys() - set(groups)):
            raise Refused(
                f"balance names {strangers[0]!r}, and there is no such file; there are "
                + ", ".join(groups)
            )
        wanted = np.array([float(given.get(name, 0)) for name in groups])
    return Balance(group, wanted, terms.balance_penalty)
