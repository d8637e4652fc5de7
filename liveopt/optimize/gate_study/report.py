"""What a study found: rates with their intervals, named as they are in its JSON."""

from collections.abc import Sequence
from math import inf, isfinite, sqrt
from statistics import median
from typing import Any, Final

from liveopt.optimize.gate_study.crew import Found
from liveopt.optimize.gate_study.life import AFTER, Life
from liveopt.optimize.gate_study.plan import Plan
from liveopt.optimize.gate_study.rivals import stepm_looks
from liveopt.optimize.gate_study.trial import Trial
from liveopt.optimize.gate_study.worlds import SAMPLES_MIN, World

GATES: Final = ("gate", "naive", "eager", "bonferroni", "stepm")
"""naive: t on all signal bars so far, at every look; eager: the same at every signal bar."""
Z: Final = 1.959963984540054
"""Of a two-sided interval of 95 %."""


def wilson(hits: float, runs: int) -> tuple[float, float] | None:
    """Interval of 95 % of a binomial share, by its score (Wilson 1927); None of no runs."""
    if not runs:
        return None
    share, square = hits / runs, Z * Z / runs
    middle = (share + 0.5 * square) / (1.0 + square)
    reach = Z * sqrt((share * (1.0 - share) + 0.25 * square) / runs) / (1.0 + square)
    # at the ends the sum is nought and one, but for rounding
    low = 0.0 if hits == 0 else middle - reach
    return low, 1.0 if hits == runs else middle + reach


def summary(plan: Plan, found: Found) -> dict[str, Any]:
    """Everything, as plain data."""
    terms = World(plan.variants, plan.bars, plan.seed).terms()
    looks = terms.season // terms.look_every
    facts: dict[str, Any] = {
        "variants": plan.variants,
        "bars": plan.bars,
        "looks": looks,
        "seed": plan.seed,
        "rho": list(plan.rhos),
        "df": plan.df,
        "crash": plan.crash,
        "ar": plan.ar,
        "turnover": plan.turnover,
        "worlds": terms.worlds,
        "alpha": terms.alpha,
        "samples_min": SAMPLES_MIN,
        "stepm_looks": stepm_looks(looks, terms.look_every),
        "interval": "Wilson, 95 %",
    }
    if found.nulls:
        facts["null"] = {"runs": len(found.nulls)} | _false(found.nulls)
        tracks = [run.false_track for run in found.nulls]
        facts["null"] |= {f"gate_false_by_{t}": tracks.count(t) for t in ("each", "worlds")}
        facts["null"]["variants_admitted"] = found.nulls[0].admitted
        every = len(plan.rhos)
        facts["null"]["by_rho"] = {
            f"{rho:g}": {"runs": len(dealt)} | _false(dealt)
            for n, rho in enumerate(plan.rhos)
            if (dealt := found.nulls[n::every])
        }
    if found.edges:
        facts["edge"] = {"runs": len(found.edges), "true": plan.true, "edge": plan.edge}
        facts["edge"] |= _power(found.edges) | _false(found.edges)
    if found.lives:
        facts["life"] = {"runs": len(found.lives), "edge": plan.edge} | _lives(found.lives, plan)
    return facts


def rate(name: str, hits: int, runs: int) -> dict[str, Any]:
    """A share and its interval."""
    return {f"{name}_rate": hits / runs if runs else None, f"{name}_interval": wilson(hits, runs)}


def _false(trials: Sequence[Trial]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for gate in GATES:
        there = [run.false[gate] for run in trials if gate in run.false]
        if not there:
            continue
        hits = sum(isfinite(bar) for bar in there)
        facts |= rate(f"{gate}_false_promotion", hits, len(there))
        if gate == "stepm":
            facts["stepm_runs"] = len(there)
    return facts


def _power(trials: Sequence[Trial]) -> dict[str, Any]:
    """The share of all edges that is found, and when; the shares of the runs are the sample."""
    facts: dict[str, Any] = {}
    for gate in (*GATES, "oracle"):
        there = [run.found[gate] for run in trials if gate in run.found]
        if not there:
            continue
        shares = [sum(map(isfinite, bars)) / len(bars) for bars in there]
        facts[f"{gate}_power"] = sum(shares) / len(shares)
        facts[f"{gate}_power_interval"] = _interval(shares, len(there[0]))
        if gate in ("gate", "bonferroni"):
            prefix = "" if gate == "gate" else f"{gate}_"
            facts[f"{prefix}median_bars"] = median(bar for bars in there for bar in bars)
        if gate == "gate":
            first = [min(bars) for bars in there]
            hits = sum(map(isfinite, first))
            facts |= {"gate_any_power": hits / len(first), "first_median_bars": median(first)}
            facts["gate_any_interval"] = wilson(hits, len(first))
    return facts


def _interval(shares: Sequence[float], true: int) -> tuple[float, float] | None:
    """Of a mean share: the edges of one run are not independent, so only one is a binomial.

    Runs that all found the same share show no spread, which is no proof that there is none: then
    each counts as one chance, as if its edges were all alike; no share spreads more than that.
    """
    runs = len(shares)
    if true == 1 or runs < 2 or min(shares) == max(shares):
        return wilson(sum(shares), runs)
    mean = sum(shares) / runs
    reach = Z * sqrt(sum((s - mean) ** 2 for s in shares) / (runs - 1) / runs)
    return max(0.0, mean - reach), min(1.0, mean + reach)


def _lives(lives: Sequence[Life], plan: Plan) -> dict[str, Any]:
    promoted = [one for one in lives if isfinite(one.promoted)]
    watched = [one for one in promoted if one.true]
    turned = [one for one in watched if one.false_demotion == inf]
    facts: dict[str, Any] = {
        "promoted": len(promoted),
        "promoted_true": len(watched),
        "holds_bars": plan.bars,
        "after_bars": AFTER,
    }
    facts |= rate("false_demotion", _finite(one.false_demotion for one in watched), len(watched))
    facts |= rate("false_warning", _finite(one.false_warning for one in watched), len(watched))
    facts |= rate("second_promotion", _finite(one.rival for one in watched), len(watched))
    facts |= rate("detection", _finite(one.demotion for one in turned), len(turned))
    if turned:
        facts["detection_median_bars"] = median(one.demotion for one in turned)
        facts["warning_median_bars"] = median(min(o.warning, o.demotion) for o in turned)
    return facts


def _finite(bars: Any) -> int:
    return sum(map(isfinite, bars))
