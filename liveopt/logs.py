"""Logs of the shell: stderr, for eyes on a terminal, JSON lines elsewhere, never a secret."""

import logging
import os
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Final, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED: Final = "[redacted]"
DEPTH_MAX: Final = 8

_SECRET_NAME: Final = re.compile(
    r"key|secret|token|passphrase|password|authorization|^kc-api-", re.IGNORECASE
)
# A secret inside running text: a header, a query string, the repr of a dict in a traceback. "key"
# alone is too common a word there ("unknown key: fee"), so it counts only as an API key.
_SECRET_IN_TEXT: Final = re.compile(
    r"""(?P<name>kc-api-[\w-]+
          |[\w-]*(?:secret|token|passphrase|password|authorization|api[_-]?key)[\w-]*)
        (?P<gap>['"]?\s*[=:]\s*(?:b(?=['"]))?['"]?)
        (?:(?:basic|bearer)\s+)?[^\s'"&,;)}\]]+""",
    re.IGNORECASE | re.VERBOSE,
)


Level = Literal["debug", "info", "warning", "error"]


def setup(*, level: Level = "info", stream: TextIO | None = None) -> None:
    """Sends every log line of this process from that level up to the stream, stderr unless told."""
    out = sys.stderr if stream is None else stream
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


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The last processor before rendering: no secret leaves the process in a log line."""
    return {name: _clean_pair(name, value, 0) for name, value in event.items()}


def _renderer(out: TextIO) -> Processor:
    if not out.isatty():
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(
        colors="NO_COLOR" not in os.environ,
        exception_formatter=structlog.dev.plain_traceback,
    )


def _clean_pair(name: object, value: object, depth: int) -> object:
    return REDACTED if _is_secret(name) else _clean(value, depth)


def _is_secret(name: object) -> bool:
    text = name.decode("latin-1") if isinstance(name, bytes) else str(name)
    return _SECRET_NAME.search(text) is not None


def _clean(value: object, depth: int) -> object:
    """The value without secrets, made only of what JSON knows."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, bytes):
        return _clean_text(value.decode("latin-1"))
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _clean_inside(value, depth + 1) if depth < DEPTH_MAX else "..."
    return _clean_text(str(value))


def _clean_inside(value: Iterable[object], depth: int) -> object:
    match value:
        case Mapping():
            return {str(name): _clean_pair(name, inner, depth) for name, inner in value.items()}
        case (str() | bytes() as name, inner):  # a header as a pair
            return [_clean(name, depth), _clean_pair(name, inner, depth)]
        case _:
            return [_clean(inner, depth) for inner in value]


def _clean_text(text: str) -> str:
    return _SECRET_IN_TEXT.sub(rf"\g<name>\g<gap>{REDACTED}", text)
