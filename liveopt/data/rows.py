"""Rows of any columns as a Parquet file, a group of rows at a time."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal

import pyarrow as pa
import pyarrow.parquet

Kind = Literal["bool", "int", "float", "text"]
GROUP: Final = 50_000
"""So many rows are held at once."""
_TYPES: Final = {
    "bool": pa.bool_(),
    "int": pa.int64(),
    "float": pa.float64(),
    "text": pa.string(),
}


def write_rows(path: Path, kinds: Mapping[str, Kind], rows: Iterable[Sequence[Any]]) -> int:
    """Write the rows, whose cells are of these kinds or None, in this order; how many."""
    schema = pa.schema([(name, _TYPES[kind]) for name, kind in kinds.items()])
    count = 0
    waiting = iter(rows)
    with pyarrow.parquet.ParquetWriter(path, schema, compression="zstd") as file:
        while group := list(islice(waiting, GROUP)):
            columns = zip(*group, strict=True)
            arrays = [
                pa.array(cells, kind) for cells, kind in zip(columns, schema.types, strict=True)
            ]
            file.write_table(pa.table(arrays, schema=schema))
            count += len(group)
    return count
