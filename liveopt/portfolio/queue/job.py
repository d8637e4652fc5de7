"""A job: what a client may write into its file, and what is refused with which words."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import msgspec

from liveopt.portfolio.queue.files import is_printable, shown
from liveopt.portfolio.queue.inputs import Refused

Document = dict[str, Any]
"""A job's file as it stands: keys that nobody here knows are kept."""

SIZE_MIN: Final = 10
SIZE_MAX: Final = 100
SIZE: Final = 35
BYTES_MAX: Final = 1 << 20
ID_LENGTH_MAX: Final = 200
NESTED_MAX: Final = 50
SETTING: Final = re.compile(r"^[a-z_]{1,40}$")
SETTING_LENGTH_MAX: Final = 4_000
BAD_CELLS: Final = "bad_cells"
ELSEWHERE: Final = {
    "share": "it is the worker's own",
    "size": "ask for it as portfolio_size",
}
"""Settings that a job may not give."""
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
    settings: dict[str, Any] | None = None


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
    settings: dict[str, str]
    """What it asks of the optimizer, as `--set` takes it."""


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
    if _nests(found, NESTED_MAX):
        raise NotADocument(f"the job file nests deeper than {NESTED_MAX}: write it flatter")
    try:
        content_of(found)
    except ValueError as error:
        raise NotADocument(f"the job file is no JSON ({error}): mend that number") from None
    return found


def content_of(document: Document) -> bytes:
    """In plain ASCII, which no client takes for another code page."""
    return json.dumps(document, indent=2, allow_nan=False, default=str).encode() + b"\n"


def asked_of(document: Document, *, size: int = SIZE) -> Asked:
    """What a job wants; `size` is for one that does not say. Raises `Refused`."""
    for key, mend in NEEDED.items():
        if document.get(key) in (None, ""):
            raise Refused(f"{key} is missing: {mend}")
    known = Asked.__struct_fields__
    given = {key: document[key] for key in known if document.get(key) is not None}
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


def settings_of(asked: Asked) -> dict[str, str]:
    """What a job asks of the optimizer, as text; whether it fits, the optimizer says."""
    return {key: _setting(key, value) for key, value in (asked.settings or {}).items()}


def _setting(key: str, value: object) -> str:
    if not SETTING.match(key):
        raise Refused(f"settings has the key {shown(key)[:40]}: use a-z and _, as in holdout")
    if key in ELSEWHERE:
        raise Refused(f"settings has {key}: {ELSEWHERE[key]}")
    parts = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str | int | float) for one in parts):
        raise Refused(f"settings.{key} is no text, number, true, false or list of them: mend it")
    words = [str(one).lower() if isinstance(one, bool) else str(one) for one in parts]
    text = ",".join(words)
    if len(text) > SETTING_LENGTH_MAX or not is_printable(text):
        raise Refused(f"settings.{key} is too long or has control characters: mend it")
    if isinstance(value, list) and any("," in word for word in words):
        raise Refused(f"settings.{key} has a comma inside an entry: make two entries of it")
    if key == BAD_CELLS and text not in {"refuse", "zero"}:
        raise Refused(f"settings.{key} is {text[:40]}: give refuse or zero")
    return text


def _nests(value: object, most: int) -> bool:
    """Deeper than that: what is read here is written again, from where less depth is left."""
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return most == 0 or any(_nests(one, most - 1) for one in inner)


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
