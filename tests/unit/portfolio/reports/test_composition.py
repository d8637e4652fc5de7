"""The members, for programs and spreadsheets."""

import csv
import io
from typing import Any

import pytest

from liveopt.portfolio.reports.composition import FIRST, csv_of
from liveopt.portfolio.reports.words import uncell
from liveopt.portfolio.result import Report


def rows_of(report: Report) -> list[dict[str, Any]]:
    return list(csv.DictReader(io.StringIO(csv_of(report).decode(), newline="")))


def test_the_columns_of_the_platform_come_first(plain: Report) -> None:
    assert csv_of(plain).decode().startswith("Rank,Strategy_Index,Strategy_Name,Algorithm,Weight,")
    assert FIRST == ("Rank", "Strategy_Index", "Strategy_Name", "Algorithm", "Weight")


@pytest.mark.parametrize("which", ["plain", "zoned"])
def test_every_member_is_there_with_its_own_name(
    which: str, request: pytest.FixtureRequest
) -> None:
    report: Report = request.getfixturevalue(which)
    found, rows = report.outcome, rows_of(report)
    assert {int(row["Strategy_Index"]) for row in rows} == {*found.best.members}
    assert [int(row["Rank"]) for row in rows] == list(range(1, len(rows) + 1))
    for row in rows:
        name = uncell(row["Strategy_Name"])
        assert name == found.names[int(row["Strategy_Index"])]
        turned = row["Was_Inverted"] == "true"
        assert name == found.ulta.names[int(row["File_Index"])] + ("_inv" if turned else "")
        assert row["Algorithm"] == found.best.origin
        assert float(row["Weight"]) == 1.0 / len(found.best.members)


def test_profits_add_up_and_shares_to_one(zoned: Report) -> None:
    rows = rows_of(zoned)
    assert sum(float(row["Profit"]) for row in rows) == pytest.approx(
        zoned.outcome.best.figures["roi"]
    )
    for column in ("Weight", "Profit_Share", "Risk_Share"):
        assert sum(float(row[column]) for row in rows) == pytest.approx(1.0)
    assert sum(float(row["Capital_Fraction"]) for row in rows) == pytest.approx(
        zoned.outcome.allocation.utilisation
    )
