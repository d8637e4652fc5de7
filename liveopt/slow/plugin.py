"""A strategy file of the user's: trusted code that runs with your privileges. Read it before.

Nothing keeps it from what you may do yourself: reading your files, using your network. It is kept
from stalling the service and from the secrets in the service's memory and environment; that is all.
So a file that somebody else could have written is refused.
"""

import hashlib
import os
import pkgutil
import stat
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Final

import numpy as np

from liveopt import strategies
from liveopt.core.account import RISK
from liveopt.core.strategy import Strategy, check_knobs

FILE_MAX: Final = 1 << 20
OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


class BadFile(ValueError):
    """A strategy file that is not taken, and what would mend it."""


def read(path: Path) -> tuple[bytes, str]:
    """The file's bytes and their SHA-256, if only its owner - you or root - can have written it."""
    try:
        with path.open("rb") as file:
            about = os.fstat(file.fileno())
            source = file.read(FILE_MAX + 1)
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(about.st_mode) or len(source) > FILE_MAX:
        raise BadFile(f"{path} is no file of at most {FILE_MAX:,} bytes")
    if about.st_mode & OTHERS_WRITE:
        raise BadFile(f"others may write {path}, and it runs as you; do: chmod go-w {path}")
    if about.st_uid not in (os.geteuid(), 0):
        raise BadFile(f"{path} belongs to somebody else, and it runs as you; make a copy of yours")
    return source, hashlib.sha256(source).hexdigest()


def load(path: Path, sha256: str = "") -> tuple[Strategy, str]:
    """Run the file and take its `STRATEGY`; what was read is what is hashed and what is run."""
    name = path.stem
    if not name.isidentifier() or path.suffix != ".py":
        raise BadFile(f"{path.name} is no name of a strategy; call it like my_idea.py")
    if name in {m.name for m in pkgutil.iter_modules(strategies.__path__)}:
        raise BadFile(f"there is a strategy {name} already; give {path} another name")
    source, found = read(path)
    if sha256 and found != sha256:
        raise BadFile(f"{path} has changed since the run began; start anew to use what it is now")
    module = ModuleType(f"liveopt_user.{name}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses look their module up
    exec(compile(source, str(path), "exec"), module.__dict__)  # noqa: S102  the user's own code
    strategy = getattr(module, "STRATEGY", None)
    if not isinstance(strategy, Strategy):
        raise BadFile(f"{path} has no STRATEGY = Strategy(...)")
    strategy = replace(strategy, name=name)
    _check(strategy)
    return strategy, found


def _check(strategy: Strategy) -> None:
    """Refuse what could not be asked for a variant."""
    if not strategy.knobs:
        raise BadFile(f"{strategy.name} has no knob; give it one number to choose")
    taken = [*RISK, "warmup", *(strategy.knobs.keys() & strategy.choices.keys())]
    if clash := [n for n in (*strategy.knobs, *strategy.choices) if n in taken]:
        raise BadFile(f"{strategy.name} may not call a knob or choice {clash[0]}: that is taken")
    usual = {n: np.array([float(k.default)]) for n, k in strategy.knobs.items()}
    check_knobs(strategy, usual, {n: c.default for n, c in strategy.choices.items()})
    if getattr(strategy.memory(), "target", None) != 0.0:
        raise BadFile(f"the memory of {strategy.name} needs a field: target: float = 0.0")
