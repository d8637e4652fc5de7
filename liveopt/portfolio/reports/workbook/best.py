"""The sheets on the best portfolio: its members, equity, attribution, capital and sensitivity."""

from liveopt.portfolio.reports import gist
from liveopt.portfolio.reports.composition import OWN
from liveopt.portfolio.reports.figure import FIGURES
from liveopt.portfolio.reports.held import absent
from liveopt.portfolio.reports.words import number, plural, span
from liveopt.portfolio.reports.workbook.book import COLOURS, Book, Cell, Column
from liveopt.portfolio.result import Report

NAME = Column("Strategy", "text", 44)
RANK = Column("Rank", "count", 7)
TOP = 4


def members(book: Book, report: Report) -> None:
    """Who they are, and what each is by itself."""
    found = report.outcome
    places = found.ulta.order()
    sheet = book.sheet(
        "Best Portfolio", f"The best portfolio, by {gist.full_name(found.best.origin)}",
        "Index: place after ULTA; in the file: before it; both from 0. Figures are each one's own.",
    )  # fmt: skip
    columns = [
        RANK, NAME, Column("Index", "count", 9), Column("In the file", "count", 9),
        Column("Inverted", "text", 9), Column("Weight", "share", 9), Column("Votes", "count", 8),
        *(Column(one.title, one.kind) for one in OWN),
    ]  # fmt: skip
    rows: list[list[Cell]] = []
    for rank, one in enumerate(found.shares):
        place = int(places[one.member])
        rows.append(
            [
                rank + 1, found.names[one.member], one.member, place,
                "yes" if found.ulta.inverted[place] else "no", 1.0 / len(found.shares),
                found.vote.voters.get(one.member, 0), *(own.of(one.figures) for own in OWN),
            ]
        )  # fmt: skip
    sheet.table(columns, rows)


def equity(book: Book, report: Report) -> None:
    """Session by session, of the best and those next to it."""
    found = report.outcome
    leaders = gist.distinct(found.leaders, TOP)
    sheet = book.sheet(
        "Equity", "Equity of the four best", "Drawdown: below the highest equity so far"
    )
    zone = found.sessions.zone
    columns = [Column("Date", "date", 12), Column("Zone", "text", 12)]
    columns += [Column("Profit of the best", "money", 18), Column("Drawdown of it", "money", 18)]
    columns += [Column(f"Equity of {origins}", "money", 18) for origins, _ in leaders]
    lines = [gist.equity(one.series).tolist() for _, one in leaders]
    best = found.best.series
    rows = zip(
        found.sessions.date.tolist(),
        [""] * len(best) if zone is None else zone.tolist(),
        best.tolist(),
        (-gist.falls(best) + 0.0).tolist(),
        *lines,
        strict=True,
    )
    place = sheet.table(columns, rows)
    if place.empty:
        return
    beside = len(columns) + 1
    chart = sheet.chart("line", "Equity", (3, beside))
    for at, (origins, _) in enumerate(leaders):
        chart.add_series(
            {
                "name": origins, "categories": place.of(0), "values": place.of(4 + at),
                "line": {"color": COLOURS[at], "width": 2.5 if not at else 1.5},
            }
        )  # fmt: skip
    below = sheet.chart("area", "Drawdown of the best", (24, beside))
    below.add_series(
        {
            "name": "Drawdown", "categories": place.of(0), "values": place.of(3),
            "fill": {"color": COLOURS[0], "transparency": 50},
        }
    )  # fmt: skip
    below.set_legend({"none": True})
    for one in (chart, below):
        one.set_x_axis({"num_format": "yyyy-mm-dd", "label_position": "low", "text_axis": True})
    chart.set_legend({"position": "bottom"})


def held_back(book: Book, report: Report) -> None:
    """All leaders in the sessions that no search saw."""
    held = report.held
    sheet = book.sheet("Held Back", "Out of sample: sessions held back from the search")
    if held is None:
        sheet.notes([absent(report)])
        return
    sheet.notes([f"{plural(len(held.sessions), 'session')}, {span(held.sessions.date)}"])
    columns = [
        Column("Portfolio of", "text", 16), Column("Fitness searched", "ratio"),
        Column("Fitness held back", "ratio"), *(Column(one.title, one.kind) for one in FIGURES),
    ]  # fmt: skip
    rows: list[list[Cell]] = []
    for one in report.outcome.leaders:
        fitness, figures = held.leaders[one.origin]
        known = [figure.of(figures) for figure in FIGURES]
        rows.append([one.origin, one.fitness, fitness, *known])
    sheet.table(columns, rows)
    sheet.part("The best one, session by session")
    sheet.table(
        [Column("Date", "date"), Column("Profit", "money"), Column("Equity", "money")],
        zip(
            held.sessions.date.tolist(), held.series.tolist(),
            gist.equity(held.series).tolist(), strict=True,
        ),
        main=False,
    )  # fmt: skip


