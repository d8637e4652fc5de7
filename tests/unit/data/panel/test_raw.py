"""A cell is a number, nothing, or bad; and which it is does not depend on its neighbours."""

import math
import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.data.panel.cells import MISSING, without_missing
from liveopt.data.panel.raw import NUMBER, numbers_of

STRANGE = [" ", "1,5", "1_0", "0x1", "-", "1e999", "-inf", "1 2", "12%", " 7 ", "\u0663"]
CELLS = st.one_of(
    st.none(),
    st.floats(allow_nan=False).map(repr),
    st.integers(-(10**25), 10**25).map(str),
    st.from_regex(NUMBER.strip("^$"), fullmatch=True),
    st.sampled_from([*MISSING, *STRANGE]),
    st.text(max_size=3),
)


@given(st.lists(CELLS, min_size=1, max_size=12))
def test_cells_are_numbers_as_python_reads_them_or_bad(cells: list[str | None]) -> None:
    found = numbers_of(without_missing(pa.array(cells, pa.string())))
    for i, cell in enumerate(cells):
        text = (cell or "").strip()
        bad = found.bad is not None and bool(found.bad[i])
        if text in MISSING:
            assert (found.values[i], found.given[i], bad) == (0.0, False, False)
        elif re.fullmatch(NUMBER, text, re.ASCII) and math.isfinite(float(text)):
            assert (found.values[i], found.given[i], bad) == (float(text), True, False)
        else:
            assert (found.values[i], found.given[i], bad) == (0.0, True, True)


@pytest.mark.parametrize("text", ["0.1", "1e-5", "123456789.123456789", "5e-324", "1.7976931e308"])
def test_a_number_is_rounded_once(text: str) -> None:
    assert numbers_of(pa.array([text])).values[0] == float(text)
