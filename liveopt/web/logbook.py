"""The newest log lines of this process, after every secret has left them."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from structlog.typing import EventDict, WrappedLogger

from liveopt.logs import redact
from liveopt.web.errors import clean

LINES_MAX: Final = 1_000


@dataclass(slots=True)
class Logbook:
    """Stands before the renderer among structlog's processors."""

    lines: deque[Mapping[str, Any]] = field(default_factory=lambda: deque(maxlen=LINES_MAX))

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        """Keep a line, and hand it on."""
        clean = {
            name: _without_keys(value) for name, value in redact(logger, method, event).items()
        }
        self.lines.append(clean)
        return clean

    def open(self) -> None:
        """From here on."""
        *others, renderer = structlog.get_config()["processors"]
        structlog.configure(processors=[*others, self, renderer])

    def close(self) -> None:
        """Only until here."""
        kept = [one for one in structlog.get_config()["processors"] if one is not self]
        structlog.configure(processors=kept)

    def newest(self, limit: int, level: str = "") -> list[Mapping[str, Any]]:
        """The newest first."""
        found = (line for line in reversed(self.lines) if not level or line.get("level") == level)
        return [line for line, _ in zip(found, range(limit), strict=False)]


def _without_keys(value: object) -> object:
    return clean(value) if isinstance(value, str) else value
