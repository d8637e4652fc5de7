"""The inputs a variant reads besides the bar: values that left its window, extremes of its window.

All inputs of a chunk lie on one flat tape. Input i of a variant at signal bar j is
`tape[j * stride[i] + index[i, variant]]`, whatever kind it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from liveopt.core.strategy import Columns, Highest, Input, Lag, Lowest
from liveopt.engine.program import LANES, ROW_CELLS

Array = npt.NDArray[np.float64]


@dataclass(slots=True)
class Inputs:
    """How the inputs of a batch are found, and the bars they still need from before this chunk."""

    kinds: tuple[Input, ...]
    windows: tuple[npt.NDArray[np.int64], ...]
    """The distinct windows of each input, sorted."""
    places: tuple[npt.NDArray[np.int64], ...]
    """For each variant, where its window stands among them."""
    depth: int
    history: dict[str, Array]
    """The last `depth` values of each column that an input reads."""


def prepare(inputs: Mapping[str, Input], names: tuple[str, ...], knobs: Columns) -> Inputs:
    """Sort out which columns and windows the inputs called `names` need."""
    kinds = tuple(inputs[n.removeprefix("x_")] for n in names)
    windows, places = [], []
    for kind in kinds:
        found, place = np.unique(knobs[kind.knob].astype(np.int64), return_inverse=True)
        windows.append(found)
        places.append(place.astype(np.int64))
    depth = max((int(w[-1]) + _skip(k) for k, w in zip(kinds, windows, strict=True)), default=0)
    history: dict[str, Array] = {k.column: np.zeros(depth) for k in kinds}
    return Inputs(kinds, tuple(windows), tuple(places), depth, history)


@dataclass(frozen=True, slots=True)
class Tape:
    """The inputs of one chunk."""

    values: Array
    strides: npt.NDArray[np.int64]
    index: npt.NDArray[np.uint64]
    """Per block, per input, per lane."""


def spool(inputs: Inputs, signals: Array, seen: int) -> Tape:
    """Lay out the inputs of the next signal bars and remember the tail for the chunk after."""
    joined = {}
    for column, history in inputs.history.items():
        values = np.concatenate([history, signals[:, ROW_CELLS.index(f"bar_{column}")]])
        inputs.history[column] = values[len(values) - inputs.depth :].copy()
        joined[column] = values
    pieces, strides, index, offset = [], [], [], 0
    for kind, windows, place in zip(inputs.kinds, inputs.windows, inputs.places, strict=True):
        values = joined[kind.column]
        if isinstance(kind, Lag):
            piece, stride, at = values, 1, inputs.depth - windows[place]
        else:
            piece, stride, at = (
                _extremes(kind, values, windows, inputs.depth, seen),
                len(windows),
                place,
            )
        pieces.append(piece.ravel())
        strides.append(stride)
        index.append(at + offset)
        offset += piece.size
    lanes = len(inputs.places[0]) if inputs.places else LANES
    flat = np.concatenate(pieces) if pieces else np.zeros(1)
    table = np.stack(index) if index else np.zeros((1, lanes), np.int64)
    blocks = table.reshape(len(table), -1, LANES).transpose(1, 0, 2).reshape(lanes // LANES, -1)
    return Tape(flat, np.array(strides or [0], np.int64), np.ascontiguousarray(blocks, np.uint64))


def _skip(kind: Input) -> int:
    return 0 if isinstance(kind, Lag) else kind.skip


def _extremes(
    kind: Highest | Lowest, values: Array, windows: npt.NDArray[np.int64], depth: int, seen: int
) -> Array:
    """Rolling extremes [bar, window] by doubling: two overlapping powers of two make any window."""
    pick = np.maximum if isinstance(kind, Highest) else np.minimum
    rows = len(values) - depth
    if rows == 0:
        return np.empty((0, len(windows)))
    level = values.copy()
    start = max(0, depth - seen)
    level[:start] = values[start]
    out = np.empty((rows, len(windows)))
    last = np.arange(depth - kind.skip, depth - kind.skip + rows)
    size = 1
    for column, window in enumerate(windows):
        while 2 * size <= window:
            level[size:] = pick(level[size:], level[:-size])
            size *= 2
        out[:, column] = pick(level[last], level[np.maximum(last - window + size, 0)])
    return out
