"""Variants of one strategy side by side: parameters in, state carried, metrics out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from liveopt.core.account import FEATURES, RISK, Risk, Rule
from liveopt.core.instrument import Instrument
from liveopt.core.metrics import summarise
from liveopt.core.strategy import BadKnobs, Strategy, check_knobs, check_ranges
from liveopt.engine.inputs import Inputs, prepare
from liveopt.engine.program import LANES, LOGGED, TERM_FIELDS, Program, build

Array = npt.NDArray[np.float64]
CACHE_LINE = 64
Columns = Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Setup:
    """What a run is: strategy, rule, instrument, capital; variants differ in knobs and risk."""

    strategy: Strategy
    rule: Rule
    instrument: Instrument = field(default_factory=Instrument)
    capital: float = 10_000.0
    choices: Mapping[str, str] = field(default_factory=dict)
    pessimistic: bool = False
    """Keep a second account beside the first: double slippage, orders one fine bar late."""
    log_trades: int = 0
    """Closed trades remembered per block of 64 variants; 0 keeps none.

    For chosen variants: open a batch of them alone, which by the fold law is the same run.
    """


@dataclass(slots=True)
class Batch:
    """The state of many variants.

    `blocks` is all of it that changes with the bars, but for the tail of the market that inputs
    look back on.
    """

    setup: Setup
    program: Program
    size: int
    terms: Array
    blocks: Array
    inputs: Inputs
    log: Array
    logged: npt.NDArray[np.int64]
    signals: int = 0
    """Signal bars seen."""

    def cell(self, name: str) -> Array:
        """One row of the state, one number a variant."""
        at = self.program.cells.index(name) * LANES
        return self.blocks[:, at : at + LANES].reshape(-1)[: self.size]

    def shared(self, name: str) -> float:
        """One of the market's cells."""
        return float(self.blocks[0, self.program.tail + self.program.shared.index(name)])

    def metrics(self, periods_per_year: float, pessimistic: bool = False) -> dict[str, Array]:
        """Every metric of every variant, of the main account or of the pessimistic one."""
        a, p = ("b", "q") if pessimistic else ("a", "p")
        rows = {
            name.split("_", 1)[1]: self.cell(name)
            for name in self.program.state
            if name.split("_", 1)[0] in (a, p)
        }
        with np.errstate(all="ignore"):
            found: dict[str, Array] = summarise(
                rows, float(self.signals), self.setup.capital, periods_per_year, np
            )
        return found

    def trades(self, variant: int) -> list[dict[str, float]]:
        """The remembered trades of one variant, oldest first."""
        block, count = variant // LANES, int(self.logged[variant // LANES])
        kept = self.log.shape[1]
        order = [i % kept for i in range(max(0, count - kept), count)] if kept else []
        names = [n.removeprefix("a_").removeprefix("fine_") for n in LOGGED]
        return [
            dict(zip(names, map(float, self.log[block, i, 1:]), strict=True))
            for i in order
            if int(self.log[block, i, 0]) == variant
        ]


