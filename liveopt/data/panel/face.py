"""The named interface that the desk's scripts call; each is one line of what the package does.

A `parquet_path` is the folder of a store. The correlations and the fitness of a frame are in
`liveopt.portfolio`, which this package does not know.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from liveopt.data.panel.columns import Form
from liveopt.data.panel.frames import to_cudf
from liveopt.data.panel.read_csv import read_csv
from liveopt.data.panel.store import Layout, Partition, open_panel, write
from liveopt.data.panel.stored import Span

PARTITIONS: Final[Mapping[tuple[str, ...], Partition]] = {
    (): "none",
    ("year",): "year",
    ("month",): "month",
    ("year", "month"): "month",
    ("date",): "month",
}
"""What may be asked for; there is nothing finer than a month, which a day is read from at once."""


def csv_to_parquet(csv_path: str, parquet_path: str, format_config: Mapping[str, Any]) -> bool:
    """Make a store of a CSV, replacing a store that is there; true, or `DataError` says why not.

    `format_config` has fields of `Form` and `Layout`, by their names.
    """
    told = dict(format_config)
    form = Form(**_some(told, Form))
    layout = Layout(**_some(told, Layout))
    if told:
        known = ", ".join(field.name for kind in (Form, Layout) for field in fields(kind))
        raise ValueError(f"format_config: {', '.join(told)} is none of {known}")
    read = read_csv([Path(csv_path)], form)
    write(read.panel, read.about, Path(parquet_path), layout, replace=True)
    return True


def load_parquet_to_cudf(parquet_path: str, columns: Sequence[str] | None = None) -> Any:
    """A store as a cuDF frame, a row a session; of all strategies, or of some."""
    return to_cudf(open_panel(Path(parquet_path)).read(columns))


def optimize_parquet_storage(parquet_path: str, partitions: Sequence[str]) -> None:
    """Write a store anew, its P&L cut by `year` or `month` so that a range of dates reads less."""
    partition = PARTITIONS.get(tuple(partitions))
    if partition is None:
        raise ValueError(f"partitions {list(partitions)}: give [], ['year'] or ['month']")
    store = open_panel(Path(parquet_path))
    store.verify()
    layout = Layout(store.manifest.compression, partition)
    write(store.read(), store.about, store.folder, layout, replace=True)


def load_strategy_data_cudf(parquet_path: str, date_range: Span) -> Any:
    """All strategies of a store from the first to the last day, as a cuDF frame."""
    return to_cudf(open_panel(Path(parquet_path)).read(None, date_range))


def _some(told: dict[str, Any], kind: type[Form] | type[Layout]) -> dict[str, Any]:
    """Take the fields of a kind out of what was told."""
    return {field.name: told.pop(field.name) for field in fields(kind) if field.name in told}
