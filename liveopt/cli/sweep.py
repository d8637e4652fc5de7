"""`liveopt sweep`: thousands of variants over a file of candles, ranked."""

from typing import Annotated, Any, Literal

import typer

from liveopt import config
from liveopt.cli import market as options
from liveopt.cli.progress import Meter
from liveopt.cli.show import as_json, table
from liveopt.core.metrics import METRICS
from liveopt.engine.batch import Setup
from liveopt.engine.device import Choice, Run, choose, memory_bytes
from liveopt.optimize.parameters import (
    BadParameter,
    Variants,
    grid_variants,
    parse_fixed,
    parse_grid,
    random_variants,
)
from liveopt.optimize.sweep import Sweep
from liveopt.optimize.sweep import sweep as run_sweep

SHOWN = ("roi", "bar_sharpe", "max_drawdown", "trades", "win_rate", "profit_factor", "fees")

DeviceOption = Annotated[
    Literal["auto", "cpu", "gpu"] | None, typer.Option("--device", help="Where to run.")
]


def sweep(
    strategy: Annotated[str, typer.Argument(help="A strategy of `liveopt strategies`.")],
    data: options.DataOption,
    grid: Annotated[
        str | None, typer.Option(help='Ranges: "fast=5:50:5,slow=20:200:10,kind=ema|sma".')
    ] = None,
    random: Annotated[int | None, typer.Option(min=1, help="So many random draws instead.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws.")] = 0,
    set_: options.SetOption = None,
    fee: options.FeeOption = None,
    maker_fee: options.MakerOption = None,
    slippage: options.SlippageOption = None,
    from_: options.FromOption = None,
    to: options.ToOption = None,
    signal: options.SignalOption = None,
    market: options.MarketOption = "spot",
    side: options.SideOption = None,
    sizing: options.SizingOption = "fraction",
    capital: options.CapitalOption = None,
    tick: options.TickOption = 0.0,
    lot: options.LotOption = 0.0,
    funding: options.FundingOption = 0.0,
    top: Annotated[int, typer.Option(min=1, help="How many to show.")] = 20,
    by: Annotated[str, typer.Option(help="The metric that ranks them.")] = "bar_sharpe",
    device: DeviceOption = None,
    json: options.JsonOption = False,
) -> None:
    """Run every combination of a grid, or random draws, over the same candles in one batch.

    Example: `liveopt sweep ma_crossover --data btc-1m.csv --grid "fast=5:50:5,slow=20:200:10"`
    """
    settings = config.load()
    if (grid is None) == (random is None):
        raise BadParameter("give either --grid or --random")
    if by not in METRICS:
        raise BadParameter(f"--by {by}: the metrics are {', '.join(METRICS)}")
    chosen = options.strategy_named(strategy)
    fixed = parse_fixed(chosen, set_ or [])
    ranges = parse_grid(chosen, grid) if grid is not None else {}
    costs = options.Costs(fee, maker_fee, slippage, capital, tick, lot)
    named = set(fixed) | set(ranges)
    setup = options.setup_of(chosen, (market, side, sizing), costs, settings, named)
    rest = _standard(market, settings, fixed, set(ranges))
    if random is not None:
        batches = list(random_variants(chosen, random, seed, rest))
    else:
        batches = list(grid_variants(chosen, ranges, rest))
    _check(batches, setup)
    source = options.read(data, from_, to, signal)
    run = Run(setup, source.rows(funding), source.periods_per_year)
    choice = choose(device or settings.engine.device, settings.engine.threads)
    result, facts = _execute(run, batches, choice, settings, (by, top))
    drawn = {"seed": seed} if random is not None else {}
    _report(result, {"strategy": chosen.name, "data": source.summary(), **drawn, **facts}, json)


def _execute(
    run: Run,
    batches: list[Variants],
    choice: Choice,
    settings: config.Settings,
    by: tuple[str, int],
) -> tuple[Sweep, dict[str, Any]]:
    """Run it under the eyes of whoever waits, and say how it went."""
    where = (choice.device, memory_bytes(choice.device, settings.engine.memory_mib))
    count = sum(len(b) for b in batches)
    with Meter(count * len(run.rows), f"{count} variants") as meter:
        result = run_sweep(run, batches, where, by, meter.add)
        elapsed_s, rate = meter.elapsed_s(), meter.rate()
    return result, {
        "evaluated": result.evaluated,
        "invalid": result.invalid,
        "device": choice.device.name,
        "device_reason": choice.reason,
        "notes": result.notes,
        "elapsed_s": elapsed_s,
        "variant_bars_per_s": rate,
        "by": by[0],
    }


def _standard(
    market: options.Market,
    settings: config.Settings,
    fixed: dict[str, float | str],
    ranged: set[str],
) -> dict[str, float | str]:
    """What is fixed, and what the settings say of the risk that is neither fixed nor ranged."""
    usual: dict[str, float | str] = {}
    options.standard_risk(market, settings, usual)
    return {n: v for n, v in usual.items() if n not in ranged} | fixed


def _check(batches: list[Variants], setup: Setup) -> None:
    if not any(map(len, batches)):
        raise BadParameter(
            f"{sum(b.invalid for b in batches)} combinations, and none satisfies"
            f" {setup.strategy.rule}"
        )
    for batch in batches:
        options.check_leverage(setup, batch)


def _report(result: Sweep, facts: dict[str, Any], json: bool) -> None:
    if json:
        top = [
            {"rank": i, "parameters": r.parameters, "metrics": r.metrics}
            for i, r in enumerate(result.top, start=1)
        ]
        as_json({**facts, "top": top})
        return
    first = result.top[0].parameters
    varied = [
        n for n in first if len({r.parameters[n] for r in result.top}) > 1 or n in ("fast", "slow")
    ]
    lines = [
        (i, *(r.parameters[n] for n in varied), *(r.metrics[n] for n in SHOWN))
        for i, r in enumerate(result.top, start=1)
    ]
    table(("rank", *varied, *SHOWN), lines, f"best by {facts['by']}")
    typer.echo(
        f"{result.evaluated} variants in {facts['elapsed_s']:.2f} s "
        f"({facts['variant_bars_per_s']:.3g} variant-bars/s, {facts['device']}:"
        f" {facts['device_reason']}); {result.invalid} invalid combinations left out",
        err=True,
    )
    for note in result.notes:
        typer.echo(note, err=True)
    typer.echo(
        f"the best of {result.evaluated} looks good by luck alone: these results are in-sample",
        err=True,
    )
