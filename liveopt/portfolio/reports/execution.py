"""execution_summary_<ts>.json: the run for programs.

NaN has no place in JSON and is null; infinity is the word "infinite".
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from liveopt import __version__
from liveopt.portfolio.reports import gist
from liveopt.portfolio.reports.terms import OWN
from liveopt.portfolio.result import Chosen, Outcome, Report


def content(report: Report, files: Sequence[str], failed: Mapping[str, str]) -> bytes:
    """The file; it is the last of the folder, so it knows what became of the others."""
    found = {
        **_usual(report),
        "liveopt_version": __version__,
        "run": report.run,
        "mode": report.terms.mode,
        "source": {
            "files": list(report.source.files),
            "data_hash": report.source.data_hash,
            "strategies": report.source.strategies,
            "sessions": len(report.source.sessions),
            "sessions_used": len(report.outcome.sessions),
            "notes": list(report.source.notes),
        },
        "settings": report.terms.model_dump(mode="json", exclude=OWN),
        "steps_seconds": dict(report.steps),
        "workers": report.workers,
        "memory_peak_mib": report.memory_peak_mib,
        "ulta": {
            "rule": report.terms.ulta,
            "inverted": int(report.outcome.ulta.inverted.sum()),
            "strategies": len(report.outcome.ulta.names),
        },
        "leaders": [_chosen(report.outcome, one) for one in report.outcome.leaders],
        "correlation": _correlation(report.outcome),
        "regimes": _regimes(report.outcome),
        "returns": {
            "capital": report.outcome.money.capital,
            "capital_from": gist.capital_from(report) or None,
            "periods_per_year": report.outcome.money.periods_per_year,
            "risk_free": report.outcome.money.risk_free,
        },
        "allocation": {
            "capital": report.outcome.allocation.capital,
            "utilisation": report.outcome.allocation.utilisation,
            "fractions": {str(k): v for k, v in report.outcome.allocation.fractions.items()},
        },
        "sensitivity": {
            one.name: {"fitness": one.fitness, "figures": dict(one.figures)}
            for one in report.outcome.shocks
        },
        "held_back": _held(report),
        "zones": _zones(report),
        "reports": {"files": list(files), "failed": dict(failed)},
    }
    text = json.dumps(_strict(found), indent=2, ensure_ascii=True, allow_nan=False)
    return (text + "\n").encode()


def _usual(report: Report) -> dict[str, Any]:
    """What the platform's clients read."""
    found = report.outcome
    algorithms = gist.algorithms(found.tried)
    failed = [one.name for one in algorithms if one.status == "failed"]
    searched = sum(one.seconds for one in algorithms)
    with_gpu = [one.name for one in algorithms if one.best.device not in {"", "cpu"}]
    return {
        "execution_metadata": {
            "timestamp": report.started,
            "execution_time": sum(report.steps.values()),
            "algorithms_executed": len(algorithms),
            "success_rate": (len(algorithms) - len(failed)) / max(len(algorithms), 1),
            "parallel_efficiency": gist.efficiency(report),
        },
        "best_result": {
            "algorithm": found.best.origin,
            "fitness": found.best.fitness,
            "portfolio": list(found.best.members),
            "strategies": [found.names[i] for i in found.best.members],
            "weight": 1.0 / len(found.best.members),
            "figures": dict(found.best.figures),
        },
        "gpu_utilization": {
            "device": report.device,
            "algorithms": with_gpu,
            "share_of_search": sum(one.seconds for one in algorithms if one.name in with_gpu)
            / (searched or 1.0),
        },
        "individual_results": {one.name: _algorithm(one) for one in algorithms},
        "failed_algorithms": failed,
    }


def _algorithm(one: gist.Algorithm) -> dict[str, Any]:
    best = one.best
    return {
        "status": one.status,
        "algorithm_name": gist.full_name(one.name),
        "best_portfolio": list(best.members),
        "best_fitness": best.fitness if best.members else None,
        "execution_time": one.seconds,
        "evaluations": one.evaluations,
        "fitness_history": [list(step) for step in best.history],
        "parameters": dict(best.parameters),
        "data_type": "float64",
        "gpu_accelerated": best.device not in {"", "cpu"},
        "device": best.device,
        "sizes": [
            {
                "size": own.size, "status": own.status, "error": own.error,
                "fitness": own.fitness if own.members else None,
                "evaluations": own.evaluations, "seconds": own.seconds,
            }
            for own in one.tried
        ],
    }  # fmt: skip


def _chosen(outcome: Outcome, one: Chosen) -> dict[str, Any]:
    return {
        "algorithm": one.origin,
        "fitness": one.fitness,
        "portfolio": list(one.members),
        "figures": dict(one.figures),
        "shared_with_best": len({*one.members} & {*outcome.best.members}),
    }


def _correlation(outcome: Outcome) -> dict[str, Any] | None:
    found = outcome.correlations
    if found is None:
        return None
    return {
        "pairs": found.pairs,
        "threshold": found.threshold,
        "pairs_reached": found.pairs_reached,
        "mean": float(found.mean.mean()) if len(found.mean) else float("nan"),
    }


def _regimes(outcome: Outcome) -> dict[str, Any]:
    found = outcome.regimes
    return {
        "sessions": len(found.kept),
        "kept": int(found.kept.sum()),
        "halved": int(found.halved.sum()),
        "confidence": found.confidence,
        "portfolio": {
            one.name: {
                "sessions": one.sessions, "mean_weight": one.weight, "profit": one.profit,
                "win_rate": one.win_rate,
            }
            for one in gist.by_regime(outcome)
        },
    }  # fmt: skip


def _held(report: Report) -> dict[str, Any] | None:
    held = report.held
    if held is None:
        return None
    dates = held.sessions.date
    return {
        "sessions": len(dates),
        "from": str(dates.min()),
        "to": str(dates.max()),
        "fitness": held.fitness,
        "figures": dict(held.figures),
        "leaders": {
            origin: {"fitness": fitness, "figures": dict(figures)}
            for origin, (fitness, figures) in held.leaders.items()
        },
    }


def _zones(report: Report) -> dict[str, Any] | None:
    found = report.zoning
    if found is None:
        return None
    return {
        "combine": found.combine,
        "fitness": found.fitness,
        "figures": dict(found.figures),
        "outside": found.outside,
        "zones": [
            {
                "name": one.name, "sessions": one.sessions, "weight": one.weight,
                "allocation": one.allocation if one.figures else None,
                "why": one.why, "figures": dict(one.figures),
                "best": _chosen(one.outcome, one.outcome.best) if one.outcome else None,
            }
            for one in found.zones
        ],
    }  # fmt: skip


def _strict(value: Any) -> Any:
    """Only what JSON knows."""
    if isinstance(value, float):
        if value != value:  # noqa: PLR0124 - NaN alone
            return None
        if value in {float("inf"), float("-inf")}:
            return "infinite" if value > 0.0 else "minus infinite"
        return float(value)
    if isinstance(value, Mapping):
        return {str(key): _strict(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(one) for one in value]
    return value.item() if hasattr(value, "item") else value
