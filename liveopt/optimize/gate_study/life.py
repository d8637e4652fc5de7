"""A champion's life: found, promoted, watched while its edge holds, and after it has turned."""

from math import inf
from typing import Final

import msgspec
import numpy as np

from liveopt.optimize.gate_study.trial import opened, tally
from liveopt.optimize.gate_study.worlds import EDGE, Array, Luck, Seen, World
from liveopt.promotion.epoch import Epoch
from liveopt.promotion.watch import Watch, watch_of

AFTER: Final = 8_000
"""Signal bars that it is watched for after its edge has turned."""


class Life(msgspec.Struct):
    """What became of it, in signal bars after the promotion or after the turn; infinite: never."""

    promoted: float
    true: bool = False
    """Whether the one who was promoted has the edge."""
    false_warning: float = inf
    false_demotion: float = inf
    rival: float = inf
    """When the next epoch found somebody better than the new champion, whose edge held."""
    warning: float = inf
    demotion: float = inf


def life(world: World) -> Life:
    """Wait for a promotion, watch it for as many bars as the world has, then turn the edge."""
    luck = Luck(world)
    first, crowd = opened(luck, 1), np.ones(world.variants, bool)
    while not first.passed.any():
        if first.bar + luck.terms.look_every > luck.terms.season:
            return Life(inf)
        tally(first, luck.look(), crowd)
    champion = _strongest(first)
    found = Life(float(first.bar * luck.terms.bars), champion < world.true)
    if not found.true:
        return found
    watch = watch_of(first, champion, "predecessor")
    assert watch is not None  # who has passed is known well enough
    reign(luck, champion, watch, found)
    return found


def _strongest(epoch: Epoch) -> int:
    """Of those who passed the one with the most evidence."""
    return int(np.where(epoch.passed != 0, epoch.top, -inf).argmax())


def reign(luck: Luck, champion: int, watch: Watch, found: Life) -> None:
    """Its watch, and the next epoch: all differences are to it, its place is its predecessor's."""
    terms, world = luck.terms, luck.world
    epoch, crowd = opened(luck, 2), np.ones(world.variants, bool)
    looks = terms.season // terms.look_every
    after = AFTER // (terms.bars * terms.look_every)
    for n in range(looks + after):
        if n == looks:
            luck.known[EDGE] *= -1.0
        seen = luck.look()
        if n < looks:
            tally(epoch, _against(seen, champion), crowd)
            if epoch.passed.any():
                found.rival = min(found.rival, float(epoch.bar * terms.bars))
        since = (n if n < looks else n - looks) * terms.look_every
        if _watched(watch, seen, champion, (since, terms.bars), (found, n < looks)):
            return


def _against(seen: Seen, champion: int) -> Seen:
    lead = seen.differences[:, champion].copy()
    rest = seen.differences - lead[:, None]
    rest[:, champion] = -lead
    return Seen(rest, seen.ratios)


def _watched(
    watch: Watch, seen: Seen, champion: int, when: tuple[int, int], so_far: tuple[Life, bool]
) -> bool:
    """Whether it is demoted in one of these evidence bars."""
    (since, width), (found, holds) = when, so_far
    leads: Array = seen.differences[:, champion]
    for n, lead in enumerate(leads, start=1):
        watch.see(float(lead), float(seen.ratios[n - 1]))
        bar = float((since + n) * width)
        if watch.warns and holds:
            found.false_warning = min(found.false_warning, bar)
        if watch.warns and not holds:
            found.warning = min(found.warning, bar)
        if watch.demotes:
            if holds:
                found.false_demotion = bar
            else:
                found.demotion = bar
            return True
    return False
