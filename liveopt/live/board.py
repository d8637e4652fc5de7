"""What the run is doing, for whoever looks: counted as it happens, never read by a decision."""

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any, Final

from liveopt.core.events import FeedState, Quote
from liveopt.walk.records import Entered, Out, Record, Standing, Trade, VariantStopped
from liveopt.walk.standings import standing_of, standings
from liveopt.walk.state import State

RECENT_MAX: Final = 200


@dataclass(slots=True)
class Board:
    """Counts since the start of this process, and the newest records."""

    ticks: int = 0
    entries: int = 0
    trades: int = 0
    holes: int = 0
    restarts: Counter[str] = field(default_factory=Counter)
    """How often each part of the service crashed and was started again."""
    stopped: Counter[str] = field(default_factory=Counter)
    """Variants that were stopped, by reason."""
    recent: deque[Record] = field(default_factory=lambda: deque(maxlen=RECENT_MAX))
    newest: dict[str, Standing] = field(default_factory=dict)
    """How each symbol stood at its last signal bar."""
    feed: dict[str, FeedState] = field(default_factory=dict)
    quotes: dict[str, Quote] = field(default_factory=dict)
    phase: str = "starting"

    def heard(self, outs: list[Out]) -> None:
        """Take in what an event led to."""
        for _, record in outs:
            match record:
                case Entered():
                    self.entries += 1
                case Trade():
                    self.trades += 1
                case VariantStopped(reason=why):
                    self.stopped[why] += 1
                case Standing(symbol=symbol):
                    self.newest[symbol] = record
                    continue
                case _:
                    pass
            self.recent.append(record)

    def quoted(self, quote: Quote) -> None:
        """The top of a book; only the newest counts."""
        self.quotes[quote.symbol] = quote


def variants_by_status(state: State) -> dict[str, int]:
    """How many variants there are of each status, the champions not counted."""
    found: Counter[str] = Counter()
    for _, group in state.groups():
        if group.champion:
            continue
        warm = group.batch.cell("k_warmup") <= group.batch.signals
        found.update(
            "warming" if seat.status == "active" and not warm[place] else seat.status
            for place, seat in enumerate(group.seats)
        )
    found["waiting"] += len(state.joining) + len(state.waiting)
    return dict(found)


def why_none_is_eligible(board: Board) -> str:
    """A newcomer's first question, answered beside the zero."""
    most = max((one.most_trades for one in board.newest.values()), default=0)
    if not board.newest:
        return "no signal bar has closed yet"
    return f"the promotion gate is not in this release; the most any variant has is {most} trades"


def listing(state: State, limit: int, variant: str = "") -> list[dict[str, Any]]:
    """The best variants, or the one of this name, as plain data."""
    if variant:
        one = standing_of(state, variant)
        found = [] if one is None else [one]
    else:
        found = standings(state, limit)
    return [{name: getattr(one, name) for name in one.__slots__} for one in found]
