"""ULTA turns what loses, once, puts it at the end, and says what that did."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from liveopt.data.panel.panel import Float64, Panel, Sessions
from liveopt.portfolio import ulta
from liveopt.portfolio.ulta import BLOCK, Gates, apply
from tests import portfolio_reference as reference
from tests.unit.portfolio.panels import PANELS, panel_of

GATES = Gates()
CENTS = arrays.arrays(
    np.float64,
    st.tuples(st.integers(1, 8), st.integers(1, 12)),
    elements=st.integers(-(10**12), 10**12).map(float),
)


def test_the_worked_example() -> None:
    pnl = np.array([[1.0, 2.0, -1.0], [-4.0, 1.0, 0.0], [0.0, 0.0, 0.0], [-1.0, -2.0, -3.0]])
    found, report = apply(panel_of(pnl), "legacy", GATES)
    assert list(found.names) == ["s0", "s2", "s1_inv", "s3_inv"]
    assert found.pnl.tolist() == [[1, 2, -1], [0, 0, 0], [4, -1, 0], [1, 2, 3]]
    assert report.inverted.tolist() == [False, True, False, True]
    assert report.before.roi.tolist() == [2, -3, 0, -6]
    assert report.before.drawdown.tolist() == [-1, -4, 0, -3]
    assert report.before.ratio.tolist() == [2, -0.75, np.inf, -2]
    assert report.after.roi[[1, 3]].tolist() == [3, 6]
    assert report.after.drawdown[[1, 3]].tolist() == [-1, 1]
    assert report.after.ratio[[1, 3]].tolist() == [3, 6]
    assert np.isnan(report.after.roi[[0, 2]]).all()
    assert report.improvement()[[1, 3]].tolist() == [500, 400]


@pytest.mark.parametrize("name", PANELS)
def test_its_six_values_are_those_of_the_definition(name: str) -> None:
    pnl = PANELS[name]
    _, report = apply(panel_of(pnl), "legacy", GATES)
    wanted = [reference.turned(row.tolist()) for row in pnl]
    assert report.inverted.tolist() == [one is not None for one in wanted]
    sides = (report.before, report.after)
    columns = [column for s in sides for column in (s.roi, s.drawdown, s.ratio)]
    for i, six in enumerate(wanted):
        if six:
            np.testing.assert_allclose([column[i] for column in columns], six, rtol=1e-9)
        else:
            np.testing.assert_allclose(
                [column[i] for column in columns[:3]], reference.side(pnl[i].tolist()), rtol=1e-9,
                atol=1e-9 * np.abs(pnl).max(),
            )  # fmt: skip


@given(CENTS)
def test_it_turns_a_strategy_if_and_only_if_its_sum_is_below_0(pnl: Float64) -> None:
    found, report = apply(panel_of(pnl), "legacy", GATES)
    assert report.inverted.tolist() == [sum(map(int, row)) < 0 for row in pnl]
    assert (found.pnl.sum(axis=1) >= 0.0).all()


@given(CENTS)
def test_a_second_pass_turns_nothing(pnl: Float64) -> None:
    once, _ = apply(panel_of(pnl), "legacy", GATES)
    twice, report = apply(once, "legacy", GATES)
    assert not report.inverted.any()
    assert twice.pnl.tobytes() == once.pnl.tobytes()
    assert list(twice.names) == list(once.names)


@given(arrays.arrays(np.float64, (5, 9), elements=st.floats(-1e9, 1e9, width=32)))
def test_a_second_pass_turns_nothing_of_any_fractions_either(pnl: Float64) -> None:
    once, _ = apply(panel_of(pnl), "legacy", GATES)
    assert not apply(once, "legacy", GATES)[1].inverted.any()


@given(CENTS)
def test_the_turned_stand_at_the_end_under_their_new_names(pnl: Float64) -> None:
    panel = panel_of(pnl)
    found, report = apply(panel, "legacy", GATES)
    stay = [n for n, turned in zip(panel.names, report.inverted, strict=True) if not turned]
    went = [n + "_inv" for n, turned in zip(panel.names, report.inverted, strict=True) if turned]
    assert list(found.names) == stay + went
    for name, row in zip(found.names, found.pnl, strict=True):
        old = pnl[int(name.removesuffix("_inv")[1:])]
        assert row.tolist() == (-old if name.endswith("_inv") else old).tolist()
    assert not (np.signbit(found.pnl) & (found.pnl == 0.0)).any()


def test_the_group_goes_with_its_strategy() -> None:
    pnl = np.array([[-1.0, -1.0], [1.0, 1.0], [-2.0, 1.0]])
    dates = panel_of(pnl).sessions
    panel = Panel(["a", "b", "c"], pnl, dates, ["x", "y"], np.array([0, 1, 1], np.int32))
    found, _ = apply(panel, "legacy", GATES)
    assert list(zip(found.names, found.group.tolist(), strict=True)) == [
        ("b", 1), ("a_inv", 0), ("c_inv", 1)
    ]  # fmt: skip


def test_more_strategies_than_a_block_are_turned_as_few_are() -> None:
    pnl = np.random.default_rng(1).standard_normal((BLOCK + 3, 5))
    found, report = apply(panel_of(pnl), "legacy", GATES)
    assert report.inverted.tolist() == (pnl.sum(axis=1) < 0.0).tolist()
    np.testing.assert_allclose(found.pnl.sum(axis=1).min(), 0.0, atol=1.0)


@pytest.mark.parametrize(
    "gates", [Gates(), Gates(-500.0, 0, 0.0), Gates(0.0, 45, 0.0), Gates(0.0, 0, 0.5)]
)
def test_the_gated_rule_asks_for_a_loss_of_some_size_on_enough_sessions(gates: Gates) -> None:
    pnl = PANELS["plain"]
    _, report = apply(panel_of(pnl), "gated", gates)
    wanted = [
        reference.gated(
            row.tolist(), gates.roi_below, gates.negative_sessions, gates.negative_share
        )
        for row in pnl
    ]
    assert report.inverted.tolist() == [one is not None for one in wanted]


def test_the_gates_turn_exactly_at_their_bounds() -> None:
    pnl = np.array([[-1.0] * 6 + [1.0] * 4])
    assert apply(panel_of(pnl), "gated", Gates(0.0, 6, 0.6))[1].inverted[0]
    assert not apply(panel_of(pnl), "gated", Gates(0.0, 7, 0.6))[1].inverted[0]
    assert not apply(panel_of(pnl), "gated", Gates(0.0, 6, 0.61))[1].inverted[0]
    assert not apply(panel_of(pnl), "gated", Gates(-2.0, 6, 0.6))[1].inverted[0]


def test_off_turns_nothing() -> None:
    found, report = apply(panel_of(PANELS["all lose"]), "off", GATES)
    assert not report.inverted.any()
    assert found.pnl.tolist() == PANELS["all lose"].tolist()
    assert ulta.SUFFIX not in "".join(found.names)


def test_nobody_who_is_turned_has_the_name_of_another() -> None:
    pnl = np.array([[1.0, -3.0], [2.0, 3.0], [-4.0, 1.0]])
    group = np.zeros(3, np.int32)
    days = Sessions(np.array(["2024-01-01", "2024-01-02"], "datetime64[D]"))
    panel = Panel(["S", "S_inv", "T"], pnl, days, ["one"], group)
    found, _ = apply(panel, "legacy", Gates())
    assert list(found.names) == ["S_inv", "S_inv_inv", "T_inv"]
