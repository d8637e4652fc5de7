"""The message that dashboards of the first design read: `{"type": "optimizer_telemetry", ...}`.

Every five seconds and on connecting. Numbers are numbers here; returns, rates of winning and
drawdowns are in percent, as they were there. A running variant's status is "active". An undefined
number is null. The champion is not one of the variants.
"""

from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from liveopt.live.frames import STATUSES
from liveopt.web.picture import Picture

TYPE: Final = "optimizer_telemetry"
VARIANTS_MAX: Final = 1_000
"""Of more, those with the highest Sharpe ratios; the summary is of all."""
TOP: Final = 3
TRADES: Final = 5
REMEMBERED_MAX: Final = 10_000
RUNNING: Final = (STATUSES.index("active"), STATUSES.index("warming"))


class Metric(NamedTuple):
    """Of which column, how much of it makes one there, and rounded to how many places."""

    column: str
    factor: float = 1.0
    places: int | None = None


METRICS: Final[Mapping[str, Metric]] = {
    "roi": Metric("roi", 100.0, 2),
    "winRate": Metric("win_rate", 100.0, 2),
    "sharpe": Metric("bar_sharpe", 1.0, 3),
    "maxDrawdown": Metric("max_drawdown", 100.0, 2),
    "totalTrades": Metric("trades"),
}


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
    """The whole of it; `timestamp` is the engine's, of this process before an engine has spoken."""
    best = _best(picture)
    shown = np.sort(best[:VARIANTS_MAX])
    numbers = _numbers(picture, shown)
    status = picture.columns["status"][best]
    data = {
        "timestamp": wall_ms if picture.as_of_ms is None else picture.as_of_ms,
        "variants": [
            _variant(picture, place, metrics, recent)
            for place, metrics in zip(shown.tolist(), numbers, strict=True)
        ],
        "topPerformers": top(picture),
        "summary": {
            "totalVariants": len(best),
            "activeVariants": int(np.isin(status, RUNNING).sum()),
            "avgROI": _mean(100.0 * picture.columns["roi"][best], METRICS["roi"].places),
            "avgSharpe": _mean(picture.columns["bar_sharpe"][best], METRICS["sharpe"].places),
        },
    }
    return {"type": TYPE, "data": data}


def top(picture: Picture) -> list[dict[str, Any]]:
    """The few with the highest Sharpe ratios."""
    best = _best(picture)[:TOP]
    found = zip(best.tolist(), _numbers(picture, best), strict=True)
    return [
        {"id": picture.who[place].id} | {n: v for n, v in own.items() if n != "maxDrawdown"}
        for place, own in found
    ]


def _best(picture: Picture) -> npt.NDArray[np.int64]:
    """All places but champions', the highest Sharpe ratio first."""
    order = picture.order("bar_sharpe")
    return order[~picture.champions()[order]]


def _numbers(picture: Picture, places: npt.NDArray[np.int64]) -> list[dict[str, Any]]:
    """Of each of these places, as they are shown there."""
    lists = []
    for column, factor, digits in METRICS.values():
        values = picture.columns[column][places]
        with np.errstate(over="ignore", invalid="ignore"):
            shown = values if digits is None else np.round(values * factor, digits)
        lists.append([number if isfinite(number) else None for number in shown.tolist()])
    return [dict(zip(METRICS, row, strict=True)) for row in zip(*lists, strict=True)]


def _status(picture: Picture, place: int) -> str:
    code = int(picture.columns["status"][place])
    return "active" if code in RUNNING else STATUSES[code]


def _variant(
    picture: Picture, place: int, metrics: Mapping[str, Any], recent: Recent
) -> dict[str, Any]:
    name = picture.who[place].id
    return {
        "id": name,
        "status": _status(picture, place),
        "metrics": metrics,
        "recentTrades": recent.of(name),
    }


def _mean(numbers: npt.NDArray[np.float64], places: int | None) -> float | None:
    known = numbers[np.isfinite(numbers)]
    return round(float(known.mean()), places) if len(known) else None
