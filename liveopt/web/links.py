"""One-time addresses made beside a run: a word is a file of its hash, and taken by removing it.

Whoever may write into the state folder may make one; the web process takes it up once.
"""

import hashlib
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

FOLDER: Final = "links"
LINK_S: Final = 600.0
LINKS_MAX: Final = 64
NUMBER_MAX: Final = 32
"""Characters of the number in a file."""


class Links:
    """Those of one state folder; seconds are those of the wall clock."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER

    def make(self, now_s: float) -> str:
        """A word that is good once, for ten minutes; on the disk is its hash."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._clear(now_s)
        word = secrets.token_urlsafe(32)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(self._place(word), flags, 0o600), "w", encoding="ascii") as file:
            file.write(repr(now_s + LINK_S))
        return word

    def take(self, word: str, now_s: float) -> bool:
        """Whether it is good now; of all who ask at once, one is told so."""
        place = self._place(word)
        try:
            until_s = _until(place)
            place.unlink()
        except OSError:
            return False
        return now_s < until_s <= now_s + LINK_S

    def _place(self, word: str) -> Path:
        return self._folder / hashlib.sha256(word.encode("utf-8", "surrogateescape")).hexdigest()

    def _clear(self, now_s: float) -> None:
        """The old ones go, and the oldest of too many."""
        found = []
        for place in self._folder.iterdir():
            with suppress(OSError):
                found.append((_until(place), place))
        found.sort(reverse=True)
        for number, (until_s, place) in enumerate(found):
            if until_s <= now_s or number >= LINKS_MAX - 1:
                place.unlink(missing_ok=True)


def _until(place: Path) -> float:
    """When it is over; 0 where the file does not say."""
    with place.open("rb") as file, suppress(ValueError):
        return float(file.read(NUMBER_MAX))
    return 0.0
