"""Which file a job means: inside `input/`, or refused, however a client spells it."""

import errno
import os
import stat
import unicodedata
from pathlib import Path, PureWindowsPath
from typing import Final

from liveopt.portfolio.queue.files import is_printable, shown
from liveopt.portfolio.queue.places import Places

INPUT: Final = "input"
HOW: Final = "name a .csv file inside the share's input folder, such as prices.csv"
LENGTH_MAX: Final = 1_000


class Refused(Exception):
    """A job that will not be run; the text has the reason and the mend."""


class Missing(Refused):
    """The file it names is not there, or not yet."""


def parts_of(text: str, root: Path) -> tuple[str, ...]:
    r"""The names below `input/` that lead to the file.

    `a.csv`, `sub/a.csv`, `input\a.csv`, `Z:\input\a.csv` and `\\server\share\input\a.csv` are
    understood; where root is a folder inside the share, so is what leads to it.
    """
    if not text or len(text) > LENGTH_MAX or not is_printable(text):
        raise Refused(f"input_file is empty, too long or has control characters: {HOW}")
    if text.startswith(("\\\\?\\", "\\\\.\\", "//?/", "//./")):
        raise Refused(f"input_file {shown(text)} is a device path: {HOW}")
    path = PureWindowsPath(text)
    named = tuple(path.parts[1:] if path.anchor else path.parts)
    if path.drive and path.root:
        named = _below_input(named, root, text)
    elif path.anchor:
        raise Refused(f"input_file {text} is an absolute path: {HOW}")
    elif len(named) > 1 and named[0].casefold() == INPUT:
        named = named[1:]
    if not named or any(one == ".." or ":" in one for one in named):
        raise Refused(f"input_file {text} does not stay inside the input folder: {HOW}")
    if not named[-1].casefold().endswith(".csv"):
        raise Refused(f"input_file {text} does not end in .csv: {HOW}")
    return named


def find(places: Places, text: str) -> Path:
    """The file itself, with no link left in its path."""
    inside, here = places.input.resolve(), places.input
    parts = parts_of(text, places.root)
    try:
        for name in parts:
            here = _step(here, name, text)
        found = here.resolve(strict=True)
        mode = found.stat().st_mode
    except FileNotFoundError:
        raise _missing(text) from None
    except (RuntimeError, OSError) as error:
        if isinstance(error, OSError) and error.errno != errno.ELOOP:
            raise
        raise Refused(f"input_file {text} is a loop of links: {HOW}") from None
    if not found.is_relative_to(inside):
        raise Refused(f"input_file {text} is a link out of the input folder: copy the file there")
    if not stat.S_ISREG(mode):
        raise Refused(f"input_file {text} is no regular file: {HOW}")
    return found


def _below_input(named: tuple[str, ...], root: Path, text: str) -> tuple[str, ...]:
    """What follows `input`, if what precedes it is the way from the share to the root."""
    ways = [_same(one) for one in root.parts]
    for place, name in enumerate(named):
        before = [_same(one) for one in named[:place]]
        if name.casefold() == INPUT and (not before or ways[-len(before) :] == before):
            return named[place + 1 :]
    raise Refused(f"input_file {text} does not lead into the share's input folder: {HOW}")


def _step(folder: Path, name: str, text: str) -> Path:
    """Windows does not tell `A.CSV` from `a.csv`: another case is taken if only one file has it."""
    if os.path.lexists(folder / name):
        return folder / name
    try:
        alike = [p.name for p in folder.iterdir() if _same(p.name) == _same(name)]
    except (FileNotFoundError, NotADirectoryError):
        raise _missing(text) from None
    if len(alike) > 1:
        raise Refused(f"input_file {text} may be {' or '.join(sorted(alike))}: spell it exactly")
    if not alike:
        raise _missing(text)
    return folder / alike[0]


def _same(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _missing(text: str) -> Missing:
    return Missing(
        f"input_file {text} is not in the input folder: copy it there, drop the job again"
    )
