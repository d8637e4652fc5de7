"""Groups that have come to share everything become one: each costs its microseconds on every tick.

Who joins later begins in a group of his own, for what variants of one step share in a batch is the
market as they have seen it. Once they have seen enough of it, that is the same to the last bit for
many, and nobody can tell whether two groups were made one: see `engine.batch.alike`.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from liveopt.engine.batch import alike
from liveopt.walk.group import Group, one_of
from liveopt.walk.state import Market, State
from liveopt.walk.variant import GroupKey

EVERY: Final = 32
"""Signal bars after which it is tried again; comparing takes milliseconds."""


def merge(state: State, market: Market) -> None:
    """Make one group of those that share all; it stands where the first of them stood."""
    if market.bars % EVERY:
        return
    merged: dict[int, Group] = {}
    gone: set[int] = set()
    for groups in _candidates(market):
        for numbers in alike([group.batch for group in groups]):
            if len(numbers) > 1:
                together = [groups[number] for number in numbers]
                merged[id(together[0])] = one_of(together)
                gone |= {id(group) for group in together[1:]}
    if merged:
        market.groups = [merged.get(id(g), g) for g in market.groups if id(g) not in gone]
        state.moved()


def _candidates(market: Market) -> Iterator[list[Group]]:
    """Groups of one step that may be looked at, where there are several."""
    found: dict[GroupKey, list[Group]] = {}
    for group in market.groups:
        if not group.champion and _settled(market, group):
            found.setdefault(group.seats[0].key, []).append(group)
    return (groups for groups in found.values() if len(groups) > 1)


def _settled(market: Market, group: Group) -> bool:
    """Whether slots are given already: that goes in the order of the groups."""
    return market.contest is None or not np.any((group.slots < 0) & ~group.gone)
