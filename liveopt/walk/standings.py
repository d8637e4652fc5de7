"""How the variants of a run stand: one line each, the best first."""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import nsmallest
from math import isfinite
from typing import Final

import numpy as np

from liveopt.core.bars import SECOND_NS
from liveopt.walk.group import Group
from liveopt.walk.seat import Seat
from liveopt.walk.state import Market, State

YEAR_S: Final = 365 * 24 * 3600
SHOWN: Final = ("roi", "trades", "win_rate", "bar_sharpe", "trade_sharpe", "max_drawdown", "equity")


Rank = tuple[bool, bool, float, str]
"""Not a champion, of no known return, its loss, its name."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One variant now."""

    id: str
    symbol: str
    strategy: str
    status: str
    why: str
    champion: bool
    lane: str
    position: str
    parameters: dict[str, float | str]
    metrics: dict[str, float | None]
    """What is undefined is None."""


def standings(state: State, limit: int | None = None) -> list[Standing]:
    """Champions first, then by return; equals by name. Only those that are shown are made."""
    columns = [_Columns(state, market, group) for market, group in state.groups()]
    unseated = list(_unseated(state))
    ranked = [
        (rank, number, place)
        for number, own in enumerate(columns)
        for rank, place in own.best(limit)
    ]
    ranked += [((True, True, 0.0, seat.id), -1, n) for n, seat in enumerate(unseated)]
    best = sorted(ranked) if limit is None else nsmallest(limit, ranked)
    return [
        _waiting(unseated[place]) if number < 0 else columns[number].row(place)
        for _, number, place in best
    ]


def standing_of(state: State, variant: str) -> Standing | None:
    """How one of them stands."""
    found = state.find(variant)
    if found is not None:
        market, group, place, _ = found
        return _Columns(state, market, group).row(place)
    return next((_waiting(seat) for seat in _unseated(state) if seat.id == variant), None)


class _Columns:
    """A group, and what is shown of it."""

    def __init__(self, state: State, market: Market, group: Group) -> None:
        assert state.terms is not None
        self._state, self._market, self._group = state, market, group
        self._metrics = group.batch.metrics(YEAR_S * SECOND_NS / state.terms.signal_ns)

    def best(self, limit: int | None) -> Iterator[tuple[Rank, int]]:
        """Who may be among the first so many of all."""
        roi = self._metrics["roi"][: len(self._group.seats)]
        known = np.isfinite(roi)
        cost = np.where(known, -roi, np.inf)
        places = np.arange(len(cost))
        if limit is not None and limit < len(cost):
            places = places[cost <= np.partition(cost, limit - 1)[limit - 1]]
        first, seats = not self._group.champion, self._group.seats
        for place in places.tolist():
            is_known = bool(known[place])
            worth = float(cost[place]) if is_known else 0.0
            yield (first, not is_known, worth, seats[place].id), place

    def row(self, place: int) -> Standing:
        """One of them in full."""
        group = self._group
        seat, side = group.seats[place], group.batch.cell("a_side")[place]
        numbers = {name: float(self._metrics[name][place]) for name in SHOWN}
        variant = seat.variant
        return Standing(
            seat.id,
            self._market.symbol,
            variant.strategy,
            _status(self._state, group, place, seat),
            seat.why,
            group.champion,
            variant.lane,
            "long" if side > 0.0 else "short" if side < 0.0 else "flat",
            variant.parameters,
            {n: v if isfinite(v) else None for n, v in numbers.items()},
        )


def _unseated(state: State) -> Iterator[Seat]:
    yield from state.joining
    yield from state.waiting


def _waiting(seat: Seat) -> Standing:
    v = seat.variant
    return Standing(
        v.id, v.symbol, v.strategy, "waiting", "", False, v.lane, "flat", v.parameters, {}
    )


def _status(state: State, group: Group, place: int, seat: Seat) -> str:
    """`warming` and `halted` are how an active variant stands, not what it is."""
    if seat.status != "active":
        return seat.status
    if state.halt is not None:
        return "halted"
    warmup = float(group.batch.cell("k_warmup")[place])
    return "warming" if group.batch.signals < warmup else "active"