def open_batch(setup: Setup, knobs: Columns, risk: Columns | None = None) -> Batch:
    """A batch at its start: `knobs` (and what differs in `risk`) name a value for every variant."""
    check_knobs(setup.strategy, knobs, setup.choices)
    check_ranges(RISK, risk or {})
    for name in FEATURES:
        if getattr(setup.rule, name) and name not in (risk or {}):
            raise BadKnobs(f"the rule has {name} on; give every variant its {name}")
    _check_market(setup, np.asarray((risk or {}).get("leverage", 1.0)))
    size = len(next(iter(knobs.values())))
    program = program_of(setup)
    padded = {n: _padded(v, size) for n, v in _parameters(setup, knobs, risk or {}, size).items()}
    padded["warmup"][size:] = np.inf  # lanes that only fill a block up never trade nor log
    lanes = -(-size // LANES) * LANES
    blocks = aligned((lanes // LANES, program.width))
    start = dict(program.start) | _opening(setup.capital)
    for i, name in enumerate(program.cells):
        value: Any = start.get(name, 0.0)
        if name in program.params:
            value = padded[name.removeprefix("k_")].reshape(-1, LANES)
        blocks[:, i * LANES : (i + 1) * LANES] = value
    for i, name in enumerate(program.shared):
        blocks[:, program.tail + i] = start.get(name, 0.0)
    return Batch(
        setup=setup,
        program=program,
        size=size,
        terms=_terms(setup),
        blocks=blocks,
        inputs=prepare(setup.strategy.inputs, program.inputs, padded),
        log=np.zeros((len(blocks), setup.log_trades, len(LOGGED) + 1)),
        logged=np.zeros(len(blocks), np.int64),
    )


def _check_market(setup: Setup, leverage: Array) -> None:
    """Refuse what a market does not offer."""
    if setup.rule.perpetual:
        instrument = setup.instrument
        most = 1.0 / max(instrument.maintenance + instrument.liquidation_fee, 1e-9)
        if np.any(leverage >= most):
            raise BadKnobs(f"leverage must stay below {most:g}, or a position liquidates at once")
    elif setup.rule.sides != "long":
        raise BadKnobs("spot cannot be sold short; it takes a perpetual")
    elif np.any(leverage != 1.0):
        raise BadKnobs("spot has no leverage; it takes a perpetual")


def aligned(shape: tuple[int, int]) -> Array:
    """Zeros that begin on a cache line: vectors that straddle two cost a fifth of the speed."""
    size = shape[0] * shape[1]
    room = np.zeros(size + CACHE_LINE // 8)
    first = -room.ctypes.data % CACHE_LINE // 8
    return room[first : first + size].reshape(shape)


def program_of(setup: Setup) -> Program:
    """The program of a set-up; terms that are zero are not in it."""
    terms = vars_of(setup.instrument)
    zero = frozenset(n for n in TERM_FIELDS if terms.get(n) == 0.0)
    logs = setup.log_trades > 0
    return build(setup.strategy, setup.rule, setup.choices, setup.pessimistic, logs, zero)


def _parameters(setup: Setup, knobs: Columns, risk: Columns, size: int) -> dict[str, Array]:
    """Knobs, derived parameters, warm-up and risk: all that the step may read of a variant."""
    given = {n: np.asarray(v, np.float64) for n, v in knobs.items()}
    standard = {n: np.full(size, v) for n, v in vars_of(Risk()).items()}
    full = given | {n: np.asarray(v, np.float64) for n, v in setup.strategy.derive(given).items()}
    full["warmup"] = np.asarray(setup.strategy.warmup(full), np.float64)
    return full | standard | {n: np.asarray(v, np.float64) for n, v in risk.items()}


def vars_of(record: Any) -> dict[str, float]:
    """The fields of a record by name."""
    return {name: getattr(record, name) for name in record.__slots__}


def _padded(values: Array, size: int) -> Array:
    """Fill the last block up with copies of its last variant; nobody reads their results."""
    full = np.broadcast_to(values, (size,))
    return np.concatenate([full, np.repeat(full[-1:], -size % LANES)])


def _opening(capital: float) -> dict[str, float]:
    inverse = 1.0 / capital
    return {"a_cash": capital, "b_cash": capital} | {
        f"{path}_{name}": value
        for path in ("p", "q")
        for name, value in (
            ("equity", capital),
            ("inv_equity", inverse),
            ("inv_last", inverse),
            ("inv_peak", inverse),
        )
    }


def _terms(setup: Setup) -> Array:
    """One line of terms for each account; the pessimist's slippage is double."""
    market = vars_of(setup.instrument) | {"capital": setup.capital}
    line = [market[name] for name in TERM_FIELDS]
    late = list(line)
    late[TERM_FIELDS.index("slippage")] *= 2.0
    return np.array([line, late])
