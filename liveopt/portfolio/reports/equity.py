"""equity_curves_<ts>.png: what the four best portfolios earned, and their drawdowns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

from liveopt.data.panel.panel import Dates, Float64
from liveopt.portfolio.reports import gist
from liveopt.portfolio.reports.drawing import (
    COLOURS,
    DASHES,
    GRID,
    INK,
    QUIET,
    amount,
    drawable,
    heading,
    sheet,
    thousands,
)  # fmt: skip
from liveopt.portfolio.reports.words import number, plural, span
from liveopt.portfolio.result import Held, Report

TOP: Final = 4
FEW: Final = 40
"""So few points are marked, for a line of one or two would not be seen."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One portfolio's."""

    label: str
    days: Dates
    series: Float64


def png(report: Report) -> bytes:
    """The picture."""
    found = report.outcome
    days, best = found.sessions.date, found.best.figures
    title = (
        f"Profit {number(best['roi'], 'money')}, maximum drawdown"
        f" {number(best['max_drawdown'], 'money')}"
    )
    if report.held is not None:
        title += f"; {number(report.held.figures['roi'], 'money')} in sessions held back"
    where = "The best zone's " if report.terms.mode == "zones" else ""
    subtitle = (
        f"{where}{plural(len(found.best.members), 'strategy')} selected by"
        f" {gist.full_name(found.best.origin)}, {plural(len(days), 'session')}, {span(days)};"
        " money in the file's currency, in sample"
    )
    with sheet(title, subtitle) as (figure, content):
        grid = figure.add_gridspec(
            2, 1, height_ratios=[2.5, 1], left=0.075, right=0.965, top=0.855, bottom=0.065,
            hspace=0.16,
        )  # fmt: skip
        upper = figure.add_subplot(grid[0])
        lower = figure.add_subplot(grid[1], sharex=upper)
        curves = _curves(report)
        _equity(upper, curves)
        _falls(lower, curves)
        if report.held is not None:
            _held(upper, lower, report.held)
    return content.getvalue()


def _curves(report: Report) -> list[Curve]:
    """The best one goes on through the sessions that were held back."""
    found, told = report.outcome, []
    for rank, (origins, one) in enumerate(gist.distinct(found.leaders, TOP)):
        label = f"{rank + 1}  {origins}   fitness {number(one.fitness)}"
        label += f"   ROI / drawdown {number(one.figures['ratio'])}"
        days, series = found.sessions.date, one.series
        if report.held is not None and one is found.best:
            days = np.concatenate([days, report.held.sessions.date])
            series = np.concatenate([series, report.held.series])
        told.append(Curve(label, days, series))
    return told


def _equity(axes: Axes, curves: Sequence[Curve]) -> None:
    heading(axes, "Equity: profit since the first session")
    for rank, one in enumerate(curves):
        ends = _ends(one.days)
        axes.plot(
            one.days[ends], drawable(gist.equity(one.series)[ends]), label=one.label,
            **_line(rank, len(ends)),
        )  # fmt: skip
    axes.axhline(0.0, color=QUIET, linewidth=0.8)
    axes.tick_params(labelbottom=False)
    thousands(axes.yaxis)
    axes.legend(loc="upper left", frameon=True, framealpha=0.9, edgecolor="none", fontsize=12)


def _falls(axes: Axes, curves: Sequence[Curve]) -> None:
    heading(axes, "Drawdown: below the highest equity so far")
    for rank, one in enumerate(curves):
        starts = _starts(one.days)
        deepest = -np.maximum.reduceat(gist.falls(one.series), starts)
        axes.plot(one.days[starts], drawable(deepest), **_line(rank, len(starts)))
        if not rank:
            axes.fill_between(
                one.days[starts], drawable(deepest), 0.0, color=COLOURS[0], alpha=0.12, linewidth=0
            )
            _mark(axes, one.days[starts], deepest)
    axes.margins(x=0.015, y=0.2)
    thousands(axes.yaxis)
    locator = AutoDateLocator(minticks=4, maxticks=12)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def _held(upper: Axes, lower: Axes, held: Held) -> None:
    """Behind it, the days that nobody chose by."""
    days = held.sessions.date
    for axes in (upper, lower):
        axes.axvspan(days.min(), days.max(), color=GRID, alpha=0.55, linewidth=0, zorder=0)
    upper.annotate(
        f"held back\nfrom the search\n{number(held.figures['roi'], 'money')}",
        (days.max(), 0.0), xycoords=("data", "axes fraction"), xytext=(-8, 26),
        textcoords="offset points", ha="right", va="bottom", fontsize=12, color=INK, zorder=9,
    )  # fmt: skip


def _mark(axes: Axes, days: Dates, deepest: Float64) -> None:
    """Where the best one fell the most."""
    at = int(np.argmin(deepest))
    if not deepest[at] < 0.0:
        return
    late = at > len(days) // 2
    axes.annotate(
        amount(float(deepest[at])), (days[at], deepest[at]), xytext=(-8 if late else 8, -4),
        textcoords="offset points", ha="right" if late else "left", va="top", fontsize=11,
        color=COLOURS[0], fontweight="bold", zorder=9,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5},
    )  # fmt: skip


def _line(rank: int, points: int) -> dict[str, Any]:
    return {
        "color": COLOURS[rank],
        "linestyle": DASHES[rank],
        "linewidth": 2.6 if not rank else 1.7,
        "zorder": 5 - rank,
        "marker": "o" if points <= FEW else None,
        "markersize": 5 if not rank else 3.5,
    }


def _starts(days: Dates) -> Any:
    """Where a new date begins: several sessions of a day are one point."""
    return np.flatnonzero(np.concatenate([[True], days[1:] != days[:-1]]))


def _ends(days: Dates) -> Any:
    return np.append(_starts(days)[1:], len(days)) - 1
