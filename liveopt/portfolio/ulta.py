"""ULTA: a strategy that loses is turned round before anything else is done.

By the legacy rule one whose return over its worst session is below 0 is traded the other way if
that ratio is then better. The second test cannot fail, so it comes to: turn what loses in sum. The
gated rule is a later, milder one: a loss of some size, on enough sessions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from liveopt.data.panel.panel import Float64, Panel

SUFFIX: Final = "_inv"
BLOCK: Final = 4096
"""Strategies looked at together, so that no second panel is needed."""


@dataclass(frozen=True, slots=True)
class Gates:
    """What the gated rule asks besides."""

    roi_below: float = 0.0
    negative_sessions: int = 10
    negative_share: float = 0.6


@dataclass(frozen=True, slots=True)
class Side:
    """Strategies traded one way: return, worst session, and the one over the size of the other."""

    roi: Float64
    drawdown: Float64
    ratio: Float64


@dataclass(frozen=True, slots=True)
class Ulta:
    """Who was turned, and what that did; in the order of the file."""

    names: Sequence[str]
    inverted: npt.NDArray[np.bool_]
    before: Side
    after: Side
    """Of those inverted; NaN for the others."""

    def order(self) -> npt.NDArray[np.int64]:
        """Where in the file each strategy is, as they stand afterwards: who was turned is last."""
        return np.concatenate([np.flatnonzero(~self.inverted), np.flatnonzero(self.inverted)])

    def improvement(self) -> Float64:
        """By how many per cent of itself the ratio has risen; NaN where nothing was turned."""
        with np.errstate(invalid="ignore", divide="ignore"):
            change = (self.after.ratio - self.before.ratio) / np.abs(self.before.ratio)
        return np.where(self.inverted, 100.0 * change, np.nan)


def apply(panel: Panel, rule: str, gates: Gates) -> tuple[Panel, Ulta]:
    """The panel with losers turned and at the end, and what was done. `rule`: see the settings."""
    before = _side(panel.pnl, +1.0)
    inverted = before.ratio < 0.0
    if rule == "off":
        inverted = np.zeros_like(inverted)
    elif rule == "gated":
        negative = _negative(panel.pnl)
        share = negative / max(panel.pnl.shape[1], 1)
        inverted &= before.roi < gates.roi_below
        inverted &= (negative >= gates.negative_sessions) & (share >= gates.negative_share)
    who = np.flatnonzero(inverted)
    turned = _side(panel.pnl[who], -1.0)
    after = Side(*(_spread(inverted, c) for c in (turned.roi, turned.drawdown, turned.ratio)))
    told = Ulta(panel.names, inverted, before, after)
    order = told.order()
    pnl = panel.pnl[order]
    np.negative(pnl[len(order) - len(who) :], out=pnl[len(order) - len(who) :])
    pnl += 0.0  # no -0.0: a strategy that rests is the same either way round
    names = _named(panel.names, inverted)
    found = Panel(names, pnl, panel.sessions, panel.groups, panel.group[order])
    return found, told


def _named(names: Sequence[str], inverted: npt.NDArray[np.bool_]) -> list[str]:
    """In their new order; who is turned has a name that nobody else has."""
    found = [names[i] for i in np.flatnonzero(~inverted).tolist()]
    taken = set(found)
    for i in np.flatnonzero(inverted).tolist():
        name = names[i] + SUFFIX
        while name in taken:
            name += SUFFIX
        taken.add(name)
        found.append(name)
    return found


def _side(pnl: Float64, sign: float) -> Side:
    count = len(pnl)
    roi, drawdown = np.empty(count), np.empty(count)
    for first in range(0, count, BLOCK):
        part = pnl[first : first + BLOCK]
        roi[first : first + BLOCK] = sign * part.sum(axis=1)
        worst = part.min(axis=1) if sign > 0.0 else -part.max(axis=1)
        drawdown[first : first + BLOCK] = worst
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(drawdown == 0.0, np.inf, roi / np.abs(drawdown))
    return Side(roi, drawdown, ratio)


def _negative(pnl: Float64) -> npt.NDArray[np.int64]:
    parts = [(pnl[i : i + BLOCK] < 0.0).sum(axis=1) for i in range(0, len(pnl), BLOCK)]
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def _spread(where: npt.NDArray[np.bool_], values: Float64) -> Float64:
    found = np.full(len(where), np.nan)
    found[where] = values
    return found
