"""What comes out: the records of the output journals."""

from typing import Final, Literal

import msgspec

from liveopt.core.events import Bar
from liveopt.walk.events import Mode
from liveopt.walk.verdicts import Admission, Demoted, Looked, Promoted, SeasonEnded, Verdict, Warned

Journal = Literal["experimental-trades", "trades", "decisions"]
EXPERIMENTAL: Final[Journal] = "experimental-trades"
TRADES: Final[Journal] = "trades"
DECISIONS: Final[Journal] = "decisions"
OUTPUTS: Final[tuple[Journal, ...]] = (EXPERIMENTAL, TRADES, DECISIONS)

Side = Literal["long", "short"]


class VariantStarted(msgspec.Struct, frozen=True, tag=True):
    """A variant runs from here on; its parameters in full, which others name by their hash."""

    at_ns: int
    variant: str
    symbol: str
    strategy: str
    parameters: dict[str, float | str]
    parameters_hash: str
    origin: str
    lane: Literal["fast", "slow"]
    capital: float


class VariantStopped(msgspec.Struct, frozen=True, tag=True):
    """A variant stopped for good; what it held is closed with the next tick."""

    at_ns: int
    variant: str
    reason: str
    equity: float | None
    by: str = ""


class VariantPaused(msgspec.Struct, frozen=True, tag=True):
    """A variant opens nothing for now."""

    at_ns: int
    variant: str
    by: str
    why: str


class VariantResumed(msgspec.Struct, frozen=True, tag=True):
    """A variant may open positions again."""

    at_ns: int
    variant: str
    by: str
    why: str


class Entered(msgspec.Struct, frozen=True, tag=True):
    """A paper position was opened."""

    at_ns: int
    variant: str
    symbol: str
    side: Side
    price: float
    size: float
    leverage: float
    margin: float
    fee: float


class Trade(msgspec.Struct, frozen=True, tag=True):
    """A closed round trip on paper. Rates are fractions; money is the quote currency's."""

    at_ns: int
    variant: str
    symbol: str
    strategy: str
    parameters_hash: str
    experimental: bool
    side: Side
    size: float
    leverage: float
    margin: float
    entry_ns: int
    entry_price: float
    exit_price: float
    duration_s: float
    gross: float | None
    fees: float | None
    funding: float | None
    net: float | None
    roi: float | None
    reason: str
    signal_strength: float | None


class Halted(msgspec.Struct, frozen=True, tag=True):
    """No `Entered` follows in any journal until `Reopened`."""

    at_ns: int
    number: int
    mode: Mode
    running: int
    positions: int


class Reopened(msgspec.Struct, frozen=True, tag=True):
    """Positions may be opened again."""

    at_ns: int
    number: int


class GateExplained(msgspec.Struct, frozen=True, tag=True):
    """Who halted or reopened, and why."""

    at_ns: int
    number: int
    reason: str
    by: str


class Act(msgspec.Struct, frozen=True, tag=True):
    """Somebody did something beside the run, and nothing in the run follows from it."""

    at_ns: int
    """The run's time when it was noted."""
    what: str
    by: str
    detail: str
    wall_ms: int
    """When it was done."""


class Break(msgspec.Struct, frozen=True, tag=True):
    """Ticks are missing, or nothing traded for longer than flat bars should hide."""

    at_ns: int
    symbol: str
    from_ns: int
    to_ns: int
    why: str


class Standing(msgspec.Struct, frozen=True, tag=True):
    """How a symbol's variants stood when a signal bar closed."""

    at_ns: int
    symbol: str
    bar: Bar
    running: int
    positions: int
    trades: int
    most_trades: int
    """Of a single variant: evidence comes from trades."""
    mean_equity: float | None
    best: str
    best_equity: float | None
    digest: str
    """Of every variant's equity, in order: two runs that differ anywhere differ here."""


class Refusal(msgspec.Struct, frozen=True, tag=True):
    """A command named somebody who is not there, or cannot do what was asked."""

    at_ns: int
    variant: str
    why: str


Record = (
    VariantStarted
    | VariantStopped
    | VariantPaused
    | VariantResumed
    | Entered
    | Trade
    | Halted
    | Reopened
    | GateExplained
    | Act
    | Break
    | Standing
    | Refusal
    | Looked
    | Verdict
    | Promoted
    | Demoted
    | Warned
    | SeasonEnded
    | Admission
)
Out = tuple[Journal, Record]
