"""What a portfolio run reads: CSV files or a panel, and what is to be said of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from liveopt.data.panel.about import About
from liveopt.data.panel.columns import Form
from liveopt.data.panel.notes import notes
from liveopt.data.panel.panel import Panel
from liveopt.data.panel.read_csv import read_csv
from liveopt.data.panel.stored import ABOUT, CORRELATIONS, Span, open_panel
from liveopt.data.panel.tables import content_hash
from liveopt.data.tables import DataError
from liveopt.portfolio.result import Source


@dataclass(frozen=True, slots=True)
class Opened:
    """A panel, where it is from, and where what is reckoned of it may be kept."""

    panel: Panel
    source: Source
    cache: Path | None


def opened(files: Sequence[Path], form: Form, dates: Span, hear: Callable[[float], None]) -> Opened:
    """A panel's folder, or CSV files; `hear` is told the share that is read."""
    stores = [file for file in files if (file / ABOUT).exists()]
    if stores and len(files) > 1:
        raise DataError(stores[0], None, None, "a panel is read alone, not beside other files")
    if stores:
        store = open_panel(stores[0])
        panel, about, manifest = store.read(dates=dates), store.about, store.manifest
        if not len(panel.sessions):
            raise _no_day(stores[0], manifest.first, manifest.last)
        cache = stores[0] / CORRELATIONS
        return Opened(panel, _source(files, panel, about, store.manifest.data_sha256), cache)
    total, done = max(sum(_bytes(file) for file in files), 1), 0

    def read(count: int) -> None:
        nonlocal done
        done += count
        hear(done / total)

    found = read_csv(files, form, read)
    panel = _within(files[0], found.panel, dates)
    return Opened(panel, _source(files, panel, found.about, content_hash(panel)), None)


def _bytes(file: Path) -> int:
    return file.stat().st_size if file.is_file() else 0


def _within(file: Path, panel: Panel, dates: Span) -> Panel:
    first, last = dates
    days = panel.sessions.date
    kept = np.ones(len(days), bool)
    if first is not None:
        kept &= days >= np.datetime64(first)
    if last is not None:
        kept &= days <= np.datetime64(last)
    if not kept.any():
        raise _no_day(file, str(days[0]), str(days[-1]))
    return panel if kept.all() else panel.sessions_of(kept)


def _no_day(file: Path, first: str, last: str) -> DataError:
    return DataError(file, None, None, f"no session lies in these days; it has {first} to {last}")


def _source(files: Sequence[Path], panel: Panel, about: About, data_hash: str) -> Source:
    return Source(
        [str(file) for file in files], data_hash, len(panel.names), panel.sessions, notes(about)
    )
