"""Inputs look back exactly as far as their knobs say, however the bars are cut into chunks."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.core.strategy import Highest, Input, Lag, Lowest, Mean, Weighted
from liveopt.engine.inputs import Inputs, of_age, prepare, side_by_side, spool
from liveopt.engine.program import FINE, LANES, ROW_CELLS, SIGNAL
from liveopt.engine.rolling import RESUM_BARS
from liveopt.engine.rows import Rows

Array = npt.NDArray[np.float64]
Bar = tuple[float, ...]

COLUMNS = ("open", "high", "low", "close", "volume")
INPUTS: dict[str, Input] = {
    "left": Lag("close", "slow"),
    "top": Highest("high", "fast"),
    "broke": Highest("high", "slow", skip=1),
    "bottom": Lowest("low", "fast"),
    "skipped": Lowest("close", "slow", skip=1),
    "mean": Mean("open", "slow"),
    "weighted": Weighted("volume", "fast"),
    "unused": Lag("volume", "fast"),
}
NAMES = tuple(f"x_{name}" for name in INPUTS if name != "unused")

# Whole numbers add up without rounding, so that averages may be compared almost exactly.
whole = st.integers(1, 50).map(float)
series = st.lists(st.tuples(*[whole] * 5), max_size=40)
lanes = st.lists(st.integers(1, 20), min_size=2 * LANES, max_size=2 * LANES)
few_windows = st.sampled_from([[7] * 2 * LANES, [3] * 70 + [11] * 58, [*range(1, 129)]])
windows = st.one_of(lanes, lanes.map(sorted), few_windows)


def rows_with(bars: list[Bar]) -> Rows:
    """These signal bars, each after a fine bar that closes none."""
    table = np.zeros((2 * len(bars), len(ROW_CELLS)))
    for i, column in enumerate(COLUMNS):
        table[1::2, ROW_CELLS.index(f"bar_{column}")] = [bar[i] for bar in bars]
    return Rows(table, np.array([FINE, FINE + SIGNAL] * len(bars), np.uint8))


def looked_up(inputs: Inputs, bars: list[Bar], seen: int) -> Array:
    """What every variant reads: [bar, input, variant], as the emitted C does it."""
    tape, layout, count = spool(inputs, rows_with(bars), seen), inputs.layout, len(inputs.kinds)
    index = layout.index.reshape(-1, count, LANES).transpose(1, 0, 2).reshape(count, -1)
    first = tape.offsets + np.arange(len(bars))[:, None] * layout.strides
    found: Array = tape.values[first[:, :, None] + index[None].astype(np.int64)]
    return found


def naive(kind: Input, values: list[float], window: int, now: int) -> float:
    skip = kind.skip if isinstance(kind, Highest | Lowest) else 0
    last = max(now - skip, 0)
    part = values[max(0, last - window + 1) : last + 1]
    match kind:
        case Lag():
            return values[now - window] if now >= window else 0.0
        case Highest():
            return max(part)
        case Lowest():
            return min(part)
        case Mean():
            return sum(part) / len(part)
        case Weighted():
            weights = range(window - len(part) + 1, window + 1)
            return sum(w * v for w, v in zip(weights, part, strict=True)) / sum(range(window + 1))


def expected(bars: list[Bar], knobs: dict[str, Array]) -> Array:
    found = np.zeros((len(bars), len(NAMES), len(knobs["fast"])))
    for i, name in enumerate(NAMES):
        kind = INPUTS[name.removeprefix("x_")]
        values = [bar[COLUMNS.index(kind.column)] for bar in bars]
        for window in set(knobs[kind.knob].tolist()):
            for now in range(len(bars)):
                found[now, i, knobs[kind.knob] == window] = naive(kind, values, int(window), now)
    return found


def unrolled(inputs: Inputs) -> npt.NDArray[np.int64]:
    """Places [block, input, lane] as the runs of the layout say them; -1 where there are none."""
    runs = inputs.layout.runs
    found = np.full((*runs.shape[:2], LANES), -1)
    for block, number in np.ndindex(*runs.shape[:2]):
        first = 0
        for last, place, rises in runs[block, number, 1:].reshape(-1, 3)[: runs[block, number, 0]]:
            found[block, number, first:last] = place + rises * np.arange(last - first)
            first = last
        assert first in (0, LANES)
    return found


@given(series, windows, windows, st.data())
def test_inputs_are_those_of_a_plain_search_in_any_chunks(
    bars: list[Bar], fast: list[int], slow: list[int], data: st.DataObject
) -> None:
    knobs = {"fast": np.array(fast, np.float64), "slow": np.array(slow, np.float64)}
    inputs, other = prepare(INPUTS, NAMES, knobs), prepare(INPUTS, NAMES, knobs)
    cuts = data.draw(st.lists(st.integers(0, len(bars)), max_size=5).map(sorted))
    edges = [0, *cuts, len(bars)]
    parts = [looked_up(inputs, bars[first:last], first) for first, last in pairwise(edges)]
    assert np.array_equal(np.concatenate(parts), looked_up(other, bars, 0))
    assert np.allclose(np.concatenate(parts), expected(bars, knobs), rtol=1e-13, atol=0.0)


@given(st.lists(st.floats(1e-8, 1e8), min_size=1, max_size=60), windows, st.integers(0, 60))
def test_averages_are_the_same_bits_in_any_chunks(
    prices: list[float], window: list[int], cut: int
) -> None:
    bars: list[Bar] = [(price,) * 5 for price in prices]
    knobs = {"fast": np.array(window, np.float64), "slow": np.array(window, np.float64)}
    names = ("x_mean", "x_weighted")
    one, two = prepare(INPUTS, names, knobs), prepare(INPUTS, names, knobs)
    parts = looked_up(one, bars[:cut], 0), looked_up(one, bars[cut:], min(cut, len(bars)))
    assert np.concatenate(parts).tobytes() == looked_up(two, bars, 0).tobytes()


@pytest.mark.parametrize("start", [0, 1, 100])
def test_sums_do_not_drift_however_long_a_run_is(start: int) -> None:
    """A weighted mean used to lose nine digits in a year of minutes."""
    rng = np.random.default_rng(3)
    count = 40 * RESUM_BARS + 7
    prices = 30_000.0 * np.exp(np.cumsum(rng.normal(0.0, 1e-3, count)))
    bars: list[Bar] = [(price,) * 5 for price in prices.tolist()]
    knobs = {"fast": np.array([5.0] * 63 + [90.0]), "slow": np.full(LANES, 9.0)}
    inputs = prepare(INPUTS, ("x_mean", "x_weighted"), knobs)
    found = np.concatenate(
        [looked_up(inputs, bars[:start], 0), looked_up(inputs, bars[start:], start)]
    )[-300:]
    for i, name in enumerate(("mean", "weighted")):
        window = knobs[INPUTS[name].knob]
        for lane in (0, 63):
            for row in range(300):
                true = naive(INPUTS[name], prices.tolist(), int(window[lane]), count - 300 + row)
                assert abs(found[row, i, lane] / true - 1.0) < 1e-13


@given(series, windows, windows, st.data())
def test_the_inputs_of_some_variants_alone_are_the_same_bits(
    bars: list[Bar], fast: list[int], slow: list[int], data: st.DataObject
) -> None:
    knobs = {"fast": np.array(fast, np.float64), "slow": np.array(slow, np.float64)}
    chosen = np.array(
        data.draw(st.lists(st.integers(0, len(fast) - 1), min_size=LANES, max_size=LANES))
    )
    cut = data.draw(st.integers(0, len(bars)))
    inputs = prepare(INPUTS, NAMES, knobs)
    looked_up(inputs, bars[:cut], 0)
    some = side_by_side([inputs], chosen, [0])
    assert some.depth <= inputs.depth
    assert [len(w) for w in some.windows] == [len(np.unique(p[chosen])) for p in inputs.places]
    later = looked_up(inputs, bars[cut:], cut)
    assert looked_up(some, bars[cut:], cut).tobytes() == later[:, :, chosen].tobytes()


@given(
    st.lists(st.integers(0, 2 * RESUM_BARS), min_size=2, max_size=3),
    st.integers(20, RESUM_BARS),
    st.data(),
)
def test_inputs_that_began_apart_are_the_same_bits_side_by_side(
    starts: list[int], more: int, data: st.DataObject
) -> None:
    """Each adds its sums up anew at bars of its own, whatever is counted for all of them."""
    prices = np.random.default_rng(5).uniform(1.0, 2.0, (4 * RESUM_BARS, 5))
    bars: list[Bar] = [tuple(line) for line in prices.tolist()]
    cut, late = max(starts) + more, [first - min(starts) for first in starts]
    several = []
    for first in starts:
        columns = {name: np.array(data.draw(lanes), np.float64) for name in ("fast", "slow")}
        several.append(prepare(INPUTS, NAMES, columns))
        looked_up(several[-1], bars[first:cut], 0)
    one = side_by_side(several, np.arange(2 * LANES * len(starts)), late)
    assert one.late.tolist() == np.repeat(late, 2 * LANES).tolist()
    opened = of_age(one, one.late)
    for name, values in one.history.items():
        assert opened.history[name].shape == values.shape
    assert [w.tolist() for w in opened.windows] == [w.tolist() for w in one.windows]
    assert [s.shape for s in opened.sums] == [s.shape for s in one.sums]
    apart = [
        looked_up(own, bars[cut:], cut - first) for own, first in zip(several, starts, strict=True)
    ]
    together = looked_up(one, bars[cut:], cut - min(starts))
    assert together.tobytes() == np.concatenate(apart, axis=2).tobytes()


@given(windows, windows)
def test_runs_say_the_same_as_the_index(fast: list[int], slow: list[int]) -> None:
    knobs = {"fast": np.array(fast, np.float64), "slow": np.array(slow, np.float64)}
    inputs = prepare(INPUTS, NAMES, knobs)
    index = inputs.layout.index.reshape(-1, len(NAMES), LANES).astype(np.int64)
    places = unrolled(inputs)
    known = places[:, :, 0] >= 0
    assert np.array_equal(places[known], index[known])


def test_equal_and_rising_places_are_runs_and_a_muddle_is_looked_up() -> None:
    def counts(window: list[float]) -> list[int]:
        column = np.array(window)
        inputs = prepare(INPUTS, ("x_top",), {"fast": column})
        found: list[int] = inputs.layout.runs[:, 0, 0].tolist()
        return found

    assert counts([5.0] * LANES) == [1]
    assert counts([3.0] * 10 + [8.0] * 54) == [2]
    assert counts(np.arange(1.0, LANES + 1.0).tolist()) == [1]
    assert counts([3.0, 9.0, 5.0] * 21 + [3.0]) == [0]
    assert counts([5.0] * LANES + [3.0, 9.0, 5.0] * 21 + [3.0]) == [1, 0]


def test_a_chunk_without_a_signal_bar_may_come_first() -> None:
    """It used to look at a bar that was not there: a day of 1 s bars under 1 d signals."""
    knobs = {"fast": np.full(LANES, 3.0), "slow": np.full(LANES, 7.0)}
    inputs = prepare(INPUTS, NAMES, knobs)
    fine = Rows(np.ones((3, len(ROW_CELLS))), np.full(3, FINE, np.uint8))
    spool(inputs, fine, 0)
    bars: list[Bar] = [(5.0, 9.0, 2.0, 4.0, 1.0), (4.0, 8.0, 3.0, 5.0, 1.0)]
    assert np.allclose(looked_up(inputs, bars, 0), expected(bars, knobs), rtol=1e-15)


def test_only_inputs_of_the_program_and_windows_that_differ_are_kept() -> None:
    knobs = {"fast": np.repeat([3.0, 5.0], LANES), "slow": np.full(2 * LANES, 9.0)}
    inputs = prepare(INPUTS, ("x_broke", "x_top"), knobs)
    assert inputs.kinds == (INPUTS["broke"], INPUTS["top"])
    assert [w.tolist() for w in inputs.windows] == [[9], [3, 5]]
    assert inputs.places[1].tolist() == [0] * LANES + [1] * LANES
    assert (inputs.depth, set(inputs.history)) == (10, {"high"})


def test_a_program_without_inputs_has_an_empty_tape() -> None:
    inputs = prepare({}, (), {"fast": np.ones(LANES)})
    tape = spool(inputs, rows_with([(1.0,) * 5]), 0)
    assert (inputs.depth, inputs.history) == (0, {})
    assert (tape.values.tolist(), tape.offsets.tolist()) == ([0.0], [0])


@pytest.mark.parametrize("size", [LANES, 3 * LANES])
def test_the_index_lies_block_by_block(size: int) -> None:
    knobs = {"fast": np.arange(1.0, size + 1.0), "slow": np.full(size, 2.0)}
    layout = prepare(INPUTS, ("x_left", "x_top"), knobs).layout
    assert layout.index.shape == (size // LANES, 2 * LANES)
    assert layout.index.dtype == np.uint64
    assert layout.index.flags.c_contiguous
    assert layout.runs.flags.c_contiguous
