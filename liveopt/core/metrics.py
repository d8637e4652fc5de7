"""What a run is measured by: sums kept in constant memory, and the metrics read from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from liveopt.core.account import INF, OUT, Account, Term, follow
from liveopt.core.market import Fine

DUST = 1e-9
"""Equity is measured as at least this, so that a return on a lost account stays a number."""


@dataclass(slots=True)
class Path:
    """The course of one account's equity."""

    equity: float = 0.0
    inv_equity: float = 0.0
    inv_last: float = 0.0
    """1 / equity at the last signal bar: what a bar's return is measured from."""
    inv_peak: float = 0.0
    drawdown: float = 0.0
    returns: float = 0.0
    return_squares: float = 0.0
    loss_squares: float = 0.0
    bars_in: float = 0.0


def mark(fine: Fine, term: Term, a: Account, path: Path) -> None:
    """Value the account at a fine bar's close and keep the deepest fall from the peak."""
    if term.rule.trail:
        follow(fine, a)
    worth = a.cash + a.qty * fine.close
    path.equity = worth if worth > DUST else DUST
    path.inv_equity = 1.0 / path.equity
    level = path.equity * path.inv_peak
    path.inv_peak = path.inv_equity if level > 1.0 else path.inv_peak
    fall = 1.0 - level
    path.drawdown = fall if fall > path.drawdown else path.drawdown
    if term.rule.late:
        a.want = a.queue


def watch(term: Term, a: Account, path: Path) -> None:
    """A steered account that breaches a limit is out from the next open; so is one without end.

    An equity that is no number has become a grain of dust, which breaches the limits.
    """
    if term.rule.steered:
        solvent = path.equity >= term.capital * (1.0 - term.loss_limit)
        sound = solvent & (path.equity < INF) & (path.drawdown <= term.drawdown_limit)
        a.barred = a.barred if sound | (a.barred >= OUT) else OUT


def heed(term: Term, main: Account, a: Account) -> None:
    """The pessimistic account is barred when the main one is: it decides nothing of this itself."""
    if term.rule.steered:
        a.barred = main.barred


def sample(a: Account, path: Path) -> None:
    """Take the return since the last signal bar into the sums."""
    change = path.equity * path.inv_last - 1.0
    square = change * change
    path.inv_last = path.inv_equity
    path.returns = path.returns + change
    path.return_squares = path.return_squares + square
    path.loss_squares = path.loss_squares + (square if change < 0.0 else 0.0)
    path.bars_in = path.bars_in + (1.0 if a.side != 0.0 else 0.0)


METRICS: dict[str, str] = {
    "roi": "return of the whole run on the starting capital",
    "equity": "cash plus the position at its last price",
    "max_drawdown": "deepest fall of equity from its peak, as a fraction of the peak",
    "trades": "closed round trips",
    "win_rate": "share of trades with a net profit",
    "profit_factor": "money won over money lost",
    "expectancy": "mean net profit of a trade",
    "avg_win": "mean net profit of the winners",
    "avg_loss": "mean net loss of the losers, as a positive number",
    "trade_sharpe": "mean over population deviation of the trades' returns on margin; no factor",
    "bar_sharpe": "mean over sample deviation of the bars' returns, annualised",
    "sortino": "mean of the bars' returns over their downside deviation, annualised",
    "calmar": "annual growth over the maximum drawdown",
    "exposure": "share of signal bars with a position open",
    "fees": "fees paid",
    "longest_losing": "longest run of losing trades",
    "refused": "orders given up: below one lot, or nothing left to risk",
}
"""Every metric and its meaning. Rates are fractions; an undefined metric is NaN."""


def summarise(
    rows: Mapping[str, Any], bars: float, capital: float, periods_per_year: float, xp: Any
) -> dict[str, Any]:
    """The metrics of many accounts from their sums, as arrays of the library `xp` they live in."""
    nan = float("nan")

    def ratio(over: Any, under: Any, defined: Any) -> Any:
        return xp.where(defined, over / xp.where(defined, under, 1.0), nan)

    trades, wins = rows["trades"], rows["wins"]
    losses = trades - wins
    mean_roi = ratio(rows["roi_sum"], trades, trades > 0)
    roi_square = ratio(rows["roi_squares"], trades, trades > 0)
    roi_variance = roi_square - mean_roi * mean_roi
    mean = rows["returns"] / bars if bars > 0 else rows["returns"] * nan
    square = rows["return_squares"] / bars if bars > 0 else mean * nan
    freedom = bars - 1.0
    spread = (rows["return_squares"] - bars * mean * mean) / freedom if freedom > 0 else mean * nan
    downside = rows["loss_squares"] / bars if bars > 0 else mean * nan
    factor = periods_per_year**0.5
    growth = rows["equity"] / capital
    years = bars / periods_per_year
    annual = growth ** (1.0 / years) - 1.0 if years > 0 else growth * nan
    annual = xp.where(xp.isfinite(annual), annual, nan)  # a good hour is no year
    return {
        "roi": growth - 1.0,
        "equity": rows["equity"],
        "max_drawdown": rows["drawdown"],
        "trades": trades,
        "win_rate": ratio(wins, trades, trades > 0),
        "profit_factor": ratio(rows["gained"], rows["lost"], rows["lost"] > 0),
        "expectancy": ratio(rows["gained"] - rows["lost"], trades, trades > 0),
        "avg_win": ratio(rows["gained"], wins, wins > 0),
        "avg_loss": ratio(rows["lost"], losses, losses > 0),
        "trade_sharpe": ratio(mean_roi, _root(roi_variance, xp), roi_variance > NOISE * roi_square),
        "bar_sharpe": factor * ratio(mean, _root(spread, xp), spread > NOISE * square),
        "sortino": factor * ratio(mean, _root(downside, xp), downside > 0),
        "calmar": ratio(annual, rows["drawdown"], rows["drawdown"] > 0),
        "exposure": rows["bars_in"] / bars if bars > 0 else mean * nan,
        "fees": rows["fees"],
        "longest_losing": rows["losing_most"],
        "refused": rows["refused"],
    }


NOISE = 1e-12
"""A variance of less than this share of the mean square is rounding, not risk."""


def _root(value: Any, xp: Any) -> Any:
    return xp.sqrt(xp.where(value > 0, value, 0.0))
