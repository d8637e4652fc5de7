"""One set of sessions to a portfolio: the order of things, their agreement, the best there is."""

import math
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from liveopt.config.portfolio import Portfolio
from liveopt.data.panel.panel import Float64, Panel
from liveopt.portfolio.correlation import Correlations
from liveopt.portfolio.figures import Money
from liveopt.portfolio.optimize import (
    CAPITAL,
    DEAR,
    DEAR_LEAST,
    Means,
    TooFew,
    merit_of,
    money_of,
    optimize,
    tasks_of,
)
from liveopt.portfolio.refused import Refused
from liveopt.portfolio.result import ENSEMBLE, Outcome
from liveopt.portfolio.steps import Progress, Steps
from tests import portfolio_reference as reference
from tests.portfolios import every, planted
from tests.unit.portfolio.panels import panel_of

pytestmark = pytest.mark.xdist_group("portfolio optimize")
BARE = Means("cpu", None)


def terms(**others: Any) -> Portfolio:
    """A quick search."""
    usual = {"size": 10, "algorithms": ("ga", "random"), "evaluations": 600, "capital": 1e5}
    return Portfolio(**{**usual, **others})


def drawn(count: int = 40, days: int = 60, seed: int = 3) -> Float64:
    """Some gain and some lose."""
    rng = np.random.default_rng(seed)
    return np.round(1_000.0 * (rng.standard_t(4, (count, days)) + rng.normal(0, 0.1, (count, 1))))


def sought(panel: Panel, own: Portfolio, means: Means = BARE) -> Outcome:
    """Quietly."""
    return optimize(panel, own, means, Steps())


PNL = drawn()


@pytest.fixture(scope="module")
def told() -> list[Progress]:
    """What was heard of the search below."""
    return []


@pytest.fixture(scope="module")
def outcome(told: list[Progress]) -> Outcome:
    """Two sizes, three algorithms."""
    own = terms(size=10, size_to=12, size_step=2, algorithms=("ga", "sa", "random"))
    return optimize(panel_of(PNL), own, BARE, Steps(told.append))


def test_ulta_comes_before_correlation_and_that_before_the_algorithms(
    outcome: Outcome, told: list[Progress]
) -> None:
    steps = list(dict.fromkeys(one.step for one in told))
    assert steps == ["ulta", "correlation", "algorithms", "select", "metrics"]
    shares = [one.share for one in told]
    assert shares == sorted(shares)
    turned = reference_rows(PNL)
    assert outcome.correlations is not None
    whole = reference.correlations(turned)
    np.testing.assert_allclose(
        outcome.correlations.mean, (whole.sum(axis=1) - 1.0) / 39.0, atol=1e-12
    )
    members = list(outcome.best.members)
    np.testing.assert_allclose(outcome.matrix, whole[np.ix_(members, members)], atol=1e-12)


def reference_rows(pnl: Float64) -> Float64:
    """After ULTA."""
    stay = [row for row in pnl if reference.turned(row.tolist()) is None]
    went = [-row for row in pnl if reference.turned(row.tolist()) is not None]
    return np.array(stay + went)


def test_names_are_those_after_ulta(outcome: Outcome) -> None:
    lost = [math.fsum(row) < 0.0 for row in PNL]
    assert any(lost)
    stay = [f"s{i}" for i, one in enumerate(lost) if not one]
    assert list(outcome.names) == stay + [f"s{i}_inv" for i, one in enumerate(lost) if one]
    assert outcome.ulta.inverted.tolist() == lost


def test_every_leader_is_what_the_definition_says_of_its_members(outcome: Outcome) -> None:
    rows = reference_rows(PNL)
    for one in outcome.leaders:
        wanted = reference.figures(rows[list(one.members)], terms(), 100_000.0)
        assert dict(one.figures) == pytest.approx(wanted, rel=1e-9)
        assert one.fitness == pytest.approx(reference.fitness(wanted, terms()), rel=1e-9)
        np.testing.assert_allclose(
            one.series, reference.series(rows[list(one.members)]), rtol=1e-12
        )


def test_leaders_are_each_algorithms_best_over_all_sizes_and_what_they_elect(
    outcome: Outcome,
) -> None:
    assert [(one.algorithm, one.size) for one in outcome.tried] == [
        (name, size) for size in (10, 12) for name in ("ga", "sa", "random")
    ]
    assert {one.origin for one in outcome.leaders} == {"ga", "sa", "random", ENSEMBLE}
    fitness = [one.fitness for one in outcome.leaders]
    assert fitness == sorted(fitness, reverse=True)
    assert outcome.best is outcome.leaders[0]
    for one in outcome.leaders:
        if one.origin != ENSEMBLE:
            own = [t for t in outcome.tried if t.algorithm == one.origin]
            top = max(own, key=lambda t: t.fitness)
            assert (one.members, one.fitness) == (top.members, top.fitness)


