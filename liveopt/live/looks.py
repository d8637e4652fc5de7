"""The gate's looks in a thread of their own, so that none holds up a tick."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from liveopt.live.pump import Pump
from liveopt.promotion.epoch import Outcome
from liveopt.walk.events import Input
from liveopt.walk.records import Out
from liveopt.walk.state import Market


@dataclass(slots=True)
class Looks:
    """Takes each look that has begun. What comes of one does not depend on who has done it.

    Whoever settles a look waits for it, and is told there if it failed: the walk raises.
    """

    markets: Mapping[str, Market]
    executor: ThreadPoolExecutor
    _under_way: dict[str, "Future[Outcome]"] = field(default_factory=dict)

    def heard(self, event: Input, outs: list[Out]) -> None:  # noqa: ARG002  as listeners are told
        """After an event. A look begins where a signal bar closes, which says something."""
        if outs:
            self.take()

    def take(self) -> None:
        """Take every look that nobody has taken."""
        for market in self.markets.values():
            contest = market.contest
            if contest is not None and isinstance(contest.epoch.work, partial):
                future = self.executor.submit(contest.epoch.work)
                contest.epoch.work = future.result
                self._under_way[market.symbol] = future

    @property
    def busy(self) -> bool:
        """Whether who asks for a look's result now would have to wait."""
        return any(not future.done() for future in self._under_way.values())


@contextmanager
def looks_apart(pump: Pump) -> Iterator[Looks]:
    """As long as this lasts, looks are taken off the loop; those that have begun are ended."""
    with ThreadPoolExecutor(1, "looks") as executor:
        looks = Looks(pump.state.markets, executor)
        looks.take()
        pump.listeners.append(looks.heard)
        try:
            yield looks
        finally:
            pump.listeners.remove(looks.heard)
