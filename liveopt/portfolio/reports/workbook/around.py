"""The sheets on what the portfolio was chosen from: correlation, regimes, zones and ULTA."""

import numpy as np

from liveopt.portfolio.reports import gist
from liveopt.portfolio.reports.figure import OF_SERIES
from liveopt.portfolio.reports.ulta import improved
from liveopt.portfolio.reports.workbook.book import COLOURS, Book, Cell, Column, Sheet
from liveopt.portfolio.result import Report, Zoning

ULTA_MOST = 2_000
"""Strategies on the sheet; the CSV has all."""
LIKE_MOST = 500


def correlation(book: Book, report: Report) -> None:
    """The members' own matrix, the histogram of all pairs, and who is like many others."""
    found = report.outcome
    sheet = book.sheet("Correlation", f"Correlations ({report.terms.correlation})")
    sheet.part("Members of the best portfolio")
    names = [found.names[i] for i in found.best.members]
    columns = [Column("Strategy", "text", 44)]
    columns += [Column(str(i), "ratio", 10) for i in found.best.members]
    rows = [[name, *row] for name, row in zip(names, found.matrix.tolist(), strict=True)]
    place = sheet.table(columns, rows)
    sheet.leaf.conditional_format(
        place.first, 1, place.last, len(names),
        {
            "type": "3_color_scale", "min_type": "num", "mid_type": "num", "max_type": "num",
            "min_value": -1, "mid_value": 0, "max_value": 1,
            "min_color": "#0072B2", "mid_color": "#FFFFFF", "max_color": "#D55E00",
        },
    )  # fmt: skip
    if found.correlations is not None:
        _all_pairs(sheet, report)


