"""The message that dashboards of the first design read: `{"type": "optimizer_telemetry", ...}`.

Every five seconds and on connecting. Numbers are numbers here; returns, rates of winning and
drawdowns are in percent, as they were there. A running variant's status is "active". An undefined
number is null. The champion is not one of the variants.
"""

from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, Final

import numpy as np

from liveopt.live.frames import COLUMNS, STATUSES
from liveopt.web.picture import Picture

TYPE: Final = "optimizer_telemetry"
VARIANTS_MAX: Final = 1_000
"""Of more, those with the highest Sharpe ratios; the summary is of all."""
TOP: Final = 3
TRADES: Final = 5
REMEMBERED_MAX: Final = 10_000
PLACES: Final = {"roi": 2, "win_rate": 2, "bar_sharpe": 3, "max_drawdown": 2}
PERCENT: Final = ("roi", "win_rate", "max_drawdown")
RUNNING: Final = ("active", "warming")


class Recent:
    """The last trades of each variant."""

    def __init__(self) -> None:
        self._trades: OrderedDict[str, deque[Mapping[str, Any]]] = OrderedDict()

    def add(self, trades: Sequence[Mapping[str, Any]]) -> None:
        """These were closed, the oldest first."""
        for trade in trades:
            name = str(trade["variant"])
            self._trades.setdefault(name, deque(maxlen=TRADES)).append(trade)
            self._trades.move_to_end(name)
        while len(self._trades) > REMEMBERED_MAX:
            self._trades.popitem(last=False)

    def of(self, variant: str) -> list[Mapping[str, Any]]:
        """The newest last."""
        return list(self._trades.get(variant, ()))


def message(picture: Picture, recent: Recent, wall_ms: int) -> dict[str, Any]:
    """The whole of it."""
    sharpe, numbers = picture.columns["bar_sharpe"], _numbers(picture)
    order = np.argsort(np.where(np.isnan(sharpe), np.inf, -sharpe), kind="stable").tolist()
    best = [place for place in order if not picture.who[place].champion]
    shown = sorted(best[:VARIANTS_MAX])
    data = {
        "timestamp": wall_ms,
        "variants": [_variant(picture, numbers, place, recent) for place in shown],
        "topPerformers": [_performer(picture, numbers, place) for place in best[:TOP]],
        "summary": {
            "totalVariants": len(best),
            "activeVariants": sum(_status(picture, place) == "active" for place in best),
            "avgROI": _mean([numbers["roi"][place] for place in best], PLACES["roi"]),
            "avgSharpe": _mean([numbers["bar_sharpe"][n] for n in best], PLACES["bar_sharpe"]),
        },
    }
    return {"type": TYPE, "data": data}


def _numbers(picture: Picture) -> dict[str, list[float | int | None]]:
    """Columns as they are shown there."""
    found: dict[str, list[float | int | None]] = {}
    for name in COLUMNS:
        column = picture.columns[name]
        if name in PLACES:
            with np.errstate(over="ignore", invalid="ignore"):
                column = np.round(column * (100.0 if name in PERCENT else 1.0), PLACES[name])
        found[name] = [number if isfinite(number) else None for number in column.tolist()]
    return found


def _status(picture: Picture, place: int) -> str:
    found = STATUSES[int(picture.columns["status"][place])]
    return "active" if found in RUNNING else found


def _metrics(numbers: Mapping[str, list[float | int | None]], place: int) -> dict[str, Any]:
    return {
        "roi": numbers["roi"][place],
        "winRate": numbers["win_rate"][place],
        "sharpe": numbers["bar_sharpe"][place],
        "maxDrawdown": numbers["max_drawdown"][place],
        "totalTrades": numbers["trades"][place],
    }


def _variant(
    picture: Picture, numbers: Mapping[str, list[float | int | None]], place: int, recent: Recent
) -> dict[str, Any]:
    name = picture.who[place].id
    return {
        "id": name,
        "status": _status(picture, place),
        "metrics": _metrics(numbers, place),
        "recentTrades": recent.of(name),
    }


def _performer(
    picture: Picture, numbers: Mapping[str, list[float | int | None]], place: int
) -> dict[str, Any]:
    own = _metrics(numbers, place)
    return {"id": picture.who[place].id} | {n: v for n, v in own.items() if n != "maxDrawdown"}


def _mean(numbers: Sequence[float | int | None], places: int) -> float | None:
    known = [number for number in numbers if number is not None]
    return round(sum(known) / len(known), places) if known else None
