"""What contracts compare with: hostile markets, drawn variants, the generated C as an oracle."""

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from liveopt.core.account import Rule
from liveopt.core.bars import MINUTE_NS, Bars
from liveopt.core.strategy import Strategy
from liveopt.data.market import synthetic_bars
from liveopt.engine.batch import Batch
from liveopt.engine.emit_c import c_source
from liveopt.engine.inputs import spool
from liveopt.engine.program import LANES, ROW_CELLS, SIGNAL, TERM_FIELDS
from liveopt.engine.rows import Rows, rows_of

Array = npt.NDArray[np.float64]
Drawn = dict[str, Array]

EVERYTHING = Rule(
    "perpetual",
    "both",
    stop=True,
    take=True,
    trail=True,
    min_hold=True,
    max_hold=True,
    funding=True,
)
RULES = {
    "plain spot": Rule(),
    "guarded spot": Rule(stop=True, take=True, trail=True, late=True),
    "everything": EVERYTHING,
    "kelly, short": Rule("perpetual", "short", "kelly", take=True, limit_targets=False),
    "volatility": Rule("perpetual", "both", "volatility", stop=True, take=True, funding=True),
    "clocks": Rule("perpetual", "both", min_hold=True, max_hold=True, trail=True),
    "steered": replace(EVERYTHING, steered=True),
    "steered, late": Rule(stop=True, min_hold=True, late=True, steered=True),
}
"""Together they use every feature on and off."""
COMPILER = shutil.which("gcc")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="needs gcc")

FUNDING = ROW_CELLS.index("fine_funding")
FUNDING_EVERY = 60
START_NS = 1_704_067_200_000_000_000 - 130 * MINUTE_NS
"""So that a day ends within the first bars."""

# markets --------------------------------------------------------------------------------------


def real(count: int, seed: int = 1) -> Bars:
    """A market as one would expect."""
    return synthetic_bars(count, seed, MINUTE_NS, START_NS)


def flat_bars(prices: Array, volume: float) -> Bars:
    """Bars of one price each."""
    at_ns = START_NS + MINUTE_NS * np.arange(len(prices), dtype=np.int64)
    return Bars(at_ns, prices, prices, prices, prices, np.full(len(prices), volume))


def scaled(bars: Bars, factor: Array | float) -> Bars:
    """The same bars at another level, or one that changes from bar to bar."""
    return Bars(
        bars.at_ns,
        bars.open * factor,
        bars.high * factor,
        bars.low * factor,
        bars.close * factor,
        bars.volume,
    )


def gaps(count: int) -> Bars:
    """Opens far from the last close, now and then by a third of the price."""
    rng = np.random.default_rng(2)
    jumps = np.where(rng.random(count) < 0.05, rng.choice([0.7, 0.97, 1.04, 1.4], count), 1.0)
    return scaled(real(count, 2), np.cumprod(jumps, dtype=np.float64))


