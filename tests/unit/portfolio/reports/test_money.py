"""The parts on regimes and on capital."""

import dataclasses

import numpy as np

from liveopt.portfolio.regimes import Regimes
from liveopt.portfolio.reports import money
from liveopt.portfolio.reports.words import number
from liveopt.portfolio.result import Report
from tests.unit.portfolio.reports.conftest import report_of
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
    assert "90.00% on average" in " ".join(" ".join(told).split())


def test_capital_adds_up_and_who_gets_nothing_is_counted(zoned: Report) -> None:
    given = zoned.outcome.allocation
    first, second, *_ = given.fractions
    part = dataclasses.replace(given, fractions={first: 0.25, second: 0.0}, utilisation=0.25)
    told = " ".join(" ".join(money.allocation(with_outcome(zoned, allocation=part))).split())
    assert f"Used {number(0.25 * given.capital, 'money')} 25.00% of it" in told
    assert f"Kept back {number(0.75 * given.capital, 'money')}" in told
    assert "1 member would get nothing: by itself" in told
    assert "the mean of the file's column" in told


def test_who_gets_nothing_gained_no_more_than_it_lost() -> None:
    report = report_of(zoned=False, ulta="off", metric="expectancy", penalty_weight=1000.0)
    given = report.outcome.allocation.fractions
    none = [one for one in report.outcome.shares if not given[one.member]]
    assert none
    for one in report.outcome.shares:
        assert (given[one.member] == 0.0) == (one.profit <= 0.0)


def test_where_no_regime_is_sure_at_all_that_is_why_nobody_gets_anything(zoned: Report) -> None:
    about = dataclasses.replace(zoned.outcome.regimes, confidence=0.0)
    given = dataclasses.replace(
        zoned.outcome.allocation, fractions={zoned.outcome.best.members[0]: 0.0}, utilisation=0.0
    )
    told = money.allocation(with_outcome(zoned, regimes=about, allocation=given))
    assert "nothing: the mean regime confidence is 0." in " ".join(" ".join(told).split())


def test_a_capital_that_nobody_stated_is_called_assumed(plain: Report) -> None:
    assert "assumed: neither the file nor" in "\n".join(money.allocation(plain))
