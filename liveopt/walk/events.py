"""What comes in besides the market: terms, time, the operator's words, the slow lane's."""

from typing import Final, Literal

import msgspec

from liveopt.core.events import (
    Bar,
    Candle,
    Disagreement,
    FeedState,
    Hole,
    Late,
    Refused,
    Tick,
)
from liveopt.core.instrument import Instrument
from liveopt.promotion.admission import Backtest
from liveopt.promotion.terms import GateTerms
from liveopt.walk.variant import Variant

Mode = Literal["halt", "halt_and_flatten"]
ACTS_MAX: Final = 100
"""That are noted at a time."""
ACT_TEXT_MAX: Final = 500
"""Characters of each text of an act."""


class Terms(msgspec.Struct, frozen=True):
    """What all variants of a run have in common, and how many there may be."""

    capital: float
    loss_limit: float
    """A variant that has lost this share of its capital is stopped."""
    drawdown_limit: float
    signal_ns: int
    variants_max: int
    """How many run at once; the others wait for a place."""
    rotate_bars: int = 0
    """After so many signal bars the weakest make room for those who wait; 0 is never."""
    history_bars: int = 0
    """Signal bars remembered for those who join later."""
    gate: GateTerms | None = None
    """What it takes to become champion; without it nobody is promoted but by hand."""


class Listed(msgspec.Struct, frozen=True):
    """A symbol of the run, what trading it costs, and who trades it as the main strategy."""

    symbol: str
    instrument: Instrument
    champion: Variant


class Begin(msgspec.Struct, frozen=True, tag=True):
    """The first event of a run."""

    at_ns: int
    run: str
    terms: Terms
    listed: tuple[Listed, ...]


class Past(msgspec.Struct, frozen=True, tag=True):
    """Signal bars from before the run, so that variants begin warm."""

    symbol: str
    bars: tuple[Bar, ...]


class Begun(msgspec.Struct, frozen=True, tag=True):
    """Everybody who was to be there from the start has been added."""

    at_ns: int


class Time(msgspec.Struct, frozen=True, tag=True):
    """The exchange's clock: a symbol's bars that end at or before it are over, ticks or not."""

    at_ns: int
    symbol: str


class Funding(msgspec.Struct, frozen=True, tag=True):
    """A perpetual's funding is settled: what a long pays, as a rate."""

    at_ns: int
    symbol: str
    rate: float


class Add(msgspec.Struct, frozen=True, tag=True):
    """Variants join; they begin together with the next event of the market."""

    at_ns: int
    variants: tuple[Variant, ...]
    by: str


class Pause(msgspec.Struct, frozen=True, tag=True):
    """These open no new positions until they are resumed."""

    at_ns: int
    ids: tuple[str, ...]
    by: str
    why: str = ""


class Resume(msgspec.Struct, frozen=True, tag=True):
    """These may open positions again."""

    at_ns: int
    ids: tuple[str, ...]
    by: str
    why: str = ""


class Retire(msgspec.Struct, frozen=True, tag=True):
    """These close what they hold and leave for good."""

    at_ns: int
    ids: tuple[str, ...]
    by: str
    why: str = ""


class Halt(msgspec.Struct, frozen=True, tag=True):
    """Nobody opens a position from here on; with `halt_and_flatten` all are closed too."""

    at_ns: int
    number: int
    mode: Mode


class Reopen(msgspec.Struct, frozen=True, tag=True):
    """The halt is over."""

    at_ns: int
    number: int


class Explained(msgspec.Struct, frozen=True, tag=True):
    """Who changed the gate, and why: known only after the change, which waits for nobody."""

    at_ns: int
    number: int
    reason: str
    by: str


class Deed(msgspec.Struct, frozen=True):
    """What somebody did to the service beside the run: submitted a job, saw an alert, came in."""

    what: str
    """As the API calls it: `POST /api/v1/optimize/single`."""
    by: str
    detail: str
    """What came of it, and under which request it stands in the log."""
    wall_ms: int
    """Since 1970, by the clock of whoever heard of it first."""


class Noted(msgspec.Struct, frozen=True, tag=True):
    """Acts that nothing in the walk follows from; the journal keeps who did them."""

    at_ns: int
    acts: tuple[Deed, ...]


class Target(msgspec.Struct, frozen=True, tag=True):
    """What a variant of the slow lane wants: 1 long, -1 short, 0 flat."""

    at_ns: int
    variant: str
    target: int


class Strayed(msgspec.Struct, frozen=True, tag=True):
    """A variant of the slow lane raised, took too long or answered nonsense too often."""

    at_ns: int
    variant: str
    why: str


class Proposal(msgspec.Struct, frozen=True):
    """A variant that an optimizer found, and what speaks for it."""

    variant: Variant
    backtest: Backtest


class Propose(msgspec.Struct, frozen=True, tag=True):
    """Proposals of an optimizer; those that are admitted join as if they had been added."""

    at_ns: int
    proposals: tuple[Proposal, ...]
    by: str


class Promote(msgspec.Struct, frozen=True, tag=True):
    """A person makes a variant the champion: by a verdict that holds, or without."""

    at_ns: int
    variant: str
    by: str
    why: str


class Demote(msgspec.Struct, frozen=True, tag=True):
    """A person makes a symbol's former champion the champion again."""

    at_ns: int
    symbol: str
    by: str
    why: str


Command = Add | Pause | Resume | Retire | Promote | Demote
Input = (
    Tick
    | Candle
    | Hole
    | Late
    | FeedState
    | Disagreement
    | Refused
    | Begin
    | Begun
    | Past
    | Time
    | Funding
    | Add
    | Pause
    | Resume
    | Retire
    | Halt
    | Reopen
    | Explained
    | Noted
    | Target
    | Strayed
    | Propose
    | Promote
    | Demote
)
"""Everything the walk can be given; a quote is not among them, for no decision rests on one."""
