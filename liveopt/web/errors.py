"""What the API says when it refuses: one body for every error, with a code for programs."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from liveopt.core.bars import SECOND_NS

KEY_TEXT: Final = re.compile(r"lo_[0-9a-f]{8}_[\w-]{8,}")
"""An API key in somebody's words: it is not said back."""
NO_JSON: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What bytes do that are no JSON, or are nested more deeply than anybody nests."""
TEXT_MAX: Final = 2_000


class ErrorBody(msgspec.Struct, frozen=True):
    """The body of every answer that is an error."""

    success: bool
    error_code: str
    error_message: str
    details: dict[str, Any]
    timestamp: str
    request_id: str


class Problem(Exception):
    """A request that is refused, and why."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.details, self.headers = dict(details or {}), dict(headers or {})


def bad(message: str, field: str = "") -> Problem:
    """Words that are understood and cannot be used; `field` says which."""
    return Problem(400, "INVALID_PARAMETERS", message, {"field": field} if field else {})


def missing(what: str, code: str = "NOT_FOUND") -> Problem:
    """Something that is not there."""
    return Problem(404, code, what)


def not_running() -> Problem:
    """Nobody answers for the run."""
    return Problem(503, "NOT_RUNNING", "no run goes on here, or its engine does not answer")


def body_of(problem: Problem, request_id: str, wall_ns: int) -> bytes:
    """As JSON."""
    said = ErrorBody(
        False, problem.code, clean(problem.message), _clean_all(problem.details), stamp(wall_ns),
        request_id,
    )  # fmt: skip
    return msgspec.json.encode(said)


def clean(text: str) -> str:
    """Words of somebody else, short and without a key in them."""
    return KEY_TEXT.sub("[redacted]", text)[:TEXT_MAX]


def _clean_all(details: Mapping[str, Any]) -> dict[str, Any]:
    return {n: clean(value) if isinstance(value, str) else value for n, value in details.items()}


def stamp(wall_ns: int) -> str:
    """A time for people and programs: UTC, to the millisecond."""
    at = datetime.fromtimestamp(wall_ns / SECOND_NS, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
