"""The part on sessions that were held back, of the performance report."""

from collections.abc import Mapping

from liveopt.portfolio.reports.figure import MAIN
from liveopt.portfolio.reports.layout import paragraph, section, table
from liveopt.portfolio.reports.words import number, plural, span
from liveopt.portfolio.result import Held, Report

TITLE = "Out of sample"


def said(held: Held) -> str:
    """What the best one did there, in a sentence."""
    roi = held.figures["roi"]
    did = "earned" if roi >= 0.0 else "lost"
    return (
        f"In the {plural(len(held.sessions), 'session')} held back ({span(held.sessions.date)}),"
        f" which the search did not see, they {did} {number(abs(roi), 'money')} with a maximum"
        f" drawdown of {number(held.figures['max_drawdown'], 'money')};"
        f" {number(held.figures['win_rate'], 'share')} of the sessions had a profit. Fitness there:"
        f" {number(held.fitness)}."
    )


def absent(report: Report) -> str:
    """Why there is nothing to say."""
    if report.held_why:
        return f"{report.held_why[0].upper()}{report.held_why[1:]}."
    return (
        "No sessions were held back (portfolio.holdout), so nothing here says how the portfolio"
        " does on days that it was not selected on."
    )


def per_session(figures: Mapping[str, float], sessions: int) -> float:
    """Profit of one session on the mean; NaN without any."""
    return figures["roi"] / sessions if sessions else float("nan")


def held_back(report: Report) -> list[str]:
    """All leaders, in the search and after it."""
    held = report.held
    if held is None:
        return section(TITLE, paragraph(absent(report)))
    searched, after = len(report.outcome.sessions), len(held.sessions)
    rows = []
    for one in report.outcome.leaders:
        fitness, figures = held.leaders[one.origin]
        rows.append(
            [
                one.origin, number(one.fitness), number(fitness),
                number(per_session(one.figures, searched), "money"),
                number(per_session(figures, after), "money"),
                *(figure.said(figures) for figure in MAIN),
            ]
        )  # fmt: skip
    header = [
        "Portfolio of", "Fitness searched", "Fitness held back", "A session searched",
        "A session held back", *(one.title for one in MAIN),
    ]  # fmt: skip
    when = f"{plural(after, 'session')}, {span(held.sessions.date)}"
    note = f"Held back: {when}. A session: the mean profit of one. The five figures at the right"
    note += " are those held back."
    note += " The selection was made before; if you pick another one by this table, its figures"
    note += " here are in sample too."
    return section(TITLE, table(header, rows), paragraph(note))
