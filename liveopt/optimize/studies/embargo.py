"""How many signal bars lie between what a study is trained on and what it is tested on."""

import numpy as np

from liveopt.core.bars import SECOND_NS
from liveopt.core.strategy import Strategy
from liveopt.optimize.studies.plan import Plan, Span
from liveopt.optimize.studies.space import groups, space_of
from liveopt.optimize.walkforward import longest_lookback, usual_embargo

DRAWS = 256
"""Candidates that are asked for their look-back, beside the one with everything at its highest."""


def embargo_of(plan: Plan, strategy: Strategy, bars: int, signal_ns: int) -> tuple[int, str]:
    """The longest look-back and holding time of what is searched, and a word if it is cut."""
    searched = space_of(strategy, plan.ranges, plan.fixed)
    draws = searched.settle(searched.sample(DRAWS, np.random.default_rng(0)))
    batch = np.concatenate([searched.table.high[None, :], draws])
    look = [found for _, found in groups(searched, batch, strategy, plan.fixed)]
    longest = plan.ranges.get("max_hold")
    held = longest.high if isinstance(longest, Span) else plan.fixed.get("max_hold", 0.0)
    hold_bars = float(held) / (signal_ns / SECOND_NS)
    return usual_embargo(longest_lookback(strategy, look), hold_bars, bars, plan.folds)
