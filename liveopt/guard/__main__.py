"""`python -m liveopt.guard SPEC`: the control process of one service; SPEC is JSON or its file."""

import asyncio
import io
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final, TextIO, cast

from liveopt import logs
from liveopt.guard.door import PortTaken
from liveopt.guard.latch import HALT_FILE
from liveopt.guard.lock import EXIT, NAME, Lock, Locked
from liveopt.guard.service import Guard
from liveopt.guard.spec import CONFIG, INTERRUPTED, BadSpec, Spec, read_spec

USAGE = 2
CODES: Final[dict[type[Exception], int]] = {BadSpec: USAGE, Locked: EXIT, PortTaken: CONFIG}


class Patient(io.TextIOBase):
    """A log that a full disk or a closed terminal cannot turn into the end of the guard."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Lost if it cannot be written."""
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """The same."""
        with suppress(OSError, ValueError):
            self._stream.flush()

    def isatty(self) -> bool:
        """Colours for eyes only."""
        return self._stream.isatty()


def main(words: list[str]) -> int:
    """The engine's exit code, 0 or 130 if it ended as asked, 4 or 79 if it could not begin, or 70.

    The last is for an engine that died too often.
    """
    if len(words) != 1:
        return _say("usage: python -m liveopt.guard SPEC", USAGE)
    try:
        spec = read_spec(words[0])
        logs.setup(level=spec.level, stream=cast("TextIO", Patient(sys.stderr)))
        return _locked(spec)
    except (BadSpec, Locked, PortTaken, OSError) as error:
        return _say(str(error), CODES.get(type(error), 1))
    except KeyboardInterrupt:  # before the loop listens to it, or after
        return INTERRUPTED


def _locked(spec: Spec) -> int:
    """The lock before anything else: a second instance has touched nothing."""
    spec.folder.mkdir(parents=True, exist_ok=True)
    _halt_by_file(spec.folder)
    with Lock(spec.folder / NAME) as lock:
        guard = Guard(spec, lock)
        code = asyncio.run(guard.run())
    return _say(guard.keeper.gave_up, code) if guard.keeper.gave_up else code


def _halt_by_file(folder: Path) -> None:
    """A signal that comes before the loop runs is kept as a HALT file, which the guard finds."""
    signal.signal(signal.SIGUSR1, lambda _number, _frame: (folder / HALT_FILE).touch())


def _say(text: str, code: int) -> int:
    Patient(sys.stderr).write(f"liveopt: {text}\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
