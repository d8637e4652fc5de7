"""`liveopt journal verify|tail|export`: looks at journals, and never writes to one."""

import os
import re
import time
from collections.abc import Callable, Iterator
from itertools import chain, takewhile
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from liveopt.cli.show import Exit, Failure, as_json, note, table
from liveopt.journal import export as sheet
from liveopt.journal.folder import NoRun, find
from liveopt.journal.lock import is_held
from liveopt.journal.places import journals, segment_path
from liveopt.journal.reader import Record, holds, records
from liveopt.journal.recovery import Recovery, inspect
from liveopt.journal.snapshots import load_all
from liveopt.journal.tail import follow as followed
from liveopt.journal.tail import tail as last_records
from liveopt.journal.writer import LOCK
from liveopt.optimize.parameters import BadParameter

journal = typer.Typer(no_args_is_help=True, help="Journals of a run: check, look, export.")

Ends = dict[str, int]
"""The number of each journal's last record."""
_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""What would move the cursor of a terminal; sound JSON has none of it, but a file can."""
FOLLOW_S: Final = 0.2
"""How long to wait before looking for more."""
PathTo = Annotated[
    Path, typer.Argument(help="A run's folder, a folder of runs, or one journal's file.")
]
Only = Annotated[
    str | None, typer.Option("--journal", "-j", help="One of the journals: inputs, trades ...")
]


@journal.callback()
def root() -> None:
    """Journals of a run: check, look, export. Nothing here ever writes to one."""


@journal.command()
def verify(
    path: PathTo,
    only: Only = None,
    json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
) -> None:
    """Check every line of a run's journals against its checksums and the line before it.

    Exit code 1 if anything was changed or lost since it was written. A tear, which a crash leaves
    and the next start mends, is no such thing.

    Example: `liveopt journal verify logs/latest`
    """
    run, names = _chosen(path, only)
    live = is_held(run / LOCK)
    found = {name: inspect(run, name, live=live) for name in names}
    corrupt = [one for one in found.values() if one.verdict == "corrupt"]
    lines = [_facts(run, name, one, live=live) for name, one in found.items()]
    if json:
        verdict = "corrupt" if corrupt else "sound"
        facts = {"run": str(run), "live": live, "verdict": verdict, "journals": lines}
        as_json(facts | {"snapshots": _snapshots(run, names)})
    else:
        keys = ("journal", "verdict", "records", "segments", "bytes", "head")
        table(keys, [[line[key] for key in keys] for line in lines], title=str(run))
        for name, one in found.items():
            _explain(name, one, live=live)
    if corrupt:
        raise typer.Exit(Exit.ERROR)


@journal.command()
def tail(
    path: PathTo,
    most: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many records.")] = 10,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for more.")] = False,
    only: Only = None,
) -> None:
    """The last records of a journal as JSON lines; of several, with the name before each.

    Example: `liveopt journal tail logs/latest --journal trades --follow`
    """
    run, names = _chosen(path, only)
    readers = {}
    for name in names:
        found, readers[name] = last_records(run, name, most)
        for record in found:
            typer.echo(_line(name, record, alone=len(names) == 1))
    while follow:
        for name, reader in readers.items():
            for record in followed(reader):
                typer.echo(_line(name, record, alone=len(names) == 1))
            if reader.damage is not None and reader.damage.final:
                raise Failure(str(reader.damage))
        time.sleep(FOLLOW_S)


@journal.command()
def export(
    path: PathTo,
    out: Annotated[Path, typer.Option("--out", "-o", help="FILE.csv, .parquet or .json.")],
    only: Only = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
) -> None:
    """Write the records of a run, or of one journal, as a table.

    Text that a spreadsheet would take for a formula gets a ' before it in CSV; numbers do not.

    Example: `liveopt journal export logs/latest --journal trades --out trades.csv`
    """
    run, names = _chosen(path, only)
    writers = {".csv": _as_csv, ".parquet": _as_parquet, ".json": _as_json}
    write = writers.get(out.suffix.lower())
    if write is None:
        raise BadParameter(f"{out}: give the file a name that ends with .csv, .parquet or .json")
    if out.exists() and not force:
        raise Failure(f"{out} exists; --force replaces it")
    if not out.parent.is_dir():
        raise Failure(f"{out.parent}: there is no such folder")
    ends = {name: found[0].seq for name in names if (found := last_records(run, name, 1)[0])}
    count = _put(out, lambda temporary: write(temporary, run, ends))
    note(f"{count} records in {out}")
    unsound = [
        f"{name}: {one.where}"
        for name in names
        if (one := inspect(run, name, live=is_held(run / LOCK))).verdict == "corrupt"
    ]
    if unsound:
        raise Failure(f"only what lies before the damage is there: {'; '.join(unsound)}")


def _chosen(path: Path, only: str | None) -> tuple[Path, list[str]]:
    """The run that is meant, and which of its journals."""
    try:
        run, name = find(path)
    except NoRun as error:
        raise Failure(str(error)) from error
    names = list(journals(run))
    wanted = only or name
    if wanted is None:
        return run, names
    if wanted not in names:
        raise Failure(f"{run} has no journal {wanted}; it has {', '.join(names)}")
    return run, [wanted]


def _facts(run: Path, name: str, found: Recovery, *, live: bool) -> dict[str, Any]:
    segments = [segment_path(run, name, number) for number in journals(run)[name]]
    where = found.where
    return {
        "journal": name,
        "verdict": _verdict(found, live=live),
        "records": found.records,
        "segments": len(segments),
        "bytes": sum(segment.stat().st_size for segment in segments),
        "head": found.position.head,
        "file": None if where is None else str(where.path),
        "line": None if where is None else where.line,
        "byte": None if where is None else where.offset,
        "why": None if where is None else where.why,
        "cut_bytes": found.cut_bytes,
    }


def _verdict(found: Recovery, *, live: bool) -> str:
    return "being written" if live and found.verdict == "torn" else found.verdict


def _explain(name: str, found: Recovery, *, live: bool) -> None:
    if found.verdict == "corrupt":
        typer.echo(f"{name} is corrupt: {found.where}", err=True)
    elif found.verdict == "torn" and not live:
        note(
            f"{name} was torn by a crash: the next start of this run sets {found.cut_bytes} bytes"
            " aside, which were never acknowledged"
        )


def _snapshots(run: Path, names: list[str]) -> list[dict[str, Any]]:
    """The snapshots that are whole, and whether they belong to these journals."""
    return [
        {
            "file": str(snapshot.path),
            "holds": all(
                holds(run, name, place)
                for name, place in snapshot.positions.items()
                if name in names
            ),
        }
        for snapshot in load_all(run)
    ]


def _line(name: str, record: Record, *, alone: bool) -> str:
    text = record.content.decode(errors="replace")
    content = _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return content if alone else f"{name}\t{content}"


def _records(run: Path, name: str, end: int) -> Iterator[Record]:
    """Those there were when the export began, so that each pass sees the same."""
    return takewhile(lambda record: record.seq <= end, records(run, name))


def _rows(run: Path, ends: Ends) -> Iterator[sheet.Row]:
    return chain.from_iterable(sheet.rows(name, _records(run, name, ends[name])) for name in ends)


def _as_csv(path: Path, run: Path, ends: Ends) -> int:
    kinds = sheet.columns(_rows(run, ends))
    with sheet.open_new(path) as file:
        return sheet.write_csv(file, kinds, _rows(run, ends))


def _as_parquet(path: Path, run: Path, ends: Ends) -> int:
    from liveopt.data.rows import write_rows

    kinds = sheet.columns(_rows(run, ends))
    cells = (
        [sheet.cell(row.get(name), kind) for name, kind in kinds.items()]
        for row in _rows(run, ends)
    )
    return write_rows(path, kinds, cells)


def _as_json(path: Path, run: Path, ends: Ends) -> int:
    pairs = ((name, record) for name in ends for record in _records(run, name, ends[name]))
    with sheet.open_new(path) as file:
        return sheet.write_json(file, pairs)


def _put(out: Path, write: Callable[[Path], int]) -> int:
    """The whole file or none."""
    temporary = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    try:
        count = write(temporary)
        temporary.replace(out)
    except (OSError, ValueError) as error:
        raise Failure(f"{out} was not written: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)
    return count
