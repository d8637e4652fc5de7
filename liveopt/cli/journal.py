"""`liveopt journal verify|tail|export`: looks at journals, and never writes to one."""

import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from liveopt.cli.show import Exit, Failure, as_json, note, table
from liveopt.journal import export as sheet
from liveopt.journal.folder import NoRun, find, runs
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


@dataclass(frozen=True, slots=True)
class Span:
    """A journal up to a record, or of it those of one kind."""

    run: Path
    name: str
    end: int
    kind: str = ""


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

    Of a folder of runs, every run is checked, the newest first. Exit code 1 if anything was changed
    or lost since it was written. A tear, which a crash leaves and the next start mends, is no such
    thing.

    Examples: `liveopt journal verify logs/latest`, `liveopt journal verify logs`

    JSON keys: `run`, `live`, `verdict`, `journals`, `snapshots`; of a folder of runs `verdict` and
    `runs`, a list of these.
    """
    checked = [_checked(run, names) for run, names in _all_chosen(path, only)]
    verdict = "corrupt" if any(one.facts["verdict"] == "corrupt" for one in checked) else "sound"
    if json:
        alone = not _is_many(path)
        facts = [one.facts for one in checked]
        as_json(facts[0] if alone else {"verdict": verdict, "runs": facts})
    else:
        _show(checked)
    if verdict == "corrupt":
        raise typer.Exit(Exit.ERROR)


@dataclass(frozen=True, slots=True)
class Checked:
    """A run, and what was found of its journals."""

    run: Path
    found: dict[str, Recovery]
    facts: dict[str, Any]


def _checked(run: Path, names: list[str]) -> Checked:
    live = is_held(run / LOCK)
    found = {name: inspect(run, name, live=live) for name in names}
    corrupt = any(one.verdict == "corrupt" for one in found.values())
    facts = {
        "run": str(run),
        "live": live,
        "verdict": "corrupt" if corrupt else "sound",
        "journals": [_facts(run, name, one, live=live) for name, one in found.items()],
        "snapshots": _snapshots(run, names),
    }
    return Checked(run, found, facts)


def _show(checked: Sequence[Checked]) -> None:
    """One table of all journals, then what there is to be said of them."""
    keys = ("journal", "verdict", "records", "segments", "bytes", "head")
    several = len(checked) > 1
    rows = [
        [*([one.run.name] if several else []), *(line[key] for key in keys)]
        for one in checked
        for line in one.facts["journals"]
    ]
    title = "" if several else str(checked[0].run)
    table((*(["run"] if several else []), *keys), rows, title=title)
    for one in checked:
        for name, recovery in one.found.items():
            called = f"{one.run.name}: {name}" if several else name
            _explain(called, recovery, live=one.facts["live"])


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
    kind: Annotated[
        str, typer.Option("--only", help="Only records of this kind, in plain columns: Trade ...")
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
) -> None:
    """Write the records of a journal as a table; of a run, each journal into a file of its own.

    `--out a.csv` of a run makes `a-inputs.csv`, `a-trades.csv` ...; with `--journal`, `a.csv`.
    Text that a spreadsheet would take for a formula gets a ' before it in CSV; numbers do not.
    With `--only`, CSV has beside each time in nanoseconds (`at_ns`) the same in UTC (`at_utc`).

    Example: `liveopt journal export logs/latest -j experimental-trades --only Trade --out t.csv`
    """
    run, names = _chosen(path, only)
    names = _with_kind(run, names, kind) if kind else names
    writers = {".csv": _as_csv, ".parquet": _as_parquet, ".json": _as_json}
    write = writers.get(out.suffix.lower())
    if write is None:
        raise BadParameter(f"{out}: give the file a name that ends with .csv, .parquet or .json")
    alone = len(names) == 1
    files = {n: out if alone else out.with_name(f"{out.stem}-{n}{out.suffix}") for n in names}
    for file in files.values():
        if file.exists() and not force:
            raise Failure(f"{file} exists; --force replaces it")
    if not out.parent.is_dir():
        raise Failure(f"{out.parent}: there is no such folder")
    for name, file in files.items():
        count = _put(file, write, _now(run, name, kind))
        note(f"{count} records in {file}")
    unsound = [
        f"{name}: {one.where}"
        for name in names
        if (one := inspect(run, name, live=is_held(run / LOCK))).verdict == "corrupt"
    ]
    if unsound:
        raise Failure(f"only what lies before the damage is there: {'; '.join(unsound)}")


def _now(run: Path, name: str, kind: str) -> Span:
    """What there is of a journal now."""
    found, _ = last_records(run, name, 1)
    return Span(run, name, found[0].seq if found else 0, kind)


def _with_kind(run: Path, names: list[str], kind: str) -> list[str]:
    """Those journals that have such records."""
    known: set[str] = set()
    found = []
    for name in names:
        kinds = set()
        try:
            for one in records(run, name):
                kinds.add(sheet.kind_of(one))
                if kind in kinds:
                    found.append(name)
                    break
        except sheet.BadRecord as error:
            raise Failure(f"{name}: {error}") from error
        known |= kinds
    if not found:
        there = ", ".join(sorted(known - {""})) or "nothing"
        raise Failure(f"{', '.join(names)} has no record of the kind {kind}; there is {there}")
    return found


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


def _is_many(path: Path) -> bool:
    """A folder of runs, not of journals."""
    return path.is_dir() and not journals(path) and bool(runs(path))


def _all_chosen(path: Path, only: str | None) -> list[tuple[Path, list[str]]]:
    """Every run that a path means, the newest first, and which of its journals."""
    if not _is_many(path):
        return [_chosen(path, only)]
    found = []
    for run in runs(path):
        names = [name for name in journals(run) if only in (None, name)]
        if names:
            found.append((run, names))
        elif not journals(run):
            note(f"{run} has no journals")
    if not found:
        raise Failure(f"no run in {path} has {f'a journal {only}' if only else 'journals'}")
    return found


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


def _records(span: Span) -> Iterator[Record]:
    """Those there were when the export began, so that each pass sees the same."""
    found = takewhile(lambda record: record.seq <= span.end, records(span.run, span.name))
    return (one for one in found if not span.kind or sheet.kind_of(one) == span.kind)


def _rows(span: Span) -> Iterator[sheet.Row]:
    found = sheet.rows(span.name, _records(span))
    return map(sheet.plain, found) if span.kind else found


def _as_csv(path: Path, span: Span) -> int:
    def table() -> Iterator[sheet.Row]:
        return map(sheet.dated, _rows(span)) if span.kind else _rows(span)

    kinds = sheet.columns(table())
    with sheet.open_new(path) as file:
        return sheet.write_csv(file, kinds, table())


def _as_parquet(path: Path, span: Span) -> int:
    from liveopt.data.rows import write_rows

    kinds = sheet.columns(_rows(span))
    cells = (
        [sheet.cell(row.get(name), kind) for name, kind in kinds.items()] for row in _rows(span)
    )
    return write_rows(path, kinds, cells)


def _as_json(path: Path, span: Span) -> int:
    with sheet.open_new(path) as file:
        return sheet.write_json(file, ((span.name, record) for record in _records(span)))


def _put(out: Path, write: Callable[[Path, Span], int], span: Span) -> int:
    """The whole file or none."""
    temporary = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    try:
        count = write(temporary, span)
        temporary.replace(out)
    except (OSError, ValueError) as error:
        raise Failure(f"{out} was not written: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)
    return count
