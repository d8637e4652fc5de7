"""Words that several routes share: limits of a list, a reason, names, how old an answer is."""

import asyncio
from typing import Annotated, Final, TypedDict

import msgspec

from liveopt.guard.latch import REASON_MAX
from liveopt.web.call import Service

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


class Aged(msgspec.Struct, frozen=True, kw_only=True):
    """What the engine told: of which moment it is, and whether that is long ago."""

    as_of_ms: Annotated[
        int | None,
        msgspec.Meta(
            description="The engine's clock, in milliseconds since 1970, when it told this;"
            " null before it told anything."
        ),
    ]
    stale: Annotated[
        bool,
        msgspec.Meta(
            description="Whether it may not be so any more: no engine is there, or none has said"
            " anything for three seconds."
        ),
    ]


class Age(TypedDict):
    """The same, as arguments."""

    as_of_ms: int | None
    stale: bool


def age(service: Service) -> Age:
    """Of what is known now."""
    picture = service.picture
    speaks = picture.speaks(asyncio.get_running_loop().time())
    return {"as_of_ms": picture.as_of_ms, "stale": not speaks}


def percent(share: float | None) -> float | None:
    """As the seed has it."""
    return None if share is None else round(100.0 * share, 4)
