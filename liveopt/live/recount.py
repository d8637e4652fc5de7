"""A verdict's figures once more, as far as its own sums and the journals' trades tell them."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from liveopt.core.metrics import NOISE
from liveopt.journal.reader import records
from liveopt.live.pump import INPUTS
from liveopt.promotion.conditions import TRADES_MOST, Condition, confidence
from liveopt.promotion.ladder import LONE
from liveopt.stats.evidence import confidence_sequence, log_mixture
from liveopt.walk.events import Begin
from liveopt.walk.judging import WORST
from liveopt.walk.lines import read_input, read_record
from liveopt.walk.records import EXPERIMENTAL, TRADES, Trade
from liveopt.walk.verdicts import Verdict

TRADE: Final = b'"type":"Trade"'
STRICT: Final = ("low_sharpe", "not_better_than_champion")
"""Conditions of which just enough is not enough."""
SURE: Final = 0.05
"""Chance that an edge is ever outside its interval."""
AT_MOST: Final = ("tail_risk",)
FOLDED: Final = (
    "total", "squares", "count", "log_weight", "p_value", "unit", "track", "threshold", "allowed",
    "crossed", "fill", "admitted", "tail_risk", "low_score", "low_roi", "runners_up",
)  # fmt: skip
"""What only every evidence bar of every variant tells: a replay makes these again, no recount."""
TRADED: Final = (
    "insufficient_samples", "low_confidence", "low_sharpe", "low_win_rate", "worst_trades",
)  # fmt: skip
"""What follows from the trades."""

Figure = float | bool | tuple[float, ...] | None


@dataclass(frozen=True, slots=True)
class Check:
    """One figure: as it was recorded, and as it comes out now."""

    name: str
    recorded: Figure
    recomputed: Figure

    @property
    def agrees(self) -> bool:
        """To the last bit: the same program makes the same figures."""
        return self.recorded == self.recomputed


@dataclass(frozen=True, slots=True)
class Terms:
    """What a recount must know of the contest besides the verdict."""

    seed: int
    """Of the run and the place of the symbol in it: each has worlds of its own."""
    signal_ns: int


def terms_of(run: Path, symbol: str) -> Terms | None:
    """From the first of its inputs, where they have been kept."""
    for _, content in records(run, INPUTS):
        first = read_input(content)
        if isinstance(first, Begin) and first.terms.gate is not None:
            symbols = [one.symbol for one in first.listed]
            seed = first.terms.gate.seed + symbols.index(symbol)
            return Terms(seed, first.terms.signal_ns)
        return None
    return None


def left_out(verdict: Verdict, *, trades: bool) -> list[str]:
    """What is recorded and not computed once more; `trades` says whether those were gone through.

    Called as in the record, conditions by their codes.
    """
    judged = {one.code for one in verdict.conditions}
    names = FOLDED if trades else (*FOLDED, *TRADED)
    return [name for name in names if name in judged or not name.startswith("low_")]


def from_sums(verdict: Verdict) -> list[Check]:
    """What follows from the record alone."""
    own = verdict.evidence
    spread = max(own.squares, (own.squares + 2.0 * own.count) / 3.0)
    evidence = float(log_mixture(own.total, own.spread, verdict.rho))
    low, high = confidence_sequence(own.total, own.spread, own.count, verdict.rho, SURE)
    found = [
        Check("V from the squares and n", own.spread, spread),
        Check("log evidence from S, V and rho", own.log_evidence, evidence),
        Check("edge from S and n", own.edge, own.total / own.count if own.count else 0.0),
        Check("the edge's interval, low", own.low, float(low) if own.count else None),
        Check("the edge's interval, high", own.high, float(high) if own.count else None),
    ]
    for one in verdict.conditions:
        found.append(Check(f"{one.code} holds", one.ok, _holds(one)))
        if one.code == "not_better_than_champion":
            found.append(Check("ahead of the champion is S", one.has, own.total))
    holds = evidence >= LONE and all(_holds(one) for one in verdict.conditions)
    return [*found, Check("the verdict holds", verdict.holds, holds)]


def from_trades(run: Path, verdict: Verdict, bar_ns: int, terms: Terms) -> list[Check]:
    """What follows from the variant's trades before the close of the bar that opened then."""
    end_ns = bar_ns + terms.signal_ns
    trades = sorted(
        (trade for trade in _trades(run, verdict.variant) if trade.at_ns < end_ns),
        key=lambda trade: trade.at_ns,
    )
    returns = _newest(trades)
    has = {one.code: one.has for one in verdict.conditions}
    worst = tuple(float(one) for one in np.sort(returns)[:WORST])
    found = [
        Check("trades in the journals", has["insufficient_samples"], float(len(trades))),
        Check(
            f"confidence of the newest {TRADES_MOST} trades",
            has["low_confidence"],
            confidence(returns, terms.seed),
        ),
        Check("the worst of them", verdict.worst_trades, worst),
        Check("Sharpe ratio of the trades", has["low_sharpe"], _sharpe(trades)),
    ]
    if "low_win_rate" in has:
        found.append(Check("win rate of the trades", has["low_win_rate"], _win_rate(trades)))
    return found


def _sharpe(trades: list[Trade]) -> float | None:
    """Mean over deviation of all returns on margin, added up in their order as a run does it."""
    total = squares = 0.0
    for trade in trades:
        roi = trade.roi or 0.0
        total, squares = total + roi, squares + roi * roi
    if not trades:
        return None
    mean, square = total / len(trades), squares / len(trades)
    variance = square - mean * mean
    return mean / sqrt(variance) if variance > NOISE * square else None


def _win_rate(trades: list[Trade]) -> float | None:
    return sum((trade.net or 0.0) > 0.0 for trade in trades) / len(trades) if trades else None


def _newest(trades: list[Trade]) -> npt.NDArray[np.float32]:
    """Their returns in the places in which a run remembers them: the resamples know places."""
    ring = np.zeros(TRADES_MOST, np.float32)
    for number, trade in enumerate(trades):
        ring[number % TRADES_MOST] = trade.roi or 0.0
    return ring[: len(trades)]


def _trades(run: Path, variant: str) -> Iterator[Trade]:
    """All of one variant, as a rival and as champion."""
    name = b'"variant":' + msgspec.json.encode(variant)
    for journal in (EXPERIMENTAL, TRADES):
        for _, content in records(run, journal):
            if TRADE in content and name in content:
                record = read_record(content)
                assert isinstance(record, Trade)
                yield record


def _holds(one: Condition) -> bool:
    if one.has is None:
        return False
    if one.code in AT_MOST:
        return one.has <= one.needs
    return one.has > one.needs if one.code in STRICT else one.has >= one.needs
