"""What the market's regime says of a session: whether it counts, and how much.

A session whose regime is not certain enough is left out; the others count by how certain it is, on
the mean as much as without. Where the regime is about to change, positions are halved.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from liveopt.data.panel.panel import Float64, Panel
from liveopt.portfolio.refused import Refused

HALF: Final = 0.5


@dataclass(frozen=True, slots=True)
class Regimes:
    """What was done to the sessions; in their order."""

    kept: npt.NDArray[np.bool_]
    weight: Float64
    """Of those kept; mean 1 but for the halves."""
    halved: npt.NDArray[np.bool_]
    """Of those kept."""
    confidence: float
    """On the mean of those kept; 1 where the file does not say."""


class NoSessions(Refused):
    """Nothing is left to search on."""


def apply(panel: Panel, confidence_least: float, transition_most: float) -> tuple[Panel, Regimes]:
    """The panel of sessions that count, weighed, and what was done."""
    confidence, transition = panel.sessions.confidence, panel.sessions.transition
    sure = np.ones(len(panel.sessions)) if confidence is None else np.nan_to_num(confidence)
    kept = sure >= confidence_least
    if not kept.any():
        raise NoSessions(
            f"no session has a regime confidence of {confidence_least:g} or more; the highest is"
            f" {sure.max(initial=0.0):g}: lower portfolio.regime_confidence"
        )
    mean = float(sure[kept].mean())
    weight = sure[kept] / mean if mean > 0.0 else np.ones(int(kept.sum()))
    halved = np.zeros(len(weight), bool)
    if transition is not None:
        halved = np.nan_to_num(transition)[kept] > transition_most
    weight = np.where(halved, HALF * weight, weight)
    found = panel if kept.all() else panel.sessions_of(kept)
    if not (weight == 1.0).all():
        pnl = found.pnl * weight
        found = Panel(found.names, pnl, found.sessions, found.groups, found.group)
    return found, Regimes(kept, weight, halved, mean)