def test_the_vote_is_of_the_best_ones_size(outcome: Outcome) -> None:
    size = len(outcome.best.members)
    same = [one for one in outcome.tried if one.size == size]
    weights, votes = reference.votes([(one.fitness, one.members) for one in same])
    assert dict(outcome.vote.weights) == pytest.approx(
        dict(zip([one.algorithm for one in same], weights, strict=True))
    )
    assert dict(outcome.vote.votes) == pytest.approx(votes)


def test_shares_and_shocks_are_of_the_best(outcome: Outcome) -> None:
    assert sorted(one.member for one in outcome.shares) == list(outcome.best.members)
    assert sum(one.profit for one in outcome.shares) == pytest.approx(outcome.best.figures["roi"])
    assert outcome.shocks[0].fitness == pytest.approx(outcome.best.fitness, rel=1e-12)
    assert outcome.allocation.capital == 100_000.0
    assert 0.0 <= outcome.allocation.utilisation <= 1.0


def test_the_same_seed_is_the_same_outcome_and_another_is_another() -> None:
    panel = panel_of(PNL)
    one, same, other = (
        sought(panel, terms(seed=s, workers=w, evaluations=100))
        for s, w in ((1, 1), (1, 2), (2, 1))
    )
    assert [(t.members, t.fitness, t.history) for t in one.tried] == [
        (t.members, t.fitness, t.history) for t in same.tried
    ]
    assert one.best.members == same.best.members
    assert [t.members for t in one.tried] != [t.members for t in other.tried]


@pytest.mark.parametrize(
    "own",
    [
        {"fitness": "enhanced"},
        {"fitness": "hybrid", "metric": "expectancy", "correlation": "spearman"},
        {"penalty": "multiplicative", "penalty_weight": 0.1, "metric": "drawdown"},
    ],
)
def test_any_fitness_that_may_be_set_is_the_one_that_is_sought(own: dict[str, Any]) -> None:
    settings = terms(algorithms=("ga",), evaluations=100, **own)
    found = sought(panel_of(PNL), settings, Means("cpu", None, correlations=False))
    rows = reference_rows(PNL)[list(found.best.members)]
    ranked = np.array([reference.ranks(row.tolist()) for row in rows])
    kin = ranked if settings.correlation == "spearman" else rows
    wanted = reference.figures(rows, settings, 100_000.0, kin)
    assert found.best.fitness == pytest.approx(reference.fitness(wanted, settings), rel=1e-9)
    assert found.correlations is None


def test_ulta_off_leaves_the_losers_as_they_are() -> None:
    found = sought(panel_of(PNL), terms(ulta="off", evaluations=50, algorithms=("random",)))
    assert not found.ulta.inverted.any()
    assert list(found.names) == [f"s{i}" for i in range(40)]


def test_regimes_leave_out_halve_and_make_the_fitness_unsure() -> None:
    panel = panel_of(PNL)
    rng = np.random.default_rng(1)
    confidence, transition = rng.uniform(0.5, 1.0, 60), rng.uniform(0.0, 1.0, 60)
    capital = np.where(np.arange(60) % 2 == 0, 40_000.0, np.nan)
    sessions = replace(
        panel.sessions, confidence=confidence, transition=transition, capital=capital
    )
    panel = replace(panel, sessions=sessions)
    own = terms(fitness="enhanced", algorithms=("ga",), evaluations=100)
    found = sought(panel, own)
    kept = confidence >= 0.7
    assert found.regimes.kept.tolist() == kept.tolist()
    assert len(found.sessions) == kept.sum()
    weights = reference.weights(confidence[kept].tolist(), transition[kept].tolist(), 0.5)
    rows = reference_rows(PNL[:, kept] * np.array(weights))[list(found.best.members)]
    wanted = reference.figures(rows, own, 40_000.0)
    fitness = reference.fitness(wanted, own, float(confidence[kept].mean()))
    assert found.best.fitness == pytest.approx(fitness, rel=1e-9)
    assert found.allocation.capital == 40_000.0


def test_capital_is_the_files_else_the_settings_else_unknown() -> None:
    """Where nobody knows it, no risk-free return is held against what it might have earned."""
    panel = panel_of(PNL)
    said = np.where(np.arange(60) % 2 == 0, 40_000.0, np.nan)
    files, none = (
        replace(panel, sessions=replace(panel.sessions, capital=one))
        for one in (said, np.full(60, np.nan))
    )
    own = terms(capital=7_000.0)
    assert money_of(files, own) == Money(40_000.0, 252.0, 0.02)
    assert money_of(none, own) == money_of(panel, own) == Money(7_000.0, 252.0, 0.02)
    assert money_of(none, terms(capital=0.0)) == Money(CAPITAL, 252.0, 0.0)


