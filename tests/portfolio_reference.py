"""The portfolio optimizer's numbers from their definitions, one portfolio at a time, in float64.

Written from what the documents say and from nothing else, with sums that round once (`fsum`), so
that it is slow, plain, and right. Rows are strategies, columns sessions, money in the currency.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Six = tuple[float, float, float, float, float, float]
FLAT = 1e-6
"""Money up to which a fall or a loss is none."""


# ULTA -----------------------------------------------------------------------------------------


def side(row: Sequence[float]) -> tuple[float, float, float]:
    """Return, worst session, and the one over the size of the other."""
    roi, worst = math.fsum(row), min(row)
    return roi, worst, math.inf if worst == 0.0 else roi / abs(worst)


def turned(row: Sequence[float]) -> Six | None:
    """The legacy rule, with its second test: both sides if it is turned round, else None."""
    before = side(row)
    if not before[2] < 0.0:
        return None
    after = side([-p for p in row])
    return (*before, *after) if after[2] > before[2] else None


def gated(row: Sequence[float], roi_below: float, sessions: int, share: float) -> Six | None:
    """The later rule: the same, and a loss of some size on enough sessions."""
    lost = sum(p < 0.0 for p in row)
    enough = lost >= sessions and lost / len(row) >= share
    return turned(row) if enough and math.fsum(row) < roi_below else None


# correlation ----------------------------------------------------------------------------------


def ranks(row: Sequence[float]) -> list[float]:
    """From 1; equals share the mean of theirs."""
    return [
        sum(other < own for other in row) + (1 + sum(other == own for other in row)) / 2
        for own in row
    ]


def strayed(row: Array) -> Array | None:
    """A row about its mean, of length 1; None if it never moves."""
    if row.min() == row.max():
        return None
    off = row - math.fsum(row) / len(row)
    off -= math.fsum(off) / len(off)
    return np.asarray(off / math.sqrt(math.fsum(off * off)))


def correlations(rows: Array, method: str = "pearson") -> Array:
    """All of them: 1 on the diagonal, 0 with one that never moves."""
    kin = rows if method == "pearson" else np.array([ranks(row.tolist()) for row in rows])
    units = [strayed(row) for row in kin]
    found = np.eye(len(rows))
    for i, one in enumerate(units):
        for j, other in enumerate(units[:i]):
            r = 0.0 if one is None or other is None else math.fsum(one * other)
            found[i, j] = found[j, i] = r
    return found


def mean_correlation(rows: Array, method: str = "pearson") -> float:
    """Of the pairs of a portfolio's members; 0 for one alone."""
    above = correlations(rows, method)[np.triu_indices(len(rows), 1)]
    return math.fsum(above) / len(above) if len(above) else 0.0


# figures --------------------------------------------------------------------------------------


def series(rows: Array) -> list[float]:
    """Profit of a portfolio, session by session: the mean of its members'."""
    return [math.fsum(column) / len(rows) for column in rows.T]


def max_drawdown(profits: Sequence[float]) -> float:
    """The largest fall of the equity from a peak; the first peak is the first session's end."""
    equity = [math.fsum(profits[: t + 1]) for t in range(len(profits))]
    return max(max(equity[: t + 1]) - equity[t] for t in range(len(equity)))


def quantile(values: Sequence[float], share: Fraction) -> float:
    """Of type 7: on the line between two neighbours."""
    ordered, place = sorted(values), share * (len(values) - 1)
    low = math.floor(place)
    if place == low:
        return ordered[low]
    return ordered[low] + float(place - low) * (ordered[low + 1] - ordered[low])


def deviation(values: Sequence[float]) -> float:
    """Of a population."""
    mean = math.fsum(values) / len(values)
    off = [v - mean for v in values]
    rest = math.fsum(off) / len(off)
    return math.sqrt(math.fsum((v - rest) ** 2 for v in off) / len(values))


def kelly(win: float, gain: float, loss: float) -> float:
    """(p W - (1 - p) L) / W, from 0 to a quarter."""
    return min(max((win * gain - (1 - win) * loss) / gain, 0.0), 0.25) if gain > 0.0 else 0.0


