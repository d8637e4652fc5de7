"""The inbox of alerts on the disk: what somebody should have looked at outlives this process.

A file that cannot be read is an empty inbox; one that cannot be written costs a restart's memory.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Final

import msgspec
import structlog

from liveopt import whole
from liveopt.web.alerts import Alert

log = structlog.get_logger()

FILE: Final = "alerts.json"
LOOK_S: Final = 1.0
SEEN_S: Final = 60.0
"""How old the disk's knowledge may be of when an alert that stands was last seen."""
LINES_MAX: Final = 256
Lines = dict[str, Alert]


@dataclass(slots=True)
class Inbox:
    """Of one state folder; `lines` gives those of now."""

    folder: Path
    lines: Callable[[], Lines]
    _kept: Lines = field(default_factory=dict)
    _kept_s: float = 0.0
    _taken_last: int = 0
    _kept_last: int = 0
    _turn: Lock = field(default_factory=Lock)
    """At the end of the process the last ones are kept while a thread may still keep others."""

    def read(self) -> Lines:
        """As the process before this one left it."""
        try:
            found = msgspec.json.decode((self.folder / FILE).read_bytes(), type=list[Alert])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            log.warning("the alerts of before cannot be read", error=str(error))
            return {}
        self._kept = {line.id: line for line in found[-LINES_MAX:]}
        return dict(self._kept)

    async def run(self) -> None:
        """At most a write a second, and only of what is new."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LOOK_S)
            if self._is_new(loop.time()):
                self._kept_s = loop.time()
                await asyncio.to_thread(self._keep, *self._taken())

    def close(self) -> None:
        """At the end, once more."""
        try:
            self._keep(*self._taken())
        except OSError as error:
            log.warning("the alerts could not be kept", error=str(error))

    def _taken(self) -> tuple[int, Lines]:
        self._taken_last += 1
        return self._taken_last, dict(self.lines())

    def _keep(self, number: int, lines: Lines) -> None:
        """What was taken before what is kept already comes too late."""
        with self._turn:
            if number < self._kept_last:
                return
            self._kept_last = number
            if lines != self._kept:
                self._write(lines)
                self._kept = lines

    def _is_new(self, now_s: float) -> bool:
        lines = self.lines()
        if now_s - self._kept_s >= SEEN_S:
            return lines != self._kept
        return _timeless(lines) != _timeless(self._kept)

    def _write(self, lines: Lines) -> None:
        content = msgspec.json.encode(list(lines.values()))
        whole.write(self.folder / FILE, content, synced=False)


def _timeless(lines: Lines) -> Lines:
    """Without when each was last seen, which moves while it stands."""
    return {id_: msgspec.structs.replace(line, last_ms=0) for id_, line in lines.items()}
