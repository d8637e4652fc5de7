"""What is reckoned of portfolios: each figure once, for a batch of them.

A portfolio's profit is the mean of its members', so that sizes compare. Returns are profits over
the capital. Deviations are those of a population, quantiles lie on lines between observations
(Hyndman & Fan 1996, type 7). What is undefined is NaN; what nothing stands against is infinite.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from liveopt.data.panel.panel import Float64

EPS: Final = 1e-6
"""Money below which the legacy takes a fall or a loss for none."""
KELLY_MOST: Final = 0.25


@dataclass(frozen=True, slots=True)
class Money:
    """How profits become returns, and returns those of a year."""

    capital: float
    periods_per_year: float
    risk_free: float


@dataclass(frozen=True, slots=True)
class Figures:
    """One number a portfolio in each."""

    roi: Float64
    max_drawdown: Float64
    ratio: Float64
    win_rate: Float64
    profit_factor: Float64
    expectancy: Float64
    correlation: Float64
    """The mean of its pairs."""
    volatility: Float64
    """Of a year's returns, as all that follow."""
    sharpe: Float64
    sortino: Float64
    calmar: Float64
    omega: Float64
    kelly: Float64
    var95: Float64
    cvar95: Float64
    var99: Float64
    cvar99: Float64

    def row(self, at: int) -> dict[str, float]:
        """One portfolio's, by name."""
        return {name: float(getattr(self, name)[at]) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Basic:
    """What a fitness needs, from the sums of the kernel; see `kernels` for their columns."""

    sums: Float64
    members: int
    sessions: int

    @property
    def roi(self) -> Float64:
        """Profit of all sessions."""
        return self.sums[:, 0]

    @property
    def max_drawdown(self) -> Float64:
        """The largest fall of the equity from a peak, the end of the first session being one."""
        return self.sums[:, 1]

    @property
    def ratio(self) -> Float64:
        """Return over the largest fall; without a fall 100 times the profit, 10 times a loss."""
        roi, fall = self.roi, self.max_drawdown
        alone = np.where(roi > 0.0, 100.0 * roi, 10.0 * roi)
        return np.where(fall > EPS, roi / np.where(fall > EPS, fall, 1.0), alone)

    @property
    def win_rate(self) -> Float64:
        """Share of sessions with a profit; one without any is not won."""
        found: Float64 = self.sums[:, 2] / self.sessions
        return found

    @property
    def mean_win(self) -> Float64:
        """Of the sessions won; 0 if none was."""
        found: Float64 = self.sums[:, 3] / np.maximum(self.sums[:, 2], 1.0)
        return found

    @property
    def mean_loss(self) -> Float64:
        """Size of the mean of sessions lost; 0 if none was."""
        found: Float64 = self.sums[:, 4] / np.maximum(self.sums[:, 5], 1.0)
        return found

    @property
    def capped_profit_factor(self) -> Float64:
        """As the fitness has it: without losses 1 where something was won, else 0."""
        gains, losses = self.sums[:, 3], self.sums[:, 4]
        without = np.where(gains > 0.0, 1.0, 0.0)
        return np.where(losses > EPS, gains / np.where(losses > EPS, losses, 1.0), without)

    @property
    def profit_factor(self) -> Float64:
        """As reports have it: infinite without losses."""
        gains, losses = self.sums[:, 3], self.sums[:, 4]
        without = np.where(gains > 0.0, np.inf, 0.0)
        return np.where(losses > EPS, gains / np.where(losses > EPS, losses, 1.0), without)

    @property
    def expectancy(self) -> Float64:
        """What a session brings by its chances; as in the legacy one that rests is not won."""
        win = self.win_rate
        found: Float64 = win * self.mean_win - (1.0 - win) * self.mean_loss
        return found

    @property
    def kelly(self) -> Float64:
        """Share of the capital to risk (Kelly 1956), 0 to a quarter.

        The chance to win is that of sessions that were won or lost: who rests bets nothing.
        """
        won, lost = self.sums[:, 2], self.sums[:, 5]
        return kelly(won / np.maximum(won + lost, 1.0), self.mean_win, self.mean_loss)

    @property
    def correlation(self) -> Float64:
        """Mean over pairs: what the squared sum has beyond the members' own; 0 for one member.

        Each member that moves adds 1 of its own to the square of the sum of standardised members.
        """
        pairs = self.members * (self.members - 1)
        if not pairs:
            return np.zeros(len(self.sums))
        found: Float64 = (self.sums[:, 6] - self.sums[:, 7]) / pairs
        return found


def kelly(win_rate: Float64, mean_win: Float64, mean_loss: Float64) -> Float64:
    """(p W - (1 - p) L) / W, from 0 to a quarter; nothing where nothing is won."""
    edge = win_rate * mean_win - (1.0 - win_rate) * mean_loss
    share = np.where(mean_win > 0.0, edge / np.where(mean_win > 0.0, mean_win, 1.0), 0.0)
    return np.clip(share, 0.0, KELLY_MOST)


def sharpe(returns: Float64, money: Money) -> Float64:
    """A year's return beyond the risk-free over its deviation; 0 where nothing moves."""
    return _over(_yearly(returns, money), _deviation(returns), money)


def sortino(returns: Float64, money: Money) -> Float64:
    """The same over the deviation of the losing sessions alone, as the legacy has it.

    NaN where fewer than two are lost or all by the same.
    """
    lost = returns < 0.0
    count = lost.sum(axis=1)
    fewest = np.maximum(count, 1)
    mean = np.where(lost, returns, 0.0).sum(axis=1) / fewest
    off = np.where(lost, returns - mean[:, None], 0.0)
    deviation = np.sqrt((off * off).sum(axis=1) / fewest)
    level = np.where(lost, returns, -np.inf).max(axis=1, initial=-np.inf)
    lowest = np.where(lost, returns, np.inf).min(axis=1, initial=np.inf)
    moves = (count > 1) & (lowest < level)
    return np.where(moves, _over(_yearly(returns, money), deviation, money), np.nan)


def tail(returns: Float64, share: float) -> tuple[Float64, Float64]:
    """Value at risk: the return that this share falls short of; and the mean of those that do."""
    at = np.quantile(returns, share, axis=1)
    beyond = returns <= at[:, None]
    mean = np.where(beyond, returns, 0.0).sum(axis=1) / np.maximum(beyond.sum(axis=1), 1)
    return at, mean


def measure(series: Float64, basic: Basic, money: Money) -> Figures:
    """All of it, of portfolios whose profits are the rows of `series`."""
    returns = series / money.capital
    yearly = _yearly(returns, money)
    fall = basic.max_drawdown / money.capital
    with np.errstate(divide="ignore", invalid="ignore"):
        calmar = np.where(fall > 0.0, yearly / fall, np.where(yearly > 0.0, np.inf, np.nan))
    (var95, cvar95), (var99, cvar99) = tail(returns, 0.05), tail(returns, 0.01)
    return Figures(
        roi=basic.roi, max_drawdown=basic.max_drawdown, ratio=basic.ratio,
        win_rate=basic.win_rate, profit_factor=basic.profit_factor, expectancy=basic.expectancy,
        correlation=basic.correlation,
        volatility=_deviation(returns) * money.periods_per_year**0.5,
        sharpe=sharpe(returns, money), sortino=sortino(returns, money), calmar=calmar,
        omega=basic.profit_factor, kelly=basic.kelly,
        var95=var95, cvar95=cvar95, var99=var99, cvar99=cvar99,
    )  # fmt: skip


def _yearly(returns: Float64, money: Money) -> Float64:
    found: Float64 = returns.mean(axis=1) * money.periods_per_year
    return found


def _deviation(returns: Float64) -> Float64:
    """0 where nothing moves, whatever rounding says."""
    moves = returns.min(axis=1) < returns.max(axis=1)
    return np.where(moves, returns.std(axis=1), 0.0)


def _over(yearly: Float64, deviation: Float64, money: Money) -> Float64:
    spread = deviation * money.periods_per_year**0.5
    safe = np.where(spread > 0.0, spread, 1.0)
    return np.where(spread > 0.0, (yearly - money.risk_free) / safe, 0.0)
