"""The sheets of the workbook in their order."""

import numpy as np

from liveopt.portfolio.reports.workbook import around, best, overview, searches
from liveopt.portfolio.reports.workbook.book import Book
from liveopt.portfolio.result import Report


def xlsx(report: Report) -> bytes:
    """The file; the same for the same report."""
    series = report.outcome.best.series
    small = bool(len(series)) and float(np.abs(series).max()) < 1.0
    book = Book(report.started, small=small)
    overview.summary(book, report)
    searches.results(book, report)
    best.members(book, report)
    best.equity(book, report)
    best.held_back(book, report)
    best.attribution(book, report)
    best.capital(book, report)
    best.sensitivity(book, report)
    around.correlation(book, report)
    around.regimes(book, report)
    around.zones(book, report)
    around.ulta(book, report)
    searches.curves(book, report)
    overview.settings(book, report)
    return book.content()
