"""`liveopt strategies`: what there is to run, and what can be set about it."""

from typing import Annotated, Any

import numpy as np
import typer

from liveopt.cli import conditions
from liveopt.cli.market import JsonOption, strategy_named
from liveopt.cli.show import as_json, table
from liveopt.core.account import RISK
from liveopt.core.strategy import Knob, Strategy
from liveopt.strategies import load


def strategies(
    name: Annotated[str | None, typer.Argument(help="One strategy, with its knobs.")] = None,
    json: JsonOption = False,
) -> None:
    """List the strategies, or show one with its knobs and ranges.

    Example: `liveopt strategies ma_crossover`
    """
    if name is not None:
        _one(strategy_named(name), json)
        return
    if json:
        as_json([described(s) for s in load().values()])
        return
    table(
        ("strategy", "knobs", "what it does"),
        [(s.name, len(s.knobs), s.text) for s in load().values()],
    )


def described(strategy: Strategy) -> dict[str, Any]:
    """A strategy as plain data."""
    return {
        "name": strategy.name,
        "text": strategy.text,
        "rule": strategy.rule,
        "warmup_bars": warmup(strategy),
        "knobs": {n: knob(k) for n, k in strategy.knobs.items()},
        "choices": {
            n: {"options": list(c.options), "default": c.default, "text": c.text}
            for n, c in strategy.choices.items()
        },
        "risk": {n: knob(k) for n, k in RISK.items()},
    }


def knob(k: Knob) -> dict[str, Any]:
    """A knob as plain data."""
    return {"low": k.low, "high": k.high, "default": k.default, "whole": k.whole, "text": k.text}


def warmup(strategy: Strategy) -> float:
    """Signal bars before the first decision, with the usual knobs."""
    usual = {n: np.array([k.default]) for n, k in strategy.knobs.items()}
    return float(conditions.warmup(strategy, usual)[0])


def _one(strategy: Strategy, json: bool) -> None:
    if json:
        as_json(described(strategy))
        return
    typer.echo(f"{strategy.name}: {strategy.text}")
    typer.echo(f"needs {warmup(strategy):g} signal bars before its first decision (usual knobs)")
    if strategy.rule:
        typer.echo(f"rule: {strategy.rule}")
    lines: list[tuple[object, ...]] = [
        (n, k.low, k.high, k.default, k.text) for n, k in strategy.knobs.items()
    ]
    table(("knob", "from", "to", "usual", "what it is"), lines)
    for name, choice in strategy.choices.items():
        typer.echo(f"{name}: {', '.join(choice.options)} (usual: {choice.default}); {choice.text}")
    typer.echo("risk: " + ", ".join(f"{n} ({k.text})" for n, k in RISK.items()))
