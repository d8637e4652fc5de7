"""What a variant reads besides the bar: averages and extremes of its window, values that left it.

All inputs of a chunk lie on one flat tape. Input i of a variant at signal bar j is
`tape[offsets[i] + j * strides[i] + index[i, variant]]`, whatever kind it is: most inputs are
tables with a column for each distinct window, and many variants share a column. Averages are
running sums, which are added up anew at bars that a variant's own age decides: variants that began
at different bars have columns of their own there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType

import numpy as np
import numpy.typing as npt

from liveopt.core.strategy import Columns, Highest, Input, Lag, Lowest, Mean, Weighted
from liveopt.engine.kernels import load_kernel, text_of
from liveopt.engine.program import LANES, ROW_CELLS, SIGNAL
from liveopt.engine.rows import Rows

Array = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

AGE_BITS = 32
"""A window and an age are looked for as one number; a run of 4 billion bars is not foreseen."""
RUNS_MAX = 8
"""Runs of a block's input worth copying as runs; with more, each lane is looked up."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a batch's inputs are found; it never changes."""

    strides: Int64
    index: npt.NDArray[np.uint64]
    """[block, input * lane]"""
    runs: Int64
    """[block, input, 1 + 3 * RUNS_MAX]: how many runs, and for each its end, its first place and
    whether places rise by one (1) or stay (0). No runs: look every lane up."""


@dataclass(slots=True)
class Inputs:
    """The inputs of a batch, with what they must remember from one chunk to the next."""

    kinds: tuple[Input, ...]
    windows: tuple[Int64, ...]
    """The distinct windows of each input, sorted; those of an average once for each age."""
    places: tuple[Int64, ...]
    """For each variant, where its window stands among them."""
    late: Int64
    """For each variant, how many signal bars it has seen less than the batch counts."""
    ages: tuple[Int64, ...]
    """The same for each window of an average; 0 for those of the others, which know no age."""
    depth: int
    history: dict[str, Array]
    """The last `depth` values of each column that an input reads."""
    sums: tuple[Array, ...]
    """Running sums of each window, plain and weighted, of the inputs that are averages."""
    layout: Layout


@dataclass(frozen=True, slots=True)
class Tape:
    """The inputs of one chunk."""

    values: Array
    offsets: Int64


NOTHING = Tape(np.zeros(1), np.zeros(1, np.int64))


def prepare(inputs: Mapping[str, Input], names: tuple[str, ...], knobs: Columns) -> Inputs:
    """Sort out which columns and windows the inputs called `names` need."""
    kinds = tuple(inputs[n.removeprefix("x_")] for n in names)
    wanted = [knobs[kind.knob].astype(np.int64) for kind in kinds]
    late = np.zeros(len(next(iter(knobs.values()))), np.int64)
    return _laid_out(kinds, wanted, late)


def side_by_side(several: Sequence[Inputs], variants: Int64, behind: Sequence[int]) -> Inputs:
    """The inputs of variants of several batches, with all that they remember.

    The batches have seen the same bars, as far as they look back. `variants` counts through the
    lanes of all of them, or of the only one; each batch is so many signal bars `behind` what will
    be counted.
    """
    late = np.concatenate([one.late + bars for one, bars in zip(several, behind, strict=True)])
    found = _laid_out(
        several[0].kinds, [_wanted(several, n)[variants] for n in range(len(several[0].kinds))],
        late[variants],
    )  # fmt: skip
    deepest = max(several, key=lambda one: one.depth)
    for name, values in deepest.history.items():
        found.history[name][:] = values[len(values) - found.depth :]
    for n, sums in enumerate(found.sums):
        kept = np.hstack([one.sums[n][:, one.places[n]] for one in several])[:, variants]
        sums[:, found.places[n]] = kept
        same = sums[:, found.places[n]].view(np.int64) == kept.view(np.int64)
        assert same.all(), "variants of one window and age have seen different bars"
    return found


def of_age(inputs: Inputs, late: Int64) -> Inputs:
    """Inputs at their start, of variants that are of these ages."""
    wanted = [_wanted([inputs], n) for n in range(len(inputs.kinds))]
    return _laid_out(inputs.kinds, wanted, late)


def _wanted(several: Sequence[Inputs], number: int) -> Int64:
    """The window of every lane."""
    return np.concatenate([one.windows[number][one.places[number]] for one in several])


def _laid_out(kinds: tuple[Input, ...], wanted: Sequence[Int64], late: Int64) -> Inputs:
    """Inputs at their start, for the window that every lane wants and the age that it has."""
    windows, places, ages = [], [], []
    for kind, window in zip(kinds, wanted, strict=True):
        age = late if isinstance(kind, Mean | Weighted) else 0
        found, place = np.unique(window << AGE_BITS | age, return_inverse=True)
        windows.append(found >> AGE_BITS)
        ages.append(found & ((1 << AGE_BITS) - 1))
        places.append(place.astype(np.int64))
    depth = _depth(kinds, windows)
    history: dict[str, Array] = {k.column: np.zeros(depth) for k in kinds}
    sums = tuple(np.zeros((2, len(w))) for w in windows)
    layout = _layout(kinds, windows, places, depth)
    return Inputs(
        kinds, tuple(windows), tuple(places), late, tuple(ages), depth, history, sums, layout
    )


def spool(inputs: Inputs, rows: Rows, seen: int) -> Tape:
    """Lay out the inputs of the next signal bars and remember what the chunk after will need."""
    if not inputs.kinds:
        return NOTHING
    signals = rows.table[(rows.kinds & SIGNAL) != 0]
    joined = {}
    for column, history in inputs.history.items():
        values = np.concatenate([history, signals[:, ROW_CELLS.index(f"bar_{column}")]])
        inputs.history[column] = values[len(values) - inputs.depth :].copy()
        joined[column] = values
    pieces = []
    for number, kind in enumerate(inputs.kinds):
        values, windows = joined[kind.column], inputs.windows[number]
        match kind:
            case Lag():
                pieces.append(values)
            case Highest() | Lowest():
                pieces.append(_extremes(kind, values, windows, inputs.depth, seen))
            case Mean() | Weighted():
                pieces.append(_averages(inputs, number, values, seen))
    sizes = [piece.size for piece in pieces]
    offsets = np.array([0, *np.cumsum(sizes[:-1])], np.int64)
    return Tape(np.concatenate([piece.ravel() for piece in pieces]), offsets)


def _depth(kinds: Sequence[Input], windows: Sequence[Int64]) -> int:
    """How far back the longest window looks."""
    return max((int(w[-1]) + _skip(k) for k, w in zip(kinds, windows, strict=True)), default=0)


def _skip(kind: Input) -> int:
    return kind.skip if isinstance(kind, Highest | Lowest) else 0


def _layout(
    kinds: tuple[Input, ...], windows: list[Int64], places: list[Int64], depth: int
) -> Layout:
    blocks = len(places[0]) // LANES if places else 0
    index = np.zeros((max(blocks, 1), max(len(kinds), 1), LANES), np.int64)
    strides = np.zeros(max(len(kinds), 1), np.int64)
    for i, kind in enumerate(kinds):
        lag = isinstance(kind, Lag)
        index[:, i] = (depth - windows[i][places[i]] if lag else places[i]).reshape(-1, LANES)
        strides[i] = 1 if lag else len(windows[i])
    return Layout(strides, index.reshape(len(index), -1).astype(np.uint64), _runs(index))


def _runs(index: Int64) -> Int64:
    """Stretches of equal or of consecutive places in each block's input."""
    runs = np.zeros((*index.shape[:2], 1 + 3 * RUNS_MAX), np.int64)
    steps = np.diff(index, axis=2)
    few = (np.diff(steps, axis=2) != 0).sum(axis=2) <= 2 * RUNS_MAX
    for block, number in zip(*np.nonzero(few), strict=True):
        found = _stretches(index[block, number], steps[block, number])
        if len(found) <= RUNS_MAX:
            runs[block, number, 0] = len(found)
            runs[block, number, 1 : 1 + 3 * len(found)] = np.ravel(found)
    return runs


