"""What decides for one variant, in plain Python: its view of the market, its inputs, its memory.

The same as a variant of the engine without its account: the same bars give the same targets.
"""

from numbers import Real
from types import SimpleNamespace
from typing import Literal

import numpy as np

from liveopt.core.bars import DAY_NS
from liveopt.core.events import Bar
from liveopt.core.market import Market, observe
from liveopt.core.strategy import Array, Highest, Lag, Mean, Strategy, Weighted
from liveopt.walk.variant import Parameters

Sides = Literal["long", "short", "both"]
RESUM_BARS = 256
"""As in `engine.rolling`, which would bring a compiler along: sums are added up anew so often."""
SHOWN = 80
"""Characters of a bad target that its message shows."""


class NoTarget(ValueError):
    """A step returned something that is none of -1, 0 and 1."""


class Mind:
    """One variant's strategy, from its first signal bar on."""

    def __init__(self, strategy: Strategy, parameters: Parameters, sides: Sides) -> None:
        """Take complete parameters; the memory starts at the beginning."""
        self.strategy = strategy
        self.sides = sides
        self.k = SimpleNamespace(**_numbers(strategy, parameters))
        for name in strategy.choices:
            setattr(self.k, name, str(parameters[name]))
        self.windows = {n: int(getattr(self.k, i.knob)) for n, i in strategy.inputs.items()}
        self.depth = max(self.windows.values(), default=0) + 2
        self.seen: dict[str, list[float]] = {i.column: [] for i in strategy.inputs.values()}
        self.sums: dict[str, tuple[float, float]] = {}
        self.market = Market()
        self.m = strategy.memory()

    def signal(self, bar: Bar) -> int:
        """The side it wants after this signal bar; raises whatever the strategy raises."""
        market = self.market
        market.open, market.high, market.low = bar.open, bar.high, bar.low
        market.close, market.volume = bar.close, bar.volume
        market.day = float(bar.at_ns // DAY_NS)
        observe(market)
        x = SimpleNamespace(**self._inputs())
        target = _checked(self.strategy.step(market, self.k, x, self.m))
        if self.sides == "long":
            target = max(target, 0)
        if self.sides == "short":
            target = min(target, 0)
        target = target if market.n >= self.k.warmup else 0
        self.m.target = float(target)
        return target

    def _inputs(self) -> dict[str, float]:
        for column, values in self.seen.items():
            values.append(getattr(self.market, column))
            if len(values) > 2 * self.depth:
                del values[: -self.depth]
        return {name: self._input(name, window) for name, window in self.windows.items()}

    def _input(self, name: str, window: int) -> float:
        kind = self.strategy.inputs[name]
        values = self.seen[kind.column]
        if isinstance(kind, Lag):
            return values[-1 - window] if len(values) > window else 0.0
        if isinstance(kind, Mean | Weighted):
            return self._average(name, kind, window)
        stop = max(len(values) - kind.skip, 1)
        part = values[max(0, stop - window) : stop]
        return max(part) if isinstance(kind, Highest) else min(part)

    def _average(self, name: str, kind: Mean | Weighted, window: int) -> float:
        values = self.seen[kind.column]
        plain, weighted = self.sums.get(name, (0.0, 0.0))
        weighted = weighted + (window * values[-1] - plain)
        plain = plain + (values[-1] - (values[-1 - window] if len(values) > window else 0.0))
        if self.market.n % RESUM_BARS == 0.0:
            plain = weighted = 0.0
            for age in range(window - 1, -1, -1):
                value = values[-1 - age] if len(values) > age else 0.0
                plain += value
                weighted += (window - age) * value
        self.sums[name] = plain, weighted
        if isinstance(kind, Mean):
            return plain / min(len(values), window)
        return weighted / (0.5 * window * (window + 1))


def _numbers(strategy: Strategy, parameters: Parameters) -> dict[str, float]:
    """Knobs, what derives from them, and the warm-up, as the step reads them."""
    columns: dict[str, Array] = {n: np.array([float(parameters[n])]) for n in strategy.knobs}
    columns |= {n: np.asarray(v, np.float64) for n, v in strategy.derive(columns).items()}
    columns["warmup"] = np.asarray(strategy.warmup(columns), np.float64)
    return {n: float(np.broadcast_to(v, (1,))[0]) for n, v in columns.items()}


def _checked(said: object) -> int:
    """A target as it must be; written so that NaN does not pass."""
    if isinstance(said, Real):
        number = float(said)
        if number in (0.0, 1.0, -1.0):
            return int(number)
    raise NoTarget(f"{repr(said)[:SHOWN]} is none of -1, 0 and 1")