def attribution(book: Book, report: Report) -> None:
    """Each member's part in profit and in risk."""
    found = report.outcome
    sheet = book.sheet(
        "Attribution", "Shares of profit and of risk",
        "Profit: its own over the number of members. Risk: its covariance with the portfolio over"
        " the portfolio's variance. Both add up to the whole.",
    )  # fmt: skip
    rows: list[list[Cell]] = [
        [
            rank + 1, found.names[one.member], one.profit, one.profit_share, one.risk_share,
            one.correlation,
        ]
        for rank, one in enumerate(found.shares)
    ]  # fmt: skip
    columns = [
        RANK, NAME, Column("Profit", "money", 15), Column("Share of profit", "share", 15),
        Column("Share of risk", "share", 15), Column("Mean correlation", "ratio", 17),
    ]  # fmt: skip
    place = sheet.table(columns, rows)
    chart = sheet.chart("bar", "Share of profit and of risk", (3, 7))
    for at, (column, name) in enumerate([(3, "of profit"), (4, "of risk")]):
        chart.add_series(
            {
                "name": name, "categories": place.of(0), "values": place.of(column),
                "fill": {"color": COLOURS[at]}, "gap": 40,
            }
        )  # fmt: skip
    chart.set_y_axis({"reverse": True, "name": "rank", "label_position": "low"})
    chart.set_size({"width": 760, "height": max(380, 16 * len(rows))})
    chart.set_legend({"position": "top"})


def capital(book: Book, report: Report) -> None:
    """What Kelly's rule would give each."""
    found = report.outcome
    given = found.allocation
    sheet = book.sheet(
        "Capital", "Capital by Kelly's rule",
        "A design of our own, beside the equal weights that all other sheets are calculated with:"
        " each one's Kelly share times the mean regime confidence, together no more than the"
        " capital. A member without gains of its own in these sessions gets nothing.",
    )  # fmt: skip
    used = number(given.utilisation * given.capital, "money")
    sheet.notes(
        [
            f"Of {number(given.capital, 'money')} {used} is used,"
            f" {number(given.utilisation, 'share')}."
        ]
    )
    ranked = sorted(
        found.shares, key=lambda one: (-given.fractions.get(one.member, 0.0), one.member)
    )
    rows: list[list[Cell]] = []
    for rank, one in enumerate(ranked):
        part = given.fractions.get(one.member, 0.0)
        rows.append([rank + 1, found.names[one.member], one.kelly, part, part * given.capital])
    sheet.table(
        [
            RANK, NAME, Column("Own Kelly share", "share", 15), Column("Of capital", "share", 13),
            Column("Capital", "money", 16),
        ],
        rows,
    )  # fmt: skip


def sensitivity(book: Book, report: Report) -> None:
    """The portfolio if the world were otherwise."""
    sheet = book.sheet(
        "Sensitivity", "What if",
        "Every member's profits changed alike; volatility about its own mean; members stay.",
    )  # fmt: skip
    place = sheet.table(
        [
            Column("World", "text", 20), Column("Fitness", "ratio"),
            *(Column(one.title, one.kind) for one in FIGURES),
        ],
        [
            [one.name, one.fitness, *(figure.of(one.figures) for figure in FIGURES)]
            for one in report.outcome.shocks
        ],
    )  # fmt: skip
    if place.empty:
        return
    for at, (column, title) in enumerate([(3, "Total ROI"), (4, "Max drawdown")]):
        chart = sheet.chart("column", title, (sheet.row, 8 * at))
        chart.add_series(
            {
                "name": title, "categories": place.of(0), "values": place.of(column),
                "fill": {"color": COLOURS[at]}, "gap": 60,
            }
        )  # fmt: skip
        chart.set_legend({"none": True})
