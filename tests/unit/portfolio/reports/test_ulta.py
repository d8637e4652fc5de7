"""The ULTA report and its CSV."""

import csv
import dataclasses
import io

import numpy as np
import pytest

from liveopt.config.portfolio import Portfolio
from liveopt.portfolio.reports.ulta import HEADER, MOST, csv_of, improved, markdown
from liveopt.portfolio.reports.words import uncell
from liveopt.portfolio.result import Report
from liveopt.portfolio.ulta import Side, Ulta
from tests.unit.portfolio.reports.test_words import cells_of


def many(report: Report, count: int) -> Report:
    """The same run with so many strategies, half of them turned."""
    rng = np.random.default_rng(1)
    inverted = np.arange(count) % 2 == 0
    roi, worst = rng.uniform(1.0, 9.0, count), rng.uniform(1.0, 9.0, count)
    before = np.where(inverted, -roi, roi)
    sides = (
        Side(before, -worst, before / worst),
        Side(*(np.where(inverted, c, np.nan) for c in (roi, -0.5 * worst, 2.0 * roi / worst))),
    )
    turned = Ulta([f"=s{i}|" for i in range(count)], inverted, *sides)
    return dataclasses.replace(report, outcome=dataclasses.replace(report.outcome, ulta=turned))


def test_the_answer_counts_who_was_turned(plain: Report) -> None:
    text, ulta = markdown(plain).decode(), plain.outcome.ulta
    turned = int(ulta.inverted.sum())
    assert turned > 10
    assert f"**{turned} of {len(ulta.names)} strategies" in text


def test_every_row_of_the_table_has_its_nine_cells_whatever_the_names(plain: Report) -> None:
    for report in (plain, many(plain, 100)):  # here every name has a bar
        rows = [one for one in markdown(report).decode().splitlines() if one.startswith("| ")]
        assert len(rows) == 2 + int(report.outcome.ulta.inverted.sum())
        assert {len(cells_of(row)) for row in rows} == {11}


def test_the_report_lists_the_most_improved_and_says_how_many_more(plain: Report) -> None:
    report = many(plain, 1_000)
    rows = [one for one in markdown(report).decode().splitlines() if one.startswith("| ")]
    assert len(rows) == 2 + MOST
    assert f"{500 - MOST} more were inverted" in markdown(report).decode()
    better = report.outcome.ulta.improvement()[improved(report.outcome.ulta)]
    assert (np.diff(better) <= 0.0).all()
    assert len(better) == 500


@pytest.mark.parametrize("which", ["plain", "zoned"])
def test_the_csv_has_every_strategy_and_all_six_values(
    which: str, request: pytest.FixtureRequest
) -> None:
    report: Report = request.getfixturevalue(which)
    ulta = report.outcome.ulta
    rows = list(csv.DictReader(io.StringIO(csv_of(report).decode(), newline="")))
    assert tuple(rows[0]) == HEADER
    assert [uncell(row["Strategy_Name"]) for row in rows] == list(ulta.names)
    for i, row in enumerate(rows):
        assert float(row["Original_ROI"]) == ulta.before.roi[i]
        assert row["Was_Inverted"] == str(bool(ulta.inverted[i])).lower()
        if ulta.inverted[i]:
            assert float(row["Inverted_Ratio"]) == ulta.after.ratio[i]
            assert float(row["Improvement_Percent"]) == ulta.improvement()[i]
        else:
            assert row["Inverted_ROI"] == row["Improvement_Percent"] == ""


@pytest.mark.parametrize(
    ("rule", "said"),
    [("off", "ULTA is off"), ("gated", "60% of all at least"), ("legacy", "Rule: a strategy")],
)
def test_the_rule_is_said(plain: Report, rule: str, said: str) -> None:
    report = dataclasses.replace(plain, terms=Portfolio.model_validate({"ulta": rule}))
    assert said in markdown(report).decode()


def test_it_is_said_that_the_gain_is_before_costs_and_half_of_it_luck(plain: Report) -> None:
    told = markdown(plain).decode()
    assert "about half of any random sample loses and would be inverted" in told
    assert "inverting a strategy turns its costs into gains" in told


def test_nobody_turned_is_said(plain: Report) -> None:
    ulta = dataclasses.replace(
        plain.outcome.ulta, inverted=np.zeros(len(plain.outcome.ulta.names), bool)
    )
    report = dataclasses.replace(plain, outcome=dataclasses.replace(plain.outcome, ulta=ulta))
    assert f"None of {len(ulta.names)} strategies was inverted" in markdown(report).decode()
