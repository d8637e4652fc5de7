"""How far a portfolio run is: a bar on a terminal, lines elsewhere, JSON lines for programs."""

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Protocol

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from liveopt.cli.progress import LINE_EVERY_S
from liveopt.cli.show import defined
from liveopt.portfolio import steps

TOLD_EVERY_S: Final = 0.5


class Hearing(Protocol):
    """Whoever is told."""

    def hear(self, progress: steps.Progress) -> None:
        """How far it is."""

    def done(self, found: Mapping[str, Any]) -> None:
        """What came of it."""


class _Lines:
    """JSON lines on stdout, not too many of them; what is done is the last one."""

    def __init__(self) -> None:
        self._told_s, self._step = 0.0, ""

    def hear(self, progress: steps.Progress) -> None:
        """Every step, and within one what half a second brings."""
        now_s = time.perf_counter()
        if progress.step == self._step and now_s - self._told_s < TOLD_EVERY_S:
            return
        self._told_s, self._step = now_s, progress.step
        share = round(progress.share, 4)
        self._say({"step": progress.step, "share": share, "words": progress.words})

    def done(self, found: Mapping[str, Any]) -> None:
        """The last line."""
        self._say({"done": defined(found)})

    def _say(self, what: Mapping[str, Any]) -> None:
        sys.stdout.write(json.dumps(what, allow_nan=False) + "\n")
        sys.stdout.flush()


class _Bar:
    """A bar for people on stderr."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._said_s, self._step = time.perf_counter(), ""

    def __enter__(self) -> "_Bar":
        if sys.stderr.isatty():
            self._bar = Progress(
                TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(),
                TimeElapsedColumn(), console=Console(stderr=True), transient=True,
            )  # fmt: skip
            self._task = self._bar.add_task("", total=1.0)
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def hear(self, progress: steps.Progress) -> None:
        """The bar moves; without a terminal a line comes now and then."""
        if self._bar is not None:
            self._bar.update(
                self._task, completed=progress.share, description=escape(progress.words)
            )
            return
        now_s = time.perf_counter()
        if now_s - self._said_s >= LINE_EVERY_S:
            self._said_s = now_s
            typer.echo(
                f"{100.0 * progress.share:.0f} %, {progress.step}: {progress.words}", err=True
            )

    def done(self, found: Mapping[str, Any]) -> None:
        """Whoever shows it does."""


@contextmanager
def hearing_of(*, events: bool) -> Iterator[Hearing]:
    """The one that was asked for."""
    if events:
        yield _Lines()
        return
    with _Bar() as bar:
        yield bar
