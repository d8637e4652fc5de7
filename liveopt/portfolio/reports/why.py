"""Why this portfolio: the part of the performance report that works its fitness out."""

from collections.abc import Mapping

from liveopt.config.portfolio import Portfolio
from liveopt.portfolio.aim import (
    LEGACY_SHARE,
    RISK_ALLOWED,
    RISK_WEIGHT,
    SHARPE_LEAST,
    SORTINO_WEIGHT,
)
from liveopt.portfolio.reports.figure import FIGURES
from liveopt.portfolio.reports.layout import pairs, points, section
from liveopt.portfolio.reports.terms import aim_words, halves
from liveopt.portfolio.reports.words import number, plural
from liveopt.portfolio.result import Outcome, Report

Worked = tuple[str, float]
"""A sum as people write it, and what it comes to."""


def why(report: Report) -> list[str]:
    """The fitness, how alike the members are, who chose them, who is inverted; other figures."""
    found, best = report.outcome, report.outcome.best
    told = [f"Fitness is {aim_words(report.terms)}.", *worked(found, report.terms)]
    pairs_of = found.correlations
    together = f"Mean correlation of its members: {number(best.figures['correlation'])}"
    if pairs_of is not None and len(pairs_of.mean):
        together += f"; of all {plural(pairs_of.pairs, 'pair')} of strategies:"
        together += f" {number(float(pairs_of.mean.mean()))}; {pairs_of.pairs_reached:,} of those"
        together += f" are at {pairs_of.threshold:g} or more, positive or negative"
    told.append(f"{together}.")
    voters = [found.vote.voters.get(member, 0) for member in best.members]
    count = len({*found.vote.weights})
    several = sum(number_of > 1 for number_of in voters)
    told.append(
        f"{several} of its {len(best.members)} members were chosen by more than one of"
        f" {plural(count, 'algorithm')} that found a portfolio of this size."
    )
    places = found.ulta.order()[list(best.members)]
    told.append(
        f"{int(found.ulta.inverted[places].sum())} of them are traded inverted (ULTA inverted"
        f" {int(found.ulta.inverted.sum()):,} of {len(found.ulta.names):,} strategies)."
    )
    rows = [[one.title, one.said(best.figures), one.means(found.money)] for one in FIGURES[5:]]
    return section("Why this one", points(told), pairs(rows))


def worked(found: Outcome, terms: Portfolio) -> list[str]:
    """The best one's fitness from its figures, each line a sum that can be done again."""
    figures, confidence = found.best.figures, found.regimes.confidence
    lines: list[Worked] = []
    if terms.fitness != "enhanced":
        lines.append(_legacy(figures, terms))
    if terms.fitness != "legacy":
        lines.append(_enhanced(figures, confidence))
    if terms.fitness == "hybrid":
        (_, old), (_, new) = lines
        rest = 1.0 - LEGACY_SHARE
        text = f"{LEGACY_SHARE:g} x {_plain(old)} + {rest:g} x {_plain(new)}"
        lines.append((text, LEGACY_SHARE * old + rest * new))
    if terms.balance_penalty:
        total = lines[-1][1]
        cost = total - found.best.fitness
        lines.append((f"{_plain(total)} - {_plain(cost)} (balance of groups)", found.best.fitness))
    names = {"legacy": ["Here"], "enhanced": ["Here"], "hybrid": ["Legacy part", "Enhanced part"]}
    heads = names[terms.fitness] + ["Together"] * len(lines)
    return [
        f"{head}: {text} = {number(value)}."
        for head, (text, value) in zip(heads, lines, strict=False)
    ]


def _legacy(figures: Mapping[str, float], terms: Portfolio) -> Worked:
    base = -figures["max_drawdown"] if terms.metric == "drawdown" else figures[terms.metric]
    if base == float("inf"):  # a profit factor without losses, which the fitness takes for 1
        base = 1.0
    weight, alike = terms.penalty_weight, figures["correlation"]
    penalty = f"{weight:g} x {_plain(alike)}"
    if terms.penalty == "subtractive":
        text, value = f"{_plain(base)} - {penalty}", base - weight * alike
    else:
        text, value = f"{_plain(base)} x (1 - {penalty})", base * (1.0 - weight * alike)
    if halves(terms) and figures["max_drawdown"] < terms.drawdown_threshold:
        text, value = f"0.5 x ({text})", 0.5 * value
    return text, value


def _enhanced(figures: Mapping[str, float], confidence: float) -> Worked:
    kelly, sharpe, sortino = figures["kelly"], figures["sharpe"], figures["sortino"]
    risk = abs(figures["var95"])
    text = (
        f"{_plain(kelly)} x max({_plain(sharpe)}, {SHARPE_LEAST:g}) x {_plain(confidence)}"
        f" - {RISK_WEIGHT:g} x max(0, {_plain(risk)} - {RISK_ALLOWED:g})"
    )
    value = kelly * max(sharpe, SHARPE_LEAST) * confidence
    value -= RISK_WEIGHT * max(0.0, risk - RISK_ALLOWED)
    if sortino > sharpe:  # never where it is undefined
        text = f"({text}) x (1 + {SORTINO_WEIGHT:g} x ({_plain(sortino)} - {_plain(sharpe)}))"
        value *= 1.0 + SORTINO_WEIGHT * (sortino - sharpe)
    return text, value


def _plain(value: float) -> str:
    """With the digits that the sum needs."""
    return f"{value:.8g}" if value >= 0.0 else f"({value:.8g})"
