"""What became of the last portfolio jobs, read from the share's history and never written to.

The queue's own reader sets a damaged history aside, which is its worker's business: a GET changes
nothing.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from liveopt.portfolio.queue import files
from liveopt.portfolio.queue.books import ENTRIES_MAX, HISTORY
from liveopt.portfolio.queue.files import NotPlain
from liveopt.portfolio.queue.places import Places
from liveopt.web.plain import plain

BYTES_MAX: Final = 8 << 20
SECONDS_MAX: Final = 1e9
"""What is more is no duration of a job, whatever a file says."""
Stamp = tuple[int, int, int]


class Entry(msgspec.Struct, frozen=True):
    """What became of a job at that moment."""

    job_id: str
    status: str
    """queued, processing, completed, failed or withdrawn."""
    timestamp: str
    input_file: str
    """The table; empty for a job that was never begun."""
    output_dir: str
    """Where in the share its reports are, or what there is of them; empty before it is begun."""
    why: str
    """Why it failed or went back into the queue."""
    execution_time: float | None
    """Seconds, of one that ran to its end."""


@dataclass(slots=True)
class Past:
    """Of one share; a history that has not changed is not read again."""

    _stamp: Stamp | None = None
    _found: tuple[Entry, ...] = ()

    def read(self, root: Path) -> tuple[tuple[Entry, ...], str]:
        """The newest first, and why there is none where it cannot be read."""
        path = Places(root).status / HISTORY
        try:
            stamp = _stamp_of(path)
            if stamp != self._stamp:
                self._found, self._stamp = entries(_listed(path), root), stamp
        except FileNotFoundError:
            self._stamp, self._found = None, ()
        except (NotPlain, ValueError, RecursionError) as error:
            self._stamp, self._found = None, ()
            return (), f"{HISTORY} cannot be read: {error}"
        return self._found, ""


def _listed(path: Path) -> list[Any]:
    found = json.loads(files.read(path, BYTES_MAX))
    if not isinstance(found, list):
        raise ValueError("it holds something else")  # noqa: TRY004  as the rest of the damage
    return found


def entries(found: list[Any], root: Path) -> tuple[Entry, ...]:
    """The newest first. What a job was about is said once, when it began."""
    told: list[Entry] = []
    begun: dict[str, dict[str, Any]] = {}
    for one in found[-ENTRIES_MAX:]:
        if not isinstance(one, dict):
            continue
        details = one.get("details")
        details = details if isinstance(details, dict) else {}
        name = str(one.get("job_id"))
        if one.get("status") == "processing":
            begun[name] = details
        elif one.get("status") == "queued":
            begun.pop(name, None)
        told.append(_entry(one, {**begun.get(name, {}), **details}, root))
    return tuple(reversed(told))


def _entry(one: dict[str, Any], details: dict[str, Any], root: Path) -> Entry:
    def said(value: Any) -> str:
        return plain(value, root) if isinstance(value, str) else ""

    return Entry(
        said(one.get("job_id")), said(one.get("status")), said(one.get("timestamp")),
        said(details.get("input_file")), said(details.get("output_dir")),
        said(details.get("error") or details.get("why")), _seconds(details.get("execution_time")),
    )  # fmt: skip


def _seconds(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0.0 <= value <= SECONDS_MAX else None


def _stamp_of(path: Path) -> Stamp:
    about = path.stat()
    return about.st_ino, about.st_mtime_ns, about.st_size
