"""zone_analysis_report_<ts>.md: what each part of the day earns, and all of them together."""

from typing import Final

import numpy as np

from liveopt.portfolio.reports import gist
from liveopt.portfolio.reports.figure import MAIN, OF_SERIES
from liveopt.portfolio.reports.layout import file, grid
from liveopt.portfolio.reports.words import code, number, plural, span
from liveopt.portfolio.result import Report, Zone, Zoning

MEMBERS: Final = 10
"""Of each zone's portfolio that are named."""
COMBINED: Final = {
    "weighted": "each zone by its weight",
    "best": "the best zone alone",
    "equal": "each zone with the same weight",
}


def markdown(report: Report) -> bytes:
    """The report."""
    lines = ["# Zone analysis report", "", f"Run `{report.run}`.", ""]
    zoning = report.zoning
    if zoning is None:
        lines += [
            "**There are no zones.** The file has no column of zones or of times by which a day"
            " could be cut, and none were asked for. All sessions were searched together; the"
            " performance report has what came of it.",
            "",
            "For zones: a column Zone, or a column start_time with `portfolio.zone_method` equal,"
            " freeform or custom; and `portfolio.mode` zones for a portfolio of each.",
        ]
        return file(lines)
    lines += [*_answer(report, zoning), "", "## Zones", "", *_table(zoning), "", *_notes(zoning)]
    lines += ["", "## All together", "", *_combined(report, zoning)]
    lines += ["", "## How much zones move together", "", *_matrix(zoning)]
    for one in zoning.zones if report.terms.mode == "zones" else ():
        lines += ["", *_zone(one)]
    return file([*lines, "", "## How zones were cut", "", *_method(report)])


def _answer(report: Report, zoning: Zoning) -> list[str]:
    best = max((one for one in zoning.zones if one.figures), key=_allocated, default=None)
    own = report.terms.mode == "zones"
    told = (
        "Each zone was searched by itself and has a portfolio of its own."
        if own
        else "One portfolio was searched over all sessions; this is what it did in each zone."
    )
    figures = zoning.figures
    found = [
        f"**{plural(len(zoning.zones), 'zone')}, together a profit of"
        f" {number(figures.get('roi', float('nan')), 'money')} with a maximum drawdown of"
        f" {number(figures.get('max_drawdown', float('nan')), 'money')}; fitness"
        f" {number(zoning.fitness)}.** {told}"
    ]
    if best is not None:
        found += [
            "",
            f"The most capital goes to {code(best.name)}: {number(best.allocation, 'share')}, for"
            f" a profit of {number(best.figures.get('roi', float('nan')), 'money')} in"
            f" {plural(best.sessions, 'session')}. All of it is in sample.",
        ]
    return found


def _table(zoning: Zoning) -> list[str]:
    header = [
        "Zone", "Sessions", "Weight", "Allocation", "Portfolio of", "Fitness",
        *(one.title for one in MAIN),
    ]  # fmt: skip
    rows = [
        [
            code(one.name), f"{one.sessions:,}", number(one.weight),
            number(_allocated(one), "share"),
            f"{one.outcome.best.origin} ({len(one.outcome.best.members)})" if one.outcome else "-",
            number(one.outcome.best.fitness if one.outcome else float("nan")),
            *(figure.said(one.figures) for figure in MAIN),
        ]
        for one in zoning.zones
    ]  # fmt: skip
    return grid(header, rows)


def _allocated(one: Zone) -> float:
    """NaN where nothing is known of it that capital could be given for."""
    return one.allocation if one.figures else float("nan")


def _notes(zoning: Zoning) -> list[str]:
    outside = (
        f"{plural(zoning.outside, 'session')} lie in no zone and were left out."
        if zoning.outside
        else "Every session lies in a zone."
    )
    return [
        "Allocation: of capital, in proportion to a zone's profit; one that lost gets next to"
        f" nothing, one without sessions or without a portfolio none (a dash). {outside}"
    ]


def _combined(report: Report, zoning: Zoning) -> list[str]:
    how = "all sessions of the one portfolio"
    if report.terms.mode == "zones":
        how = COMBINED.get(zoning.combine, zoning.combine)
    money = report.outcome.money
    rows = [[one.title, one.means(money), one.said(zoning.figures)] for one in OF_SERIES]
    return [
        f"Combined: {how}; {plural(len(zoning.series), 'date')}, {span(zoning.dates)}.",
        "",
        *grid(["Figure", "Meaning", "Value"], rows, left=2),
    ]


def _matrix(zoning: Zoning) -> list[str]:
    names = [code(one.name, 24) for one in zoning.zones]
    if len(names) < 2:
        return ["There is one zone only."]
    rows = [
        [name, *(number(float(value)) for value in row)]
        for name, row in zip(names, zoning.matrix, strict=True)
    ]
    told = "Correlation of the zones' daily profits, on the dates that both have"
    if np.isnan(zoning.matrix).any():
        told += "; a dash where these are too few for one"
    return [f"{told}:", "", *grid(["", *names], rows)]


def _zone(one: Zone) -> list[str]:
    lines = [f"## Zone {code(one.name)}", ""]
    if one.outcome is None:
        lines.append(f"No portfolio of its own{': ' + code(one.why, 300) if one.why else ''}.")
        return lines
    found = one.outcome
    ranked = ", ".join(f"{best.origin} {number(best.fitness)}" for best in found.leaders)
    turned = int(found.ulta.inverted.sum())
    lines += [
        f"Fitness {number(found.best.fitness)} by {gist.full_name(found.best.origin)}. All:"
        f" {ranked}. ULTA inverted {turned:,} of {plural(len(found.ulta.names), 'strategy')}.",
        "",
    ]
    rows = [
        [
            str(rank + 1), code(found.names[share.member]), number(share.profit, "money"),
            number(share.profit_share, "share"), number(share.risk_share, "share"),
        ]
        for rank, share in enumerate(found.shares[:MEMBERS])
    ]  # fmt: skip
    lines += grid(["Rank", "Strategy", "Profit", "Of profit", "Of risk"], rows, left=2)
    if len(found.shares) > MEMBERS:
        lines += [
            "",
            f"And {plural(len(found.shares) - MEMBERS, 'member')} more; the workbook has all.",
        ]
    return lines


def _method(report: Report) -> list[str]:
    terms = report.terms
    windows = ", ".join(terms.zone_windows)
    return [
        {
            "column": "By the file's column of zones.",
            "equal": f"The hours {windows} in {terms.zone_count} equal parts each.",
            "freeform": f"At {', '.join(terms.zone_bounds)}.",
            "custom": f"The windows {windows}.",
        }[terms.zone_method]
        + " A session belongs to the zone that its start lies in; a zone's end is not part of it."
    ]
