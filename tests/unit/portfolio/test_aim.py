"""Every fitness beside its definition, its golden cases, and a balance of groups."""

from itertools import product
from typing import Any

import numpy as np
import pytest

from liveopt.config.portfolio import Portfolio
from liveopt.data.panel.panel import Float64
from liveopt.portfolio.aim import Aim, Balance, balance_of
from liveopt.portfolio.figures import Money
from liveopt.portfolio.gather import CpuGather, Sets
from liveopt.portfolio.likeness import likeness
from tests import portfolio_reference as reference
from tests.unit.portfolio.panels import FAR_SUMS, MONEY, PANELS, SIZES, sets_of

METRICS = ("ratio", "roi", "drawdown", "win_rate", "profit_factor", "expectancy")
PENALTIES = {"subtractive": 10.0, "multiplicative": 0.1}


def all_terms() -> dict[str, Portfolio]:
    """Every fitness that may be set."""
    found = {}
    for kind, metric, (penalty, weight) in product(
        ("legacy", "hybrid"), METRICS, PENALTIES.items()
    ):
        told: dict[str, Any] = {"metric": metric, "penalty": penalty, "penalty_weight": weight}
        found[f"{kind} {metric} {penalty}"] = Portfolio(fitness=kind, **told)
    for metric in METRICS:
        found[f"threshold {metric}"] = Portfolio(metric=metric, drawdown_threshold=2_000.0)
    found["enhanced"] = Portfolio(fitness="enhanced")
    found["ranks"] = Portfolio(correlation="spearman")
    return found


TERMS = all_terms()


def fitness(pnl: Float64, sets: Sets, terms: Portfolio, confidence: float = 1.0) -> Float64:
    """As the search has it."""
    aim = Aim(terms, MONEY, confidence)
    return aim.fitness(sets, CpuGather(pnl, likeness(pnl, terms.correlation)))


@pytest.mark.parametrize("name", PANELS)
def test_every_fitness_is_that_of_the_definition(name: str) -> None:
    pnl, precise = PANELS[name], FAR_SUMS.get(name, 1e-9)
    scale = float(np.abs(pnl).max())
    ranked = np.array([reference.ranks(row.tolist()) for row in pnl])
    for size in SIZES[1::2]:
        sets = sets_of(name, size, 3)
        plain, by_rank = (
            [
                reference.figures(pnl[own], TERMS["enhanced"], MONEY.capital, kin[own])
                for own in sets
            ]
            for kin in (pnl, ranked)
        )
        for words, terms in TERMS.items():
            known = by_rank if terms.correlation == "spearman" else plain
            wanted = [reference.fitness(one, terms, 0.85) for one in known]
            of_money = terms.metric in {"roi", "expectancy", "drawdown"}
            zero = 1e-12 * scale if of_money else 1e-10
            np.testing.assert_allclose(
                fitness(pnl, sets, terms, 0.85), wanted, rtol=precise,
                atol=max(zero, 10.0 * precise if name in FAR_SUMS else 0.0), err_msg=words,
            )  # fmt: skip


def test_the_panels_reach_every_branch_of_the_enhanced_fitness() -> None:
    seen = set()
    for name, pnl in PANELS.items():
        for size in SIZES:
            for own in sets_of(name, size, 2):
                found = reference.figures(pnl[own], TERMS["enhanced"], MONEY.capital)
                seen.add(("better", found["sortino"] > found["sharpe"]))
                seen.add(("risky", abs(found["var95"]) > 0.025))
                seen.add(("least", found["sharpe"] < 0.1 and found["kelly"] > 0.0))
    assert len(seen) == 6


# golden ---------------------------------------------------------------------------------------

ONE = np.array([[4.0, -2.0, 6.0, 0.0], [0.0, -4.0, 2.0, 0.0]])
"""Together 2, -3, 4, 0: 3 in all, a fall of 3, correlated by 0.8485..."""
BOTH = np.array([[0, 1]], np.int32)
ALIKE = float(np.corrcoef(ONE)[0, 1])


