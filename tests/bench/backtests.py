"""Three landscapes that are back-tests, run by the engine as a study does; their best is unknown.

    crossing   two averages of three kinds, and a stop: whole numbers under a rule, a word, a number
    bands      Bollinger bands with a stop and a target: one whole number and three others
    breakout   two channels, how to leave them, a stop, a target and a trailing stop

The market is one perpetual, both ways, on hourly bars drawn from a seed; the fitness is the annual
Sharpe ratio of the worse of the two accounts.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from liveopt.core.account import Rule, featured
from liveopt.core.bars import Bars
from liveopt.core.instrument import Instrument
from liveopt.engine.batch import Setup
from liveopt.engine.cpu import Cpu
from liveopt.engine.device import Run
from liveopt.engine.rows import rows_of
from liveopt.optimize.objective import enriched, fitness, parse_objective
from liveopt.optimize.studies.crew import Crew
from liveopt.optimize.studies.plan import Span
from liveopt.optimize.studies.space import groups, space_of, usual_ranges
from liveopt.search.spaces.parameters import Parameters
from liveopt.strategies import load

Array = npt.NDArray[np.float64]
HOUR_NS: Final = 3_600_000_000_000
HOURS_PER_YEAR: Final = 8760.0
BARS: Final = 12_000
SEED: Final = 20
ROOM: Final = 1 << 28
GOAL: Final = "bar_sharpe"
UNDEFINED: Final = -50.0
"""What others are told of a candidate that never traded; below every ratio there is."""


@dataclass(frozen=True)
class Backtest:
    """A strategy, and what of its risk is searched besides its own knobs."""

    strategy: str
    risk: tuple[tuple[str, float, float], ...]

    def space(self) -> Parameters:
        """As a study searches it."""
        strategy = load()[self.strategy]
        risk = {name: Span(low, high) for name, low, high in self.risk}
        return space_of(strategy, usual_ranges(strategy, {}) | risk, {})

    def fitness(self, candidates: Array) -> Array:
        """As a study tells it; NaN where nothing was traded."""
        crew = _crew(self)
        run, values = crew.run, np.full(len(candidates), np.nan)
        years = len(run.rows) / run.periods_per_year
        for places, variants in groups(_space(self), candidates, run.setup.strategy, {}):
            accounts = [enriched(m, years) for m in crew.metrics(variants, (0, len(run.rows)))]
            values[places] = fitness((parse_objective(GOAL),), (), list(accounts))[:, 0]
        return values

    def bounds(self) -> Array:
        """Others move in our unit cube, and what breaks a rule is mended for them too."""
        return np.tile([0.0, 1.0], (_space(self).width, 1))

    def seen(self, x: Array) -> Array:
        """The fitness of such places."""
        found = self.fitness(_space(self).settle(np.asarray(x, np.float64)))
        return np.where(np.isnan(found), UNDEFINED, found)


@cache
def market() -> Bars:
    """A price that trends, swings round a slow mean and rests, in turns of some weeks."""
    rng = np.random.default_rng(SEED)
    drift, pull, loud = np.empty(BARS), np.empty(BARS), np.empty(BARS)
    at = 0
    while at < BARS:
        part = slice(at, at + int(rng.integers(120, 480)))
        drift[part] = rng.choice([-1.0, 0.0, 0.0, 1.0]) * rng.uniform(0.0002, 0.0008)
        pull[part] = rng.choice([0.0, 0.03, 0.06])
        loud[part] = 0.006 * np.exp(0.4 * rng.standard_normal())
        at = part.stop
    shocks = rng.standard_t(4.0, BARS) * loud / np.sqrt(2.0)
    logs, middle, price = np.empty(BARS), 0.0, 0.0
    for i in range(BARS):
        middle += 0.02 * (price - middle) + drift[i]
        price += drift[i] - pull[i] * (price - middle) + shocks[i]
        logs[i] = price
    close = 30_000.0 * np.exp(logs)
    opened = np.append(30_000.0, close[:-1])
    reach = np.abs(rng.standard_normal((2, BARS))) * 0.5 * loud
    return Bars(
        1_704_067_200_000_000_000 + np.arange(BARS, dtype=np.int64) * HOUR_NS,
        opened,
        np.maximum(opened, close) * (1.0 + reach[0]),
        np.minimum(opened, close) * (1.0 - reach[1]),
        close,
        rng.gamma(2.0, 5.0, BARS),
    )


@cache
def _space(one: Backtest) -> Parameters:
    return one.space()


@cache
def _crew(one: Backtest) -> Crew:
    """Who evaluates: this process, on one core."""
    rule = featured(Rule("perpetual", "both"), [name for name, _, _ in one.risk])
    setup = Setup(load()[one.strategy], rule, Instrument("perpetual"), 10_000.0, pessimistic=True)
    run = Run(setup, rows_of(market(), HOUR_NS, HOUR_NS), HOURS_PER_YEAR)
    return Crew(run, Cpu(1), ROOM, None, 0)


BACKTESTS: Final = {
    "crossing": Backtest("ma_crossover", (("stop", 0.005, 0.2),)),
    "bands": Backtest("bollinger_reversion", (("stop", 0.005, 0.2), ("take", 0.005, 0.3))),
    "breakout": Backtest(
        "donchian_breakout", (("stop", 0.005, 0.2), ("take", 0.005, 0.5), ("trail", 0.005, 0.2))
    ),
}
