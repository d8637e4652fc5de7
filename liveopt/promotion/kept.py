"""An epoch as bytes and back: what a run's snapshot holds of its evidence."""

from collections.abc import Callable
from functools import partial

import msgspec
import numpy as np

from liveopt.promotion.epoch import Epoch, Outcome
from liveopt.promotion.ladder import Step
from liveopt.promotion.terms import GateTerms


class KeptOutcome(msgspec.Struct):
    """A look that is done and whose result nobody has taken yet."""

    bar: int
    evidence: bytes
    spread: bytes
    steps: list[tuple[int, int, float]]
    crossed: bytes


class Kept(msgspec.Struct):
    """All of an epoch that is not its terms."""

    number: int
    names: list[str]
    bar: int
    admitted: int
    fill: float
    arrays: dict[str, bytes]
    alive: bytes
    recent: list[bytes]
    left: list[tuple[float, int]]
    outcome: KeptOutcome | None


_ARRAYS = ("sums", "log_weight", "top", "level", "passed", "worlds", "retired")


def kept(epoch: Epoch) -> Kept:
    """The whole of it; a look under way is ended first, and its result kept for who settles it."""
    outcome = None
    if epoch.work is not None:
        done = epoch.work()
        epoch.work = partial(_given, done)
        outcome = KeptOutcome(
            done.bar, done.evidence.tobytes(), done.spread.tobytes(),
            [(s.allowed, s.crossed, s.threshold) for s in done.steps],
            done.crossed.tobytes(),
        )  # fmt: skip
    return Kept(
        epoch.number, list(epoch.names), epoch.bar, epoch.admitted, epoch.fill,
        {name: getattr(epoch, name).tobytes() for name in _ARRAYS}, epoch.ladder.alive.tobytes(),
        [bar.tobytes() for bar in epoch.recent], epoch.left, outcome,
    )  # fmt: skip


def restored(found: Kept, terms: GateTerms) -> Epoch:
    """The epoch again; raises `ValueError` for bytes that are not of these terms."""
    epoch = Epoch(terms, found.number, list(found.names), found.bar, found.admitted, found.fill)
    count = len(found.names)
    shapes = {"sums": (7, count), "worlds": (count, terms.worlds), "retired": (terms.worlds,)}
    for name in _ARRAYS:
        old = getattr(epoch, name)
        values = np.frombuffer(found.arrays[name], old.dtype).reshape(shapes.get(name, (count,)))
        setattr(epoch, name, values.copy())
    alive = epoch.ladder.alive
    alive[:] = np.frombuffer(found.alive, np.bool_).reshape(alive.shape)
    epoch.recent = [np.frombuffer(bar, np.float32).reshape(count) for bar in found.recent]
    epoch.left = found.left
    if found.outcome is not None:
        epoch.work = _again(found.outcome, (len(epoch.ladder.levels), count))
    return epoch


def _again(found: KeptOutcome, shape: tuple[int, int]) -> Callable[[], Outcome]:
    steps = tuple(Step(*one) for one in found.steps)
    crossed = np.frombuffer(found.crossed, np.bool_).reshape(shape)
    evidence = np.frombuffer(found.evidence).reshape(shape[1])
    spread = np.frombuffer(found.spread).reshape(shape[1])
    return partial(_given, Outcome(found.bar, evidence, spread, steps, crossed))


def _given(outcome: Outcome) -> Outcome:
    return outcome
