"""Why a portfolio was chosen: a sum that can be done again."""

import dataclasses
import re

import numpy as np
import pytest

from liveopt.config.portfolio import Portfolio
from liveopt.portfolio.aim import Aim, Balance
from liveopt.portfolio.gather import CpuGather
from liveopt.portfolio.likeness import likeness
from liveopt.portfolio.reports.why import why, worked
from liveopt.portfolio.reports.words import number
from liveopt.portfolio.result import Outcome, Report
from tests.unit.portfolio.panels import MONEY, PANELS, sets_of

CONFIDENCE = 0.85
TERMS = [
    {},
    {"penalty": "multiplicative", "penalty_weight": 0.1},
    *({"metric": one} for one in ("roi", "drawdown", "win_rate", "profit_factor", "expectancy")),
    {"drawdown_threshold": 1e9},
    {"fitness": "enhanced"},
    {"fitness": "hybrid"},
    {"fitness": "hybrid", "metric": "win_rate", "balance_penalty": 0.5},
]


def measured(report: Report, name: str, terms: Portfolio) -> Outcome:
    """The run's outcome with another best portfolio, of a panel of any kind."""
    pnl, sets = PANELS[name], sets_of(name, 7)[:1]
    gather = CpuGather(pnl, likeness(pnl, "pearson"))
    groups = np.arange(len(pnl), dtype=np.int32) % 2
    balance = Balance(groups, np.array([7.0, 0.0]), terms.balance_penalty)
    aim = Aim(terms, MONEY, CONFIDENCE, balance if terms.balance_penalty else None)
    series, figures = aim.figures(sets, gather)
    best = dataclasses.replace(
        report.outcome.best, fitness=float(aim.fitness(sets, gather)[0]), series=series[0],
        figures=figures.row(0),
    )  # fmt: skip
    regimes = dataclasses.replace(report.outcome.regimes, confidence=CONFIDENCE)
    return dataclasses.replace(report.outcome, best=best, money=MONEY, regimes=regimes)


def done(line: str) -> tuple[float, float]:
    """What the sum on the left of a line comes to; and the size of its largest part."""
    left = line.split(": ", 1)[1].rsplit(" = ", 1)[0]
    left = left.replace(" (balance of groups)", "")
    assert re.fullmatch(r"[-+().,\dexma ]+", left), left
    sizes = [abs(float(one)) for one in re.findall(r"[\d.]+(?:e[-+]\d+)?", left)]
    return float(eval(left.replace(" x ", " * "))), max(sizes)


@pytest.mark.parametrize("given", TERMS)
@pytest.mark.parametrize("name", sorted(PANELS))
def test_every_line_adds_up_and_the_last_to_the_fitness(
    plain: Report, name: str, given: dict[str, object]
) -> None:
    terms = Portfolio.model_validate(given)
    found = measured(plain, name, terms)
    lines = worked(found, terms)
    for line in lines:
        value, size = done(line)
        told = float(line.rsplit(" = ", 1)[1].removesuffix(".").replace(",", ""))
        digits = 1e-6 if abs(value) < 1e15 else 1e-3
        assert told == pytest.approx(value, rel=digits, abs=1e-4 + 1e-5 * size)
    assert lines[-1].endswith(f" = {number(found.best.fitness)}.")


def test_both_parts_of_a_hybrid_are_told_and_the_bonus_of_the_sortino_ratio(plain: Report) -> None:
    terms = Portfolio(fitness="hybrid")
    found = measured(plain, "plain", terms)
    figures = {**found.best.figures, "sharpe": 1.5, "sortino": 2.5}
    found = dataclasses.replace(found, best=dataclasses.replace(found.best, figures=figures))
    legacy, enhanced, together = worked(found, terms)
    assert legacy.startswith("Legacy part: ")
    assert enhanced.startswith("Enhanced part: (")
    assert " x (1 + 0.1 x (2.5 - 1.5)) = " in enhanced
    assert together.startswith("Together: 0.3 x ")


def test_without_a_sortino_ratio_there_is_no_bonus(plain: Report) -> None:
    terms = Portfolio(fitness="enhanced")
    found = measured(plain, "all gain", terms)
    assert np.isnan(found.best.figures["sortino"])
    (line,) = worked(found, terms)
    assert "(1 + " not in line


def test_who_is_inverted_among_the_members_is_counted(plain: Report) -> None:
    names = [plain.outcome.names[i] for i in plain.outcome.best.members]
    count = sum(name.endswith("_inv") for name in names)
    assert f"{count} of them are traded inverted" in " ".join(why(plain))
