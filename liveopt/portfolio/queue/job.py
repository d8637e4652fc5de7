"""A job: what a client may write into its file, and what is refused with which words."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import msgspec

from liveopt.portfolio.queue.files import is_printable
from liveopt.portfolio.queue.inputs import Refused

Document = dict[str, Any]
"""A job's file as it stands: keys that nobody here knows are kept."""

SIZE_MIN: Final = 10
SIZE_MAX: Final = 100
SIZE: Final = 35
BYTES_MAX: Final = 1 << 20
ID_LENGTH_MAX: Final = 200
NEEDED: Final = {
    "job_id": 'give it a name, such as "job_id": "job_001"',
    "timestamp": 'say when it was asked for, such as "timestamp": "2025-07-30T10:15:00"',
    "input_file": 'name a file of the input folder, such as "input_file": "prices.csv"',
}


class NotADocument(Refused):
    """No JSON object, or not yet: a file that is being copied looks the same."""


class Asked(msgspec.Struct, frozen=True):
    """The keys that have a meaning here."""

    job_id: str
    timestamp: str | int | float
    input_file: str
    portfolio_size: int = SIZE
    job_type: str = "complete_optimization"
    execution_mode: str | None = None
    input_format: str | None = None
    client_info: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A job that will be run; from it the command is made."""

    id: str
    input: Path
    """The table, inside the share's input folder, with no link in its path."""
    out: Path
    """A new empty folder for its results."""
    size: int
    type: str
    document: Document


def document_of(content: bytes) -> Document:
    """As Windows programs write it: UTF-8 with or without a mark, or UTF-16 with one."""
    try:
        wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
        text = content.decode("utf-16" if wide else "utf-8-sig")
        found = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        why = "it is empty" if not content.strip() else str(error) or "it nests too deeply"
        raise NotADocument(f"the job file is no JSON ({why}): write one object as text") from None
    if not isinstance(found, dict):
        raise NotADocument("the job file is JSON, but no object: write { ... } with job_id inside")
    return found


def content_of(document: Document) -> bytes:
    """In plain ASCII, which no client takes for another code page."""
    return json.dumps(document, indent=2, allow_nan=False, default=str).encode() + b"\n"


def asked_of(document: Document, *, size: int = SIZE) -> Asked:
    """What a job wants; `size` is for one that does not say. Raises `Refused`."""
    for key, mend in NEEDED.items():
        if document.get(key) in (None, ""):
            raise Refused(f"{key} is missing: {mend}")
    given = {key: value for key, value in document.items() if value is not None}
    if isinstance(given.get("job_id"), int) and not isinstance(given["job_id"], bool):
        given["job_id"] = str(given["job_id"])
    given["portfolio_size"] = _size(given.get("portfolio_size", size))
    try:
        asked = msgspec.convert(given, Asked)
    except msgspec.ValidationError as error:
        raise Refused(f"a key has a value of another kind ({error}): mend that key") from None
    if len(asked.job_id) > ID_LENGTH_MAX or not is_printable(asked.job_id):
        raise Refused("job_id is too long or has control characters: use letters and digits")
    return asked


def _size(value: object) -> int:
    """A whole number in the bounds; a client may have written it as text."""
    size = value
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 9:
        size = int(value)
    if isinstance(value, float) and value.is_integer():
        size = int(value)
    if isinstance(size, bool) or not isinstance(size, int) or not SIZE_MIN <= size <= SIZE_MAX:
        said = f"portfolio_size is {str(value)[:40]}"
        raise Refused(f"{said}: give a whole number from {SIZE_MIN} to {SIZE_MAX}")
    return size


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
