"""An epoch driven bar by bar, and differences to drive it with."""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from liveopt.promotion.epoch import Epoch, Outcome
from liveopt.promotion.kept import kept
from liveopt.promotion.terms import GateTerms

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

TERMS = GateTerms(seed=7, look_every=5, season=60, worlds=99, cooldown=0)


def opened(names: Sequence[str], terms: GateTerms = TERMS) -> Epoch:
    """An epoch with a slot for each of these."""
    epoch = Epoch(terms, 1)
    epoch.admit(names)
    return epoch


def noise(seed: int, bars: int, variants: int, edge: float = 0.0) -> Array:
    """Differences with a common part, as those of alike variants are; one in ten is none."""
    rng = np.random.default_rng(seed)
    found = rng.normal(edge, 0.01, (bars, variants)) + rng.normal(0.0, 0.01, (bars, 1))
    return np.where(rng.random((bars, variants)) < 0.1, 0.0, found)


def drive(
    epoch: Epoch,
    bars: Array,
    before: Callable[[Epoch], None] | None = None,
    present: Flags | None = None,
) -> list[Outcome]:
    """Every bar as a run does it: the look under way ends, then the bar is added up."""
    there = np.ones(bars.shape, np.bool_) if present is None else present
    found = []
    for row, who in zip(bars, there, strict=True):
        if before is not None:
            before(epoch)
        if (outcome := epoch.settle()) is not None:
            found.append(outcome)
        epoch.tally(row, who)
    if (outcome := epoch.settle()) is not None:
        found.append(outcome)
    return found


def whole(epoch: Epoch) -> bytes:
    """All there is of it."""
    return msgspec.msgpack.encode(kept(epoch))


def same(one: Outcome, other: Outcome) -> bool:
    """Whether two looks found the same bits."""
    return (
        (one.bar, one.steps) == (other.bar, other.steps)
        and one.evidence.tobytes() == other.evidence.tobytes()
        and one.spread.tobytes() == other.spread.tobytes()
        and one.crossed.tobytes() == other.crossed.tobytes()
    )
