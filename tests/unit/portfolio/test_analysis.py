"""Who earns, who is risky, what if: beside the definitions, and what must add up."""

import math

import numpy as np
import pytest

from liveopt.config.portfolio import Portfolio
from liveopt.data.panel.panel import Float64
from liveopt.portfolio.aim import Aim, Balance
from liveopt.portfolio.analysis import Close, allocation, close, shares, shocks
from liveopt.portfolio.likeness import likeness
from tests import portfolio_reference as reference
from tests.unit.portfolio.panels import MONEY, PANELS

MEMBERS = (2, 3, 5, 9, 14, 20)
AIM = Aim(Portfolio(), MONEY, 1.0)


def near(pnl: Float64, members: tuple[int, ...] = MEMBERS, terms: Portfolio | None = None) -> Close:
    """A portfolio looked at closely."""
    own = terms or Portfolio()
    return close(members, pnl, likeness(pnl, own.correlation), Aim(own, MONEY, 1.0))


@pytest.mark.parametrize("name", ["plain", "heavy tails", "twins", "some never move", "all lose"])
def test_shares_are_those_of_the_definition(name: str) -> None:
    pnl = PANELS[name]
    own = pnl[list(MEMBERS)]
    found = shares(near(pnl))
    total = np.array(reference.series(own))
    for one in found:
        row = pnl[one.member]
        profit = math.fsum(row) / len(own)
        assert one.profit == pytest.approx(profit, rel=1e-9)
        assert one.profit_share == pytest.approx(profit / math.fsum(total), rel=1e-9)
        covariance = np.cov(row / len(own), total, ddof=0)[0, 1]
        assert one.risk_share == pytest.approx(covariance / total.var(), rel=1e-9, abs=1e-12)
        assert one.kelly == pytest.approx(reference.basic(row.tolist())["kelly"], rel=1e-9)
        others = reference.correlations(own)[MEMBERS.index(one.member)]
        assert one.correlation == pytest.approx((others.sum() - 1.0) / 5.0, rel=1e-9, abs=1e-12)
        alone = reference.figures(row[None], Portfolio(), MONEY.capital)
        assert one.figures == pytest.approx(alone, rel=1e-9, abs=1e-9, nan_ok=True)
    assert [one.profit for one in found] == sorted((one.profit for one in found), reverse=True)
    assert sorted(one.member for one in found) == list(MEMBERS)
    assert sum(one.profit_share for one in found) == pytest.approx(1.0)
    assert sum(one.risk_share for one in found) == pytest.approx(1.0)


def test_what_never_moves_has_no_risk_to_share() -> None:
    """A variance that was rounding alone gave shares of nothing."""
    pnl = np.full((40, 7), 0.1)
    assert all(math.isnan(one.risk_share) for one in shares(near(pnl)))
    rest = shares(near(np.zeros((40, 7))))
    assert all(math.isnan(one.profit_share) for one in rest)


def test_a_member_alone_has_all_of_it() -> None:
    (one,) = shares(near(PANELS["plain"], (7,)))
    assert one.profit_share == one.risk_share == pytest.approx(1.0)
    assert one.correlation == 0.0


def test_capital_goes_by_kellys_shares_and_is_never_more_than_there_is() -> None:
    parts = shares(near(PANELS["all gain"]))
    assert [one.kelly for one in parts] == [0.25] * 6
    found = allocation(parts, 50_000.0, 1.0)  # six quarters are too many
    assert found.capital == 50_000.0
    assert found.utilisation == 1.0
    assert list(found.fractions.values()) == pytest.approx([1.0 / 6.0] * 6)
    unsure = allocation(parts, 50_000.0, 0.5)  # six eighths are not
    assert unsure.utilisation == pytest.approx(0.75)
    assert list(unsure.fractions.values()) == [0.125] * 6
    nothing = allocation(shares(near(PANELS["all lose"])), 50_000.0, 1.0)
    assert nothing.utilisation == 0.0
    assert set(nothing.fractions) == set(MEMBERS)


@pytest.mark.parametrize("correlation", ["pearson", "spearman"])
def test_other_worlds_are_those_of_the_definition(correlation: str) -> None:
    pnl = PANELS["plain"]
    own = pnl[list(MEMBERS)]
    terms = Portfolio.model_validate({"correlation": correlation})
    mean = own.mean(axis=1, keepdims=True)
    kin = np.array([reference.ranks(row.tolist()) for row in own])
    worlds = {
        "as it was": own,
        "profits x 1.2": 1.2 * own,
        "profits x 0.8": 0.8 * own,
        "volatility x 1.5": mean + 1.5 * (own - mean),
        "volatility x 0.5": mean + 0.5 * (own - mean),
    }
    found = shocks(near(pnl, MEMBERS, terms))
    assert [one.name for one in found] == list(worlds)
    for one in found:
        other = kin if correlation == "spearman" else None
        wanted = reference.figures(worlds[one.name], terms, MONEY.capital, other)
        assert one.figures == pytest.approx(wanted, rel=1e-9)
        assert one.fitness == pytest.approx(reference.fitness(wanted, terms), rel=1e-9)


def test_other_worlds_have_the_balance_of_this_one() -> None:
    pnl = PANELS["plain"]
    group = np.arange(len(pnl), dtype=np.int32) % 2
    held = Aim(Portfolio(), MONEY, 1.0, Balance(group, np.array([0.0, 0.0]), 1_000.0))
    found = shocks(close(MEMBERS, pnl, likeness(pnl, "pearson"), held))
    assert [one.fitness for one in found] == pytest.approx(
        [one.fitness - 1_000.0 * len(MEMBERS) for one in shocks(near(pnl))]
    )
