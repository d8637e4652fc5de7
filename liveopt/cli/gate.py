"""`liveopt gate`: what the promotion gate lets through and what it misses, measured."""

from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from liveopt.cli.progress import Meter
from liveopt.cli.show import Failure, as_json, note, table
from liveopt.optimize.parameters import BadParameter

if TYPE_CHECKING:
    from liveopt.optimize.gate_study.crew import Found
    from liveopt.optimize.gate_study.plan import Plan

gate = typer.Typer(no_args_is_help=True, help="What the promotion gate is worth.")

USUAL = 200
NAMES = {
    "gate": "the gate",
    "naive": "t > 1.645 at every look",
    "eager": "t > 1.645 at every bar",
    "bonferroni": "Bonferroni at every look",
    "stepm": "StepM, re-checked",
    "oracle": "t once, of one alone",
}


@gate.callback()
def root() -> None:
    """What the promotion gate is worth, in worlds where it is known who has an edge.

    Example: `liveopt gate study --variants 100 --runs 200`
    """


VariantsOption = Annotated[int, typer.Option(min=2, max=100_000, help="In each world.")]
BarsOption = Annotated[
    int, typer.Option(min=500, max=5_120, help="Signal bars of each; 10 are one of evidence.")
]
RunsOption = Annotated[
    int | None, typer.Option(min=1, help="Worlds of each kind: 200; with --all a row's own.")
]
SeedOption = Annotated[int, typer.Option(min=0, help="Seed of all luck.")]
RhoOption = Annotated[
    str, typer.Option(help="Correlation of two variants; runs are dealt to several.")
]
DfOption = Annotated[
    float, typer.Option(min=0.0, help="Of Student's t, above 2; 0: normal, no clusters.")
]
TrueOption = Annotated[int, typer.Option(min=1, help="Variants with an edge where there is one.")]
EdgeOption = Annotated[float, typer.Option(min=0.0, help="Per signal bar, in standard deviations.")]
CrashOption = Annotated[
    float, typer.Option(min=0.0, max=0.5, help="Chance a bar of a rare large loss.")
]
ArOption = Annotated[
    float, typer.Option(min=-0.9, max=0.9, help="Correlation of a bar with the next.")
]
TurnoverOption = Annotated[
    float, typer.Option(min=0.0, max=0.9, help="Share replaced every 25 evidence bars.")
]
LifeOption = Annotated[
    bool, typer.Option("--life", help="Promotion, watch, and an edge that turns.")
]
AllOption = Annotated[bool, typer.Option("--all", help="Every row of the documents' table.")]
OnlyOption = Annotated[str, typer.Option(help="With --all: rows with these words in their names.")]
PlotOption = Annotated[
    Path | None, typer.Option(help="Draw both errors over time as SVG.", dir_okay=False)
]
ProcessesOption = Annotated[int, typer.Option(min=0, help="0: one a core.")]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]


@gate.command()
def study(
    variants: VariantsOption = 100,
    bars: BarsOption = 5_000,
    runs: RunsOption = None,
    seed: SeedOption = 1,
    rho: RhoOption = "0.3,0.5,0.9",
    df: DfOption = 3.0,
    true: TrueOption = 1,
    edge: EdgeOption = 0.05,
    crash: CrashOption = 0.0,
    ar: ArOption = 0.0,
    turnover: TurnoverOption = 0.0,
    life: LifeOption = False,
    all_: AllOption = False,
    only: OnlyOption = "",
    plot: PlotOption = None,
    processes: ProcessesOption = 0,
    json: JsonOption = False,
) -> None:
    """Simulate worlds without and with an edge, and ask the gate and others at every look.

    The gate is the program's own. Its rivals: a t-test of 50 signal bars or more, one-sided at .95,
    at every look (naive) and at every bar (eager); the same divided by the variants (bonferroni);
    StepM every fifth look, in the first 30 worlds of each kind. The oracle tests one variant, once,
    at the end. Rates have intervals of 95 % by Wilson; a mean share of several edges has a normal
    one, and where all worlds agree one by Wilson.

    JSON: null.gate_false_promotion_rate and _interval, the same of naive, eager, bonferroni and
    stepm; null.by_rho; edge.gate_power, edge.oracle_power and so on with _interval,
    edge.median_bars (null: half were found at most); with --life life.false_demotion_rate,
    life.detection_rate, life.detection_median_bars; with --all these by the name of the row.

    Example: `liveopt gate study --variants 1000 --true 10 --runs 100 --json`
    """
    from liveopt.optimize.gate_study.plan import Plan

    one = Plan(
        variants=variants, bars=bars, seed=seed, rhos=correlations(rho), df=df, true=true,
        edge=edge, crash=crash, ar=ar, turnover=turnover, **_kinds(life, runs or USUAL),
    )  # fmt: skip
    check(one)
    if plot is not None and (all_ or life):
        raise BadParameter("--plot draws one study without --life, not --all")
    plans = rows(only, runs, seed) if all_ else {"": one}
    facts: dict[str, Any] = {}
    for name, plan in plans.items():
        found, facts[name] = _run(name, plan, processes)
        if plot is not None:
            _draw(plot, plan, found)
        if not json:
            _show(name, facts[name])
    if json:
        as_json(facts if all_ else facts[""])


