"""The last sessions are held back whole days, and judge the leaders as they are traded."""

from dataclasses import replace

import numpy as np
import pytest

from liveopt.portfolio.held import cut
from liveopt.portfolio.refused import Refused
from tests.unit.portfolio.panels import panel_of


def test_no_day_is_on_both_sides() -> None:
    panel = panel_of(np.arange(20.0).reshape(2, 10))
    dates = np.datetime64("2024-01-01") + np.array([0, 0, 1, 1, 1, 2, 3, 3, 4, 4])
    panel = replace(panel, sessions=replace(panel.sessions, date=dates))
    before, after = cut(panel, 0.4)
    assert after is not None
    assert before.pnl[0].tolist() == [0, 1, 2, 3, 4, 5]
    assert after.pnl[0].tolist() == [6, 7, 8, 9]
    assert before.sessions.date.max() < after.sessions.date.min()


def test_nothing_is_held_back_unasked() -> None:
    panel = panel_of(np.ones((2, 10)))
    assert cut(panel, 0.0) == (panel, None)


@pytest.mark.parametrize(("days", "share"), [(1, 0.5), (2, 0.1), (3, 0.9)])
def test_a_share_that_leaves_no_day_on_one_side_is_refused(days: int, share: float) -> None:
    with pytest.raises(Refused, match="leaves none on one side"):
        cut(panel_of(np.ones((2, days))), share)
