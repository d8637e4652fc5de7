"""Variants of one strategy side by side: parameters in, state carried, metrics out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from liveopt.core.account import FEATURES, RISK, Risk, Rule
from liveopt.core.instrument import Instrument
from liveopt.core.metrics import summarise
from liveopt.core.strategy import BadKnobs, Strategy, check_knobs, check_ranges
from liveopt.engine.ageless import ageless
from liveopt.engine.inputs import Inputs, of_age, prepare, side_by_side
from liveopt.engine.program import LANES, LOG_SIDE, LOGGED, TERM_FIELDS, Program, build

Array = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
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
    """Closed trades (steered: entries as well) remembered per block of 64 variants; 0 keeps none.

    For chosen variants: open a batch of them alone, which by the fold law is the same run.
    """
    loss_limit: float = 0.05
    """Share of the capital that a steered account may lose before it is stopped."""
    drawdown_limit: float = 0.10
    """Share of its peak that a steered account may fall before it is stopped."""


@dataclass(frozen=True, slots=True)
class Image:
    """All of a batch that changes with the bars, as bytes; the log is not in it."""

    cells: tuple[str, ...]
    """What the numbers of a block are."""
    blocks: bytes
    history: dict[str, bytes]
    sums: tuple[bytes, ...]
    signals: int
    before: int
    missed: bytes
    late: bytes
    """What `Inputs` knows of the ages of variants."""


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
    logged: Int64
    missed: Int64
    """By variant, how many signal bars the first of them traded before it did."""
    signals: int = 0
    """Signal bars seen."""
    before: int = 0
    """Those of them that passed before the trading began; metrics do not count them."""

    def bars(self) -> Int64:
        """By variant, the signal bars that it is measured by."""
        return self.signals - self.before - self.missed

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
        bars, found = self.bars(), dict[str, Array]()
        with np.errstate(all="ignore"):
            for count in np.unique(bars).tolist():
                own = bars == count
                some = {name: values[own] for name, values in rows.items()}
                capital = self.setup.capital
                for name, values in summarise(
                    some, float(count), capital, periods_per_year, np
                ).items():
                    found.setdefault(name, np.empty(self.size))[own] = values
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
            if int(self.log[block, i, 0]) == variant and self.log[block, i, LOG_SIDE] == 0.0
        ]

    def put(self, name: str, variants: Any, value: Any) -> None:
        """Set a cell of one variant or of some from outside."""
        at = self.program.cells.index(name) * LANES
        places = np.asarray(variants, np.int64)
        assert np.all((places >= 0) & (places < self.size)), "no such variant"
        self.blocks[places // LANES, at + places % LANES] = value

    def image(self) -> Image:
        """What must be kept to go on later as if there had been no break."""
        return Image(
            cells=(*self.program.cells, *self.program.shared),
            blocks=self.blocks.tobytes(),
            history={name: values.tobytes() for name, values in self.inputs.history.items()},
            sums=tuple(values.tobytes() for values in self.inputs.sums),
            signals=self.signals,
            before=self.before,
            missed=self.missed.tobytes(),
            late=self.inputs.late.tobytes(),
        )

    def restore(self, image: Image) -> None:
        """Go on from an image; this batch is of the same set-up and variants, or it is refused."""
        blocks = np.frombuffer(image.blocks)
        alike = image.cells == (*self.program.cells, *self.program.shared)
        if not alike or blocks.size != self.blocks.size:
            raise ValueError("the image is of another program or number of variants")
        blocks = blocks.reshape(self.blocks.shape)
        first = len(self.program.state) * LANES
        last = first + len(self.program.params) * LANES
        if not np.array_equal(blocks[:, first:last], self.blocks[:, first:last]):
            raise ValueError("the image is of other variants")
        missed, late = (np.frombuffer(kept, np.int64) for kept in (image.missed, image.late))
        if len(missed) != self.size or len(late) != len(self.inputs.late):
            raise ValueError("the image is of another number of variants")
        self.blocks[:], self.missed = blocks, missed
        if not np.array_equal(late, self.inputs.late):
            self.inputs = of_age(self.inputs, late)
        for name, values in self.inputs.history.items():
            values[:] = np.frombuffer(image.history[name])
        for sums, kept in zip(self.inputs.sums, image.sums, strict=True):
            sums[:] = np.frombuffer(kept).reshape(sums.shape)
        self.signals, self.before = image.signals, image.before
        self.logged[:] = 0


def open_batch(setup: Setup, knobs: Columns, risk: Columns | None = None) -> Batch:
    """A batch at its start: `knobs` (and what differs in `risk`) name a value for every variant."""
    check_knobs(setup.strategy, knobs, setup.choices)
    check_ranges(RISK, risk or {})
    for name in FEATURES:
        if getattr(setup.rule, name) and name not in (risk or {}):
            raise BadKnobs(f"the rule has {name} on; give every variant its {name}")
    _check_market(setup, np.asarray((risk or {}).get("leverage", 1.0)))
    _check_limits(setup)
    size = len(next(iter(knobs.values())))
    program = program_of(setup)
    padded = {n: _padded(v, size) for n, v in _parameters(setup, knobs, risk or {}, size).items()}
    padded["warmup"][size:] = np.inf  # lanes that only fill a block up never trade nor log
    inputs = prepare(setup.strategy.inputs, program.inputs, padded)
    return _opened(setup, program, size, padded, inputs)


def _opened(setup: Setup, program: Program, size: int, padded: Columns, inputs: Inputs) -> Batch:
    """A batch at its start; `padded` has a value of every parameter for every lane."""
    count = -(-size // LANES)
    blocks = aligned((count, program.width))
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
        inputs=inputs,
        log=np.empty((count, setup.log_trades, len(LOGGED) + 1)),  # most lines are never written
        logged=np.zeros(count, np.int64),
        missed=np.zeros(size, np.int64),
    )


def take(batch: Batch, variants: Any) -> Batch:
    """The chosen variants alone, in this order, with all they carry but the log."""
    chosen = np.asarray(variants, np.int64)
    if not len(chosen):
        raise ValueError("take at least one variant")
    return _gathered([batch], chosen, batch)


def join(batches: Sequence[Batch]) -> Batch:
    """The variants of several batches in one, with all they carry but the log."""
    if alike(batches) != [[*range(len(batches))]]:
        raise ValueError("batches are joined when all that variants of one share is the same")
    everybody = np.arange(sum(batch.size for batch in batches))
    return _gathered(batches, everybody, max(batches, key=lambda batch: batch.signals))


def alike(batches: Sequence[Batch]) -> list[list[int]]:
    """Which of these may be joined, by number: nobody would notice, now or ever.

    A batch shares the market's cells, the number of bars seen and what its inputs look back on.
    Whoever has never again to ask for that number (`ageless`) may share another's; all the rest
    must be the same to the last bit. The running sums are the exception: each age keeps its own.
    """
    first = batches[0]
    if any(batch.setup != first.setup for batch in batches):
        raise ValueError("only batches of one set-up have anything in common")
    sizes = [batch.size for batch in batches]
    params = {n: np.concatenate([b.cell(n) for b in batches]) for n in first.program.params}
    seen = np.repeat([float(batch.signals) for batch in batches], sizes)
    good, aged = ageless(first.program, params, seen)
    good &= params.get("k_warmup", 0.0) <= seen
    fit = np.logical_and.reduceat(good, np.cumsum([0, *sizes[:-1]]))
    found: dict[bytes, list[int]] = {}
    for number in np.flatnonzero(fit).tolist():
        batch = batches[number]
        market = [batch.shared(n) for n in batch.program.shared if n not in aged]
        own = found.setdefault(np.array(market).tobytes(), [])
        full = batch.signals >= batch.inputs.depth
        if full and (not own or _same_past(batch.inputs, batches[own[0]].inputs)):
            own.append(number)
    return [own for own in found.values() if own]


def _same_past(one: Inputs, other: Inputs) -> bool:
    """Whether both look back on the same values, as far as both do."""
    depth = min(one.depth, other.depth)
    return all(
        values[one.depth - depth :].tobytes()
        == other.history[name][other.depth - depth :].tobytes()
        for name, values in one.history.items()
    )


def _gathered(batches: Sequence[Batch], chosen: Int64, eldest: Batch) -> Batch:
    """Variants of several batches, counted through them, in the market of the eldest."""
    program, size = eldest.program, len(chosen)

    def cell(name: str) -> Array:
        return np.concatenate([batch.cell(name) for batch in batches])[chosen]

    padded = {n.removeprefix("k_"): _padded(cell(n), size) for n in program.params}
    padded["warmup"][size:] = np.inf
    before = np.cumsum([0, *(len(batch.inputs.late) for batch in batches[:-1])])
    places = [n + np.arange(batch.size) for n, batch in zip(before, batches, strict=True)]
    lanes = np.concatenate(places)[np.concatenate([chosen, np.repeat(chosen[-1:], -size % LANES)])]
    behind = [eldest.signals - batch.signals for batch in batches]
    inputs = side_by_side([batch.inputs for batch in batches], lanes, behind)
    found = _opened(eldest.setup, program, size, padded, inputs)
    for name in (*program.state, *program.inputs):
        found.put(name, np.arange(size), cell(name))
    found.blocks[:, program.tail :] = eldest.blocks[0, program.tail :]
    found.terms[:] = eldest.terms
    bars = np.concatenate([batch.bars() for batch in batches])[chosen]
    found.signals, found.before = eldest.signals, eldest.signals - int(bars.max())
    found.missed = bars.max() - bars
    return found


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


def _check_limits(setup: Setup) -> None:
    for name in ("loss_limit", "drawdown_limit"):
        if not 0.0 < (limit := getattr(setup, name)) <= 1.0:
            raise ValueError(f"{name} is {limit:g}; give a fraction above 0 and up to 1")


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
    limits = {"loss_limit": setup.loss_limit, "drawdown_limit": setup.drawdown_limit}
    market = vars_of(setup.instrument) | {"capital": setup.capital} | limits
    line = [market[name] for name in TERM_FIELDS]
    late = list(line)
    late[TERM_FIELDS.index("slippage")] *= 2.0
    return np.array([line, late])