def _kinds(life: bool, runs: int) -> dict[str, int]:
    if life:
        return {"nulls": 0, "edges": 0, "lives": runs}
    return {"nulls": runs, "edges": runs, "lives": 0}


def check(plan: "Plan") -> None:
    """Refuse what no world can be."""
    if 0.0 < plan.df <= 2.0:
        raise BadParameter(f"--df {plan.df:g}: above 2, or 0 for a normal law")
    if plan.true >= plan.variants:
        raise BadParameter(f"--true {plan.true}: somebody of {plan.variants} must have no edge")


def correlations(text: str) -> tuple[float, ...]:
    """`0.3,0.5` as numbers."""
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise BadParameter(f"--rho {text}: give numbers and commas") from error
    if not all(0.0 <= rho < 1.0 for rho in found):
        raise BadParameter(f"--rho {text}: from 0 to below 1")
    return found


def rows(only: str, runs: int | None, seed: int) -> "dict[str, Plan]":
    """Rows of the table with this seed and, if so wanted, no more runs than these."""
    from msgspec import structs

    from liveopt.optimize.gate_study.plan import SUITE

    chosen = {name: plan for name, plan in SUITE.items() if only in name}
    if not chosen:
        raise BadParameter(f"--only {only}: the rows are {'; '.join(SUITE)}")
    most = runs or max(max(p.nulls, p.edges, p.lives) for p in chosen.values())
    return {
        name: structs.replace(
            plan, seed=seed, nulls=min(plan.nulls, most), edges=min(plan.edges, most),
            lives=min(plan.lives, most),
        )
        for name, plan in chosen.items()
    }  # fmt: skip


def _run(name: str, plan: "Plan", processes: int) -> "tuple[Found, dict[str, Any]]":
    from liveopt.optimize.gate_study.crew import cores, execute
    from liveopt.optimize.gate_study.report import summary

    with Meter(plan.variant_bars(), name or f"{plan.variants} variants") as meter:
        found = execute(plan, processes or cores(), meter.add)
        elapsed_s = meter.elapsed_s()
    return found, summary(plan, found) | {"elapsed_s": elapsed_s}


def _draw(path: Path, plan: "Plan", found: "Found") -> None:
    from liveopt.optimize.gate_study.figure import drawing

    try:
        path.write_text(drawing(plan, found), encoding="utf-8")
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror}") from error


def _show(name: str, facts: dict[str, Any]) -> None:
    rhos = ", ".join(f"{rho:g}" for rho in facts["rho"])
    what = f"{facts['variants']} variants, {facts['bars']} signal bars, rho {rhos}"
    note(f"{name}: {what}" if name else what)
    null, edge = facts.get("null", {}), facts.get("edge", {})
    lines = [
        (
            words,
            *_share(null, f"{gate}_false_promotion_rate", f"{gate}_false_promotion_interval"),
            *_share(edge, f"{gate}_power", f"{gate}_power_interval"),
        )
        for gate, words in NAMES.items()
        if f"{gate}_false_promotion_rate" in null or f"{gate}_power" in edge
    ]
    if lines:
        table(("gate", "false promotion", "95 %", "power", "95 %"), lines)
    if edge:
        note(_found(edge["edge"], edge["median_bars"]))
    if "life" in facts:
        table(("a champion's life", "value"), list(_life(facts["life"])))


def _share(facts: dict[str, Any], name: str, interval: str) -> tuple[str, str]:
    if facts.get(name) is None:
        return "-", "-"
    low, high = facts[interval]
    return f"{facts[name]:.1%}", f"{low:.1%} to {high:.1%}"


def _found(edge: float, median: float) -> str:
    if median < inf:
        return f"the gate finds an edge of {edge:g} after {_bars(median)}"
    return f"at most half of the edges of {edge:g} were found"


def _bars(median: float) -> str:
    return f"{median:.0f} signal bars (median)" if median < inf else "at most half of them ever"


def _life(facts: dict[str, Any]) -> list[tuple[str, str]]:
    words = {
        "false_demotion": "demoted while its edge holds",
        "false_warning": "warned of while its edge holds",
        "second_promotion": "another promoted while its edge holds",
        "detection": "demoted after its edge has turned",
    }
    lines = [("promoted with an edge, of", f"{facts['promoted_true']} of {facts['runs']}")]
    for name, text in words.items():
        share, span = _share(facts, f"{name}_rate", f"{name}_interval")
        lines.append((text, f"{share} ({span})"))
    if "detection_median_bars" in facts:
        lines.append(("and that after", _bars(facts["detection_median_bars"])))
        lines.append(("warned of after", _bars(facts["warning_median_bars"])))
    return lines
