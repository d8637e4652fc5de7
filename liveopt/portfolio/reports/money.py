"""The parts on regimes and on capital, of the performance report."""

from typing import Final

from liveopt.portfolio.reports import gist
from liveopt.portfolio.reports.layout import pairs, paragraph, section, table
from liveopt.portfolio.reports.words import line, number, plural
from liveopt.portfolio.result import Report

UNSTATED: Final = "assumed: neither the file nor portfolio.capital states one"
NOTHING: Final = (
    "by itself, in these sessions, it gained no more than it lost, so its Kelly share is 0; it was"
    " selected for what it does to the portfolio as a whole."
)
UNSURE: Final = "the mean regime confidence is 0."


def regimes(report: Report) -> list[str]:
    """Which sessions counted and how much; what the portfolio did in each regime."""
    found, terms = report.outcome, report.terms
    about, rows = found.regimes, gist.by_regime(found)
    left = len(about.kept) - int(about.kept.sum())
    sessions = found.sessions
    if sessions.confidence is None and sessions.transition is None and not rows:
        return section(
            "Regimes", paragraph("The file does not say what regime a session is of: all count.")
        )
    told = (
        f"{plural(int(about.kept.sum()), 'session')} of {len(about.kept):,} counted; {left:,} below"
        f" the regime confidence of {terms.regime_confidence:.0%} were left out. The others are"
        f" weighted by their confidence ({number(about.confidence, 'share')} on average)."
    )
    halved = (
        f" {plural(int(about.halved.sum()), 'session')} counted half: transition threshold above"
        f" {terms.regime_transition:g}."
    )
    of_each = [
        [
            line(one.name), f"{one.sessions:,}", number(one.weight), number(one.profit, "money"),
            number(one.profit / one.sessions, "money"), number(one.win_rate, "share"),
        ]
        for one in rows
    ]  # fmt: skip
    header = ["Regime", "Sessions", "Mean weight", "Profit", "A session", "Won"]
    return section("Regimes", paragraph(told + halved), table(header, of_each) if of_each else [])


def allocation(report: Report) -> list[str]:
    """What Kelly's rule would give each member."""
    found = report.outcome.allocation
    used = found.utilisation * found.capital
    rows = [
        ["Capital", number(found.capital, "money"), gist.capital_from(report) or UNSTATED],
        ["Used", number(used, "money"), f"{number(found.utilisation, 'share')} of it"],
        ["Kept back", number(found.capital - used, "money"), ""],
    ]
    names = report.outcome.names
    ranked = sorted(found.fractions.items(), key=lambda one: (-one[1], one[0]))
    given = [
        [line(names[member]), number(part, "share"), number(part * found.capital, "money")]
        for member, part in ranked
        if part > 0.0
    ]
    none = len(ranked) - len(given)
    note = (
        "By Kelly's rule, a design of our own: each member gets its own Kelly share (a quarter at"
        " most) times the mean regime confidence, all together no more than the capital. It is"
        " reported beside the equal weights that everything else here is calculated with."
    )
    if none:
        why = NOTHING if report.outcome.regimes.confidence > 0.0 else UNSURE
        note += f" {plural(none, 'member')} would get nothing: {why}"
    header = ["Strategy", "Of capital", "Capital"]
    return section("Capital", pairs(rows), table(header, given) if given else [], paragraph(note))
