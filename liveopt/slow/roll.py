"""Who takes part in the slow lane, whose word comes next, and who has failed too often."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from liveopt.slow.mind import Sides
from liveopt.slow.words import Feed, Join, Order
from liveopt.walk.variant import Variant

MINUTE_S: Final = 60.0


@dataclass(slots=True)
class Seat:
    """A variant of the lane."""

    place: int
    variant: Variant
    sides: Sides
    joined: bool = False
    stopped: bool = False
    faults: deque[float] = field(default_factory=deque)
    """When it has failed, within the last minute."""
    row: int = 0
    """Bars in a row without an answer."""


class Roll:
    """The seats by their places; variants are asked in the order of these."""

    def __init__(self, variants_max: int, strikes: int) -> None:
        """Nobody yet."""
        self._seats: dict[int, Seat] = {}
        self._variants_max = variants_max
        self._strikes = strikes
        self._places = 0
        self._spoken: set[int] = set()

    def __iter__(self) -> Iterator[Seat]:
        """Those who take part, in their order."""
        return iter([seat for seat in self._seats.values() if not seat.stopped])

    def add(self, variant: Variant, sides: Sides) -> Seat:
        """A new place; places are never given twice."""
        if len(self._seats) >= self._variants_max:
            raise ValueError(f"the slow lane takes {self._variants_max} variants")
        assert variant.lane == "slow", variant
        assert variant.id not in {seat.variant.id for seat in self._seats.values()}, variant
        self._places += 1
        seat = self._seats[self._places] = Seat(self._places, variant, sides)
        return seat

    def at(self, place: int) -> Seat | None:
        """Who takes part in this place, if anybody does."""
        seat = self._seats.get(place)
        return None if seat is None or seat.stopped else seat

    def forget(self, place: int) -> None:
        """The worker no longer knows it."""
        self._seats.pop(place, None)

    def news(self, place: int, asked: Order | None) -> Seat | None:
        """Whose word this is; nobody's, when it repeats what the last worker said."""
        seat = self.at(place)
        if seat is None or place in self._spoken:
            return None
        if isinstance(asked, Feed):
            self._spoken.add(place)
        return seat

    def next_bar(self) -> None:
        """Everybody has spoken on this one."""
        self._spoken.clear()

    def being_asked(self, asked: Order | None) -> Seat | None:
        """Whose word comes next."""
        if isinstance(asked, Join):
            return self.at(asked.place)
        if not isinstance(asked, Feed):
            return None
        for seat in self:
            mute = seat.joined and seat.place not in self._spoken
            if mute and seat.variant.symbol == asked.symbol:
                return seat
        return None

    def strike(self, seat: Seat, now_s: float) -> bool:
        """It has failed once more; whether that is too often, within a minute or in a row."""
        seat.row += 1
        seat.faults.append(now_s)
        while now_s - seat.faults[0] > MINUTE_S:
            seat.faults.popleft()
        return max(seat.row, len(seat.faults)) >= self._strikes
