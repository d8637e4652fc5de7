"""The hash is of everything in a panel; columns are cut where the calendar is."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.data.panel.panel import Panel, Sessions
from liveopt.data.panel.tables import (
    content_hash,
    periods_of,
    plain,
    sessions_from,
    sessions_table,
)

SESSIONS = Sessions(
    date=np.array(["2023-12-30", "2023-12-31", "2024-01-01", "2024-02-01"], "datetime64[D]"),
    zone=np.array(["A", "Zone 12", "", "Δ"]),
    day=np.array(["Sat", "Sun", "Mon", "Thu"]),
    start_min=np.array([555, -1, 0, 1439]),
    end_min=np.array([556, -1, 1, 1440]),
    regime=np.array(["Bull", "", "Bear", "Flat"]),
    confidence=np.array([0.5, np.nan, 1.0, 0.0]),
    transition=np.array([0.5, np.nan, 1.0, 0.0]),
    capital=np.array([1e5, np.nan, 0.0, 1.0]),
)
PANEL = Panel(
    ["x", "y"], np.arange(8.0).reshape(2, 4), SESSIONS, ["g", "h"], np.array([0, 1], "i4")
)


def changed(word: str) -> Sessions:
    column = getattr(SESSIONS, word).copy()
    column[1] = column[0]
    return replace(SESSIONS, **{word: column})


@pytest.mark.parametrize(
    "other",
    [
        replace(PANEL, names=["x", "z"]),
        replace(PANEL, names=["xy", ""]),
        replace(PANEL, groups=["g", "i"]),
        replace(PANEL, group=np.array([1, 1], "i4")),
        replace(PANEL, pnl=PANEL.pnl + 1e-12),
        replace(PANEL, sessions=replace(SESSIONS, capital=None)),
        *(replace(PANEL, sessions=changed(word)) for word in SESSIONS.__slots__),
    ],
)
def test_whatever_is_otherwise_is_another_hash(other: Panel) -> None:
    assert content_hash(other) != content_hash(PANEL)


def test_the_hash_does_not_depend_on_how_arrays_lie() -> None:
    other = replace(PANEL, pnl=np.asfortranarray(PANEL.pnl), names=("x", "y"))
    assert content_hash(other) == content_hash(PANEL)


def test_the_hash_is_what_it_was_when_stores_were_first_kept() -> None:
    """Whoever changes it changes VERSION too: what is kept by it is found no more."""
    known = "8fbbe80ad0fbe166225b9966ae1839fbd2f6cf6a252bc466b546ac106648d418"
    assert content_hash(PANEL) == known


def test_sessions_come_back_from_their_table() -> None:
    back = sessions_from(sessions_table(SESSIONS))
    assert content_hash(replace(PANEL, sessions=back)) == content_hash(PANEL)
    only = Sessions(SESSIONS.date)
    assert sessions_table(only).column_names == ["date"]
    assert sessions_from(sessions_table(only)).zone is None


def test_columns_are_cut_where_the_calendar_is() -> None:
    assert periods_of(SESSIONS, "none") == [("pnl", 4)]
    assert periods_of(SESSIONS, "year") == [("pnl_2023", 2), ("pnl_2024", 2)]
    months = [("pnl_2023_12", 2), ("pnl_2024_01", 1), ("pnl_2024_02", 1)]
    assert periods_of(SESSIONS, "month") == months


@given(
    kind=st.sampled_from(["float64", "int64", "int32"]),
    size=st.integers(0, 9),
    cut=st.tuples(st.integers(0, 9), st.integers(0, 9)),
)
def test_numbers_are_those_of_the_buffer_wherever_it_is_cut(
    kind: str, size: int, cut: tuple[int, int]
) -> None:
    numbers = np.arange(size).astype(kind)
    found = plain(pa.array(numbers).slice(*cut))
    assert found.dtype == kind
    assert np.array_equal(found, numbers[cut[0] : cut[0] + cut[1]])
