"""What a candidate must show besides its evidence: the conditions of old, now only necessary."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import isnan
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from liveopt.core.score import SCORES
from liveopt.promotion.terms import GateTerms
from liveopt.stats import bootstrap

RESAMPLES: Final = 1_000
TRADES_MOST: Final = 64
"""The newest trades of a variant, which are resampled; of more, the first so many."""


class Condition(msgspec.Struct, frozen=True):
    """One of them: what there is, what it takes. `ok` is false where the metric is undefined."""

    code: str
    """Why it is stopped, if it is."""
    has: float | None
    needs: float
    ok: bool


def confidence(returns: npt.NDArray[np.floating], seed: int) -> float | None:
    """Share of seeded resamples of a variant's trades whose mean is above zero; None below two."""
    newest = np.asarray(returns, np.float64)[:TRADES_MOST]
    share = bootstrap.confidence(newest[:, None], np.array([len(newest)]), _uniforms(seed))[0]
    return None if isnan(share) else float(share)


@lru_cache(maxsize=64)
def _uniforms(seed: int) -> npt.NDArray[np.float64]:
    """The chance in it: the same for all variants of a contest, at every look."""
    return np.random.Generator(np.random.Philox(key=seed)).random((RESAMPLES, TRADES_MOST))


def judge(
    terms: GateTerms,
    metrics: Mapping[str, float],
    sure: float | None,
    ahead: float,
    risk: tuple[float, float],
) -> tuple[Condition, ...]:
    """Every condition: its own metrics, `sure` by the bootstrap, `ahead` of the champion.

    `risk` is what it would lose of its equity in a crash, and what it may.
    """
    score = float(SCORES["classic"].of(metrics, np))
    found = [
        _least("insufficient_samples", metrics["trades"], terms.trades_min),
        _least("low_confidence", sure, terms.confidence_min),
        _above("low_sharpe", metrics["trade_sharpe"], terms.sharpe_min),
        _above("not_better_than_champion", ahead, 0.0),
        Condition("tail_risk", risk[0], risk[1], risk[0] <= risk[1]),
    ]
    if terms.score_min is not None:
        found.append(_least("low_score", score, terms.score_min))
    if terms.win_rate_min is not None:
        found.append(_least("low_win_rate", metrics["win_rate"], terms.win_rate_min))
    if terms.roi_min is not None:
        found.append(_least("low_roi", metrics["roi"], terms.roi_min))
    return tuple(found)


def stopped_by(conditions: Sequence[Condition]) -> tuple[str, ...]:
    """The codes of those that do not hold."""
    return tuple(one.code for one in conditions if not one.ok)


def _least(code: str, has: float | None, needs: float) -> Condition:
    known = _known(has)
    return Condition(code, known, needs, known is not None and known >= needs)


def _above(code: str, has: float | None, needs: float) -> Condition:
    known = _known(has)
    return Condition(code, known, needs, known is not None and known > needs)


def _known(value: float | None) -> float | None:
    return None if value is None or isnan(value) else float(value)
