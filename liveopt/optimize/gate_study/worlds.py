"""Worlds in which it is known who has an edge: differences to the champion, drawn from a seed.

A signal bar's difference is Student's t, its variance clusters, and all share a part of it: x =
sqrt(h) w (sqrt(rho) f + sqrt(1 - rho) e) + edge, with f common, e its own, w = sqrt((df - 2) /
chi2(df)) common, so that extremes come together, and h = .02 + .06 h min((w f)^2, 50) + .92 h
(GARCH(1,1), Bollerslev 1986). Its variance is one, so an edge is in standard deviations.
"""

from math import sqrt
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
from numba import njit

from liveopt.promotion.scale import Scale
from liveopt.promotion.terms import GateTerms, worlds_for
from liveopt.stats.normal import quantile

Array = npt.NDArray[np.float64]
EDGE, BEFORE, TOTAL, SQUARES, COUNT, EAGER = range(6)
"""Rows of what is known of each variant: total, squares and count are of its signal bars; `EAGER`
is 1 once their t-value has been above `T_LEAST` at any of them."""
SAMPLES_MIN: Final = 50
T_LEAST: Final = -float(quantile(0.05))
GARCH: Final = (0.02, 0.06, 0.92)
SHOCK_MOST: Final = 50.0


class World(msgspec.Struct, frozen=True):
    """How one world comes about; `kind` and `run` beside the seed make its luck its own."""

    variants: int
    bars: int
    """Signal bars that it lasts."""
    seed: int
    kind: int = 0
    run: int = 0
    rho: float = 0.5
    """Correlation of two variants' differences."""
    df: float = 3.0
    """Degrees of freedom of Student's t; 0 is a normal law, and then nothing clusters."""
    true: int = 0
    """So many have the edge: the first ones."""
    edge: float = 0.0
    crash: float = 0.0
    """Above 0: a small gain each signal bar, and with this chance a large loss; mean 0."""
    ar: float = 0.0
    """Correlation of a difference with the one before it."""
    turnover: float = 0.0
    """Share of the variants, the worst, that others replace every `TURN_EVERY` evidence bars."""

    def terms(self) -> GateTerms:
        """The gate's as they are shipped, with a season of all its looks."""
        luck = np.random.SeedSequence((self.seed, self.kind, self.run, 1))
        secret = int(luck.generate_state(1, np.uint64)[0])
        usual = GateTerms(seed=secret)
        worlds = worlds_for(self.variants)
        season = self.bars // (usual.bars * usual.look_every) * usual.look_every
        return msgspec.structs.replace(usual, worlds=worlds, season=season)


class Seen(NamedTuple):
    """Evidence bars up to the next look."""

    differences: Array
    """[evidence bar, variant]."""
    ratios: Array
    """How wild the market was before each."""


class Luck:
    """A world as it goes on, from look to look."""

    def __init__(self, world: World) -> None:
        """Everything is as it was in the long run."""
        self.world, self.terms = world, world.terms()
        words = np.random.SeedSequence((world.seed, world.kind, world.run, 0))
        self._rng = np.random.Generator(np.random.SFC64(words))
        self._heat, self._scale = 1.0, Scale()
        self.known = np.zeros((6, world.variants))
        self.known[EDGE, : world.true] = world.edge
        gain = sqrt(world.crash / (1.0 - world.crash))
        least = float(quantile(world.crash)) if world.crash else -np.inf
        self._law = np.array([world.rho, least, gain, world.ar, T_LEAST * T_LEAST])

    def look(self) -> Seen:
        """What happens until the next look."""
        every, bars = self.terms.look_every, self.terms.bars
        common = self._rng.standard_normal(every * bars)
        scale = self._scales(common)
        noise = self._rng.standard_normal((every * bars, self.world.variants), np.float32)
        differences = np.zeros((every, self.world.variants))
        weave(noise, np.stack([common, scale]), self._law, self.known, differences)
        market = (scale * common).reshape(every, bars).sum(axis=1)
        ratios = np.empty(every)
        for n, moved in enumerate(market):
            ratios[n] = self._scale.ratio
            self._scale.see(float(moved))
        return Seen(differences, ratios)

    def _scales(self, common: Array) -> Array:
        df = self.world.df
        if df == 0.0:
            return np.ones(len(common))
        scales = np.sqrt((df - 2.0) / self._rng.chisquare(df, len(common)))
        base, reply, memory = GARCH
        for n, shock in enumerate(np.minimum((scales * common) ** 2, SHOCK_MOST)):
            scales[n] *= sqrt(self._heat)
            self._heat = base + (reply * shock + memory) * self._heat
        return scales


@njit(
    "void(float32[:, ::1], float64[:, ::1], float64[::1], float64[:, ::1], float64[:, ::1])",
    error_model="numpy", nogil=True, cache=True,
)  # fmt: skip
def weave(noise: Any, shared: Any, law: Any, known: Any, out: Any) -> None:
    """Signal bars out of their own and their common luck, summed to evidence bars."""
    rho, least, gain, ar, square = law
    own, common = sqrt(1.0 - rho), sqrt(rho)
    fresh = sqrt(1.0 - ar * ar)
    bars = len(noise) // len(out)
    edge, before, total, squares = known[0], known[1], known[2], known[3]
    count, eager = known[4], known[5]
    for t in range(len(noise)):
        row, base, scale = out[t // bars], common * shared[0, t], shared[1, t]
        for i in range(len(edge)):
            z = base + own * noise[t, i]
            x = scale * z
            if gain > 0.0:
                x = -1.0 / gain if z < least else gain
            if ar != 0.0:
                x = ar * before[i] + fresh * x
                before[i] = x
            x += edge[i]
            row[i] += x
            total[i] += x
            squares[i] += x * x
            count[i] += 1.0
            # t > least, without a root and a division
            n = count[i]
            far = total[i] * total[i] * (n - 1.0 + square) > square * n * squares[i]
            if far and total[i] > 0.0 and n >= SAMPLES_MIN:
                eager[i] = 1.0
