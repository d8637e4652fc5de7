"""What is known of a panel beside its numbers: where it is from, what was assumed and mended."""

from typing import Final, Literal

import msgspec

Partition = Literal["none", "year", "month"]
Compression = Literal["snappy", "zstd", "gzip"]
FORMAT: Final = "liveopt panel"
VERSION: Final = 2


class Source(msgspec.Struct, frozen=True):
    """A file or a table, and how it was understood."""

    name: str
    bytes: int
    sha256: str
    rows: int
    strategies: int
    dates: str
    """Which order they have, and how that is known."""
    confidence: str | None
    """Its scale and how that is known; None where there is no such column."""
    transition: str | None
    missing: int
    """Cells of strategies that were empty: 0 stands there."""
    bad: int
    """Cells that were no number, and were taken as 0 because that was asked for."""
    blank: int
    """Empty cells among the session's own columns."""
    in_order: bool
    """Whether its rows were in order of time."""
    skipped: dict[str, str]
    """Columns that are no strategies, and why."""
    repeated: int = 0
    """Rows with the date, zone and times of one before: each is a session of its own."""


class About(msgspec.Struct, frozen=True):
    """The same of a panel of one or more sources."""

    sources: list[Source]
    absent: int = 0
    """Cells of sessions that a source does not have: 0 stands there."""
    differing: int = 0
    """Cells of sessions that a later source has otherwise: the first source's stand."""

    @property
    def missing(self) -> int:
        """Empty cells of all sources."""
        return sum(source.missing for source in self.sources)

    @property
    def bad(self) -> int:
        """Cells of all sources that were no number."""
        return sum(source.bad for source in self.sources)


class Manifest(msgspec.Struct, frozen=True):
    """What stands in a store's about.json."""

    strategies: int
    sessions: int
    first: str
    last: str
    groups: list[str]
    data_sha256: str
    """Of the content, whatever the compression."""
    periods: list[int]
    """How many sessions are in each column of P&L."""
    partition: Partition
    compression: Compression
    files: dict[str, str]
    """Of the folder, and their SHA-256."""
    about: About
    format: str = FORMAT
    version: int = VERSION

    @property
    def mark(self) -> str:
        """What the Parquet files must bear too, to be read with this one."""
        return mark_of(self.data_sha256, self.partition, self.compression)


def mark_of(data_sha256: str, partition: Partition, compression: Compression) -> str:
    """The same for the same content laid out alike: such files may stand for one another."""
    return f"{data_sha256} {partition} {compression}"
