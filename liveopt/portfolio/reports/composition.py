"""portfolio_composition_<ts>.csv: the members of the portfolio, who earned most first.

Names are written so that no spreadsheet takes one for a formula; `words.uncell` undoes it.
"""

import csv
import io
from typing import Final

from liveopt.portfolio.reports.figure import FIGURES
from liveopt.portfolio.reports.words import cell
from liveopt.portfolio.result import Report

FIRST: Final = ("Rank", "Strategy_Index", "Strategy_Name", "Algorithm", "Weight")
"""What the platform's clients read."""
MORE: Final = (
    "File_Index", "Was_Inverted", "Votes", "Vote_Weight", "Profit", "Profit_Share", "Risk_Share",
    "Kelly_Fraction", "Capital_Fraction", "Capital", "Mean_Correlation",
)  # fmt: skip
OWN: Final = tuple(one for one in FIGURES if one.key not in {"correlation", "kelly", "omega"})
"""Of each member's figures; the others are there by another name, or twice."""
HEADER: Final = (*FIRST, *MORE, *(f"Own_{one.key}" for one in OWN))


def csv_of(report: Report) -> bytes:
    """The file. A member's index is its place after ULTA, from 0; undefined numbers are empty."""
    found = report.outcome
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEADER)
    places = found.ulta.order()
    capital = found.allocation
    for rank, one in enumerate(found.shares):
        fraction = capital.fractions.get(one.member, 0.0)
        place = int(places[one.member])
        writer.writerow(
            [
                rank + 1, one.member, cell(found.names[one.member]), found.best.origin,
                1.0 / len(found.shares), place, "true" if found.ulta.inverted[place] else "false",
                found.vote.voters.get(one.member, 0), found.vote.votes.get(one.member, 0.0),
                *map(_plain, (one.profit, one.profit_share, one.risk_share, one.kelly, fraction)),
                _plain(fraction * capital.capital), _plain(one.correlation),
                *(_plain(figure.of(one.figures)) for figure in OWN),
            ]
        )  # fmt: skip
    return text.getvalue().encode("utf-8", "backslashreplace")


def _plain(value: float) -> float | str:
    """All digits; infinity as `inf`, as pandas and others read it."""
    return "" if value != value else float(value)  # noqa: PLR0124 - NaN alone
