"""The control process from its first word to its exit code; `__main__` begins it."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Final

from liveopt import logs
from liveopt.guard import patient
from liveopt.guard.door import PortTaken
from liveopt.guard.latch import HALT_FILE
from liveopt.guard.lock import EXIT, NAME, Lock, Locked
from liveopt.guard.service import Guard
from liveopt.guard.spec import CONFIG, INTERRUPTED, BadSpec, Spec, read_spec

USAGE = 2
CODES: Final[dict[type[Exception], int]] = {BadSpec: USAGE, Locked: EXIT, PortTaken: CONFIG}


def main(words: list[str]) -> int:
    """The engine's exit code, 0 or 130 if it ended as asked, 4 or 79 if it could not begin, or 70.

    The last is for an engine that died too often.
    """
    patient.install()
    if len(words) != 1:
        return _say("usage: python -m liveopt.guard SPEC", USAGE)
    try:
        spec = read_spec(words[0])
        logs.setup(level=spec.level)
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
    sys.stderr.write(f"liveopt: {text}\n")  # which is patient
    return code
