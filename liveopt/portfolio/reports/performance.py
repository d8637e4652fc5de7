"""performance_report_<ts>.txt: which portfolio, against what else, why; then all the rest."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from liveopt.portfolio.reports import gist
from liveopt.portfolio.reports.figure import BY_KEY, MAIN
from liveopt.portfolio.reports.held import held_back, said
from liveopt.portfolio.reports.layout import file, pairs, paragraph, points, section, table
from liveopt.portfolio.reports.money import allocation, regimes
from liveopt.portfolio.reports.terms import listed
from liveopt.portfolio.reports.why import why
from liveopt.portfolio.reports.words import line, number, plural, span
from liveopt.portfolio.result import Chosen, Report

NOTE: Final = 400
"""Characters of what the run noted."""
TOLD: Final = 10
"""Members of the greatest part that are named at the beginning."""


def text(report: Report) -> bytes:
    """The file."""
    parts: Sequence[Callable[[Report], list[str]]] = (
        _answer, held_back, _alternatives, why, _members, _shocks, regimes, allocation,
        _algorithms, _assumed, _time, _settings,
    )  # fmt: skip
    lines = [
        f"liveopt portfolio optimization: performance report of {report.run}",
        f"{', '.join(line(one) for one in report.source.files) or 'no files'};"
        f" {plural(report.source.strategies, 'strategy')},"
        f" {plural(len(report.source.sessions), 'session')}, {span(report.source.sessions.date)}",
    ]
    for part in parts:
        lines += part(report)
    return file(lines)


def _answer(report: Report) -> list[str]:
    found, best = report.outcome, report.outcome.best
    figures = best.figures
    no_fall, unweighted = (gist.caution(report, one) for one in (gist.NO_FALL, gist.UNWEIGHTED))
    told = [
        line(f"Caution: {no_fall}", NOTE) if no_fall else "",
        f"{plural(len(best.members), 'strategy')} of {len(found.names):,}, equally weighted,"
        f" found by {gist.full_name(best.origin)}: fitness {number(best.fitness)}.",
        f"Over {plural(len(found.sessions), 'session')} ({span(found.sessions.date)}) they"
        f" {'earned' if figures['roi'] >= 0.0 else 'lost'} {number(abs(figures['roi']), 'money')}"
        f" with a maximum drawdown of {number(figures['max_drawdown'], 'money')};"
        f" {number(figures['win_rate'], 'share')} of the sessions had a profit."
        + (f" {line(unweighted, NOTE)}" if unweighted else ""),
        said(report.held) if report.held is not None else "",
        _runner_up(found.leaders, best),
    ]
    if report.terms.mode == "zones" and report.zoning:
        told.append(
            "This is the best zone's portfolio; the zone report has the others, and what all of"
            f" them make together: fitness {number(report.zoning.fitness)}."
        )
    warning = (
        f"In sample: the best of {_tried(report):,} portfolios, measured on the same sessions it"
        " was selected on. Such figures are too good, the more so the more was tried; expect less"
        " from now on."
    )
    if report.held is None:
        warning += " Test it on sessions the search has not seen before trading it."
    rows = [[one.title, one.said(figures), one.means(found.money)] for one in MAIN]
    return section(
        "The answer", [row for one in told if one for row in paragraph(one)], pairs(rows),
        paragraph(warning),
    )  # fmt: skip


def _runner_up(leaders: Sequence[Chosen], best: Chosen) -> str:
    others = [one for one in leaders if one is not best]
    if not others:
        return "Nothing else was found to compare it with."
    next_best = others[0]
    gap = gist.versus(best.fitness, next_best.fitness)
    shared = len({*best.members} & {*next_best.members})
    same = "all" if shared == len(best.members) else str(shared)
    return (
        f"The next best is by {gist.full_name(next_best.origin)}: its fitness is {gap}, and it has"
        f" {same} of these members too."
    )


def _tried(report: Report) -> int:
    return sum(one.evaluations for found in gist.outcomes(report) for one in found.tried)


def _alternatives(report: Report) -> list[str]:
    found = report.outcome
    best = found.best
    rows = [
        [
            one.origin, str(len(one.members)), number(one.fitness),
            *(figure.said(one.figures) for figure in MAIN),
            number(one.figures["correlation"]), str(len({*one.members} & {*best.members})),
        ]
        for one in found.leaders
    ]  # fmt: skip
    header = [
        "Portfolio of", "Size", "Fitness", *(one.title for one in MAIN), "Correlation", "Shared",
    ]  # fmt: skip
    note = "Shared: members that the best portfolio has too. The ensemble is what all algorithms"
    note += " together vote for, each with its share of the fitness above 0."
    return section("Against the alternatives", table(header, rows), paragraph(note))


def _members(report: Report) -> list[str]:
    found = report.outcome
    shares = found.shares
    first = sum(one.profit_share for one in shares[:TOLD])
    some = min(TOLD, len(shares))
    told = f"The {some} that earned most brought {number(first, 'share')} of the profit."
    risky = max(shares, key=lambda one: np.nan_to_num(one.risk_share, nan=-np.inf))
    told += f" The largest part of the risk is that of {line(found.names[risky.member])}:"
    told += f" {number(risky.risk_share, 'share')}."
    rows = [
        [
            str(rank + 1), line(found.names[one.member]), number(one.profit, "money"),
            number(one.profit_share, "share"), number(one.risk_share, "share"),
            BY_KEY["ratio"].said(one.figures), BY_KEY["win_rate"].said(one.figures),
            number(one.correlation), str(found.vote.voters.get(one.member, 0)),
        ]
        for rank, one in enumerate(shares)
    ]  # fmt: skip
    header = [
        "Rank", "Strategy", "Profit", "Of profit", "Of risk", "Own ROI / drawdown", "Own win rate",
        "Correlation", "Votes",
    ]  # fmt: skip
    note = (
        f"Weight of each: {1.0 / len(shares):.6g}. Profit: its own over the number of members;"
        " risk: its covariance with the portfolio over the portfolio's variance. Each column adds"
        " up to the whole. Correlation: the mean with the other members. Votes: algorithms that"
        " chose it."
    )
    return section(
        "What it is made of", paragraph(told), table(header, rows, left=2), paragraph(note)
    )


def _shocks(report: Report) -> list[str]:
    shown = [*MAIN, BY_KEY["sharpe"], BY_KEY["var95"]]
    rows = [
        [one.name, number(one.fitness), *(figure.said(one.figures) for figure in shown)]
        for one in report.outcome.shocks
    ]
    header = ["World", "Fitness", *(figure.title for figure in shown)]
    note = "Every member's profits changed alike; volatility about its own mean. What was chosen"
    note += " stays selected."
    return section("What if", table(header, rows) if rows else [], paragraph(note) if rows else [])


def _algorithms(report: Report) -> list[str]:
    rows, failed = [], []
    for found in gist.algorithms(report.outcome.tried):
        for one in found.tried:
            rows.append(
                [
                    one.algorithm, str(one.size), one.status,
                    number(one.fitness) if one.members else "-", f"{one.evaluations:,}",
                    _best_at(one.history), f"{one.seconds:.3f}", one.device or "-",
                ]
            )  # fmt: skip
            if one.error:
                failed.append(f"{one.algorithm} with {one.size}: {line(one.error, 300)}")
    header = ["Algorithm", "Size", "Status", "Fitness", "Tried", "Best after", "Seconds", "Device"]
    note = "Tried: portfolios; best after: how many of them it took. Late: it ran out of time, and"
    note += " what it had by then counts."
    return section("The algorithms", table(header, rows), points(failed), paragraph(note))


def _best_at(history: Sequence[tuple[int, float]]) -> str:
    return f"{history[-1][0]:,}" if history else "-"


def _assumed(report: Report) -> list[str]:
    told = [line(one, NOTE) for one in gist.other_notes(report.source.notes)]
    told += [
        f"A portfolio's profit is the mean of its members': each has 1/{len(report.outcome.shares)}"
        " of the money.",
        *_returns(report),
        "Trading costs are included only where the file's profits are net of them.",
    ]
    return section("What was assumed", points(told))


def _returns(report: Report) -> list[str]:
    """What the figures were calculated with, which need not be what the settings say."""
    money, stated = report.outcome.money, gist.capital_from(report)
    capital = number(money.capital, "money")
    told = [f"Returns are profits over a capital of {capital}, {stated}."]
    if not stated:
        fitness = "" if report.terms.fitness == "legacy" else " and the fitness"
        told = [
            "No capital is stated, neither in the file nor in portfolio.capital: returns are"
            f" profits over an assumed {capital}. Volatility, VaR, CVaR{fitness} hold for that"
            " capital only; Sharpe, Sortino and Calmar are the same for any."
        ]
    free = f"the risk-free return deducted in Sharpe and Sortino is {money.risk_free:.2%}"
    if not money.risk_free:
        free = "no risk-free return is deducted in Sharpe and Sortino"
    return [*told, f"A year has {money.periods_per_year:.6g} sessions; {free}."]


def _time(report: Report) -> list[str]:
    rows = [[name, f"{seconds:.3f}"] for name, seconds in report.steps.items()]
    rows.append(["together", f"{sum(report.steps.values()):.3f}"])
    told = f"Started {line(report.started)}, on {line(report.device)},"
    told += f" {gist.workers(report)}."
    if report.workers:
        told += f" Busy for {number(gist.efficiency(report), 'share')} of the time of the search."
    if report.memory_peak_mib:
        told += f" Peak memory: {report.memory_peak_mib:,.0f} MiB."
    return section("How long it took", table(["Step", "Seconds"], rows), paragraph(told))


def _settings(report: Report) -> list[str]:
    rows = [[name, line(value, 60)] for name, value in listed(report.terms).items()]
    told = f"Data: {line(report.source.data_hash, 80)}. The same data, settings and version of"
    told += " liveopt give the same portfolio, unless an algorithm ran out of time."
    found = [f"  {name.ljust(26)}  {value}".rstrip() for name, value in rows]
    return section("Settings", found, paragraph(told))
