"""Lists that are encoded once and cut: the same bytes as of each list alone."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from liveopt.web.listing import answered, listing

ROWS = st.lists(st.dictionaries(st.text(max_size=3), st.integers() | st.none() | st.text()))


class Body(msgspec.Struct):
    rows: list[Any]
    total: int


@given(ROWS, st.integers(0, 12))
def test_the_first_of_a_listing_are_the_first_rows(rows: list[Any], count: int) -> None:
    body = answered(Body([], len(rows)), rows=listing(rows).first(count))
    assert body == msgspec.json.encode(Body(rows[:count], len(rows)))
