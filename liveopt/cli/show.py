"""How results are shown: tables for people, JSON for programs, complaints on stderr."""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any

import typer
from rich.console import Console
from rich.table import Table


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
    GATE_NOT_PASSED = 8


class Failure(Exception):
    """A command could not do what it was asked; the message says why and what to do."""


def complain(error: Exception, code: Exit) -> int:
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
    shown = Table(title=title or None, title_justify="left", header_style="bold")
    for number, column in enumerate(columns):
        numeric = bool(lines) and isinstance(lines[0][number], int | float)
        shown.add_column(column, justify="right" if numeric else "left")
    for line in lines:
        shown.add_row(*(cell(value) for value in line))
    Console().print(shown)


def cell(value: object) -> str:
    """One value as text: six significant digits, a dash for what is undefined."""
    if isinstance(value, float):
        return "-" if math.isnan(value) else f"{value:.6g}"
    return str(value)
