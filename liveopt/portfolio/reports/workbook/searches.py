"""The sheets Algorithm Results and Curves."""

from liveopt.portfolio.reports import gist
from liveopt.portfolio.reports.figure import FIGURES
from liveopt.portfolio.reports.terms import aim_words
from liveopt.portfolio.reports.workbook.book import COLOURS, Book, Column
from liveopt.portfolio.result import Report

STEPS_MOST = 2_000
"""Of a curve."""


def results(book: Book, report: Report) -> None:
    """Every algorithm with every size, and the portfolios that were looked at closely."""
    found = report.outcome
    sheet = book.sheet("Algorithm Results", "What each algorithm found", aim_words(report.terms))
    columns = [
        Column("Portfolio of", "text", 16), Column("Strategies", "count"),
        Column("Fitness", "ratio"), Column("Shared with the best", "count"),
        *(Column(one.title, one.kind) for one in FIGURES),
    ]  # fmt: skip
    best = {*found.best.members}
    leaders = sheet.table(
        columns,
        [
            [
                one.origin, len(one.members), one.fitness, len({*one.members} & best),
                *(figure.of(one.figures) for figure in FIGURES),
            ]
            for one in found.leaders
        ],
    )  # fmt: skip
    sheet.part("Searches")
    searches = sheet.table(
        [
            Column("Algorithm", "text"), Column("Strategies", "count"), Column("Status", "text"),
            Column("Fitness", "ratio"), Column("Tried", "count"), Column("Seconds", "ratio"),
            Column("Device", "text"), Column("Vote weight", "share"), Column("Error", "text"),
        ],
        [
            [
                one.algorithm, one.size, one.status,
                one.fitness if one.members else float("nan"), one.evaluations, one.seconds,
                one.device or "-", found.vote.weights.get(one.algorithm, 0.0), one.error,
            ]
            for algorithm in gist.algorithms(found.tried)
            for one in algorithm.tried
        ],
        main=False,
    )  # fmt: skip
    for at, (place, column, title) in enumerate(
        [(leaders, 2, "Fitness"), (searches, 5, "Seconds of search")]
    ):
        chart = sheet.chart("column", title, (sheet.row, 10 * at))
        chart.add_series(
            {
                "name": title, "categories": place.of(0), "values": place.of(column),
                "fill": {"color": COLOURS[at]}, "gap": 60,
            }
        )  # fmt: skip
        chart.set_legend({"none": True})


def curves(book: Book, report: Report) -> None:
    """How the best fitness of each rose."""
    sheet = book.sheet("Curves", "Best fitness by portfolios tried")
    rows = [
        (algorithm.name, algorithm.best.size, tried, fitness)
        for algorithm in gist.algorithms(report.outcome.tried)
        for tried, fitness in algorithm.best.history[-STEPS_MOST:]
    ]
    sheet.table(
        [
            Column("Algorithm", "text", 16), Column("Strategies", "count"),
            Column("Portfolios tried", "count", 18), Column("Best fitness", "ratio", 16),
        ],
        rows,
    )  # fmt: skip
