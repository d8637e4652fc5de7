"""Stdout and stderr for a process that must go on whatever becomes of whoever reads them.

The guard's, so that it answers a stop, and the engine's.

A pipe that nobody reads, a reader that is gone, a closed terminal and a full disk cost lines only.
"""

import atexit
import io
import os
import sys
import threading
from queue import Full, Queue
from time import monotonic
from typing import Final, TextIO, cast

import structlog

TEXTS_MAX: Final = 2_000
CLOSED: Final = -1
SETTLE_S: Final = 1.0
"""For the last lines, at the end of the process."""


class Patient(io.TextIOBase):
    """Takes a text and returns; a thread of its own writes it. What finds no room is dropped."""

    encoding: str = "utf-8"
    errors: str | None = "replace"

    def __init__(self, stream: TextIO | None) -> None:
        """Over a stream; of one that is closed or was never there, every line is lost."""
        there = stream is not None and not stream.closed
        self._fd = stream.fileno() if stream is not None and there else CLOSED
        self._is_terminal = stream is not None and there and stream.isatty()
        self._texts: Queue[bytes] = Queue(TEXTS_MAX)
        self._waiting = 0
        self._written = threading.Condition()
        threading.Thread(target=self._run, name="patient", daemon=True).start()

    def write(self, text: str) -> int:
        """Never waits, never fails."""
        with self._written:
            try:
                self._texts.put_nowait(text.encode(self.encoding, "replace"))
            except Full:
                return len(text)
            self._waiting += 1
        return len(text)

    def settle(self, seconds: float = SETTLE_S) -> bool:
        """Wait until everything is written, but not for long; whether it is."""
        until_s = monotonic() + seconds
        with self._written:
            while self._waiting and (left_s := until_s - monotonic()) > 0.0:
                self._written.wait(left_s)
            return not self._waiting

    def fileno(self) -> int:
        """For a dump of the stacks, which goes past this."""
        return self._fd

    def isatty(self) -> bool:
        """Colours for eyes only."""
        return self._is_terminal

    def writable(self) -> bool:
        """It is."""
        return True

    def _run(self) -> None:
        while True:
            rest = self._texts.get()
            try:
                while rest:
                    rest = rest[os.write(self._fd, rest) :]
            except OSError:
                pass  # lost
            with self._written:
                self._waiting -= 1
                self._written.notify_all()


def install() -> None:
    """From here on, to the end of the process, both streams and the log are patient."""
    out, err = Patient(sys.stdout), Patient(sys.stderr)
    sys.stdout, sys.stderr = out, err
    structlog.configure(logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", err)))
    atexit.register(out.settle)
    atexit.register(err.settle)
