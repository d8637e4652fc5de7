"""The price a market gravitates to: news in jumps, the drift of moods and of a planted edge."""

from math import exp, log, sqrt
from typing import Final
from zlib import crc32

import numpy as np

from liveopt.exchange_sim.edge import Edge
from liveopt.exchange_sim.regimes import REGIMES, Regime, regime_named
from liveopt.exchange_sim.specs import Spec

NEVER_NS: Final = 2**63 - 1
YEAR_S: Final = 365 * 86_400
NEWS_PER_S: Final = 1.0
BLOCK: Final = 1024
TAILS: Final = 5
"""Degrees of freedom of the jumps: small ones are common and large ones not unheard of."""
BASIS: Final = 5e-4
"""Standard deviation of a contract's distance from its index, as a fraction."""
BASIS_S: Final = 7200.0
TICKS_MIN: Final = 1000
"""Below this the price does not fall: a book needs room under it."""


def stream(seed: int, name: str, purpose: str) -> np.random.Generator:
    """Luck of its own for each name and purpose: one more market changes nothing for the others."""
    return np.random.default_rng([seed, crc32(name.encode()), crc32(purpose.encode())])


class Fair:
    """A function of time, found by going forward.

    The price of the coin depends on the seed and the coin only, so that a spot pair and the
    contracts on it move together; a contract's basis depends on its symbol.
    """

    def __init__(self, spec: Spec, seed: int, start_ns: int, edge: Edge | None) -> None:
        self.index = spec.start_price
        self.premium = 0.0
        """The basis, averaged over about an hour."""
        self.regime: Regime = REGIMES["normal"]
        self._news = stream(seed, spec.underlying, "news")
        self._moods = stream(seed, spec.underlying, "moods")
        self._luck = stream(seed, spec.symbol, "basis")
        self._edge = edge
        self._sigma = spec.volatility / sqrt(YEAR_S)
        self._floor = float(TICKS_MIN * spec.tick)
        self._basis = 0.0
        self._basis_sd = BASIS if spec.venue == "futures" else 0.0
        self._since_ns = start_ns
        self._jumped_ns = start_ns
        self._anchor = self.index
        self._drift = self._edge_drift = 0.0
        self._draws: list[tuple[float, float, float]] = []
        self._jump_ns = start_ns
        self._plan_jump(start_ns)
        self._mood_ns = start_ns
        self._window_ns = NEVER_NS if edge is None else start_ns // edge.window_ns * edge.window_ns
        self._window_price = 0.0
        if edge is not None:
            self._window_ns += edge.window_ns
        self._next_ns = start_ns

    def at(self, now_ns: int) -> float:
        """The price then, which must not be earlier than the last time asked for."""
        while now_ns >= self._next_ns:
            self._step()
        drifted = 1.0 + self._drift * (now_ns - self._since_ns) * 1e-9
        return self.index * drifted * (1.0 + self._basis)

    def force(self, name: str | None, now_ns: int) -> None:
        """From now on only this mood; None lets them follow each other again."""
        self.at(now_ns)
        self._drift_to(now_ns)
        if name is None:
            self._mood_ns = now_ns
        else:
            self._enter(regime_named(name))
            self._mood_ns = NEVER_NS
        self._plan()

    def _step(self) -> None:
        at_ns = self._next_ns
        self._drift_to(at_ns)
        if at_ns >= self._mood_ns:
            self._change_mood(at_ns)
        if at_ns >= self._window_ns:
            self._close_window(at_ns)
        if at_ns >= self._jump_ns:
            self._jump(at_ns)
        self._plan()

    def _plan(self) -> None:
        per_s = self.regime.drift * self._sigma / 60.0
        self._drift = per_s + self._edge_drift
        self._next_ns = min(self._jump_ns, self._mood_ns, self._window_ns)

    def _drift_to(self, at_ns: int) -> None:
        """What the price is pulled to goes along with the edge, or it would take the edge back."""
        elapsed_s = (at_ns - self._since_ns) * 1e-9
        self.index *= 1.0 + self._drift * elapsed_s
        self._anchor *= 1.0 + self._edge_drift * elapsed_s
        self._since_ns = at_ns

    def _change_mood(self, at_ns: int) -> None:
        moods = list(REGIMES.values())
        shares = np.array([mood.share for mood in moods])
        mood = moods[int(self._moods.choice(len(moods), p=shares / shares.sum()))]
        length_s = max(10.0, mood.length_s * self._moods.exponential())
        self._mood_ns = at_ns + int(length_s * 1e9)
        self._enter(mood)

    def _enter(self, mood: Regime) -> None:
        self.regime = mood
        self._anchor = self.index

    def _close_window(self, at_ns: int) -> None:
        assert self._edge is not None
        if self._window_price:
            self._edge_drift = self._edge.drift_per_s(self.index / self._window_price - 1.0)
        self._window_price = self.index
        self._window_ns = at_ns + self._edge.window_ns

    def _jump(self, at_ns: int) -> None:
        elapsed_s = (at_ns - self._jumped_ns) * 1e-9
        _, shock, luck = self._draws.pop()
        mood = self.regime
        move = self._sigma * mood.volatility * sqrt(elapsed_s) * shock
        if mood.pull_s:
            move -= log(self.index / self._anchor) * min(1.0, elapsed_s / mood.pull_s)
        self.index = max(self.index * exp(move), self._floor)
        weight = min(1.0, elapsed_s / BASIS_S)
        self._basis += self._basis_sd * sqrt(2.0 * weight) * luck - self._basis * weight
        self.premium += (self._basis - self.premium) * min(1.0, elapsed_s / 3600.0)
        self._plan_jump(at_ns)

    def _plan_jump(self, at_ns: int) -> None:
        if not self._draws:
            gaps = self._news.exponential(1e9 / NEWS_PER_S, BLOCK)
            shocks = self._news.standard_t(TAILS, BLOCK) * sqrt((TAILS - 2) / TAILS)
            luck = self._luck.standard_normal(BLOCK)
            self._draws = list(zip(gaps.tolist(), shocks.tolist(), luck.tolist(), strict=True))
        self._jumped_ns = at_ns
        self._jump_ns = at_ns + 1 + int(self._draws[-1][0])
