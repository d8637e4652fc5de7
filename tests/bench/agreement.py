"""Whether two back-testers did the same: a ratio of speeds means nothing before that is known."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far another's results are from ours; an error is None where nothing is compared."""

    against: str
    pairs: int
    orders: int
    """Orders of all our pairs together."""
    wrong_counts: int
    """Pairs with another number of orders."""
    wrong_bars: int
    """Pairs that entered or left on another bar."""
    last_bar: int
    """Pairs with an order on the last bar, which only a fill at the same close can give."""
    equity_error: float | None
    """Relative; the others too, but for the drawdown, which is a fraction already."""
    sharpe_error: float | None
    drawdown_error: float | None

    @property
    def errors(self) -> dict[str, float | None]:
        """The errors by what they are of."""
        return {
            "equity": self.equity_error,
            "Sharpe": self.sharpe_error,
            "drawdown": self.drawdown_error,
        }

    @property
    def agrees(self) -> bool:
        """Whether every order is the same and no number is off by more than rounding."""
        near = all(e is None or e <= TOLERANCE for e in self.errors.values())  # NaN is not near
        return self.wrong_counts == 0 and self.wrong_bars == 0 and near


def compare(
    against: str, ours: Mapping[str, Any], theirs: Mapping[str, Any], bars: int, lag: int = 0
) -> Agreement:
    """Set another's results beside ours.

    `lag` 0: they fill at the next bar's open as we do, and everything must match. `lag` 1: they
    fill at the close of the signal's bar; that is the next open in this market, one bar number
    earlier. Such an order on the last bar has no next open: it is left out of the count, and its
    pair's equity is not compared. Nor are Sharpe and drawdown, since the fee falls into the bar
    before ours.
    """
    assert ours["close_sum"] == theirs.get("close_sum", ours["close_sum"]), "not the same prices"
    entries, last_in = _moved(theirs["entries"], lag, bars)
    exits, last_out = _moved(theirs["exits"], lag, bars)
    late = last_in | last_out
    both = list(zip(_joined(ours["entries"], ours["exits"]), _joined(entries, exits), strict=True))

    def error(name: str, relative: bool, comparable: bool = True) -> float | None:
        if name not in theirs or not comparable:
            return None
        mine, other = (np.array(side[name], float)[~late] for side in (ours, theirs))
        return float(np.max(np.abs(mine - other) / (np.abs(mine) if relative else 1.0)))

    return Agreement(
        against=against,
        pairs=len(both),
        orders=sum(len(mine) for mine, _ in both),
        wrong_counts=sum(len(mine) != len(other) for mine, other in both),
        wrong_bars=sum(mine != other for mine, other in both),
        last_bar=int(late.sum()),
        equity_error=error("equity", relative=True),
        sharpe_error=error("sharpe", relative=True, comparable=lag == 0),
        drawdown_error=error("drawdown", relative=False, comparable=lag == 0),
    )


def _moved(orders: list[list[int]], lag: int, bars: int) -> tuple[list[list[int]], Any]:
    """Bars of orders as if filled `lag` bars later, and which pairs lost one past the end."""
    moved = [[bar + lag for bar in each] for each in orders]
    late = np.array([bool(each) and each[-1] >= bars for each in moved])
    return [[bar for bar in each if bar < bars] for each in moved], late


def _joined(entries: list[list[int]], exits: list[list[int]]) -> list[list[tuple[int, str]]]:
    return [
        sorted([(bar, "in") for bar in into] + [(bar, "out") for bar in out])
        for into, out in zip(entries, exits, strict=True)
    ]
