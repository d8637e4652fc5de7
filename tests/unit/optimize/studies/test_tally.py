"""How far the ratios of all trials lie apart, however they came together."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from liveopt.optimize.studies.tally import Tally, luck

Array = npt.NDArray[np.float64]
RATIOS = arrays(
    np.float64, st.integers(0, 30), elements=st.floats(-9.0, 9.0, width=32) | st.just(np.nan)
)


def tally_of(*parts: Array) -> Tally:
    found = Tally()
    for part in parts:
        found.add(part)
    return found


@given(st.lists(RATIOS, max_size=4))
def test_the_deviation_is_that_of_all_that_are_defined_at_once(parts: list[Array]) -> None:
    every = np.concatenate([np.empty(0), *parts])
    known = every[np.isfinite(every)]
    found = tally_of(*parts)
    assert (found.count, found.known) == (len(every), len(known))
    wanted = float(known.std(ddof=1)) if len(known) > 1 else 0.0
    assert found.deviation == pytest.approx(wanted, abs=1e-5)


@given(RATIOS, RATIOS)
def test_two_that_are_merged_are_one_of_both(ones: Array, others: Array) -> None:
    found = tally_of(ones)
    found.merge(tally_of(others))
    assert found.count == len(ones) + len(others)
    assert found.deviation == pytest.approx(tally_of(ones, others).deviation, abs=1e-5)


@given(RATIOS, st.integers(0, 1_000), st.floats(0.0, 9.0))
def test_luck_never_spreads_less_than_it_did_before(own: Array, before: int, wide: float) -> None:
    found = tally_of(own)
    deviation, known = luck(found, before, wide)
    assert deviation == max(found.deviation, wide)
    assert known == found.known + (before if wide else 0), "of what is not known nothing is told"
