"""`liveopt sweep`: thousands of variants over a file of candles, ranked."""

import sys
from typing import Annotated, Any, Literal

import numpy as np
import typer

from liveopt import config
from liveopt.cli import conditions
from liveopt.cli import market as options
from liveopt.cli.progress import Meter
from liveopt.cli.show import as_json, table
from liveopt.core.metrics import METRICS
from liveopt.core.score import SCORES
from liveopt.core.strategy import Strategy
from liveopt.engine.batch import Setup
from liveopt.engine.device import Choice, Run, choose, memory_bytes
from liveopt.optimize.assurance import ASSURANCE, assure
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

FEW = 6
SHOWN = (
    *("roi", "bar_sharpe", "dsr", "max_drawdown", "trades", "confidence"),
    *("win_rate", "profit_factor", "fees", "psr"),
)
SCORES_ALONE = ", ".join(name for name in SCORES if name not in METRICS)
BY_HELP = f"What ranks them: a score ({SCORES_ALONE}) or a metric ({', '.join(METRICS)})."


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
    maintenance: options.MaintenanceOption = None,
    liquidation_fee: options.LiquidationOption = None,
    market_targets: options.MarketTargetsOption = False,
    top: Annotated[int, typer.Option(min=1, help="How many to show.")] = 20,
    by: Annotated[str, typer.Option(help=BY_HELP)] = "bar_sharpe",
    device: DeviceOption = None,
    json: options.JsonOption = False,
) -> None:
    """Run every combination of a grid, or random draws, over the same candles in one batch.

    Example: `liveopt sweep ma_crossover --data btc-1m.csv --grid "fast=5:50:5,slow=20:200:10"`
    """
    settings = config.load()
    if (grid is None) == (random is None):
        raise BadParameter("give either --grid or --random")
    if by not in SCORES:
        raise BadParameter(f"--by {by}: the scores are {', '.join(SCORES)}")
    chosen = options.strategy_named(strategy)
    fixed = parse_fixed(chosen, set_ or [])
    ranges = parse_grid(chosen, grid) if grid is not None else {}
    costs = options.Costs(
        fee, maker_fee, slippage, capital, tick, lot, funding, maintenance, liquidation_fee
    )
    trading = options.Trading(market, side, sizing, market_targets)
    setup = options.setup_of(chosen, trading, costs, settings, set(fixed) | set(ranges))
    rest = _standard(market, settings, fixed, set(ranges))
    drawn = {} if random is None else {"seed": seed}
    batches = _batches(chosen, ranges, rest, None if random is None else (random, seed))
    _check(batches, setup)
    source = options.read(data, from_, to, signal)
    run = Run(setup, source.rows(funding), source.periods_per_year)
    choice = choose(device or settings.engine.device, settings.engine.threads)
    ready = {"never_ready": _never_ready(run, batches)}
    result, facts = _execute(run, batches, choice, settings, (by, top))
    swept = list(ranges) if grid is not None else _free(chosen, fixed)
    _report(result, (run, source, funding), swept, drawn | facts | ready, json)


def _batches(
    strategy: Strategy,
    ranges: dict[str, list[float | str]],
    rest: dict[str, float | str],
    draws: tuple[int, int] | None,
) -> list[Variants]:
    """The variants of the grid or, with a count and a seed, of random draws."""
    if draws is None:
        return list(grid_variants(strategy, ranges, rest))
    return list(random_variants(strategy, *draws, rest))


def _free(strategy: Strategy, fixed: dict[str, float | str]) -> list[str]:
    """What random draws vary."""
    return [n for n in (*strategy.choices, *strategy.knobs) if n not in fixed]


def _never_ready(run: Run, batches: list[Variants]) -> int:
    """How many variants need more signal bars than there are; it is said, for they never trade."""
    there = conditions.signal_bars(run.rows)
    strategy = run.setup.strategy
    needed = np.concatenate([conditions.warmup(strategy, b.knobs) for b in batches if len(b)])
    count = int(np.count_nonzero(needed >= there))
    if count:
        typer.echo(
            f"{count} of {len(needed)} variants never trade: {strategy.name} needs up to"
            f" {needed.max():g} signal bars before its first decision; the data has {there}",
            err=True,
        )
    return count


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
    best = [(r.parameters, int(r.metrics["trades"])) for r in result.top]
    with Meter(len(best) * len(run.rows), f"the best {len(best)} again") as meter:
        sure = assure(run, best, result.trials, meter.add)
    return result, {
        "evaluated": result.trials.count,
        "invalid": result.invalid,
        "device": choice.device.name,
        "device_reason": choice.reason,
        "notes": result.notes,
        "elapsed_s": elapsed_s,
        "variant_bars_per_s": rate,
        "by": by[0],
        "sharpe_deviation": result.trials.deviation,
        "sure": sure,
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
        count = sum(b.invalid for b in batches)
        raise BadParameter(
            f"{count} {'combination' if count == 1 else 'combinations'}, and none satisfies"
            f" {setup.strategy.rule}"
        )
    for batch in batches:
        options.check_leverage(setup, batch)


def _report(
    result: Sweep,
    about: tuple[Run, options.Source, float],
    swept: list[str],
    facts: dict[str, Any],
    json: bool,
) -> None:
    run, source, funding = about
    strategy = run.setup.strategy
    sure: list[dict[str, float]] = facts.pop("sure")
    best = [
        (
            conditions.parameters(strategy, r.parameters),
            conditions.metrics(r.metrics),
            {"score": r.score, **more},
        )
        for r, more in zip(result.top, sure, strict=True)
    ]
    if json:
        as_json({
            "strategy": strategy.name,
            "data": source.summary(),
            **conditions.conditions(run.setup, funding),
            **facts,
            "swept": swept,
            "in_sample": True,
            "top": [
                {"rank": i, "parameters": p, "metrics": m, **more}
                for i, (p, m, more) in enumerate(best, start=1)
            ],
        })  # fmt: skip
        return
    fixed = {n: v for n, v in best[0][0].items() if n not in swept}
    conditions.head(run.setup, source, fixed, funding)
    shown = _shown(facts["by"])
    lines = [
        (i, *(p[n] for n in swept), *(({facts["by"]: more["score"]} | m | more)[n] for n in shown))
        for i, (p, m, more) in enumerate(best, 1)
    ]
    table(("rank", *swept, *shown), lines, f"best by {facts['by']}")
    left_out = "combination" if result.invalid == 1 else "combinations"
    typer.echo(
        f"{result.trials.count} variants in {facts['elapsed_s']:.2f} s "
        f"({facts['variant_bars_per_s']:.3g} variant-bars/s, {facts['device']}:"
        f" {facts['device_reason']}); {result.invalid} invalid {left_out} left out",
        err=True,
    )
    for words in result.notes:
        typer.echo(words, err=True)
    typer.echo(
        f"the best of {result.trials.count} looks good by luck alone: these results are in-sample;"
        f" dsr is the {ASSURANCE['dsr']}",
        err=True,
    )


def _shown(by: str) -> list[str]:
    """The figures of the table: the one that ranks, and fewer on a terminal than in a pipe."""
    usual = SHOWN[:FEW] if sys.stdout.isatty() else SHOWN
    return list(dict.fromkeys((by, *usual) if by not in usual else usual))
