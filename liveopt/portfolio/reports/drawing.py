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
from liveopt.portfolio.reports.words import number

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
    axis.set_major_formatter(lambda value, _: f"{value:,.6g}")


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
