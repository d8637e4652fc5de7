"""The sheets Execution Summary and Settings."""

from liveopt.portfolio.reports import gist
from liveopt.portfolio.reports.figure import FIGURES
from liveopt.portfolio.reports.money import UNSTATED
from liveopt.portfolio.reports.terms import aim_words, listed
from liveopt.portfolio.reports.words import plural, span
from liveopt.portfolio.reports.workbook.book import Book, CellKind, Column
from liveopt.portfolio.result import Report

SECONDS = "Seconds"


def summary(book: Book, report: Report) -> None:
    """What was found, of what, how long it took."""
    found, best, money = report.outcome, report.outcome.best, report.outcome.money
    sheet = book.sheet(
        "Execution Summary",
        f"Portfolio optimization {report.run}",
        f"{plural(len(best.members), 'strategy')} by {gist.full_name(best.origin)}; in sample:"
        " these are the sessions it was selected on",
    )
    sheet.leaf.set_column(0, 0, 30)
    sheet.leaf.set_column(1, 1, 22)
    sheet.leaf.set_column(2, 2, 70)
    rows: list[tuple[str, float | str, CellKind, str]] = [
        ("Best portfolio by", best.origin, "text", ""),
        ("Fitness", best.fitness, "ratio", aim_words(report.terms)),
        ("Strategies in it", len(best.members), "count", "equally weighted"),
    ]
    rows += [(one.title, one.of(best.figures), one.kind, one.means(money)) for one in FIGURES]
    sheet.part("The best portfolio")
    sheet.facts(rows)
    algorithms = gist.algorithms(found.tried)
    failed = [one.name for one in algorithms if one.status == "failed"]
    sheet.part("The run")
    sheet.facts(
        [
            ("Started", report.started, "text", "UTC"),
            ("Files", ", ".join(report.source.files), "text", ""),
            ("Data", report.source.data_hash, "text", "their hash"),
            ("Strategies", report.source.strategies, "count", ""),
            ("Sessions", len(report.source.sessions), "count", span(report.source.sessions.date)),
            ("Sessions that counted", len(found.sessions), "count", span(found.sessions.date)),
            ("Inverted by ULTA", int(found.ulta.inverted.sum()), "count", report.terms.ulta),
            ("Capital", money.capital, "money", gist.capital_from(report) or UNSTATED),
            ("Sessions a year", money.periods_per_year, "ratio", "for yearly figures"),
            ("Risk-free return", money.risk_free, "share", "deducted in Sharpe and Sortino"),
            ("Algorithms", len(algorithms), "count", f"failed: {', '.join(failed) or 'none'}"),
            ("Portfolios tried", sum(one.evaluations for one in algorithms), "count", ""),
            ("Device", report.device, "text", gist.workers(report)),
            ("Parallel efficiency", gist.efficiency(report), "share", "of the workers' time"),
            ("Peak memory", report.memory_peak_mib, "count", "MiB; 0 where not measured"),
        ]
    )
    sheet.part("Steps")
    steps = [(name, seconds) for name, seconds in report.steps.items()]
    sheet.table(
        [Column("Step", "text"), Column(SECONDS, "ratio")],
        [*steps, ("together", sum(report.steps.values()))], main=False,
    )  # fmt: skip
    sheet.part("What was assumed")
    sheet.notes(report.source.notes or ["Nothing."])


def settings(book: Book, report: Report) -> None:
    """All of them."""
    sheet = book.sheet("Settings", "Settings of the run")
    sheet.table(
        [Column("Setting", "text", 28), Column("Value", "text", 70)],
        list(listed(report.terms).items()),
    )