def basic(p: Sequence[float]) -> dict[str, float]:
    """What depends on profits alone."""
    won, lost = [x for x in p if x > 0], [-x for x in p if x < 0]
    gains, losses, roi, fall = math.fsum(won), math.fsum(lost), math.fsum(p), max_drawdown(p)
    without = 100 * roi if roi > 0 else 10 * roi if roi < 0 else 0.0
    ratio = roi / fall if fall > FLAT else without
    win = len(won) / len(p)
    gain = gains / len(won) if won else 0.0
    loss = losses / len(lost) if lost else 0.0
    factor = gains / losses if losses > FLAT else math.inf if gains > 0 else 0.0
    return {
        "roi": roi, "max_drawdown": fall, "ratio": ratio, "win_rate": win, "profit_factor": factor,
        "expectancy": win * gain - (1 - win) * loss, "omega": factor,
        "kelly": kelly(len(won) / max(len(won) + len(lost), 1), gain, loss),
    }  # fmt: skip


def risky(returns: Sequence[float], periods: float, risk_free: float) -> dict[str, float]:
    """What depends on returns, those of a year where a year is spoken of."""
    yearly, root = periods * math.fsum(returns) / len(returns), math.sqrt(periods)
    moves = min(returns) < max(returns)
    spread = deviation(returns) * root if moves else 0.0
    lost = [r for r in returns if r < 0]
    down = deviation(lost) * root if len(lost) > 1 and min(lost) < max(lost) else math.nan
    found = {
        "volatility": spread,
        "sharpe": (yearly - risk_free) / spread if moves else 0.0,
        "sortino": (yearly - risk_free) / down,
    }
    for name, share in (("95", Fraction(1, 20)), ("99", Fraction(1, 100))):
        at = quantile(returns, share)
        beyond = [r for r in returns if r <= at]
        found[f"var{name}"], found[f"cvar{name}"] = at, math.fsum(beyond) / len(beyond)
    fall = max_drawdown(returns)
    found["calmar"] = yearly / fall if fall > 0 else math.inf if yearly > 0 else math.nan
    return found


def figures(rows: Array, terms: Any, capital: float, kin: Array | None = None) -> dict[str, float]:
    """All of one portfolio's. `terms` are the settings, `kin` what correlations are of."""
    p = series(rows)
    returns = [x / capital for x in p]
    together = mean_correlation(rows if kin is None else kin)
    return {
        **basic(p),
        **risky(returns, terms.days_per_year, terms.risk_free),
        "correlation": together,
    }


# fitness --------------------------------------------------------------------------------------


def legacy(found: dict[str, float], terms: Any) -> float:
    """A metric less the penalty; half of it where a fall is below the threshold."""
    base = -found["max_drawdown"] if terms.metric == "drawdown" else found[terms.metric]
    if terms.metric == "profit_factor" and math.isinf(base):
        base = 1.0
    held = terms.penalty_weight * found["correlation"]
    fitness: float = base - held if terms.penalty == "subtractive" else base * (1 - held)
    if terms.metric in ("ratio", "drawdown") and found["max_drawdown"] < terms.drawdown_threshold:
        fitness *= 0.5
    return fitness


def enhanced(found: dict[str, float], confidence: float) -> float:
    """Kelly, Sharpe, regime; less what the value at risk is beyond 2.5 %; more if falls are few."""
    fitness = found["kelly"] * max(found["sharpe"], 0.1) * confidence
    fitness -= 100 * max(0.0, abs(found["var95"]) - 0.025)
    if found["sortino"] > found["sharpe"]:
        fitness *= 1 + 0.1 * (found["sortino"] - found["sharpe"])
    return fitness


def fitness(found: dict[str, float], terms: Any, confidence: float = 1.0) -> float:
    """By the settings."""
    if terms.fitness == "legacy":
        return legacy(found, terms)
    if terms.fitness == "enhanced":
        return enhanced(found, confidence)
    return 0.3 * legacy(found, terms) + 0.7 * enhanced(found, confidence)


# everything else ------------------------------------------------------------------------------


def votes(
    tried: Sequence[tuple[float, Sequence[int]]],
) -> tuple[list[float], dict[int, float]]:
    """Weights by fitness above 0, and what each member gets; all alike where none is above 0."""
    good = [max(0.0, fitness) for fitness, _ in tried]
    total = sum(good)
    weights = [g / total if total > 0 else 1 / len(good) for g in good]
    members = sorted({i for _, own in tried for i in own})
    return weights, {
        i: sum(w for w, (_, own) in zip(weights, tried, strict=True) if i in own) for i in members
    }


def weights(confidence: Sequence[float], transition: Sequence[float], most: float) -> list[float]:
    """Of sessions: by confidence, mean 1, and half where the regime is about to change."""
    mean = math.fsum(confidence) / len(confidence)
    return [
        (c / mean) * (0.5 if t > most else 1.0) for c, t in zip(confidence, transition, strict=True)
    ]
