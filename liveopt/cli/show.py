"""How results are shown: tables for people, JSON for programs, complaints on stderr."""

import json
import math
import sys
from collections.abc import Collection, Mapping, Sequence
from enum import IntEnum
from typing import Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table

Line = Sequence[object]
TEXT_WIDTH = 30
"""Columns of words may be folded to this width; numbers are never cut."""


class Exit(IntEnum):
    """What an exit code says; the same for every command."""

    OK = 0
    ERROR = 1
    USAGE = 2
    NOT_RUNNING = 3
    CONFIG = 4
    TIMEOUT = 5
    HALTED = 6
    REPLAY_MISMATCH = 7
    GAVE_UP = 70
    LOCKED = 79
    INTERRUPTED = 130


class Failure(Exception):
    """A command could not do what it was asked; the message says why and what to do."""


def complain(error: Exception | str, code: Exit) -> int:
    """Say what went wrong, once, and hand back the exit code."""
    typer.echo(f"liveopt: {error}", err=True)
    return int(code)


def as_json(value: Any) -> None:
    """One JSON document on stdout; what is undefined is null."""
    typer.echo(json.dumps(defined(value), indent=2, allow_nan=False))


def defined(value: Any) -> Any:
    """The same with null for every number that is not finite."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: defined(v) for name, v in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [defined(v) for v in value]
    return value


def table(columns: Sequence[str], lines: Sequence[Sequence[object]], title: str = "") -> None:
    """A table on a terminal; the same as tab-separated text in a pipe."""
    if not sys.stdout.isatty():
        for line in (columns, *lines):
            typer.echo("\t".join(cell(value) for value in line))
        return
    draw(Console(), columns, lines, title)


def draw(console: Console, columns: Sequence[str], lines: Sequence[Line], title: str = "") -> None:
    """A table no wider than the terminal: what does not fit beside goes below, with column one."""
    numeric = [any(isinstance(line[i], int | float) for line in lines) for i in range(len(columns))]
    texts = [[rounded(value) for value in line] for line in lines]
    widths = [max(map(len, (name, *(t[i] for t in texts)))) for i, name in enumerate(columns)]
    needed = [w if numeric[i] else min(w, TEXT_WIDTH) for i, w in enumerate(widths)]
    for number, part in enumerate(parts(needed, console.width)):
        shown = Table(
            title=title if title and number == 0 else None,
            title_justify="left",
            header_style="bold",
            box=box.SIMPLE_HEAD,
            show_edge=False,
        )
        for i in part:
            shown.add_column(
                columns[i],
                justify="right" if numeric[i] else "left",
                no_wrap=numeric[i],
                overflow="fold",
                min_width=needed[i],
            )
        for text in texts:
            shown.add_row(*(text[i] for i in part))
        console.print(shown)


def parts(widths: Sequence[int], room: int) -> list[list[int]]:
    """Which columns stand beside each other; each has a space on both sides and one between."""
    found, used = [[0]], widths[0] + 3
    for i in range(1, len(widths)):
        if len(found[-1]) > 1 and used + widths[i] + 3 > room:
            found.append([0])
            used = widths[0] + 3
        found[-1].append(i)
        used += widths[i] + 3
    return found


def note(text: str) -> None:
    """Words around a table: on a terminal with it, beside a pipe on stderr."""
    typer.echo(text, err=not sys.stdout.isatty())


def whole(names: Collection[str], values: Mapping[str, Any]) -> dict[str, Any]:
    """The same with the named values as integers."""
    return {
        n: int(v) if n in names and isinstance(v, float) and math.isfinite(v) else v
        for n, v in values.items()
    }


def rounded(value: object) -> str:
    """One value for the eye: four significant digits, and all digits before the point."""
    if isinstance(value, float) and 1e3 <= abs(value) < 1e9:
        return f"{value:.0f}"
    return f"{value:.4g}" if isinstance(value, float) and not math.isnan(value) else cell(value)


def cell(value: object) -> str:
    """One value as text: six significant digits, a dash for what is undefined."""
    if isinstance(value, float):
        return "-" if math.isnan(value) else f"{value:.6g}"
    return str(value)
