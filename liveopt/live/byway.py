"""Joins the slow lane to the run: bars that have closed go there, targets come back as inputs.

What comes back is journalled like a tick, so a replay needs neither the strategy nor its process.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import structlog

from liveopt.live.pump import Pump
from liveopt.slow.lane import Answer, Event, Failed, Lagging, SlowLane
from liveopt.walk.events import Input, Strayed, Target
from liveopt.walk.group import Group
from liveopt.walk.records import Out, Standing, VariantStarted, VariantStopped
from liveopt.walk.seat import GONE
from liveopt.walk.variant import Variant

log = structlog.get_logger()


@dataclass(slots=True)
class Byway:
    """One lane and one pump."""

    lane: SlowLane
    pump: Pump
    _offered: int = 0
    _targets: dict[str, int] = field(default_factory=dict)
    """What each variant wanted last: only a change is an event."""

    def join(self) -> None:
        """Those of the slow lane who run already, as after a restart; from here on, newcomers."""
        for market in self.pump.state.markets.values():
            self.lane.warm(market.symbol, list(market.past))
        for _, group in self.pump.state.groups():
            if group.slow:
                for seat in group.seats:
                    if seat.status not in GONE:
                        self._place(seat.variant, group)
        self.pump.listeners.append(self._heard)

    async def run(self) -> None:
        """Until the lane ends."""
        while events := await self.lane.get():
            self._take(events)

    def _heard(self, _event: Input, outs: Sequence[Out]) -> None:
        for _, record in outs:
            match record:
                case Standing():
                    self._offered += 1
                    self.lane.offer(record.symbol, record.bar, self._offered)
                case VariantStarted(lane="slow"):
                    self._started(record.variant)
                case VariantStopped():
                    self.lane.drop(record.variant)
                case _:
                    pass

    def _started(self, variant: str) -> None:
        found = self.pump.state.find(variant)
        assert found is not None
        _, group, _, seat = found
        self._place(seat.variant, group)

    def _place(self, variant: Variant, group: Group) -> None:
        """Without a place in the lane there is none in the run: the others go on."""
        try:
            self.lane.add(variant, group.batch.setup.rule.sides)
        except ValueError as full:
            log.warning("a slow variant has no place", variant=variant.id, why=str(full))
            strayed = Strayed(self.pump.state.at_ns, variant.id, "slow_no_place")
            asyncio.get_running_loop().call_soon(self.pump.take, strayed)  # not amid an event

    def _take(self, events: Iterable[Event]) -> None:
        at_ns = self.pump.state.at_ns
        for event in events:
            match event:
                case Answer():
                    if self._targets.get(event.variant) != event.target:
                        self._targets[event.variant] = event.target
                        self.pump.take(Target(at_ns, event.variant, event.target))
                case Failed(stopped=True):
                    log.warning("a slow variant is out", variant=event.variant, why=event.text)
                    self.pump.take(Strayed(at_ns, event.variant, f"slow_{event.why}"))
                case Failed():
                    log.warning("a slow variant failed", variant=event.variant, why=event.text)
                case Lagging():
                    log.warning("the slow lane lags", symbol=event.symbol, bars=event.bars)
