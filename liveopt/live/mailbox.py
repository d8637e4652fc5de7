"""Between the feed and who reads it: events in order, quotes only the newest, and a bound."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from liveopt.core.events import FeedEvent, Quote

EVENTS_MAX: Final = 50_000
"""More unread events than this, and the feed stops reading its sockets until there is room."""


@dataclass(slots=True)
class Mailbox:
    """One writer, one reader. Ticks are never dropped: a reader that is slow slows the sockets."""

    events_max: int = EVENTS_MAX
    _events: list[FeedEvent] = field(default_factory=list)
    _quotes: dict[str, Quote] = field(default_factory=dict)
    _filled: asyncio.Event = field(default_factory=asyncio.Event)
    _room: asyncio.Event = field(default_factory=asyncio.Event)
    handed_over: int = 0
    """Events that the reader has taken."""
    _closed: bool = False

    def __post_init__(self) -> None:
        self._room.set()

    def put(self, events: Iterable[FeedEvent]) -> None:
        """Hand events over, in this order."""
        for event in events:
            if isinstance(event, Quote):
                known = self._quotes.get(event.symbol)
                if known is None or event.at_ns >= known.at_ns:
                    self._quotes[event.symbol] = event
            else:
                self._events.append(event)
        if self._events or self._quotes:
            self._filled.set()
        if len(self._events) >= self.events_max:
            self._room.clear()

    @property
    def unread(self) -> bool:
        """Something waits for the reader."""
        return bool(self._events)

    @property
    def full(self) -> bool:
        """The reader is behind by the bound."""
        return not self._room.is_set()

    async def room(self) -> None:
        """Waits until the reader has taken what there is."""
        await self._room.wait()

    async def get(self) -> list[FeedEvent]:
        """All that has come since the last time; empty only when the feed has ended."""
        while not self._events and not self._quotes:
            if self._closed:
                return []
            self._filled.clear()
            await self._filled.wait()
        events, self._events = self._events, []
        events += self._quotes.values()
        self._quotes.clear()
        self._room.set()
        self.handed_over += len(events)
        return events

    def close(self) -> None:
        """No more will come; what is there can still be read."""
        self._closed = True
        self._filled.set()
        self._room.set()