def _all_pairs(sheet: Sheet, report: Report) -> None:
    found = report.outcome.correlations
    assert found is not None
    edges = np.linspace(-1.0, 1.0, len(found.bins) // 5 + 1)[:-1].tolist()
    counts = found.bins.reshape(-1, 5).sum(axis=1).tolist()
    sheet.part(
        f"All {found.pairs:,} pairs of strategies; {found.pairs_reached:,} are at"
        f" {found.threshold:g} or beyond"
    )
    top = sheet.row
    place = sheet.table(
        [Column("Correlation from", "ratio"), Column("Pairs", "count")],
        [[round(edge, 4), count] for edge, count in zip(edges, counts, strict=True)],
        main=False,
    )
    chart = sheet.chart("column", "Pairs by their correlation", (top, 3))
    chart.add_series(
        {
            "name": "Pairs", "categories": place.of(0), "values": place.of(1), "gap": 5,
            "fill": {"color": COLOURS[0]},
        }
    )  # fmt: skip
    chart.set_x_axis({"num_format": "0.00", "label_position": "low"})
    chart.set_legend({"none": True})
    sheet.part("Correlated with many others: the first by pairs that reach the threshold")
    ranked = np.lexsort((np.arange(len(found.mean)), -found.reached))[:LIKE_MOST].tolist()
    names = report.outcome.names
    sheet.table(
        [
            Column("Strategy", "text"), Column("Reached with", "count"), Column("Mean", "ratio"),
            Column("Mean size", "ratio"), Column("Largest", "ratio"), Column("With", "text"),
        ],
        [
            [
                names[i], int(found.reached[i]), float(found.mean[i]), float(found.size[i]),
                float(found.best[i, 0]),
                names[found.partner[i, 0]] if found.partner[i, 0] >= 0 else "-",
            ]
            for i in ranked
            if found.reached[i]
        ],
        main=False,
    )  # fmt: skip


def regimes(book: Book, report: Report) -> None:
    """What was left out, and what the portfolio did in each regime."""
    found, terms = report.outcome, report.terms
    about = found.regimes
    sheet = book.sheet("Regimes", "Regimes of the market")
    sheet.facts(
        [
            ("Sessions", len(about.kept), "count", ""),
            (
                "Counted", int(about.kept.sum()), "count",
                f"regime confidence of {terms.regime_confidence:.0%} or more, or the file has none",
            ),
            (
                "Counted half", int(about.halved.sum()), "count",
                f"transition threshold above {terms.regime_transition:g}",
            ),
            ("Confidence", about.confidence, "share", "on the mean of those counted"),
        ]
    )  # fmt: skip
    rows = gist.by_regime(found)
    if not rows:
        sheet.notes(["The file has no column of regimes."])
        return
    place = sheet.table(
        [
            Column("Regime", "text", 22), Column("Sessions", "count"),
            Column("Mean weight", "ratio"), Column("Profit", "money", 16),
            Column("Win rate", "share"),
        ],
        [[one.name, one.sessions, one.weight, one.profit, one.win_rate] for one in rows],
    )  # fmt: skip
    chart = sheet.chart("column", "Profit of the portfolio in each regime", (3, 7))
    chart.add_series(
        {
            "name": "Profit", "categories": place.of(0), "values": place.of(3), "gap": 60,
            "fill": {"color": COLOURS[0]},
        }
    )  # fmt: skip
    chart.set_legend({"none": True})


def zones(book: Book, report: Report) -> None:
    """One by one and together."""
    sheet = book.sheet("Zones", "Zones of the day")
    zoning = report.zoning
    if zoning is None:
        sheet.notes(["There are no zones: the file does not say, and none were asked for."])
        return
    sheet.facts(
        [
            ("Combined", zoning.combine, "text", ""),
            ("Fitness", zoning.fitness, "ratio", ""),
            ("In no zone", zoning.outside, "count", "sessions that were left out"),
        ]
    )
    _each_zone(sheet, zoning)
    names = [one.name for one in zoning.zones]
    if len(names) > 1:
        sheet.part("Correlation of the zones' daily profits; a dash: too few dates in common")
        columns = [Column("Zone", "text"), *(Column(name, "ratio") for name in names)]
        rows = [[name, *row] for name, row in zip(names, zoning.matrix.tolist(), strict=True)]
        sheet.table(columns, rows, main=False)
    sheet.part("Members of each zone's portfolio")
    sheet.table(
        [Column("Zone", "text"), Column("Rank", "count"), Column("Profit", "money"),
         Column("Share of profit", "share"), Column("Share of risk", "share"),
         Column("Strategy", "text")],
        [
            [zone.name, rank + 1, one.profit, one.profit_share, one.risk_share,
             zone.outcome.names[one.member]]
            for zone in zoning.zones if zone.outcome
            for rank, one in enumerate(zone.outcome.shares)
        ],
        main=False,
    )  # fmt: skip


def _each_zone(sheet: Sheet, zoning: Zoning) -> None:
    columns = [
        Column("Zone", "text", 22), Column("Sessions", "count"), Column("Weight", "share"),
        Column("Allocation", "share"), Column("Portfolio of", "text"), Column("Fitness", "ratio"),
        *(Column(one.title, one.kind) for one in OF_SERIES), Column("Note", "text", 50),
    ]  # fmt: skip
    rows: list[list[Cell]] = []
    for one in zoning.zones:
        own = one.outcome.best if one.outcome else None
        rows.append(
            [
                one.name, one.sessions, one.weight,
                one.allocation if one.figures else float("nan"), own.origin if own else "-",
                own.fitness if own else float("nan"),
                *(figure.of(one.figures) for figure in OF_SERIES), one.why,
            ]
        )  # fmt: skip
    rows.append(
        [
            "together", len(zoning.series), float("nan"), float("nan"), "", zoning.fitness,
            *(figure.of(zoning.figures) for figure in OF_SERIES), "sessions: dates",
        ]
    )  # fmt: skip
    sheet.table(columns, rows)


def ulta(book: Book, report: Report) -> None:
    """Those inverted, the most improved first."""
    found = report.outcome.ulta
    who = improved(found)
    sheet = book.sheet(
        "ULTA", f"{len(who):,} of {len(found.names):,} strategies were inverted",
        f"The {min(len(who), ULTA_MOST):,} most improved; ulta_{gist.stamp(report)}.csv has every"
        " strategy. Worst: the lowest profit of one session. In sample, and before the costs of"
        " trading the other way.",
    )  # fmt: skip
    first = who[:ULTA_MOST]
    before, after = found.before, found.after
    columns = [
        c[first].tolist()
        for c in (
            before.roi, after.roi, before.drawdown, after.drawdown, before.ratio, after.ratio,
            found.improvement() / 100.0,
        )
    ]  # fmt: skip
    names = [found.names[i] for i in first.tolist()]
    sheet.table(
        [
            Column("Rank", "count", 7), Column("Strategy", "text", 44), Column("ROI", "money", 15),
            Column("ROI inverted", "money", 15), Column("Worst", "money", 15),
            Column("Worst inverted", "money", 15), Column("Ratio", "ratio"),
            Column("Ratio inverted", "ratio"), Column("Improvement", "share"),
        ],
        zip(range(1, len(first) + 1), names, *columns, strict=True),
    )  # fmt: skip
