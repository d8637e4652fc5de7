"""How the variants of a run stand: one line each, the best first."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite, isnan
from typing import Final

from liveopt.core.bars import SECOND_NS
from liveopt.walk.group import Group, Seat
from liveopt.walk.state import Market, State

YEAR_S: Final = 365 * 24 * 3600
SHOWN: Final = ("roi", "trades", "win_rate", "bar_sharpe", "trade_sharpe", "max_drawdown", "equity")


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


def standings(state: State) -> list[Standing]:
    """Champions first, then by return; equals by name."""
    found = [one for market, group in state.groups() for one in _of(state, market, group)]
    found += [
        Standing(v.id, v.symbol, v.strategy, "waiting", "", False, v.lane, "flat", v.parameters, {})
        for v in (*state.joining, *state.waiting)
    ]
    return sorted(found, key=_rank)


def _of(state: State, market: Market, group: Group) -> Iterable[Standing]:
    assert state.terms is not None
    metrics = group.batch.metrics(YEAR_S * SECOND_NS / state.terms.signal_ns)
    side = group.batch.cell("a_side")
    for place, seat in enumerate(group.seats):
        numbers = {name: float(metrics[name][place]) for name in SHOWN}
        yield Standing(
            seat.variant.id,
            market.symbol,
            seat.variant.strategy,
            _status(state, group, place, seat),
            seat.why,
            group.champion,
            seat.variant.lane,
            "long" if side[place] > 0.0 else "short" if side[place] < 0.0 else "flat",
            seat.variant.parameters,
            {n: v if isfinite(v) else None for n, v in numbers.items()},
        )


def _status(state: State, group: Group, place: int, seat: Seat) -> str:
    """`warming` and `halted` are how an active variant stands, not what it is."""
    if seat.status != "active":
        return seat.status
    if state.halt is not None:
        return "halted"
    warmup = float(group.batch.cell("k_warmup")[place])
    return "warming" if group.batch.signals < warmup else "active"


def _rank(one: Standing) -> tuple[bool, bool, float, str]:
    roi = one.metrics.get("roi")
    known = roi is not None and not isnan(roi)
    return not one.champion, not known, -(roi or 0.0), one.id
