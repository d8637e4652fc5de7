"""What the pictures have in common: their size, their colours, and the bytes of a PNG.

Figures are made as objects; nothing global of the drawing library is used but its defaults, so
that a picture does not depend on what somebody has set on the machine.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from liveopt.data.panel.panel import Float64
from liveopt.portfolio.reports.words import LARGE, number

SPREAD: Final = 1e3
"""Values whose sizes differ by more than this are drawn on a logarithmic axis."""
DECADES_MOST: Final = 1e9
"""What is smaller than the largest by more counts as near 0 there."""
EDGE: Final = 0.06
"""Of an axis, beyond what is drawn."""
TICKS_MOST: Final = 6
SHORT: Final = 1e5
"""A number beside a mark has no digits after the point from here on."""
WIDTH_PX, HEIGHT_PX, DPI = 1600, 900, 100
INK: Final = "#1f2933"
QUIET: Final = "#5f6b7a"
GRID: Final = "#e3e7ec"
COLOURS: Final = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#8a6d00", "#4b4b4b", "#9467bd",
)  # fmt: skip
"""For eyes that see few colours too (Okabe & Ito 2008, yellow darkened); dashes differ too."""
DASHES: Final = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (7, 2, 1.5, 2)))
"""The lines of a picture in their order."""
_STYLE: Final = {
    "font.family": ["DejaVu Sans"],
    "font.size": 12,
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
}


@contextmanager
def sheet(title: str, subtitle: str) -> Iterator[tuple[Figure, io.BytesIO]]:
    """An empty picture with a headline; its bytes are there when the block is left."""
    content = io.BytesIO()
    with matplotlib.style.context(["default", dict(_STYLE)]):
        figure = Figure(figsize=(WIDTH_PX / DPI, HEIGHT_PX / DPI), dpi=DPI, facecolor="white")
        FigureCanvasAgg(figure)
        figure.text(0.045, 0.955, title, fontsize=20, fontweight="bold", va="center")
        figure.text(0.045, 0.915, subtitle, fontsize=12.5, color=QUIET, va="center")
        yield figure, content
        figure.savefig(content, format="png", dpi=DPI, metadata={"Software": None})


def thousands(axis: Any) -> None:
    """Ticks as 12,000, small ones with the digits they need."""
    axis.set_major_formatter(lambda value, _: _tick(value))


def _tick(value: float) -> str:
    return brief(value, 6) if abs(value) >= LARGE else f"{value:,.6g}"


def short(value: float) -> str:
    """A number beside a mark, that does not run into what stands next to it."""
    if abs(value) < SHORT or not np.isfinite(value):
        return number(value)
    return brief(value, 4) if abs(value) >= LARGE else number(value, "count")


def brief(value: float, digits: int) -> str:
    """In millions or thousands of them."""
    for unit, word in ((1e9, "bn"), (1e6, "M")):
        if unit <= abs(value) < 1e3 * unit:
            return f"{value / unit:.{digits}g} {word}"
    return f"{value:.{digits}g}"


def wide(values: Float64) -> float:
    """Where they span so much that those near 0 would be one: how near 0 they still differ.

    0 where they do not.
    """
    sizes = np.abs(values[np.isfinite(values) & (values != 0.0)])
    if not len(sizes) or sizes.max() <= SPREAD * sizes.min():
        return 0.0
    return float(max(sizes.min(), sizes.max() / DECADES_MOST))


def logarithmic(axis: Any, near: float, ends: tuple[float, float], room: float) -> None:
    """Of both signs; equal steps are tenfold, but for those nearer 0 than `near`.

    `room`: beyond the upper end, as a share of the axis.
    """
    name = axis.axis_name
    getattr(axis.axes, f"set_{name}scale")("symlog", linthresh=near)
    axis.get_major_locator().set_params(numticks=TICKS_MOST)
    steps = axis.get_transform()
    low, high = steps.transform(np.array(ends))
    reach = high - low
    shown = steps.inverted().transform(np.array([low - EDGE * reach, high + room * reach]))
    getattr(axis.axes, f"set_{name}lim")(*shown)
    both = low < 0.0 < high  # so near 0 marks would stand on each other
    axis.set_major_formatter(
        lambda value, _: "" if both and 0.0 < abs(value) <= 10.0 * near else _tick(value)
    )


def heading(axes: Axes, text: str) -> Text:
    """What a part of the picture shows."""
    return axes.set_title(text, loc="left", fontsize=13, fontweight="bold", pad=9)


def drawable(values: Float64) -> Float64:
    """What has no place on an axis is left out."""
    found: Float64 = np.where(np.isfinite(values), values, np.nan)
    return found


def amount(value: float) -> str:
    """Money beside a line."""
    return number(value, "money") if abs(value) < 1e5 else number(value, "count")
