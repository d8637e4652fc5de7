"""The parts on regimes and on capital."""

import dataclasses

import numpy as np

from liveopt.portfolio.regimes import Regimes
from liveopt.portfolio.reports import money
from liveopt.portfolio.reports.words import number
from liveopt.portfolio.result import Report
from tests.unit.portfolio.reports.test_performance import with_outcome


def test_a_file_without_regimes_says_so_and_one_with_them_counts(
    plain: Report, zoned: Report
) -> None:
    assert "does not say what regime" in "\n".join(money.regimes(plain))
    told = " ".join(" ".join(money.regimes(zoned)).split())
    kept = int(zoned.outcome.regimes.kept.sum())
    assert f"{kept} sessions of {len(zoned.outcome.regimes.kept)} counted" in told
    assert "=bear" in told


def test_regimes_are_told_where_only_their_confidence_is_known(zoned: Report) -> None:
    sessions = dataclasses.replace(zoned.outcome.sessions, regime=None)
    kept = Regimes(np.ones(3, bool), np.ones(3), np.zeros(3, bool), 0.9)
    told = money.regimes(with_outcome(zoned, sessions=sessions, regimes=kept))
    assert "90.00% on the mean" in " ".join(" ".join(told).split())


def test_capital_adds_up_and_who_gets_nothing_is_counted(zoned: Report) -> None:
    given = zoned.outcome.allocation
    first, second, *_ = given.fractions
    part = dataclasses.replace(given, fractions={first: 0.25, second: 0.0}, utilisation=0.25)
    told = " ".join(" ".join(money.allocation(with_outcome(zoned, allocation=part))).split())
    assert f"Used {number(0.25 * given.capital, 'money')} 25.00% of it" in told
    assert f"Kept back {number(0.75 * given.capital, 'money')}" in told
    assert "1 member would get nothing" in told
