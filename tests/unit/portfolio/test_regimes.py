"""Sessions count by how sure their regime is, and half where it is about to change."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.data.panel.panel import Panel, Sessions
from liveopt.portfolio.regimes import NoSessions, apply
from tests import portfolio_reference as reference
from tests.unit.portfolio.panels import panel_of

NAN = float("nan")
SHARES = st.lists(st.integers(0, 100).map(lambda n: n / 100.0), min_size=1, max_size=12)


def panel(confidence: list[float] | None, transition: list[float] | None) -> Panel:
    """Three strategies, whose profits tell the sessions apart."""
    days = len(confidence or transition or [])
    pnl = np.arange(1.0, 1.0 + 3 * days).reshape(3, days)
    dates = np.datetime64("2024-01-01") + np.arange(days)
    one, other = (None if c is None else np.array(c) for c in (confidence, transition))
    return panel_of(pnl, Sessions(dates, confidence=one, transition=other))


def test_the_worked_example() -> None:
    found, regime = apply(panel([0.9, 0.6, 0.7, 0.8], [0.5, 0.9, 0.6, NAN]), 0.7, 0.5)
    assert regime.kept.tolist() == [True, False, True, True]
    assert regime.halved.tolist() == [False, True, False]
    assert regime.confidence == pytest.approx(0.8)
    np.testing.assert_allclose(regime.weight, [1.125, 0.4375, 1.0])
    np.testing.assert_allclose(found.pnl[0], [1.125, 3.0 * 0.4375, 4.0])
    assert len(found.sessions) == 3
    assert str(found.sessions.date[1]) == "2024-01-03"


def test_a_file_that_says_nothing_is_left_as_it_is() -> None:
    before = panel_of(np.ones((2, 4)))
    found, regime = apply(before, 0.7, 0.5)
    assert found is before
    assert regime.confidence == 1.0
    assert regime.kept.all()
    assert regime.weight.tolist() == [1.0] * 4


def test_transition_alone_halves() -> None:
    found, regime = apply(panel(None, [0.5, 0.51, NAN]), 0.7, 0.5)
    assert found.pnl[0].tolist() == [1.0, 1.0, 3.0]
    assert regime.halved.tolist() == [False, True, False]


def test_an_empty_cell_is_not_certain() -> None:
    _, regime = apply(panel([NAN, 0.9], None), 0.7, 0.5)
    assert regime.kept.tolist() == [False, True]


def test_a_least_of_0_leaves_out_none() -> None:
    _, regime = apply(panel([NAN, 0.5], None), 0.0, 0.5)
    assert regime.kept.tolist() == [True, True]
    assert regime.weight.tolist() == [0.0, 2.0]


def test_regimes_nobody_is_sure_of_at_all_count_alike() -> None:
    _, regime = apply(panel([0.0, 0.0], None), 0.0, 0.5)
    assert regime.weight.tolist() == [1.0, 1.0]
    assert regime.confidence == 0.0


def test_no_session_left_says_what_to_lower() -> None:
    with pytest.raises(NoSessions, match=r"0\.7 or more; the highest is 0\.65: lower portfolio"):
        apply(panel([0.5, 0.65], None), 0.7, 0.5)


@given(SHARES, st.randoms(use_true_random=False))
def test_weights_are_those_of_the_definition(confidence: list[float], luck: Random) -> None:
    transition = [luck.random() for _ in confidence]
    least = sorted(confidence)[len(confidence) // 2]
    rows = [i for i, c in enumerate(confidence) if c >= least]
    kept = [confidence[i] for i in rows]
    found, regime = apply(panel(confidence, transition), least, 0.5)
    wanted = (
        reference.weights(kept, [transition[i] for i in rows], 0.5)
        if sum(kept) > 0.0
        else [0.5 if transition[i] > 0.5 else 1.0 for i in rows]
    )
    np.testing.assert_allclose(regime.weight, wanted, rtol=1e-12)
    np.testing.assert_allclose(
        found.pnl[0], [w * (1 + i) for w, i in zip(wanted, rows, strict=True)]
    )
    bare = np.where(regime.halved, 2.0, 1.0) * regime.weight
    assert bare.mean() == pytest.approx(1.0)
