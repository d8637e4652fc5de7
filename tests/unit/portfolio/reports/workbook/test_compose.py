"""The whole workbook, read back."""

import dataclasses
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from liveopt.portfolio.reports.workbook.compose import xlsx
from liveopt.portfolio.result import Report
from tests.unit.portfolio.reports.test_ulta import many
from tests.unit.portfolio.reports.workbook.test_book import parts, sheets

SHEETS = [
    "Execution Summary", "Algorithm Results", "Best Portfolio", "Equity", "Held Back",
    "Attribution", "Capital", "Sensitivity", "Correlation", "Regimes", "Zones",
    "ULTA", "Curves", "Settings",
]  # fmt: skip


def below(rows: list[list[str | float]], head: str) -> list[list[str | float]]:
    """The rows of the table whose first column is called so."""
    start = next(i for i, row in enumerate(rows) if row[:1] == [head])
    return rows[start + 1 :]


@pytest.mark.parametrize("which", ["plain", "zoned", "tested"])
def test_every_sheet_is_there_and_every_part_is_xml(
    which: str, request: pytest.FixtureRequest
) -> None:
    report: Report = request.getfixturevalue(which)
    content = xlsx(report)
    assert list(sheets(content)) == SHEETS
    for name, part in parts(content).items():
        if name.endswith((".xml", ".rels")):
            ET.fromstring(part)
    assert sum(name.startswith("xl/charts/") for name in parts(content)) >= 7
    assert content == xlsx(report)


def test_the_summary_has_the_figures_of_the_best(plain: Report) -> None:
    rows = {str(row[0]): row[1] for row in sheets(xlsx(plain))["Execution Summary"] if len(row) > 1}
    best = plain.outcome.best
    assert rows["Fitness"] == best.fitness
    assert rows["Total ROI"] == pytest.approx(best.figures["roi"], rel=1e-14)
    assert rows["Strategies in it"] == len(best.members)
    assert rows["Strategies"] == plain.source.strategies


def test_leaders_and_searches_are_listed(plain: Report) -> None:
    rows = sheets(xlsx(plain))["Algorithm Results"]
    leaders = below(rows, "Portfolio of")[: len(plain.outcome.leaders)]
    assert [(row[0], row[2]) for row in leaders] == [
        (one.origin, one.fitness) for one in plain.outcome.leaders
    ]
    searches = below(rows, "Algorithm")
    assert len(searches) == len(plain.outcome.tried)


def test_members_equity_and_attribution_add_up(zoned: Report) -> None:
    found, best = sheets(xlsx(zoned)), zoned.outcome.best
    members = below(found["Best Portfolio"], "Rank")
    assert {row[2] for row in members} == {float(i) for i in best.members}
    equity = below(found["Equity"], "Date")
    assert [row[2] for row in equity] == pytest.approx(best.series.tolist())
    assert equity[-1][4] == pytest.approx(best.figures["roi"])
    attribution = below(found["Attribution"], "Rank")
    assert np.sum([row[3] for row in attribution]) == pytest.approx(1.0)
    capital = below(found["Capital"], "Rank")
    assert np.sum([row[3] for row in capital]) == pytest.approx(
        zoned.outcome.allocation.utilisation
    )


def test_regimes_zones_and_worlds_are_there(zoned: Report) -> None:
    found = sheets(xlsx(zoned))
    assert [row[0] for row in below(found["Regimes"], "Regime")] == ["=bear", "bull"]
    zones = below(found["Zones"], "Zone")
    assert [row[0] for row in zones[:3]] == ["Morning|<b>", "=Evening", "together"]
    worlds = below(found["Sensitivity"], "World")
    assert [row[0] for row in worlds] == [one.name for one in zoned.outcome.shocks]


def test_all_pairs_are_counted_in_the_histogram(plain: Report) -> None:
    rows = sheets(xlsx(plain))["Correlation"]
    assert plain.outcome.correlations is not None
    pairs = below(rows, "Correlation from")[:40]
    assert np.sum([row[1] for row in pairs]) == plain.outcome.correlations.pairs


def test_many_strategies_are_cut_to_the_most_improved(plain: Report) -> None:
    rows = below(sheets(xlsx(many(plain, 6_000)))["ULTA"], "Rank")
    assert len(rows) == 2_000
    assert all(isinstance(row[1], str) and row[1].startswith("=s") for row in rows)


def test_a_run_without_zones_regimes_correlations_and_worlds_has_the_sheets(plain: Report) -> None:
    outcome = dataclasses.replace(plain.outcome, correlations=None, shocks=[])
    assert list(sheets(xlsx(dataclasses.replace(plain, outcome=outcome)))) == SHEETS


def test_sessions_held_back_have_the_leaders_and_the_best_ones_equity(tested: Report) -> None:
    held, rows = tested.held, sheets(xlsx(tested))["Held Back"]
    assert held is not None
    leaders = below(rows, "Portfolio of")[: len(tested.outcome.leaders)]
    assert [row[0] for row in leaders] == [one.origin for one in tested.outcome.leaders]
    assert [row[2] for row in leaders] == pytest.approx(
        [held.leaders[one.origin][0] for one in tested.outcome.leaders]
    )
    equity = below(rows, "Date")
    assert len(equity) == len(held.sessions)
    assert equity[-1][2] == pytest.approx(held.figures["roi"])
