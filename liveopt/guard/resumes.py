"""Resumes by their Idempotency-Key, on the disk: one that is repeated ends its own halt, or none.

Whoever did not hear the answer asks again, perhaps hours later and of another process; by then
another halt may stand. So a key belongs to the halt that stood when it came first.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Final

import msgspec
import structlog

from liveopt import whole

log = structlog.get_logger()

NAME: Final = "resumes.json"
KEPT_MAX: Final = 1_000
DIGEST: Final = 32


class Asked(msgspec.Struct, frozen=True):
    """One resume: digests of its key and words, and the latch's number of the halt it is for."""

    key: str
    words: str
    number: int


@dataclass(slots=True)
class Resumes:
    """The newest of them; without a path they are forgotten with the process."""

    path: Path | None = None
    _kept: dict[str, Asked] = field(default_factory=dict)
    _keeping: Lock = field(default_factory=Lock)
    """One that a slow disk holds up may outlive its wait, and the next one come beside it."""

    def __post_init__(self) -> None:
        if self.path is None:
            return
        try:
            found = msgspec.json.decode(self.path.read_bytes(), type=list[Asked])
        except FileNotFoundError:
            return
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            log.warning("keys of resumes cannot be read", error=str(error))
            return
        self._kept = {one.key: one for one in found}

    def find(self, key: str) -> Asked | None:
        """The first resume with this key."""
        return self._kept.get(digest(key))

    def keep(self, one: Asked) -> None:
        """On the disk when it returns; OSError if it cannot be."""
        with self._keeping:
            kept = self._kept | {one.key: one}
            while len(kept) > KEPT_MAX:
                del kept[next(iter(kept))]
            if self.path is not None:
                whole.write(self.path, msgspec.json.encode(list(kept.values())))
            self._kept = kept


def digest(text: str) -> str:
    """A key opens nothing, but it is somebody's word."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:DIGEST]
