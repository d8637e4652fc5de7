"""What came of a portfolio run, on a terminal and as JSON."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import typer

from liveopt.cli.show import as_json, note, table
from liveopt.config import Portfolio
from liveopt.data.panel.panel import Panel
from liveopt.portfolio.optimize import tasks_of
from liveopt.portfolio.reports.words import line
from liveopt.portfolio.reports.write import ERRORS
from liveopt.portfolio.result import ENSEMBLE, Report, Tried

SHOWN: Final = (
    "roi", "max_drawdown", "ratio", "win_rate", "profit_factor", "sharpe", "correlation",
)  # fmt: skip
MEMBERS_SHOWN: Final = 10
NOT_KNOWN: Final = float("nan")


def document(report: Report, folder: Path, written: Sequence[Path]) -> dict[str, Any]:
    """The result as one document."""
    best, names = report.outcome.best, report.outcome.names
    return {
        "run": report.run,
        "folder": str(folder),
        "files": [path.name for path in written],
        "faults": faults(written),
        "best": {
            "algorithm": best.origin,
            "size": len(best.members),
            "fitness": best.fitness,
            "members": [names[i] for i in best.members],
            "figures": dict(best.figures),
        },
        "algorithms": [_tried(one) for one in report.outcome.tried],
        "ensemble": _of_ensemble(report),
        "inverted": int(report.outcome.ulta.inverted.sum()),
        "strategies": report.source.strategies,
        "sessions": len(report.source.sessions),
        "held": _held(report),
        "zones": _zones(report),
        "notes": list(report.source.notes),
        "steps_s": dict(report.steps),
        "seconds": sum(report.steps.values()),
        "device": report.device,
        "memory_peak_mib": report.memory_peak_mib,
    }


def _tried(one: Tried) -> dict[str, Any]:
    return {
        "algorithm": one.algorithm, "size": one.size, "status": one.status, "error": one.error,
        "fitness": one.fitness, "evaluations": one.evaluations, "seconds": one.seconds,
    }  # fmt: skip


def _of_ensemble(report: Report) -> dict[str, Any] | None:
    for one in report.outcome.leaders:
        if one.origin == ENSEMBLE:
            return {"size": len(one.members), "fitness": one.fitness}
    return None


def _held(report: Report) -> dict[str, Any] | None:
    held = report.held
    if held is None:
        return None
    leaders = {origin: fitness for origin, (fitness, _) in held.leaders.items()}
    return {
        "sessions": len(held.sessions), "fitness": held.fitness, "figures": dict(held.figures),
        "leaders": leaders,
    }  # fmt: skip


def _zones(report: Report) -> dict[str, Any] | None:
    if report.zoning is None:
        return None
    zoning = report.zoning
    return {
        "combine": zoning.combine,
        "fitness": zoning.fitness,
        "figures": dict(zoning.figures),
        "zones": [
            {
                "name": one.name, "sessions": one.sessions, "weight": one.weight,
                "allocation": one.allocation, "why": one.why, "figures": dict(one.figures),
            }
            for one in zoning.zones
        ],
    }  # fmt: skip


def show(report: Report, folder: Path, written: Sequence[Path]) -> None:
    """For people: who won, with what, beside whom, and where the reports are."""
    outcome, best = report.outcome, report.outcome.best
    inverted = int(outcome.ulta.inverted.sum())
    note(
        f"{report.source.strategies:,} strategies, {len(report.source.sessions):,} sessions;"
        f" {inverted:,} inverted ({inverted / max(report.source.strategies, 1):.1%})"
    )
    lines = [
        (one.origin, len(one.members), one.fitness, *(one.figures[name] for name in SHOWN))
        for one in outcome.leaders
    ]
    table(("found by", "size", "fitness", *SHOWN), lines)
    if report.held is not None:
        note(f"the same in the last {len(report.held.sessions)} sessions, which were held back")
        table(
            ("found by", "fitness", *SHOWN),
            [
                (origin, fitness, *(figures[name] for name in SHOWN))
                for origin, (fitness, figures) in report.held.leaders.items()
            ],
        )
    for one in outcome.tried:
        if one.status != "done":
            note(f"{one.algorithm} with {one.size}: {_why(one)}")
    members = [line(outcome.names[part.member]) for part in outcome.shares]
    rest = f" and {len(members) - MEMBERS_SHOWN} more" if len(members) > MEMBERS_SHOWN else ""
    note(f"best: {best.origin}, most profit first: " + ", ".join(members[:MEMBERS_SHOWN]) + rest)
    if report.zoning is not None:
        table(
            ("zone", "sessions", "weight", *SHOWN),
            [
                (
                    line(z.name),
                    z.sessions,
                    z.weight,
                    *(z.figures.get(n, float("nan")) for n in SHOWN),
                )
                for z in report.zoning.zones
            ],
        )
    for words in report.source.notes:
        note(words)
    for words in faults(written):
        note(line(words, 1_000))
    note(f"{len(written)} reports in {folder} ({sum(report.steps.values()):.1f} s)")


def _why(one: Tried) -> str:
    if one.status == "late":
        return f"its time was out after {one.evaluations:,} portfolios; what it had counts"
    return f"failed: {line(one.error, 1_000)}"


def faults(written: Sequence[Path]) -> list[str]:
    """What of the reports could not be written, and why."""
    return [
        words
        for path in written
        if path.name.startswith(ERRORS)
        for words in path.read_text(encoding="utf-8").splitlines()
        if words
    ]


def plan(
    panel: Panel, terms: Portfolio, notes: Sequence[str], device: str, as_document: bool
) -> None:
    """What a run would do."""
    tasks = [task for size in terms.sizes() for task in tasks_of(terms, size)]
    found: Mapping[str, Any] = {
        "strategies": len(panel.names),
        "sessions": len(panel.sessions),
        "first": str(panel.sessions.date[0]),
        "last": str(panel.sessions.date[-1]),
        "sizes": list(terms.sizes()),
        "searches": [
            {"algorithm": t.algorithm, "size": t.size, "evaluations": t.evaluations} for t in tasks
        ],
        "device": device,
        "notes": list(notes),
    }
    if as_document:
        as_json(found)
        return
    table(
        ("algorithm", "size", "evaluations"),
        [(task.algorithm, task.size, task.evaluations) for task in tasks],
    )
    note(
        f"{len(panel.names):,} strategies, {len(panel.sessions):,} sessions from"
        f" {found['first']} to {found['last']}; {device}"
    )
    for words in notes:
        typer.echo(words, err=True)
