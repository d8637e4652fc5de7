"""Progress of long work on stderr: how far, how fast, how long still."""

import sys
import time
from types import TracebackType

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

LINE_EVERY_S = 5.0


class Meter:
    """Counts what is done; a bar on a terminal, a line every few seconds elsewhere."""

    def __init__(self, total: int, what: str, unit: str = "bars") -> None:
        """Nothing is shown before the work begins."""
        self.total = max(total, 1)
        self.what, self.unit = what, unit
        self.done = 0
        self.started_s = time.perf_counter()
        self._said_s = self.started_s
        self._bar: Progress | None = None

    def __enter__(self) -> "Meter":
        """Start the clock, and the bar where somebody can see it."""
        self.started_s = self._said_s = time.perf_counter()
        if sys.stderr.isatty():
            self._bar = Progress(
                TextColumn(self.what),
                BarColumn(),
                TaskProgressColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task(self.what, total=self.total, rate="")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()

    def add(self, count: int) -> None:
        """So many more are done (or, below zero, must be done again)."""
        self.done += count
        now_s = time.perf_counter()
        if self._bar is not None:
            rate = f"{self.rate():.3g} {self.unit}/s"
            self._bar.update(self._task, completed=self.done, total=self.total, rate=rate)
        elif now_s - self._said_s >= LINE_EVERY_S:
            self._said_s = now_s
            left_s = (self.total - self.done) / max(self.rate(), 1.0)
            share = 100.0 * self.done / self.total
            typer.echo(
                f"{self.what}: {share:.0f} %, {self.rate():.3g} {self.unit}/s, {left_s:.0f} s left",
                err=True,
            )

    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.started_s

    def rate(self) -> float:
        """So many a second so far."""
        return self.done / max(self.elapsed_s(), 1e-9)
