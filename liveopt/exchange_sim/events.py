"""What happens in the simulated exchange, as frozen messages; times are int nanoseconds."""

from typing import Any, Literal

import msgspec

Side = Literal["buy", "sell"]


class Traded(msgspec.Struct, frozen=True, gc=False):
    """One match of a taker with one maker. `sequence` is the trade's id and only grows."""

    symbol: str
    sequence: int
    at_ns: int
    ticks: int
    lots: int
    side: Side  # of the taker
    taker_id: str
    maker_id: str


class Changed(msgspec.Struct, frozen=True, gc=False):
    """A level of the book has a new total (0: gone). `sequence` counts without holes."""

    symbol: str
    sequence: int
    at_ns: int
    side: Side  # buy: a bid level, sell: an ask level
    ticks: int
    lots: int


class Push(msgspec.Struct, frozen=True):
    """Something for the private sockets of one account.

    `topic` is what the frame says, `subject` too; `user` is the account's id.
    """

    user: str
    topic: str
    subject: str
    data: dict[str, Any]


Event = Traded | Changed
