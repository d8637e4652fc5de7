"""Zones by the file's column and by the clock."""

from typing import Any

import numpy as np
import pytest

from liveopt.config.portfolio import Portfolio
from liveopt.data.panel.panel import Sessions
from liveopt.portfolio.zones import NoZones, windows_of, zones_of


def sessions(clocks: list[str] | None = None, zones: list[str] | None = None) -> Sessions:
    """One a day, each beginning at its time."""
    starts = None
    if clocks is not None:
        starts = np.array([-1 if not c else 60 * int(c[:2]) + int(c[3:]) for c in clocks], np.int64)
    count = len(clocks or zones or [1])
    dates = np.datetime64("2024-01-01") + np.arange(count)
    return Sessions(dates, zone=None if zones is None else np.array(zones), start_min=starts)


def terms(method: Any, **others: Any) -> Portfolio:
    """Settings of a method."""
    return Portfolio(zone_method=method, **others)


def test_equal_cuts_the_market_in_four() -> None:
    """09:15 to 15:30 in quarters: 10:48:45, 12:22:30, 13:56:15."""
    assert windows_of(terms("equal")) == [
        (555.0, 648.75), (648.75, 742.5), (742.5, 836.25), (836.25, 930.0)
    ]  # fmt: skip
    clocks = ["09:14", "09:15", "10:48", "10:49", "12:22", "12:23", "13:56", "13:57", "15:29",
              "15:30", ""]  # fmt: skip
    found = zones_of(sessions(clocks), terms("equal"))
    assert list(found.names) == [
        "Zone 1 (09:15-10:49)", "Zone 2 (10:49-12:22)", "Zone 3 (12:22-13:56)",
        "Zone 4 (13:56-15:30)",
    ]  # fmt: skip
    assert found.of.tolist() == [-1, 0, 0, 1, 1, 2, 2, 3, 3, -1, -1]


def test_equal_cuts_each_of_two_markets() -> None:
    both = terms("equal", zone_count=2, zone_windows=("09:15-15:30", "16:00-23:30"))
    assert windows_of(both) == [(555.0, 742.5), (742.5, 930.0), (960.0, 1185.0), (1185.0, 1410.0)]
    found = zones_of(sessions(["09:15", "15:45", "16:00", "19:45", "23:30"]), both)
    assert found.of.tolist() == [0, -1, 2, 3, -1]
    assert found.names[2] == "Zone 3 (16:00-19:45)"


def test_freeform_goes_from_boundary_to_boundary() -> None:
    free = terms("freeform", zone_bounds=("09:00", "10:30", "24:00"))
    assert windows_of(free) == [(540.0, 630.0), (630.0, 1440.0)]
    found = zones_of(sessions(["08:59", "09:00", "10:29", "10:30", "23:59"]), free)
    assert found.of.tolist() == [-1, 0, 0, 1, 1]
    assert list(found.names) == ["Zone 1 (09:00-10:30)", "Zone 2 (10:30-24:00)"]


def test_custom_takes_the_windows_as_they_are_and_the_first_that_holds_it() -> None:
    own = terms("custom", zone_windows=("10:00-11:00", "10:30-12:00", "14:00-24:00"))
    found = zones_of(sessions(["10:00", "10:45", "11:00", "12:00", "23:59"]), own)
    assert found.of.tolist() == [0, 0, 1, -1, 2]
    assert list(found.names) == [
        "Custom Zone 1 (10:00-11:00)", "Custom Zone 2 (10:30-12:00)", "Custom Zone 3 (14:00-24:00)",
    ]  # fmt: skip


def test_the_column_names_its_own() -> None:
    found = zones_of(sessions(zones=["B", "A", "B", "C"]), terms("column"))
    assert list(found.names) == ["B", "A", "C"]
    assert found.of.tolist() == [0, 1, 0, 2]


def test_a_file_without_the_column_says_what_else_there_is() -> None:
    with pytest.raises(
        NoZones, match=r"no column Zone; .*zone_method=equal. cuts the day by start_time"
    ):
        zones_of(sessions(["09:15"]), terms("column"))
    with pytest.raises(NoZones, match=r"no column start_time.*zone_method=column. takes its Zone"):
        zones_of(sessions(zones=["A"]), terms("equal"))


@pytest.mark.parametrize("method", ["equal", "custom"])
def test_a_window_that_ends_before_it_begins_is_refused(method: str) -> None:
    with pytest.raises(NoZones, match="ends before it begins"):
        windows_of(terms(method, zone_windows=("15:30-09:15",)))
