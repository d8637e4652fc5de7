"""No secret in what is said: known by its name, by its form, or by its value."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from typing import Final

from structlog.typing import EventDict, WrappedLogger

from liveopt.logs.hidden import REDACTED, Hidden

DEPTH_MAX: Final = 8
HIDDEN: Final = Hidden()
"""Those of this process."""

_SECRET_NAME: Final = re.compile(
    r"key|secret|token|passphrase|password|pepper|cookie|authorization|x-liveopt|^kc-api-",
    re.IGNORECASE,
)
# A secret inside running text: a header, a query string, the repr of a dict in a traceback. "key"
# alone is too common a word there ("unknown key: fee"), so it counts only as an API key.
# A word is looked through once, from its beginning, and never again: however long, it is soon done.
_SECRET_IN_TEXT: Final = re.compile(
    r"""(?<![\w-])
        (?=[\w-]*?(?:kc-api-|secret|token|passphrase|password|pepper|cookie|authorization
                     |api[_-]?key|liveopt_\d|x-liveopt))
        (?P<name>[\w-]++)
        (?P<gap>['"]?\s*+[=:]\s*+(?:b(?=['"]))?['"]?)
        (?:(?:basic|bearer)\s+)?[^\s'"&,;)}\]]+""",
    re.IGNORECASE | re.VERBOSE,
)
_WORDS: Final = (
    "kc-api-", "secret", "token", "passphrase", "password", "pepper", "cookie", "authorization",
    "apikey", "api_key", "api-key", "liveopt_", "x-liveopt",
)  # fmt: skip
"""Without one of them nothing is found, and most lines have none."""
# What says by itself what it is: a key of liveopt's, a ticket, a credential, a one-time word.
_SECRET_FORM: Final = re.compile(
    r"lo_[0-9a-f]{8}_[\w-]{8,}|(?<=\bticket\.)[\w-]{16,}|(?<=\b[Bb]earer )[\w.~+/=-]{16,}"
    r"|(?<=\b[Bb]asic )[\w+/=]{16,}|(?<=\#t=)[\w-]{16,}"
)


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The last processor before rendering: no secret leaves the process in a log line."""
    return {clean_text(name): _clean_pair(name, value, 0) for name, value in event.items()}


def clean_text(text: str) -> str:
    """A text without secrets."""
    text = _SECRET_FORM.sub(REDACTED, HIDDEN.clean(text))
    lower = text.lower()
    if any(word in lower for word in _WORDS):
        text = _SECRET_IN_TEXT.sub(rf"\g<name>\g<gap>{REDACTED}", text)
    return text


def _clean_pair(name: object, value: object, depth: int) -> object:
    text = name.decode("latin-1") if isinstance(name, bytes) else _said(name)
    return REDACTED if _is_secret(text) else _clean(value, depth)


@lru_cache(1_024)
def _is_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def _clean(value: object, depth: int) -> object:
    """The value without secrets, made only of what JSON knows."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, bytes):
        return clean_text(value.decode("latin-1"))
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _clean_inside(value, depth + 1) if depth < DEPTH_MAX else "..."
    return clean_text(_said(value))


def said(tell: Callable[[], str], instead: str) -> str:
    """What somebody says of himself; one who cannot costs no line of the log."""
    try:
        return tell()
    except Exception:  # noqa: BLE001  somebody else's code, which may raise anything
        return instead


def _said(value: object) -> str:
    return said(partial(str, value), f"<{type(value).__name__}>")


def _clean_inside(value: Iterable[object], depth: int) -> object:
    match value:
        case Mapping():
            return {
                clean_text(_said(name)): _clean_pair(name, inner, depth)
                for name, inner in value.items()
            }
        case (str() | bytes() as name, inner):  # a header as a pair
            return [_clean(name, depth), _clean_pair(name, inner, depth)]
        case _:
            return [_clean(inner, depth) for inner in value]