@pytest.mark.parametrize(
    ("metric", "base"),
    [
        ("ratio", 1.0), ("roi", 3.0), ("drawdown", -3.0), ("win_rate", 0.5), ("profit_factor", 2.0),
        ("expectancy", 0.0),
    ],
)  # fmt: skip
def test_both_penalties_by_hand(metric: Any, base: float) -> None:
    less = Portfolio(metric=metric)
    times = Portfolio(metric=metric, penalty="multiplicative", penalty_weight=0.1)
    assert fitness(ONE, BOTH, less)[0] == pytest.approx(base - 10.0 * ALIKE, rel=1e-12)
    assert fitness(ONE, BOTH, times)[0] == pytest.approx(base * (1.0 - 0.1 * ALIKE), rel=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_the_threshold_halves_ratio_and_drawdown_of_a_smaller_fall_alone(metric: Any) -> None:
    whole = fitness(ONE, BOTH, Portfolio(metric=metric))[0]
    under = fitness(ONE, BOTH, Portfolio(metric=metric, drawdown_threshold=3.0))[0]
    above = fitness(ONE, BOTH, Portfolio(metric=metric, drawdown_threshold=3.001))[0]
    assert under == whole
    assert above == (0.5 * whole if metric in {"ratio", "drawdown"} else whole)


def test_the_multiplicative_penalty_rewards_correlation_of_what_loses() -> None:
    times = Portfolio(metric="drawdown", penalty="multiplicative", penalty_weight=0.1)
    assert fitness(ONE, BOTH, times)[0] > -3.0


def test_a_member_alone_has_nothing_held_against_it() -> None:
    sets = np.array([[0], [1]], np.int32)
    assert fitness(ONE, sets, Portfolio(metric="roi")).tolist() == [8.0, -2.0]


def test_the_enhanced_fitness_by_hand() -> None:
    profits = np.array([[3.0, -1.0, -2.0, 4.0] * 25])
    money = Money(1_000.0, 252.0, 0.02)
    terms = Portfolio(fitness="enhanced")
    aim = Aim(terms, money, 0.9)
    sets = np.zeros((1, 1), np.int32)
    gather = CpuGather(profits, likeness(profits, "pearson"))
    yearly, spread = 0.252, np.sqrt(6.5) * 1e-3 * np.sqrt(252.0)
    sharpe, sortino = (yearly - 0.02) / spread, (yearly - 0.02) / (0.5e-3 * np.sqrt(252.0))
    kelly = min((0.5 * 3.5 - 0.5 * 1.5) / 3.5, 0.25)
    wanted = kelly * sharpe * 0.9 * (1.0 + 0.1 * (sortino - sharpe))
    assert aim.fitness(sets, gather)[0] == pytest.approx(wanted, rel=1e-12)
    risky = Aim(terms, Money(10.0, 252.0, 0.02), 0.9)  # value at risk 20 %, 17.5 % too much
    sharpe = (25.2 - 0.02) / (100.0 * spread)
    sortino = (25.2 - 0.02) / (0.05 * np.sqrt(252.0))
    wanted = (kelly * sharpe * 0.9 - 100.0 * 0.175) * (1.0 + 0.1 * (sortino - sharpe))
    assert risky.fitness(sets, gather)[0] == pytest.approx(wanted, rel=1e-12)


def test_figures_come_with_the_series_they_are_of() -> None:
    gather = CpuGather(ONE, likeness(ONE, "pearson"))
    series, figures = Aim(Portfolio(), MONEY, 1.0).figures(BOTH, gather)
    assert series.tolist() == [[2.0, -3.0, 4.0, 0.0]]
    assert figures.row(0)["roi"] == 3.0


# balance --------------------------------------------------------------------------------------

GROUP = np.array([0, 0, 0, 1, 1, 2], np.int32)


def test_each_member_too_many_and_each_too_few_costs() -> None:
    balance = Balance(GROUP, np.array([1.0, 1.0, 1.0]), 2.5)
    sets = np.array([[0, 3, 5], [0, 1, 2], [3, 4, 5]], np.int32)
    assert balance.cost(sets).tolist() == [0.0, 10.0, 5.0]
    assert balance.cost(sets[:0]).tolist() == []


def test_the_balance_is_taken_from_any_fitness() -> None:
    pnl, sets = PANELS["plain"][:6], np.array([[0, 1, 2], [0, 3, 5]], np.int32)
    gather = CpuGather(pnl, likeness(pnl, "pearson"))
    balance = Balance(GROUP, np.array([1.0, 1.0, 1.0]), 2.5)
    for terms in TERMS.values():
        bare = Aim(terms, MONEY, 1.0).fitness(sets, gather)
        held = Aim(terms, MONEY, 1.0, balance).fitness(sets, gather)
        assert held.tolist() == (bare - [10.0, 0.0]).tolist()


def test_what_the_settings_say_of_a_balance() -> None:
    groups = ["a", "b", "c"]
    assert balance_of(Portfolio(), groups, GROUP, 12) is None
    even = balance_of(Portfolio(balance_penalty=1.0), groups, GROUP, 12)
    assert even is not None
    assert even.wanted.tolist() == [4.0, 4.0, 4.0]
    told = balance_of(
        Portfolio(balance_penalty=1.0, balance=("a=9", "c=3")), groups, GROUP, 12
    )  # fmt: skip
    assert told is not None
    assert told.wanted.tolist() == [9.0, 0.0, 3.0]
    with pytest.raises(ValueError, match=r"'x'.*there are a, b, c"):
        balance_of(Portfolio(balance_penalty=1.0, balance=("x=9",)), groups, GROUP, 12)
