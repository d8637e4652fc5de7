"""The inbox of alerts on the disk: what somebody should have looked at outlives this process.

A file that cannot be read is an empty inbox; one that cannot be written costs a restart's memory.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
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
                lines, self._kept_s = self._taken(), loop.time()
                await asyncio.to_thread(self._write, lines)
                self._kept = lines

    def close(self) -> None:
        """At the end, once more."""
        if (lines := self._taken()) != self._kept:
            try:
                self._write(lines)
            except OSError as error:
                log.warning("the alerts could not be kept", error=str(error))

    def _taken(self) -> Lines:
        return dict(self.lines())

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
