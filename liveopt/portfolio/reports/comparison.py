"""algorithm_comparison_<ts>.png: how good each algorithm was, how soon, and in what time."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from liveopt.data.panel.panel import Float64
from liveopt.portfolio.reports import gist
from liveopt.portfolio.reports.drawing import (
    COLOURS,
    DASHES,
    EDGE,
    INK,
    QUIET,
    drawable,
    heading,
    logarithmic,
    sheet,
    short,
    thousands,
    wide,
)  # fmt: skip
from liveopt.portfolio.reports.terms import aim_brief
from liveopt.portfolio.reports.words import number, plural
from liveopt.portfolio.result import ENSEMBLE, Outcome, Report

FIRST_SHARE: Final = 0.02
"""The first portfolios may lie far below; the axis begins where this share of them is tried."""
ROOM: Final = 0.24
"""Beside the best, for its number."""
DECADES_MANY: Final = 2.5
"""Of portfolios tried, beyond which only each tenfold has its number."""
CLOSE: Final = 0.25
"""Where all lie within this share of the best, the axis shows them from near."""


def png(report: Report) -> bytes:
    """The picture."""
    found = report.outcome
    ranked = gist.algorithms(found.tried)
    title = f"Best: {gist.full_name(found.best.origin)}, fitness {number(found.best.fitness)}"
    tried = sum(one.evaluations for one in ranked)
    subtitle = (
        f"{plural(len(ranked), 'algorithm')}, {plural(tried, 'portfolio')} tried;"
        f" fitness: {aim_brief(report.terms)}"
    )
    with sheet(title, subtitle) as (figure, content):
        draw(figure, found)
    return content.getvalue()


def draw(figure: Figure, found: Outcome) -> None:
    """What stands below the headline."""
    ranked = gist.algorithms(found.tried)
    colour = {one.name: COLOURS[i % len(COLOURS)] for i, one in enumerate(ranked)}
    grid = figure.add_gridspec(
        2, 2, height_ratios=[1.5, 1], width_ratios=[1, 1.15], left=0.112, right=0.965,
        top=0.845, bottom=0.075, hspace=0.36, wspace=0.2,
    )  # fmt: skip
    _fitness(figure.add_subplot(grid[:, 0]), found, ranked, colour)
    _curves(figure.add_subplot(grid[0, 1]), ranked, colour)
    _seconds(figure.add_subplot(grid[1, 1]), ranked, colour)


def _fitness(
    axes: Axes, found: Outcome, ranked: Sequence[gist.Algorithm], colour: dict[str, str]
) -> None:
    heading(axes, "Fitness of the best portfolio of each")
    rows = [(one.origin, one.fitness) for one in found.leaders]
    rows += [(one.name, float("nan")) for one in ranked if not one.best.members]
    values = drawable(np.array([value for _, value in rows]))
    floor = _axis_of(axes, values)
    for place, (origin, fitness) in enumerate(rows):
        together = origin == ENSEMBLE
        shade = INK if together else colour.get(origin, QUIET)
        if np.isfinite(values[place]):
            if floor == 0.0:  # a line's length says how much only if it begins at nothing
                axes.plot([0.0, values[place]], [place, place], color=shade, lw=3, alpha=0.35)
            axes.plot(
                values[place], place, marker="D" if together else "o", markersize=13,
                color=shade, markeredgecolor="white",
            )  # fmt: skip
        at = values[place] if np.isfinite(values[place]) else floor
        failed = not any(one.origin == origin for one in found.leaders)
        axes.annotate(
            "failed" if failed else short(fitness), (at, place), xytext=(13, 0),
            textcoords="offset points", va="center", fontsize=12.5,
            fontweight="bold" if not place else "normal", color=QUIET if failed else INK,
        )  # fmt: skip
    axes.set_yticks(range(len(rows)), [_label(origin, found) for origin, _ in rows], fontsize=12.5)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(floor == 0.0)


def _axis_of(axes: Axes, values: Float64) -> float:
    """Lays it out for these; where it begins, for what has no value."""
    thousands(axes.xaxis)
    low = float(np.nanmin(values)) if np.isfinite(values).any() else 0.0
    high = float(np.nanmax(values)) if np.isfinite(values).any() else 1.0
    if near := wide(values):
        logarithmic(axes.xaxis, near, (low, high), ROOM)
        axes.set_xlabel("logarithmic axis", color=QUIET)
        return low
    reach = (high - low) or max(abs(high), 1.0)
    floor = 0.0 if low >= 0.0 and reach > CLOSE * high else low - 0.12 * reach
    axes.set_xlim(floor, high + ROOM * (high - floor or 1.0))
    axes.set_xlabel("" if floor == 0.0 else "the axis does not begin at 0", color=QUIET)
    return floor


def _label(origin: str, found: Outcome) -> str:
    sizes = {one.size for one in found.tried}
    if len(sizes) == 1:
        return origin
    size = next((len(one.members) for one in found.leaders if one.origin == origin), 0)
    return f"{origin} ({size})" if size else origin


def _curves(axes: Axes, ranked: Sequence[gist.Algorithm], colour: dict[str, str]) -> None:
    title = heading(axes, "How soon: best fitness by portfolios tried")
    told, far = [], []
    for rank, one in enumerate(ranked):
        steps = [(n, value) for n, value in one.best.history if np.isfinite(value)]
        if not steps:
            continue
        counts = [n for n, _ in steps] + [max(one.best.evaluations, steps[-1][0])]
        values = [value for _, value in steps] + [steps[-1][1]]
        axes.step(
            np.maximum(counts, 1), values, where="post", color=colour[one.name],
            linestyle=DASHES[rank % len(DASHES)], linewidth=2.2 if not rank else 1.7,
            label=one.name, zorder=10 - rank,
        )  # fmt: skip
        axes.plot(
            max(counts[-1], 1), values[-1], marker="o", markersize=5, color=colour[one.name],
            zorder=10 - rank,
        )  # fmt: skip
        told += values
        far.append(next(v for n, v in steps if n >= FIRST_SHARE * counts[-1] or v == values[-1]))
    if not told:
        axes.text(0.5, 0.5, "no algorithm has a history", transform=axes.transAxes, ha="center")
        return
    low, high = min(far), max(told)
    axes.set_xscale("log")
    decades = float(np.subtract(*np.log10(axes.get_xlim())[::-1]))
    axes.xaxis.set_major_locator(
        LogLocator(subs=(1.0, 2.0, 5.0) if decades <= DECADES_MANY else (1.0,))
    )
    axes.xaxis.set_minor_formatter(NullFormatter())
    thousands(axes.xaxis)
    axes.set_xlabel("portfolios tried", color=QUIET)
    if near := wide(np.array([value for value in told if value >= low])):
        logarithmic(axes.yaxis, near, (low, high), EDGE)
        title.set_text(f"{title.get_text()} (logarithmic)")
    else:
        edge = EDGE * ((high - low) or 1.0)
        axes.set_ylim(low - edge, high + edge)
        thousands(axes.yaxis)
    axes.legend(
        loc="upper left", ncols=2, fontsize=11, frameon=True, framealpha=0.85, edgecolor="none"
    )


def _seconds(axes: Axes, ranked: Sequence[gist.Algorithm], colour: dict[str, str]) -> None:
    heading(axes, "In what time: seconds of search")
    longest = max((one.seconds for one in ranked), default=0.0) or 1.0
    for place, one in enumerate(ranked):
        axes.bar(place, one.seconds, color=colour[one.name], width=0.62)
        mark = "" if one.status == "done" else f"\n{one.status}"
        axes.annotate(
            f"{one.seconds:.3g}{mark}", (place, one.seconds), xytext=(0, 4),
            textcoords="offset points", ha="center", fontsize=11.5,
        )  # fmt: skip
    axes.set_xticks(range(len(ranked)), [one.name for one in ranked], fontsize=12)
    axes.tick_params(axis="x", length=0, labelcolor=INK)
    axes.set_ylim(0.0, 1.25 * longest)
    axes.grid(visible=False, axis="x")
    thousands(axes.yaxis)
