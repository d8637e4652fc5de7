"""What others would print past our log: their own loggers, and errors that nobody has caught."""

import logging
import sys
import threading
import traceback
from types import TracebackType
from typing import Any

import structlog

from liveopt.logs.redaction import clean_text, said


class _Bridge(logging.Handler):
    """Lines of libraries become lines of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        """Through all of our processors."""
        plain = record.msg if isinstance(record.msg, str) else f"<{type(record.msg).__name__}>"
        text = said(record.getMessage, plain)  # its words may not fit each other
        caught = record.exc_info if record.exc_info and record.exc_info[1] else None
        log = structlog.get_logger()
        log.log(
            _level(record), text, logger=record.name, **({"exc_info": caught} if caught else {})
        )


def _level(record: logging.LogRecord) -> int:
    """Ours next below: a library may have some of its own between them, or above."""
    return min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL)


_BRIDGE = _Bridge(logging.WARNING)


def catch() -> None:
    """From here on; whoever has put something else into one of these places keeps it."""
    root = logging.getLogger()
    if _BRIDGE not in root.handlers:
        root.addHandler(_BRIDGE)
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _uncaught
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _uncaught_in_thread
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = _unraisable


def _uncaught(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    _say("".join(traceback.format_exception(kind, error, where)))


def _uncaught_in_thread(hook: Any) -> None:
    if hook.exc_type is SystemExit:
        return
    name = "?" if hook.thread is None else hook.thread.name
    text = "".join(traceback.format_exception(hook.exc_type, hook.exc_value, hook.exc_traceback))
    _say(f"Exception in thread {name}:\n{text}")


def _unraisable(hook: Any) -> None:
    what = hook.err_msg or "Exception ignored in"
    text = "".join(traceback.format_exception(hook.exc_type, hook.exc_value, hook.exc_traceback))
    _say(f"{what}: {hook.object!r}\n{text}")


def _say(text: str) -> None:
    """As Python would, without secrets."""
    if sys.stderr is not None:
        sys.stderr.write(clean_text(text))
        sys.stderr.flush()
