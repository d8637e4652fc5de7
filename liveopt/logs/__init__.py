"""Logs of the shell: stderr, for eyes on a terminal, JSON lines elsewhere, never a secret."""

import logging
import os
import sys
from typing import Final, Literal, TextIO

import structlog
from structlog.typing import Processor

from liveopt.logs import strays
from liveopt.logs.hidden import REDACTED
from liveopt.logs.redaction import DEPTH_MAX, HIDDEN, clean_text, redact

__all__ = [
    "DEPTH_MAX",
    "REDACTED",
    "Level",
    "clean_text",
    "hide",
    "hide_address",
    "pin",
    "redact",
    "setup",
]

Level = Literal["debug", "info", "warning", "error"]
hide: Final = HIDDEN.add
"""A secret is known from here on: it is in no line, however it is spelled."""
pin: Final = HIDDEN.pin
"""The same of one that lives as long as this process: no other takes its place."""
hide_address: Final = HIDDEN.add_address


def setup(*, level: Level = "info", stream: TextIO | None = None) -> None:
    """Sends every log line of this process from that level up to the stream, stderr unless told.

    What the environment holds of secrets is known from here on, and what would be printed past the
    log comes through it.
    """
    out = sys.stderr if stream is None else stream
    HIDDEN.add_environment(os.environ)
    strays.catch()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            # Exceptions become text here: redaction sees them and no renderer prints locals.
            structlog.processors.format_exc_info,
            redact,
            _renderer(out),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )


def _renderer(out: TextIO) -> Processor:
    if not out.isatty():
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(
        colors="NO_COLOR" not in os.environ,
        exception_formatter=structlog.dev.plain_traceback,
    )
