"""`liveopt demo`: the engine at work on a made-up market, without keys or a network."""

from pathlib import Path
from typing import Annotated

import typer

from liveopt import config
from liveopt.cli import conditions
from liveopt.cli import market as options
from liveopt.cli.progress import Meter
from liveopt.cli.show import as_json, table
from liveopt.core.account import Rule
from liveopt.core.bars import MINUTE_NS
from liveopt.data.market import synthetic_bars
from liveopt.engine.batch import Setup
from liveopt.engine.device import Run, choose, memory_bytes
from liveopt.optimize.parameters import features, random_variants
from liveopt.optimize.sweep import sweep as run_sweep
from liveopt.strategies import load

START_NS = 1_735_689_600_000_000_000
RISK: dict[str, float | str] = {"kind": "ema", "stop": 0.02, "take": 0.04, "trail": 0.015}


def demo(
    variants: Annotated[int, typer.Option(min=1, help="How many variants.")] = 10_000,
    bars: Annotated[int, typer.Option(min=1000, help="How many one-minute bars.")] = 100_000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the market and the draws.")] = 1,
    json: options.JsonOption = False,
) -> None:
    """Sweep 10,000 variants of a moving-average crossover over 100,000 made-up minutes.

    Example: `liveopt demo --variants 100000`
    """
    settings = config.load()
    strategy = load()["ma_crossover"]
    source = options.source(
        Path("made-up market"), synthetic_bars(bars, seed, MINUTE_NS, START_NS), None
    )
    rows = source.rows(0.0)
    setup = Setup(strategy, features(Rule(), set(RISK)))
    batches = list(random_variants(strategy, variants, seed, RISK))
    choice = choose(settings.engine.device, settings.engine.threads)
    where = (choice.device, memory_bytes(choice.device, settings.engine.memory_mib))
    with Meter(variants * len(rows), f"{variants} variants") as meter:
        run = Run(setup, rows, source.periods_per_year)
        result = run_sweep(run, batches, where, ("bar_sharpe", 10), meter.add)
        elapsed_s, rate = meter.elapsed_s(), meter.rate()
    if json:
        as_json({
            "evaluated": result.evaluated,
            "bars": bars,
            "elapsed_s": elapsed_s,
            "variant_bars_per_s": rate,
            "device": choice.device.name,
            "device_reason": choice.reason,
            "top": [
                {
                    "parameters": conditions.parameters(strategy, r.parameters),
                    "metrics": conditions.metrics(r.metrics),
                }
                for r in result.top
            ],
        })  # fmt: skip
        return
    shown = ("roi", "bar_sharpe", "max_drawdown", "trades")
    lines = [
        (i, r.parameters["fast"], r.parameters["slow"], *(r.metrics[n] for n in shown))
        for i, r in enumerate(result.top, start=1)
    ]
    table(("rank", "fast", "slow", *shown), lines, "best ten by Sharpe ratio")
    typer.echo(
        f"{result.evaluated} variants x {bars} bars in {elapsed_s:.2f} s: {rate:.3g} variant-bars/s"
        f" on the {choice.device.name} ({choice.reason}).\n"
        "A made-up market without memory: whatever looks good here is luck, which is why liveopt\n"
        "will not promote a variant for looking good."
    )
