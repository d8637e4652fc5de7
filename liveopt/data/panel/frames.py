"""Panels on a CUDA device: through Arrow and CuPy, or decoded there by cuDF; which is tried once.

Nothing else imports cuDF. Both give the matrix that `Store.read` gives, in the device's memory.
"""

from collections.abc import Sequence
from dataclasses import fields
from functools import lru_cache
from typing import Any, Protocol

import pyarrow as pa

from liveopt.data.panel.panel import Panel, Sessions
from liveopt.data.panel.stored import PNL_FILE, Span, Store
from liveopt.engine.gpu import Gpu, NoGpu

INSTALL = "`make gpu` adds it, or pip install 'liveopt[gpu]' (gpu-cu13 with CUDA 13)"


class Reader(Protocol):
    """A way from a store to a matrix [strategy, session] of float64, C order."""

    name: str

    def matrix(
        self, store: Store, names: Sequence[str] | None = None, dates: Span | None = None
    ) -> Any:
        """All of it, or some strategies and days."""
        ...


class HostReader:
    """Into memory, as NumPy has it."""

    name = "numpy"

    def matrix(
        self, store: Store, names: Sequence[str] | None = None, dates: Span | None = None
    ) -> Any:
        """As the panel has it."""
        return store.read(names, dates).pnl


class CupyReader:
    """Decoded by Arrow on the host, then copied once."""

    name = "cupy"

    def __init__(self) -> None:
        """Look for the device; `NoGpu` says what is missing."""
        self._cupy = Gpu().cupy

    def matrix(
        self, store: Store, names: Sequence[str] | None = None, dates: Span | None = None
    ) -> Any:
        """A CuPy array."""
        return self._cupy.asarray(store.read(names, dates).pnl)


class CudfReader:
    """Decoded on the device: only the compressed file crosses the bus."""

    name = "cudf"

    def __init__(self) -> None:
        """Look for cuDF and the device; `NoGpu` says what is missing."""
        self._cudf = cudf()
        self._cupy = Gpu().cupy

    def matrix(
        self, store: Store, names: Sequence[str] | None = None, dates: Span | None = None
    ) -> Any:
        """A CuPy array."""
        first, last = store.range_of(dates)
        parts = []
        for name, low, high in store.columns_of(first, last):
            column = self._cudf.read_parquet(store.folder / PNL_FILE, columns=[name])[name]
            block = column.list.leaves.values.reshape(store.manifest.strategies, -1)
            parts.append(block[:, low:high])
        store.refuse_replaced()
        if not parts:
            count = store.manifest.strategies if names is None else len(names)
            return self._cupy.empty((count, 0))
        whole = parts[0] if len(parts) == 1 else self._cupy.concatenate(parts, axis=1)
        if names is not None:
            whole = whole[self._cupy.asarray(store.rows_of(names))]
        return self._cupy.ascontiguousarray(whole)


@lru_cache(maxsize=1)
def _import_cudf() -> Any:
    try:
        import cudf as module
    except ImportError as error:
        return NoGpu(f"cuDF is not installed ({error}); {INSTALL}")
    return module


def cudf() -> Any:
    """The module, where it is installed and there is a device for it; else `NoGpu` says why not.

    It can be imported without a device and fails at its first use, so the device is looked for.
    """
    Gpu()
    module = _import_cudf()
    if isinstance(module, NoGpu):
        raise module
    return module


def to_cudf(panel: Panel) -> Any:
    """A panel as a wide cuDF frame: a row a session, a column a strategy."""
    return cudf().DataFrame.from_arrow(wide(panel))


def wide(panel: Panel) -> pa.Table:
    """The table that the CSV was: Date, what else is known of sessions, a column a strategy."""
    words = (field.name for field in fields(Sessions) if field.name != "date")
    known = {word: getattr(panel.sessions, word) for word in words}
    columns = {"Date": pa.array(panel.sessions.date)}
    columns |= {word: pa.array(column) for word, column in known.items() if column is not None}
    rows = zip(panel.names, panel.pnl, strict=True)
    return pa.table(columns | {name: pa.array(row) for name, row in rows})
