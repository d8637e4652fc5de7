"""The figures of a portfolio as reports show them: title, unit, meaning, in the order of use."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from liveopt.portfolio.figures import Money
from liveopt.portfolio.reports.words import Kind, number

BEYOND = "[beyond]"
"""Stands where a meaning says what risk-free return is deducted."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One of them."""

    key: str
    title: str
    kind: Kind
    meaning: str
    """See `means`."""

    def of(self, figures: Mapping[str, float]) -> float:
        """Its value; NaN where it is not known."""
        return figures.get(self.key, float("nan"))

    def means(self, money: Money) -> str:
        """What it says, of returns such as these."""
        less = (
            f" beyond the risk-free {number(money.risk_free, 'share')}" if money.risk_free else ""
        )
        return self.meaning.replace(BEYOND, less)

    def said(self, figures: Mapping[str, float]) -> str:
        """Its value as people read it."""
        return number(self.of(figures), self.kind)


EXPECTANCY: Final = "of a session; as in the legacy one at rest counts as an average loss"
KELLY: Final = "of the capital to risk by Kelly's rule, at most a quarter; rest does not count"
FIGURES: Final = (
    Figure("ratio", "ROI / drawdown", "ratio", "profit over the maximum drawdown"),
    Figure("roi", "Total ROI", "money", "profit of all sessions, the mean of the members'"),
    Figure("max_drawdown", "Max drawdown", "money", "largest decline of the equity from a peak"),
    Figure("win_rate", "Win rate", "share", "sessions with a profit; one at rest is not won"),
    Figure("profit_factor", "Profit factor", "ratio", "gains over losses"),
    Figure("expectancy", "Expectancy", "money", EXPECTANCY),
    Figure("correlation", "Correlation", "ratio", "mean of all pairs of members"),
    Figure("volatility", "Volatility", "share", "annualised deviation of returns"),
    Figure("sharpe", "Sharpe", "ratio", f"a year's return{BEYOND} over volatility"),
    Figure("sortino", "Sortino", "ratio", "the same over the deviation of losing sessions"),
    Figure("calmar", "Calmar", "ratio", "a year's return over the maximum drawdown"),
    Figure("omega", "Omega", "ratio", "gains over losses about 0"),
    Figure("kelly", "Kelly", "share", KELLY),
    Figure("var95", "VaR 95 %", "share", "return of a session that 5 % fall short of"),
    Figure("cvar95", "CVaR 95 %", "share", "mean return of those that do"),
    Figure("var99", "VaR 99 %", "share", "return of a session that 1 % fall short of"),
    Figure("cvar99", "CVaR 99 %", "share", "mean return of those that do"),
)
MAIN: Final = FIGURES[:5]
"""The five that the platform has always shown."""
OF_SERIES: Final = tuple(one for one in FIGURES if one.key != "correlation")
"""Those of one series, which has no members."""
BY_KEY: Final = {one.key: one for one in FIGURES}
