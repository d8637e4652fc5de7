"""`liveopt data import`: daily P&L of many strategies, from CSV or a database, into a panel."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, cast

import typer

from liveopt.cli.progress import Meter
from liveopt.cli.show import as_json, note, table
from liveopt.data.panel.about import Source
from liveopt.data.panel.check import compare, fingerprint_of, fingerprint_of_csv
from liveopt.data.panel.columns import BadCells, Form, Order, Scale, columns_of
from liveopt.data.panel.dbapi import check_sums, count, open_table, read_table
from liveopt.data.panel.notes import notes
from liveopt.data.panel.place import refuse_taken
from liveopt.data.panel.read_csv import Read, read, read_csv
from liveopt.data.panel.store import Compression, Layout, Partition, Store, write
from liveopt.data.tables import DataError
from liveopt.optimize.parameters import BadParameter

MB: Final = 1_000_000
SESSIONS_FEW: Final = 50
STRATEGIES_FEW: Final = 10
CHOICES: Final = {
    "--compression": ("snappy", "zstd", "gzip"),
    "--partition": ("none", "year", "month"),
    "--bad-cells": ("refuse", "zero"),
    "--date-order": ("auto", "day", "month"),
    "--confidence": ("auto", "percent", "fraction"),
}


@dataclass(slots=True)
class Job:
    """What is to be imported, how, and what came of it."""

    form: Form
    layout: Layout
    out: Path
    replace: bool
    checked: str | None = None
    """What was compared with the source, where that was asked for."""

    def keep(self, read: Read, prove: Callable[[Store], None] = lambda _: None) -> Store:
        """Write the store."""
        return write(
            read.panel, read.about, self.out, self.layout, replace=self.replace, prove=prove
        )


Files = Annotated[
    list[Path] | None,
    typer.Argument(help="CSV files; several are merged on their days.", show_default=False),
]
Out = Annotated[
    Path | None, typer.Option("--out", help="The store to write; without it, NAME.panel here.")
]
Dump = Annotated[
    Path | None,
    typer.Option("--from-csv-dump", help="A dump (HeavyDB's COPY TO), checked cell by cell."),
]
Database = Annotated[
    str | None,
    typer.Option(
        "--from-dbapi",
        help="A database: module:arguments, such as sqlite3:desk.db; password=env:NAME.",
    ),
]
TableName = Annotated[str | None, typer.Option("--table", help="The table of --from-dbapi.")]
Compressed = Annotated[str, typer.Option("--compression", help="snappy, zstd or gzip.")]
Cut = Annotated[
    str,
    typer.Option("--partition", help="none, year or month: what a range of dates reads at once."),
]
Bad = Annotated[
    str, typer.Option("--bad-cells", help="What is no number: refuse, or take as zero.")
]
DateOrder = Annotated[
    str, typer.Option("--date-order", help="auto; day or month first where the year is last.")
]
Confidence = Annotated[
    str, typer.Option("--confidence", help="Of the regime: auto, percent or fraction.")
]
Rename = Annotated[
    list[str] | None,
    typer.Option("--rename", help="A column's name: TradeDate=Date.", show_default=False),
]
Include = Annotated[
    list[str] | None,
    typer.Option("--include", help="Only strategies of this name (* ?).", show_default=False),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option("--exclude", help="No strategies of this name (* ?).", show_default=False),
]


def import_(
    files: Files = None,
    out: Out = None,
    from_csv_dump: Dump = None,
    from_dbapi: Database = None,
    table: TableName = None,
    compression: Compressed = "snappy",
    partition: Cut = "year",
    bad_cells: Bad = "refuse",
    date_order: DateOrder = "auto",
    confidence: Confidence = "auto",
    rename: Rename = None,
    include: Include = None,
    exclude: Exclude = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the store.")] = False,
    json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
) -> None:
    """Turn a wide CSV, a dump or a database's table into a panel: a folder of Parquet.

    Needed is a column Date. Known are Zone, Day, start_time, end_time, market_regime,
    Regime_Confidence_%, Market_regime_transition_threshold and capital; every other column with
    numbers is a strategy's profit and loss. What is assumed and mended is said.

    Example: `liveopt data import desk.csv --out desk.panel`
    """
    _refuse_unknown((compression, partition, bad_cells, date_order, confidence))
    form = Form(
        rename=dict(map(_renamed, rename or ())),
        include=include or (),
        exclude=exclude or (),
        date_order=cast(Order, date_order),
        confidence=cast(Scale, confidence),
        bad_cells=cast(BadCells, bad_cells),
    )
    layout = Layout(cast(Compression, compression), cast(Partition, partition))
    first = _one_source(files or [], from_csv_dump, from_dbapi, table)
    job = Job(form, layout, out or Path(f"{first.stem}.panel"), force)
    refuse_taken(job.out, replace=force)  # said before the work, not after it
    if from_dbapi is not None and table is not None:
        store = _from_database(job, from_dbapi, table)
    elif from_csv_dump is not None:
        store = _from_dump(job, from_csv_dump)
    else:
        store = job.keep(_metered(files or [], form))
    _report(job, store, json=json)


def _refuse_unknown(told: Sequence[str]) -> None:
    for (option, known), value in zip(CHOICES.items(), told, strict=True):
        if value not in known:
            raise BadParameter(f"{option} {value}: give {', '.join(known[:-1])} or {known[-1]}")


def _renamed(text: str) -> tuple[str, str]:
    old, equals, new = text.rpartition("=")
    if not equals or not old or not new:
        raise BadParameter(f"--rename {text}: give OLD=NEW")
    return old, new


def _one_source(
    files: Sequence[Path], dump: Path | None, database: str | None, table: str | None
) -> Path:
    """What the store is named after; just one kind of source must be given."""
    if sum((bool(files), dump is not None, database is not None)) != 1:
        raise BadParameter("name CSV files, or --from-csv-dump FILE, or --from-dbapi and --table")
    if (database is None) != (table is None):
        raise BadParameter("--from-dbapi and --table go together")
    if table is not None:
        return Path(table.rpartition(".")[2])
    return dump if dump is not None else files[0]


def _metered(files: Sequence[Path], form: Form) -> Read:
    """Read files, saying how far it is."""
    total = sum(file.stat().st_size for file in files if file.is_file())
    done = 0

    def tell(count: int) -> None:
        nonlocal done
        before, done = done, done + count
        meter.add(done // MB - before // MB)

    with Meter(
        total // MB, f"reading {', '.join(file.name for file in files)}"[:60], "MB"
    ) as meter:
        return read_csv(files, form, tell)


def _from_dump(job: Job, dump: Path) -> Store:
    found = _metered([dump], job.form)

    def prove(store: Store) -> None:
        note_progress(f"comparing {dump.name} with what was written")
        expected = fingerprint_of_csv(dump, found.panel.names, job.form)
        job.checked = compare(dump, expected, fingerprint_of(store.read()))

    return job.keep(found, prove)


def _from_database(job: Job, spec: str, name: str) -> Store:
    source = open_table(spec, name)
    try:
        note_progress(f"reading {name}")
        raw = read_table(source, job.form)
        columns = columns_of(source.path, source.header(), job.form)

        def prove(store: Store) -> None:
            note_progress(f"reading {name} again and comparing it with what was written")
            again = read([read_table(source, job.form)], job.form).panel
            written = store.read()
            said = compare(source.path, fingerprint_of(again), fingerprint_of(written))
            if count(source) != len(written.sessions):
                raise DataError(source.path, None, None, "the table has other rows by now")
            check_sums(source, written, columns)
            job.checked = f"{said}; the database's own sums agree"

        return job.keep(read([raw], job.form), prove)
    finally:
        source.connection.close()


def note_progress(text: str) -> None:
    """One line on stderr."""
    typer.echo(text, err=True)


def _report(job: Job, store: Store, *, json: bool) -> None:
    manifest, about = store.manifest, store.about
    facts: dict[str, Any] = {
        "store": str(job.out),
        "strategies": manifest.strategies,
        "sessions": manifest.sessions,
        "first": manifest.first,
        "last": manifest.last,
        "groups": len(manifest.groups),
        "missing_as_zero": about.missing,
        "bad_as_zero": about.bad,
        "absent_as_zero": about.absent,
        "differing": about.differing,
        "compression": manifest.compression,
        "partition": manifest.partition,
        "bytes": sum((store.folder / name).stat().st_size for name in manifest.files),
        "data_sha256": manifest.data_sha256,
        "checked": job.checked,
    }
    if json:
        as_json(facts | {"sources": [_source(source) for source in about.sources]})
        return
    table(("what", "value"), [(k, "-" if v is None else v) for k, v in facts.items()])
    for said in notes(about):
        note(said)
    if manifest.sessions < SESSIONS_FEW:
        note(f"few sessions: figures of fewer than {SESSIONS_FEW} days say little")
    if manifest.strategies < STRATEGIES_FEW:
        note(f"few strategies: a portfolio is chosen from {STRATEGIES_FEW} at least")


def _source(source: Source) -> dict[str, Any]:
    return {name: getattr(source, name) for name in source.__struct_fields__}
