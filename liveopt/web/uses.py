"""When each API key was used last: known here at once, and on the disk a minute later.

It is kept aside from the keys: what is written for a use can never undo a revocation.
"""

from pathlib import Path
from threading import Lock
from typing import Final

import msgspec
import structlog

from liveopt import whole

log = structlog.get_logger()

FILE: Final = "keys.used.json"
KEPT_EVERY_S: Final = 60.0


class Uses:
    """By the ids of keys, times in nanoseconds since 1970."""

    def __init__(self, folder: Path) -> None:
        """Of the keys of this state folder."""
        self._path = folder / FILE
        self._new: dict[str, int] = {}
        self._turn = Lock()
        """At the end of the process the last ones are kept while a thread may still keep others."""

    def note(self, id_: str, wall_ns: int) -> None:
        """Now; nothing is written for it yet."""
        self._new[id_] = wall_ns

    def taken(self) -> dict[str, int]:
        """What `keep` has not been given yet."""
        new, self._new = self._new, {}
        return new

    def keep(self, new: dict[str, int]) -> None:
        """Put these down beside what is there; a disk that refuses costs nobody anything else."""
        if not new:
            return
        with self._turn:
            known = self.all()
            newest = {id_: max(known.get(id_, 0), at_ns) for id_, at_ns in new.items()}
            try:
                whole.write(self._path, msgspec.json.encode(known | newest))
            except OSError as error:
                log.warning("when keys were used could not be kept", error=str(error))

    def all(self) -> dict[str, int]:
        """As far as the disk knows; a file that cannot be read knows nothing."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, int])
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return {}
