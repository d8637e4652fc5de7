"""Words that several routes share: limits of a list, a reason, names."""

from typing import Annotated, Final

import msgspec

from liveopt.guard.latch import REASON_MAX

NAME: Final = r"^[A-Za-z0-9_.:-]{1,200}$(?!\n)"
Name = Annotated[str, msgspec.Meta(pattern=NAME, description="A variant's name.")]
Limit = Annotated[int, msgspec.Meta(ge=1, le=1_000, description="How many at most.")]
Reason = Annotated[
    str, msgspec.Meta(max_length=REASON_MAX - 100, description="Why; the journal keeps it.")
]


class Page(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much of a list."""

    limit: Limit = 100


class Why(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reason for what is asked."""

    reason: Reason = ""
