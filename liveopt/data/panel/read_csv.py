"""From wide CSV files of daily profit and loss to a panel, and what was assumed on the way."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from liveopt.data.panel.about import About
from liveopt.data.panel.cells import Progress
from liveopt.data.panel.columns import Form, refuse_unmet
from liveopt.data.panel.dates import date_form
from liveopt.data.panel.finish import SCALED, finish, scale_of
from liveopt.data.panel.merge import merged
from liveopt.data.panel.panel import Panel
from liveopt.data.panel.raw import Raw, read_raw
from liveopt.data.tables import DataError


@dataclass(frozen=True, slots=True)
class Read:
    """A panel, and what is to be said of it."""

    panel: Panel
    about: About


def read_csv(
    paths: Sequence[Path], form: Form | None = None, progress: Progress = lambda _: None
) -> Read:
    """Read files and merge them; `progress` is told the bytes of each block."""
    form = Form() if form is None else form
    return read([read_raw(path, form, progress) for path in paths], form)


def read(raws: Sequence[Raw], form: Form) -> Read:
    """The same of sources already taken apart; in which order dates stand is one for all."""
    refuse_unmet(raws[0].path, [raw.columns for raw in raws], form)
    texts = [text for raw in raws for text in raw.words["date"]]
    days = [day for raw in raws for day in raw.words.get("day", [None] * len(raw.words["date"]))]
    try:
        dates = date_form(texts, form.date_order, days)
    except ValueError as error:
        raise DataError(raws[0].path, None, "Date", str(error)) from error
    scales = {
        word: scale_of(raws, word, form.confidence if word == "confidence" else "auto")
        for word in SCALED
    }
    return Read(*merged([finish(raw, form, dates, scales) for raw in raws]))
