"""What a round is asked, and what it answers; both can be kept as files."""

import msgspec

from liveopt.core.instrument import Instrument
from liveopt.promotion.conditions import Condition
from liveopt.walk.events import Proposal, Terms
from liveopt.walk.variant import Variant


class Sought(msgspec.Struct, frozen=True):
    """One symbol: what is traded there, at what cost, and by whom."""

    symbol: str
    instrument: Instrument
    funding: float
    """What a long pays every eight hours, as it stands."""
    strategies: tuple[str, ...]
    """That are searched."""
    living: tuple[Variant, ...]
    """The best of each strategy: what is found must be something else."""
    trials_before: int
    """Of earlier rounds of this run: luck had those chances too."""
    deviation_before: float
    """Of their annual Sharpe ratios; 0 where it is not known."""
    bars: int
    """That had closed in the run when the round began."""


class Effort(msgspec.Struct, frozen=True):
    """How hard it is searched."""

    algorithm: str
    evals: int
    """Of each strategy and symbol: half around the living, half from scratch."""
    bars: int
    """The newest signal bars that are looked at."""
    proposals: int
    """Of each symbol, at most."""


class Task(msgspec.Struct, frozen=True):
    """One round. Equal tasks on an equal record have equal results."""

    number: int
    why: str
    run: str
    """The folder whose record tells the market."""
    studies: str
    """The folder of the store of studies."""
    at_ns: int
    """Bars that end later are not looked at, however long the round takes."""
    terms: Terms
    fixed: tuple[str, ...]
    """Texts such as `stop=0.02`: what every variant of the run has alike."""
    seed: int
    effort: Effort
    sought: tuple[Sought, ...]
    by: str = ""
    """Who asked for it; empty where nobody did."""


class Finalist(msgspec.Struct, frozen=True):
    """A candidate that was tested out of sample, and why it is not proposed; if it is, nothing."""

    variant: Variant
    in_sample: float
    """The Sharpe ratio a bar there, the worse account's."""
    out_of_sample: float
    """The same there."""
    trades: int
    conditions: tuple[Condition, ...]
    stopped_by: tuple[str, ...]


class Searched(msgspec.Struct, frozen=True):
    """What came of one symbol."""

    symbol: str
    bars: int
    trials: int
    """With those of earlier rounds."""
    studies: tuple[str, ...]
    proposals: tuple[Proposal, ...]
    finalists: tuple[Finalist, ...]
    skipped: str = ""
    """Why nothing was searched."""


class Result(msgspec.Struct, frozen=True):
    """What came of a round."""

    number: int
    searched: tuple[Searched, ...]
