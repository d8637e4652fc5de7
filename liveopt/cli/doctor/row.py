"""One line of the doctor's answer."""

from typing import Literal, NamedTuple

Status = Literal["ok", "warn", "fail", "skip"]


class Row(NamedTuple):
    """What was looked at, how it stands, and what to do about it."""

    check: str
    status: Status
    text: str
    mend: str = ""
