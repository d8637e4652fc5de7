"""Durations, counted by size."""

from hypothesis import given
from hypothesis import strategies as st

from liveopt.web.histogram import ANSWERS_S, Histogram


@given(st.lists(st.floats(0.0, 100.0), max_size=60))
def test_each_bucket_has_those_that_took_no_longer(durations: list[float]) -> None:
    found = Histogram()
    for seconds in durations:
        found.add(seconds)
    below = 0
    for edge_s, count in zip(ANSWERS_S, found.counts, strict=False):
        below += count
        assert below == sum(seconds <= edge_s for seconds in durations)
    assert found.count == len(durations) == sum(found.counts)
    assert abs(found.sum_s - sum(durations)) < 1e-6
