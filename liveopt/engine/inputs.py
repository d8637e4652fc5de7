"""What a variant reads besides the bar: averages and extremes of its window, values that left it.

All inputs of a chunk lie on one flat tape. Input i of a variant at signal bar j is
`tape[offsets[i] + j * strides[i] + index[i, variant]]`, whatever kind it is: most inputs are
tables with a column for each distinct window, and many variants share a column.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from liveopt.core.strategy import Columns, Highest, Input, Lag, Lowest, Mean, Weighted
from liveopt.engine.kernels import load_kernel, text_of
from liveopt.engine.program import LANES, ROW_CELLS, SIGNAL
from liveopt.engine.rows import Rows

Array = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

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
    """The distinct windows of each input, sorted."""
    places: tuple[Int64, ...]
    """For each variant, where its window stands among them."""
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
    windows, places = [], []
    for kind in kinds:
        found, place = np.unique(knobs[kind.knob].astype(np.int64), return_inverse=True)
        windows.append(found)
        places.append(place.astype(np.int64))
    depth = _depth(kinds, windows)
    history: dict[str, Array] = {k.column: np.zeros(depth) for k in kinds}
    sums = tuple(np.zeros((2, len(w))) for w in windows)
    layout = _layout(kinds, windows, places, depth)
    return Inputs(kinds, tuple(windows), tuple(places), depth, history, sums, layout)


def part(inputs: Inputs, variants: Int64) -> Inputs:
    """The inputs of some variants alone, with all that they remember."""
    windows, places, sums = [], [], []
    for found, place, kept in zip(inputs.windows, inputs.places, inputs.sums, strict=True):
        used, again = np.unique(place[variants], return_inverse=True)
        windows.append(found[used])
        places.append(again.astype(np.int64))
        sums.append(np.ascontiguousarray(kept[:, used]))
    depth = _depth(inputs.kinds, windows)
    history = {
        name: values[len(values) - depth :].copy() for name, values in inputs.history.items()
    }
    layout = _layout(inputs.kinds, windows, places, depth)
    return Inputs(inputs.kinds, tuple(windows), tuple(places), depth, history, tuple(sums), layout)


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
    for kind, windows, sums in zip(inputs.kinds, inputs.windows, inputs.sums, strict=True):
        values = joined[kind.column]
        match kind:
            case Lag():
                pieces.append(values)
            case Highest() | Lowest():
                pieces.append(_extremes(kind, values, windows, inputs.depth, seen))
            case Mean() | Weighted():
                pieces.append(_averages(kind, values, windows, inputs.depth, sums, seen))
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


def _averages(
    kind: Mean | Weighted, values: Array, windows: Int64, depth: int, sums: Array, seen: int
) -> Array:
    """Rolling averages [bar, window] from running sums."""
    out = np.empty((len(values) - depth, len(windows)))
    _compiled_averages()(values, windows, sums, seen, isinstance(kind, Weighted), out)
    return out


@lru_cache(maxsize=1)
def _compiled_averages() -> Callable[..., None]:
    kernel: Callable[..., None] = load_kernel(text_of("engine.rolling")).averages
    return kernel
