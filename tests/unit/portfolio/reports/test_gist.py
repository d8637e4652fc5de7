"""What several reports say of a run."""

import dataclasses

import numpy as np
import pytest

from liveopt.config.portfolio import Portfolio
from liveopt.portfolio.reports import gist
from liveopt.portfolio.result import Report


def test_a_place_in_the_file_has_the_strategys_name(zoned: Report) -> None:
    found = zoned.outcome
    for name, place in zip(found.names, found.ulta.order().tolist(), strict=True):
        suffix = "_inv" if found.ulta.inverted[place] else ""
        assert name == found.ulta.names[place] + suffix


def test_algorithms_are_ranked_and_their_sizes_added_up(plain: Report) -> None:
    found = gist.algorithms(plain.outcome.tried)
    assert [one.best.fitness for one in found] == sorted(
        (one.best.fitness for one in found), reverse=True
    )
    assert all(len(one.tried) == 2 for one in found)
    assert sum(one.evaluations for one in found) == sum(
        one.evaluations for one in plain.outcome.tried
    )


def test_what_failed_or_was_late_with_one_size_is_not_done(plain: Report) -> None:
    first = plain.outcome.tried[0]
    late = dataclasses.replace(first, status="late")
    failed = dataclasses.replace(first, status="failed", members=(), error="no memory")
    of = {
        case: gist.algorithms(tried)[0].status
        for case, tried in {
            "done": [first], "late": [first, late], "part": [first, failed], "none": [failed],
        }.items()
    }  # fmt: skip
    assert of == {"done": "done", "late": "late", "part": "late", "none": "failed"}


def test_falls_are_those_of_the_figures(plain: Report) -> None:
    for one in plain.outcome.leaders:
        assert gist.falls(one.series).max() == pytest.approx(one.figures["max_drawdown"])
        assert gist.equity(one.series)[-1] == pytest.approx(one.figures["roi"])
    assert len(gist.falls(np.empty(0))) == 0


def test_regimes_add_up_to_the_portfolio(zoned: Report) -> None:
    found = gist.by_regime(zoned.outcome)
    assert [one.name for one in found] == ["=bear", "bull"]
    assert sum(one.profit for one in found) == pytest.approx(zoned.outcome.best.figures["roi"])
    assert sum(one.sessions for one in found) == len(zoned.outcome.sessions)


def test_searches_of_zones_are_counted_once_each(zoned: Report, plain: Report) -> None:
    assert zoned.zoning is not None
    assert len(gist.outcomes(zoned)) == len(zoned.zoning.zones)
    assert gist.outcomes(plain) == [plain.outcome]


def test_efficiency_is_the_share_of_the_workers_time(plain: Report) -> None:
    spent = sum(one.seconds for one in plain.outcome.tried)
    made = dataclasses.replace(plain, workers=2, steps={"algorithms": spent})
    assert gist.efficiency(made) == pytest.approx(0.5)
    assert np.isnan(gist.efficiency(dataclasses.replace(plain, workers=0)))
    assert gist.workers(made) == "2 workers"
    assert gist.workers(dataclasses.replace(plain, workers=0)) == "a worker for each core"


def test_portfolios_that_are_the_same_are_one(plain: Report) -> None:
    best = plain.outcome.best
    twin = dataclasses.replace(best, origin="ensemble", members=tuple(reversed(best.members)))
    other = dataclasses.replace(best, origin="ga", members=(*best.members[1:], 10**6))
    assert [name for name, _ in gist.distinct([best, twin, other], 4)] == [
        f"{best.origin} = ensemble", "ga",
    ]  # fmt: skip
    assert len(gist.distinct([best, twin, other], 1)) == 1


def test_who_stated_the_capital(plain: Report, zoned: Report) -> None:
    assert gist.capital_from(plain) == ""
    assert gist.capital_from(zoned) == "the mean of the file's column"
    own = dataclasses.replace(plain, terms=Portfolio(capital=5e4))
    assert gist.capital_from(own) == "portfolio.capital"


def test_a_note_that_stands_beside_its_figures_is_not_among_the_others(plain: Report) -> None:
    notes = ["a", f"{gist.NO_FALL} 0.1", f"{gist.UNWEIGHTED} the best earned 2"]
    noted = dataclasses.replace(plain, source=dataclasses.replace(plain.source, notes=notes))
    assert gist.caution(noted, gist.NO_FALL) == "The largest fall of the best is 0.1."
    assert gist.caution(noted, gist.UNWEIGHTED) == "Unweighted, the best earned 2."
    assert gist.other_notes(notes) == ["a"]
    assert gist.caution(dataclasses.replace(noted, source=plain.source), gist.NO_FALL) == ""


def test_how_much_less_another_is() -> None:
    assert gist.versus(10.0, 9.0) == "1.0000 less (10.00%)"
    assert gist.versus(0.0, -1.0) == "1.0000 less"
    assert gist.versus(2.0, 2.0) == "the same"
