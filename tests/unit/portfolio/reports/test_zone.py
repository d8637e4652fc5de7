"""The zone report."""

import dataclasses

import numpy as np

from liveopt.config.portfolio import Portfolio
from liveopt.portfolio.reports.words import DASH, code, number
from liveopt.portfolio.reports.zone import markdown
from liveopt.portfolio.result import Report
from tests.unit.portfolio.reports.test_words import cells_of


def test_a_file_without_zones_says_so_and_how_to_get_them(plain: Report) -> None:
    told = markdown(plain).decode()
    assert "**There are no zones.**" in told
    assert "`portfolio.zone_method`" in told


def test_every_zone_has_a_row_and_a_part_of_its_own(zoned: Report) -> None:
    told = markdown(zoned).decode()
    zoning = zoned.zoning
    assert zoning is not None
    assert f"fitness {number(zoning.fitness)}.**" in told
    for one in zoning.zones:
        assert f"\n| {code(one.name)} | {one.sessions} |" in told
        assert f"\n## Zone {code(one.name)}\n" in told
        assert one.outcome is not None
        assert number(one.outcome.best.fitness) in told


def test_tables_hold_whatever_zones_are_called(zoned: Report) -> None:
    blocks = [
        [row for row in block.splitlines() if row.startswith("|")]
        for block in markdown(zoned).decode().split("\n\n")
    ]
    tables = [block for block in blocks if block]
    assert len(tables) == 5
    for table in tables:
        assert len({len(cells_of(row)) for row in table}) == 1


def test_a_zone_that_could_not_be_searched_says_why(zoned: Report) -> None:
    assert zoned.zoning is not None
    first, *rest = zoned.zoning.zones
    poor = dataclasses.replace(first, outcome=None, why="too few | sessions", figures={})
    zoning = dataclasses.replace(zoned.zoning, zones=[poor, *rest], outside=3)
    told = markdown(dataclasses.replace(zoned, zoning=zoning)).decode()
    assert "No portfolio of its own: `too few \\| sessions`." in told
    assert "3 sessions lie in no zone" in told
    row = next(row for row in told.splitlines() if row.startswith(f"| {code(first.name)} "))
    assert cells_of(row)[4].strip() == DASH
    assert "The most capital goes to `=Evening`" in told


def test_one_portfolio_is_looked_at_zone_by_zone_in_the_full_mode(zoned: Report) -> None:
    told = markdown(dataclasses.replace(zoned, terms=Portfolio())).decode()
    assert "One portfolio was searched over all sessions" in told
    assert "## Zone `" not in told


def test_how_zones_were_cut_is_said(zoned: Report) -> None:
    for asked, said in {
        "equal": "The hours 09:15-15:30 in 4 equal parts",
        "freeform": "At 09:00, 12:00.",
        "custom": "The windows 09:15-15:30.",
        "column": "the file's column of zones",
    }.items():
        terms = Portfolio.model_validate(
            {"mode": "zones", "zone_method": asked, "zone_bounds": ["09:00", "12:00"]}
        )
        assert said in markdown(dataclasses.replace(zoned, terms=terms)).decode()


def test_one_zone_has_no_matrix(zoned: Report) -> None:
    assert zoned.zoning is not None
    zoning = dataclasses.replace(zoned.zoning, zones=zoned.zoning.zones[:1])
    told = markdown(dataclasses.replace(zoned, zoning=zoning)).decode()
    assert "There is one zone only." in told


def test_zones_without_common_dates_have_a_dash_and_why(zoned: Report) -> None:
    assert zoned.zoning is not None
    matrix = np.array([[1.0, np.nan], [np.nan, 1.0]])
    zoning = dataclasses.replace(zoned.zoning, matrix=matrix)
    told = markdown(dataclasses.replace(zoned, zoning=zoning)).decode()
    assert f"| {code('=Evening')} | {DASH} | 1.0000 |" in told
    assert "a dash where these are too few" in told
    assert "a dash where these are too few" not in markdown(zoned).decode()