def test_a_balance_is_kept() -> None:
    panel = panel_of(PNL)
    panel = replace(panel, groups=["a", "b"], group=(np.arange(40) % 2).astype(np.int32))
    found = sought(panel, terms(balance_penalty=1e6, balance=("a=8", "b=2"), evaluations=1_500))
    of = [int(found.names[i].removesuffix("_inv")[1:]) % 2 for i in found.best.members]
    assert (of.count(0), of.count(1)) == (8, 2)


def test_correlations_are_taken_from_the_cache_and_a_damaged_one_is_reckoned_again(
    tmp_path: Path,
) -> None:
    panel, own = panel_of(PNL), terms(evaluations=50, algorithms=("random",))
    means = Means("cpu", tmp_path / "kept")
    first = sought(panel, own, means).correlations
    (path,) = (tmp_path / "kept").iterdir()
    written = path.stat().st_mtime_ns
    same_all(first, sought(panel, own, means).correlations)
    assert path.stat().st_mtime_ns == written
    good = path.read_bytes()
    for bad in (good[:-30], good[:500] + b"x" + good[501:]):
        path.write_bytes(bad)
        same_all(first, sought(panel, own, means).correlations)
        assert path.read_bytes() == good


def same_all(one: Correlations | None, other: Correlations | None) -> None:
    """To the last bit."""
    for field in fields(Correlations):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


def test_too_few_strategies_are_refused_and_sizes_beyond_them_left_out() -> None:
    with pytest.raises(TooFew, match="10 needs as many strategies, and there are 9"):
        sought(panel_of(PNL[:9]), terms())
    own = terms(size=10, size_to=14, size_step=2, algorithms=("random",), evaluations=50)
    assert [one.size for one in sought(panel_of(PNL[:12]), own).tried] == [10, 12]


def test_where_every_algorithm_fails_the_reasons_are_told() -> None:
    nothing = np.full((40, 60), np.nan)
    why = "no portfolio had a fitness that is a number"
    with pytest.raises(TooFew, match=f"no algorithm found a portfolio: ga: {why}; random: {why}"):
        sought(panel_of(nothing), terms(evaluations=50), Means("cpu", None, correlations=False))


def test_tasks_have_their_terms_their_luck_and_bo_comes_first_and_tries_less() -> None:
    own = Portfolio(terms=("ga.population=50", "sa.share=0.5"), evaluations=20_000)
    tasks = {one.algorithm: one for one in tasks_of(own, 35)}
    assert next(iter(tasks)) == "bo"
    assert set(tasks) == set(own.algorithms)
    assert DEAR_LEAST <= tasks["bo"].evaluations == 20_000 // DEAR["bo"]
    assert {one.evaluations for name, one in tasks.items() if name != "bo"} == {20_000}
    few = {one.algorithm: one for one in tasks_of(Portfolio(evaluations=50), 35)}
    assert few["bo"].evaluations == few["ga"].evaluations == 50
    assert tasks["ga"].terms["population"] == 50
    assert tasks["sa"].terms["share"] == 0.5
    assert len({one.seed for one in tasks.values()}) == 8


@pytest.mark.parametrize(
    ("term", "why"),
    [
        ("bo.pool=1", "bo is none of the algorithms"),
        ("ga.people=7", "ga has no term 'people'"),
        ("ga.population=many", "many is no number"),
        ("ga.population=2.5", "population is of kind int"),
        ("ga.population=0", "population is a number above 0"),
    ],
)
def test_terms_that_no_algorithm_knows_are_refused_before_the_search(term: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        tasks_of(Portfolio(algorithms=("ga",), terms=(term,)), 35)


def test_merit_is_the_ratio_within_bounds() -> None:
    alone = np.concatenate([np.arange(1.0, 2_000.0), [-1.0, np.nan, np.inf, 1e9]])
    found = merit_of(alone)
    assert found[:1_990].tolist() == alone[:1_990].tolist()
    assert found[-4:-1].tolist() == [1e-3] * 3
    assert found[-1] == found.max() < 2_000.0
    assert merit_of(np.array([-1.0, -2.0])).tolist() == [1e-3, 1e-3]


@pytest.mark.parametrize("seed", [1, 2])
def test_the_planted_portfolio_is_found_end_to_end(seed: int) -> None:
    """Of 184,756 portfolios of 10 of 20 all were tried: this one is the best."""
    market, (where,) = planted(20, 10, 120, seed)
    assert len(every(20, 10)) == 184_756
    best = every(20, 10)[np.argmax(market.fitness(every(20, 10)))]
    assert best.tolist() == where.tolist()
    own = terms(algorithms=("ga", "sa", "hc"), evaluations=4_000)
    found = sought(panel_of(market.pnl), own)
    names = [found.names[i] for i in found.best.members]
    assert sorted(names) == sorted(f"s{i}" for i in where)
    rows = market.pnl[where]
    wanted = reference.fitness(reference.figures(rows, own, 100_000.0), own)
    assert found.best.fitness == pytest.approx(wanted, rel=1e-9)