def still(count: int) -> Bars:
    """A price that stays for a hundred bars, jumps, and stays again."""
    steps = np.array([100.0, 110.0, 90.0, 90.01, 300.0, 100.0])
    return flat_bars(steps[np.arange(count) // 100 % len(steps)], 3.0)


def silent(count: int) -> Bars:
    """A market without volume."""
    bars = real(count, 3)
    return replace(bars, volume=np.zeros(count))


def dithering(count: int) -> Bars:
    """A price that goes one tick up and one tick down."""
    return flat_bars(np.where(np.arange(count) % 2 == 0, 100.0, 100.01), 1.0)


MARKETS: dict[str, tuple[Callable[[int], Bars], float]] = {
    "real": (real, 0.01),
    "gaps": (gaps, 0.01),
    "silent": (silent, 0.0),
    "still": (still, 0.01),
    "dithering": (dithering, 0.01),
    "level of 1e-8": (lambda count: scaled(real(count, 4), 1e-8 / 30_000.0), 1e-13),
    "level of 1e8": (lambda count: scaled(real(count, 5), 1e8 / 30_000.0), 0.5),
}
"""Each with the tick that suits it."""


@lru_cache
def market(name: str, count: int, signal_minutes: int = 1) -> tuple[Rows, float]:
    """The rows of a market, with funding every hour, and its tick."""
    make, tick = MARKETS[name]
    funding = np.zeros(count)
    funding[::FUNDING_EVERY] = np.resize([1e-4, -2e-4, 5e-4], len(funding[::FUNDING_EVERY]))
    return rows_of(make(count), MINUTE_NS, signal_minutes * MINUTE_NS, funding), tick


# variants -------------------------------------------------------------------------------------


def choices_of(strategy: Strategy) -> list[dict[str, str]]:
    """Every combination of a strategy's words."""
    words = product(*(choice.options for choice in strategy.choices.values()))
    return [dict(zip(strategy.choices, combination, strict=True)) for combination in words]


def draw_knobs(strategy: Strategy, rng: np.random.Generator, size: int) -> Drawn:
    """Valid knobs within their ranges, with more of the short windows that trade a lot."""
    kept: Drawn = {name: np.zeros(0) for name in strategy.knobs}
    while len(next(iter(kept.values()))) < size:
        shares = rng.random((len(strategy.knobs), 8 * size)) ** rng.choice([1.0, 5.0], 8 * size)
        drawn = {
            name: knob.low + share * (knob.high - knob.low)
            for (name, knob), share in zip(strategy.knobs.items(), shares, strict=True)
        }
        drawn = {n: np.round(v) if strategy.knobs[n].whole else v for n, v in drawn.items()}
        valid = np.broadcast_to(strategy.valid(drawn), (8 * size,))
        kept = {n: np.concatenate([v, drawn[n][valid]]) for n, v in kept.items()}
    return {name: values[:size] for name, values in kept.items()}


def draw_risk(rng: np.random.Generator, size: int, leverage_most: float = 50.0) -> Drawn:
    """Risks from timid to reckless."""
    return {
        "fraction": rng.uniform(0.01, 1.0, size),
        "leverage": np.floor(np.exp(rng.uniform(0.0, np.log(leverage_most), size))),
        "stop": rng.choice([0.002, 0.01, 0.05, 0.5], size) * rng.uniform(0.5, 2.0, size),
        "take": rng.choice([0.002, 0.01, 0.05, 0.5], size) * rng.uniform(0.5, 2.0, size),
        "trail": rng.uniform(0.001, 0.1, size),
        "arm": rng.choice([0.0, 0.01, 0.05], size),
        "min_hold": rng.choice([0.0, 60.0, 600.0], size),
        "max_hold": rng.choice([120.0, 3_600.0, 36_000.0], size),
    }


def fresh(batch: Batch, tick: float | None = None) -> Batch:
    """A batch at its start again, with its own arrays and the same compiled program."""
    terms = batch.terms.copy()
    if tick is not None:
        assert batch.setup.instrument.tick > 0.0, "a tick of zero is not in the program"
        terms[:, TERM_FIELDS.index("tick")] = tick
    inputs = replace(
        batch.inputs,
        history={name: values.copy() for name, values in batch.inputs.history.items()},
        sums=tuple(values.copy() for values in batch.inputs.sums),
    )
    return replace(
        batch,
        blocks=batch.blocks.copy(),
        terms=terms,
        inputs=inputs,
        log=batch.log.copy(),
        logged=batch.logged.copy(),
    )


def cells(batch: Batch) -> dict[str, bytes]:
    """All state that must not depend on how it was come by, as bits."""
    names = [*batch.program.state, *batch.program.params]
    found = {name: batch.cell(name).tobytes() for name in names}
    return found | {n: np.float64(batch.shared(n)).tobytes() for n in batch.program.shared}


def differing(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    """The names of the cells whose bits differ."""
    return [name for name in one | other if one.get(name) != other.get(name)]


# the generated C ------------------------------------------------------------------------------


class Oracle:
    """The C of a program, compiled without contraction: a device like any other, for the tests."""

    def __init__(self, text: str) -> None:
        """Compile and load."""
        assert COMPILER is not None
        with tempfile.TemporaryDirectory() as folder:
            source, library = Path(folder, "step.c"), Path(folder, "step.so")
            source.write_text(text)
            command = [COMPILER, "-O2", "-ffp-contract=off", "-shared", "-fPIC", "-o"]
            subprocess.run([*command, str(library), str(source)], check=True)
            self._advance: Any = ctypes.CDLL(str(library)).advance
        self._advance.restype = None

    def advance(self, batch: Batch, rows: Rows) -> None:
        """Fold the rows into the batch's state; trades are not written down."""
        tape, layout = spool(batch.inputs, rows, batch.signals), batch.inputs.layout
        shared = batch.blocks[0, batch.program.tail :].copy()
        arrays = (
            np.ascontiguousarray(rows.table), np.ascontiguousarray(rows.kinds), batch.terms,
            batch.blocks, tape.values, tape.offsets, layout.strides, layout.index, shared,
        )  # fmt: skip
        counts = (len(batch.blocks) * LANES, len(rows))
        self._advance(
            *(array.ctypes.data_as(ctypes.c_void_p) for array in arrays),
            *map(ctypes.c_longlong, counts),
        )
        batch.signals += int(np.count_nonzero(rows.kinds & SIGNAL))


@lru_cache(maxsize=64)
def oracle(text: str) -> Oracle:
    """One library for one text."""
    return Oracle(text)


def oracle_of(batch: Batch) -> Oracle:
    """The compiled C of a batch's program."""
    return oracle(c_source(batch.program))
