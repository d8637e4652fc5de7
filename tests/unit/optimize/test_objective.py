"""Objectives and constraints."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.core.metrics import METRICS
from liveopt.optimize.objective import (
    FORBIDDEN,
    balanced,
    enriched,
    fitness,
    parse_constraint,
    parse_objective,
)
from liveopt.optimize.parameters import BadParameter


def metrics(**values: list[float]) -> dict[str, np.ndarray]:
    size = len(next(iter(values.values())))
    full = {name: np.full(size, 0.5) for name in METRICS}
    return enriched(full | {n: np.array(v, float) for n, v in values.items()}, 1.0)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("roi", 0.25),
        ("max_drawdown", -0.1),  # less is better
        ("roi - max_drawdown", 0.15),
        ("-roi ** 2", -0.0625),
        ("max(roi, 1) / 2", 0.5),
        ("sqrt(roi) + abs(-1)", 1.5),
        ("annual_return", 0.25),
    ],
)
def test_an_objective_is_a_score_or_arithmetic_over_metrics(text: str, wanted: float) -> None:
    seen = metrics(roi=[0.25], max_drawdown=[0.1])
    assert parse_objective(text).of(seen) == pytest.approx([wanted])


@pytest.mark.parametrize(
    "text",
    ["profit", "roi +", "roi.real", "__import__('os')", "roi if roi else 1", "min(roi)", "roi < 1",
     "True", "'roi'", "max(roi, 1, 2)", "sqrt(x=roi)"],
)  # fmt: skip
def test_what_is_no_arithmetic_over_metrics_is_refused(text: str) -> None:
    with pytest.raises(BadParameter):
        parse_objective(text)


def test_balanced_is_the_weighted_sum_of_shares_of_full_marks() -> None:
    seen = metrics(bar_sharpe=[3.0, 30.0, 0.0], roi=[0.5, 9.0, 0.0], max_drawdown=[0.0, 0.0, 0.2])
    assert balanced(seen) == pytest.approx([0.7, 0.7, -0.3])


def test_a_month_of_ten_percent_is_not_ten_percent_a_year() -> None:
    seen = enriched({n: np.array([0.1]) for n in METRICS}, 1 / 12)
    assert seen["annual_return"] == pytest.approx([1.1**12 - 1.0])


@pytest.mark.parametrize("text", ["trades", "trades=30", "gain>=3", "trades>=many", ">=3"])
def test_a_constraint_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadParameter):
        parse_constraint(text)


def test_the_worse_account_is_what_counts() -> None:
    main, late = metrics(roi=[0.3, 0.1]), metrics(roi=[0.2, 0.4])
    assert fitness((parse_objective("roi"),), (), [main, late])[:, 0] == pytest.approx([0.2, 0.1])


@given(st.lists(st.floats(0.0, 100.0), min_size=2, max_size=20), st.floats(1.0, 99.0))
def test_who_breaks_a_constraint_is_below_all_who_do_not(trades: list[float], least: float) -> None:
    seen = metrics(trades=trades, roi=[-1.0] * len(trades))
    rule = parse_constraint(f"trades>={least!r}")
    found = fitness((parse_objective("roi"),), (rule,), [seen])[:, 0]
    holds = np.array(trades) >= least
    assert np.all(found[holds] == -1.0)
    assert np.all(found[~holds] < FORBIDDEN)
    broken = np.array(trades)[~holds]
    assert np.all(np.diff(found[~holds][np.argsort(broken)]) >= 0.0)  # the nearer the better


def test_an_undefined_metric_breaks_its_constraint() -> None:
    seen = metrics(win_rate=[np.nan], roi=[1.0])
    found = fitness((parse_objective("roi"),), (parse_constraint("win_rate>=0.1"),), [seen])
    assert found[0, 0] < FORBIDDEN


def test_a_constraint_holds_on_both_accounts() -> None:
    main, late = metrics(trades=[40.0], roi=[1.0]), metrics(trades=[20.0], roi=[1.0])
    rule = (parse_constraint("trades>=30"),)
    assert fitness((parse_objective("roi"),), rule, [main, late])[0, 0] < FORBIDDEN
