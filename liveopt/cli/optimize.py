"""`liveopt optimize`: a search for good parameters, judged on data that it has not seen."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from liveopt import config
from liveopt.cli import market as options
from liveopt.cli.studies import TRIALS, Draft, chosen_of, new
from liveopt.cli.working import work
from liveopt.optimize.parameters import parse_fixed

ALGORITHMS = "random grid ga pso sa de aco hc bo tpe nsga2"

StrategyArgument = Annotated[str, typer.Argument(help="A strategy of `liveopt strategies`.")]
FileOption = Annotated[
    Path | None, typer.Option("--config", help="A HyperOpt-Trade configuration (JSON).")
]
ResultsOption = Annotated[
    Path | None, typer.Option(help="Write the results in HyperOpt-Trade's schema.")
]
AlgorithmOption = Annotated[str | None, typer.Option(help=f"One of {ALGORITHMS}; usually de.")]
EvalsOption = Annotated[
    int | None, typer.Option(min=1, help=f"Evaluations over all folds; usually {TRIALS:,}.")
]
ObjectiveOption = Annotated[
    list[str] | None,
    typer.Option(
        "--objective",
        help="What to maximise: a metric, `classic`, `balanced`, or arithmetic over metrics such as"
        ' "roi - max_drawdown". Usually bar_sharpe; several with nsga2.',
    ),
]
ConstraintOption = Annotated[
    list[str] | None,
    typer.Option("--constraint", help='What must hold, such as "trades>=30". Repeatable.'),
]
RangesOption = Annotated[
    str, typer.Option("--ranges", help='Others than a knob\'s own: "fast=5:50,stop=0.01:0.1".')
]
FoldsOption = Annotated[int, typer.Option(min=1, max=100, help="Tests of the walk forward.")]
WalkOption = Annotated[
    Literal["anchored", "rolling"], typer.Option("--walk", help="Trains that grow, or that move.")
]
EmbargoOption = Annotated[
    int | None, typer.Option(min=0, help="Signal bars left out between train and test.")
]
SeedOption = Annotated[int | None, typer.Option(min=0, help="Seed of all chance; usually 0.")]
PopulationOption = Annotated[
    int | None, typer.Option(min=1, help="Candidates bred at a time, where there is such.")
]
TermOption = Annotated[
    list[str] | None,
    typer.Option("--term", metavar="NAME=VALUE", help="A setting of the algorithm. Repeatable."),
]
WorkersOption = Annotated[
    int, typer.Option(min=0, max=256, help="Processes; 0 is this one with engine.threads.")
]
TimeoutOption = Annotated[float | None, typer.Option(min=0.0, help="Seconds; 0 is none.")]
BeforeOption = Annotated[
    int | None, typer.Option(min=0, help="Trials on these data before; else those stored.")
]
SpreadOption = Annotated[
    float, typer.Option(min=0.0, help="Deviation of those trials' annual Sharpe ratios.")
]
AroundOption = Annotated[
    Path | None,
    typer.Option(
        help='Begin with these: JSON such as [{"fast": 5, "slow": 20}], or variants. What was found'
        " on later bars spoils the folds before them."
    ),
]
NameOption = Annotated[str, typer.Option("--name", hidden=True, help="Of the study, for the API.")]


def optimize(
    strategy: StrategyArgument = "",
    data: options.DataOption = ...,  # type: ignore[assignment]
    algorithm: AlgorithmOption = None,
    evals: EvalsOption = None,
    objective: ObjectiveOption = None,
    constraint: ConstraintOption = None,
    ranges: RangesOption = "",
    set_: options.SetOption = None,
    folds: FoldsOption = 4,
    walk: WalkOption = "anchored",
    embargo: EmbargoOption = None,
    seed: SeedOption = None,
    population: PopulationOption = None,
    term: TermOption = None,
    workers: WorkersOption = 0,
    timeout: TimeoutOption = None,
    trials_before: BeforeOption = None,
    deviation_before: SpreadOption = 0.0,
    around: AroundOption = None,
    config_: FileOption = None,
    results: ResultsOption = None,
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
    json: options.JsonOption = False,
    name: NameOption = "",
) -> None:
    """Search a strategy's parameters, and judge what is found by walking forward.

    Each fold is searched on its train and judged on the test after it, with both accounts. After
    each generation all is stored: `liveopt opt resume` goes on with what was interrupted.
    Example: `liveopt optimize ma_crossover --data btc-1m.csv --algorithm de --evals 5000`
    """
    settings = config.load()
    chosen, wish = chosen_of(strategy, config_)
    costs = options.Costs(
        fee, maker_fee, slippage, capital, tick, lot, funding, maintenance, liquidation_fee
    )  # fmt: skip
    draft = Draft(
        algorithm, evals, timeout, objective or ["bar_sharpe"], constraint or [], ranges,
        parse_fixed(chosen, set_ or []), population, term or [], folds, walk, embargo, seed,
        trials_before, wish, around, deviation_before,
    )  # fmt: skip
    terms = (options.Trading(market, side, sizing, market_targets), costs)
    plan = new(chosen, draft, terms, (data, from_, to, signal), settings)
    work(plan, settings, (workers, results, json), name)