def _stretches(places: Int64, steps: Int64) -> list[tuple[int, int, int]]:
    found = []
    first = 0
    while first < LANES:
        step = int(steps[first]) if first < LANES - 1 else 0
        step = step if step in (0, 1) else 0
        last = first + 1
        while last < LANES and steps[last - 1] == step:
            last += 1
        found.append((last, int(places[first]), step))
        first = last
    return found


def _extremes(
    kind: Highest | Lowest, values: Array, windows: Int64, depth: int, seen: int
) -> Array:
    """Rolling extremes [bar, window] by doubling: two overlapping powers of two make any window."""
    pick = np.maximum if isinstance(kind, Highest) else np.minimum
    rows = len(values) - depth
    out = np.empty((rows, len(windows)))
    if rows == 0:  # a chunk in which no signal bar closed
        return out
    level = values.copy()
    start = max(0, depth - seen)
    level[:start] = values[start]
    last = np.arange(depth - kind.skip, depth - kind.skip + rows)
    size = 1
    for column, window in enumerate(windows):
        while 2 * size <= window:
            level[size:] = pick(level[size:], level[:-size])
            size *= 2
        out[:, column] = pick(level[last], level[np.maximum(last - window + size, 0)])
    return out


def _averages(inputs: Inputs, number: int, values: Array, seen: int) -> Array:
    """Rolling averages [bar, window] from running sums, those that are added up together at once.

    Ages that differ by whole rounds of `RESUM_BARS` are: whoever is late has seen a full window.
    """
    module, weighted = _rolling(), isinstance(inputs.kinds[number], Weighted)
    windows, sums = inputs.windows[number], inputs.sums[number]
    out = np.empty((len(values) - inputs.depth, len(windows)))
    ages = inputs.ages[number] % module.RESUM_BARS
    if not ages.any():
        module.averages(values, windows, sums, seen, weighted, out)
        return out
    for age in np.unique(ages).tolist():
        own = np.flatnonzero(ages == age)
        some, table = np.ascontiguousarray(sums[:, own]), np.empty((len(out), len(own)))
        module.averages(values, windows[own], some, seen - age, weighted, table)
        sums[:, own], out[:, own] = some, table
    return out


@lru_cache(maxsize=1)
def _rolling() -> ModuleType:
    return load_kernel(text_of("engine.rolling"))
