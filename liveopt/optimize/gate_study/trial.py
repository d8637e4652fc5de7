"""One world from its first bar to its last, with every gate looking on; nobody is promoted."""

from math import inf
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from liveopt.optimize.gate_study.rivals import StepM, bound, t_values
from liveopt.optimize.gate_study.worlds import EAGER, EDGE, Array, Luck, Seen, World
from liveopt.promotion.epoch import TRACKS, Epoch

Flags = npt.NDArray[np.bool_]
TURN_EVERY: Final = 25
"""Evidence bars after which the worst are replaced."""


class Trial(msgspec.Struct):
    """When each gate passed whom, in signal bars; infinite: never."""

    false: dict[str, float]
    """The first without an edge."""
    found: dict[str, list[float]]
    """Each that has one. `oracle` looks once, at the end, at one alone."""
    false_track: str = ""
    """Which of the gate's tracks was the first to let one through without an edge."""
    admitted: int = 0
    """Variants that were ever there."""


class _Log:
    """Who has passed by which gate, so far."""

    def __init__(self, true: int) -> None:
        self.true = true
        self.false: dict[str, float] = {}
        self.found: dict[str, Array] = {}

    def note(self, gate: str, passed: Flags, bar: float) -> None:
        found = self.found.setdefault(gate, np.full(self.true, inf))
        found[passed[: self.true] & (found == inf)] = bar
        first = self.false.setdefault(gate, inf)
        if first == inf and passed[self.true :].any():
            self.false[gate] = bar


def trial(world: World, stepm: bool) -> Trial:
    """Let a world happen. StepM looks on only if asked, for it takes the most time."""
    luck, log = Luck(world), _Log(world.true)
    epoch, crowd = opened(luck, 1), np.ones(world.variants, bool)
    track = ""
    step = StepM(np.random.default_rng((world.seed, world.kind, world.run, 2))) if stepm else None
    bounds = {"naive": bound(1), "bonferroni": bound(world.variants)}
    now = 0.0
    for _ in range(luck.terms.season // luck.terms.look_every):
        seen = luck.look()
        tally(epoch, seen, crowd)
        now = float(epoch.bar * luck.terms.bars)
        log.note("gate", epoch.passed != 0, now)
        if not track and (letters := epoch.passed[world.true :]).any():
            track = TRACKS[int(letters.max())]
        t = t_values(luck.known)
        for gate, least in bounds.items():
            log.note(gate, t > least, now)
        log.note("eager", luck.known[EAGER] != 0.0, now)
        if step is not None and (better := step.see(seen.differences)) is not None:
            log.note("stepm", better, now)
        if world.turnover and epoch.bar % TURN_EVERY == 0:
            _replace(epoch, luck, t)
    log.note("oracle", t_values(luck.known) > bounds["naive"], now)
    false = {gate: bar for gate, bar in log.false.items() if gate != "oracle"}
    found: dict[str, list[float]] = {gate: bars.tolist() for gate, bars in log.found.items()}
    return Trial(false, found, track, epoch.admitted)


def opened(luck: Luck, number: int) -> Epoch:
    """An epoch with all variants in it; a slot is its variant's place."""
    epoch = Epoch(luck.terms, number)
    epoch.admit([f"v{n}" for n in range(luck.world.variants)])
    return epoch


def tally(epoch: Epoch, seen: Seen, crowd: Flags) -> None:
    """Put in the evidence bars of a look, and let it end."""
    for differences, ratio in zip(*seen, strict=True):
        epoch.tally(differences, crowd, float(ratio))
    epoch.settle()


def _replace(epoch: Epoch, luck: Luck, t: Array) -> None:
    """The worst without an edge go, and as many others come."""
    world = luck.world
    count = round(world.turnover * world.variants)
    order = np.argsort(t[world.true :], kind="stable")[:count] + world.true
    slots = [int(slot) for slot in order]
    epoch.dismiss(slots)
    epoch.admit([f"v{epoch.admitted + n}" for n in range(len(slots))])
    luck.known[EDGE + 1 :, slots] = 0.0
