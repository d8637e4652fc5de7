"""`liveopt backtest`: one variant over a file of candles."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from liveopt import config
from liveopt.cli import conditions
from liveopt.cli import market as options
from liveopt.cli.show import Failure, as_json, note, table
from liveopt.core.account import REASONS
from liveopt.core.metrics import METRICS
from liveopt.core.strategy import Strategy
from liveopt.engine.batch import Batch, open_batch
from liveopt.engine.rows import Rows
from liveopt.optimize.assurance import ASSURANCE, Array, Pace, fold, pace, say
from liveopt.optimize.parameters import Variants, parse_fixed, single

CURVE_POINTS = 1_000
TRADE_COLUMNS = [
    *("entry_time", "side", "entry_price", "exit_time", "exit_price"),
    *("size", "fees", "funding", "net", "roi", "reason"),
]


def backtest(
    strategy: Annotated[str, typer.Argument(help="A strategy of `liveopt strategies`.")],
    data: options.DataOption,
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
    pessimistic: Annotated[
        bool, typer.Option(help="A second account: double slippage, orders one bar late.")
    ] = False,
    trades: Annotated[Path | None, typer.Option(help="Write the closed trades to a CSV.")] = None,
    curve: Annotated[Path | None, typer.Option(help="Write 1,000 equity points at most.")] = None,
    json: options.JsonOption = False,
) -> None:
    """Run one variant over candles: signals at a bar's close, fills at the next bar's open.

    Example: `liveopt backtest ma_crossover --data btc-1m.csv --set fast=10 --set stop=0.02`
    """
    settings = config.load()
    chosen = options.strategy_named(strategy)
    fixed = parse_fixed(chosen, set_ or [])
    costs = options.Costs(
        fee, maker_fee, slippage, capital, tick, lot, funding, maintenance, liquidation_fee
    )
    trading = options.Trading(market, side, sizing, market_targets)
    setup = options.setup_of(chosen, trading, costs, settings, set(fixed))
    options.standard_risk(market, settings, fixed)
    variant = single(chosen, fixed)
    options.check_leverage(setup, variant)
    source = options.read(data, from_, to, signal)
    rows = source.rows(funding)
    setup = replace(
        setup, choices=variant.choices, pessimistic=pessimistic, log_trades=_most_trades(rows)
    )
    facts: dict[str, Any] = {"funding": funding, "warmup_bars": _warmup(chosen, variant, rows)}
    batch = open_batch(setup, variant.knobs, variant.risk)
    looks = pace(rows)
    points, equity = _run(batch, rows, looks)
    sure = {n: float(v[0]) for n, v in say(batch, equity, (looks, source.periods_per_year)).items()}
    facts |= {"sure": sure, "returns": len(equity), "bars_per_return": looks.bars}
    _files(batch, (rows, source), points, (trades, curve))
    _report(batch, source, (conditions.parameters(chosen, variant.parameters(0)), facts), json)


def _files(
    batch: Batch,
    market: tuple[Rows, options.Source],
    points: list[tuple[int, float]],
    paths: tuple[Path | None, Path | None],
) -> None:
    """Write the trades and the curve, if they are wanted."""
    (rows, source), (trades, curve) = market, paths
    if trades is not None:
        _write(trades, TRADE_COLUMNS, [_trade_line(t, source) for t in batch.trades(0)])
    if curve is not None:
        times = [_time(float(rows.table[i, 0]), source) for i, _ in points]
        _write(curve, ["time", "equity"], [[t, e] for t, (_, e) in zip(times, points, strict=True)])


def _warmup(strategy: Strategy, variant: Variants, rows: Rows) -> int:
    """Signal bars before the first decision; too few of them are said, for then it never trades."""
    needed = int(np.ceil(conditions.warmup(strategy, variant.knobs)[0]))
    if needed >= (there := conditions.signal_bars(rows)):
        typer.echo(
            f"{strategy.name} needs {needed} signal bars before its first decision;"
            f" the data has {there}",
            err=True,
        )
    return needed


def _most_trades(rows: Rows) -> int:
    """A bar can close two trades at most: one at its open, one inside."""
    return min(2 * len(rows) + 1, 1_000_000)


def _run(batch: Batch, rows: Rows, looks: Pace) -> tuple[list[tuple[int, float]], Array]:
    """Fold the rows in pieces: the points of the curve, and the equity at the pace's ends."""
    step = max(1, -(-len(rows) // CURVE_POINTS))
    shown = np.append(np.arange(step, len(rows), step), len(rows))
    ends = np.union1d(shown, looks.ends)
    equity = fold(batch, rows, ends)
    drawn = equity[np.searchsorted(ends, shown), 0]
    points = [(int(end) - 1, float(value)) for end, value in zip(shown, drawn, strict=True)]
    return points, equity[np.searchsorted(ends, looks.ends)]


def _report(
    batch: Batch,
    source: options.Source,
    about: tuple[dict[str, Any], dict[str, Any]],
    json: bool,
) -> None:
    parameters, facts = about
    accounts = {
        name: conditions.metrics(
            {n: float(v[0]) for n, v in batch.metrics(source.periods_per_year, late).items()}
        )
        for name, late in (("metrics", False), ("pessimistic", True))
        if not late or batch.setup.pessimistic
    }
    side = float(batch.cell("a_side")[0])
    position = {1.0: "long", -1.0: "short"}.get(side, "flat")
    if json:
        as_json({
            "strategy": batch.setup.strategy.name,
            "parameters": parameters,
            "data": source.summary(),
            **conditions.conditions(batch.setup, facts["funding"]),
            "warmup_bars": facts["warmup_bars"],
            **accounts,
            **facts["sure"],
            "returns": facts["returns"],
            "bars_per_return": facts["bars_per_return"],
            "position_at_end": position,
        })  # fmt: skip
        return
    conditions.head(batch.setup, source, parameters, facts["funding"])
    lines = [
        (name, *(account[name] for account in accounts.values()), METRICS[name]) for name in METRICS
    ]
    unknown = [float("nan")] * (len(accounts) - 1)
    lines += [(name, value, *unknown, ASSURANCE[name]) for name, value in facts["sure"].items()]
    table(("metric", *(n.replace("metrics", "value") for n in accounts), "what it is"), lines)
    note(f"position at the end: {position}")
    note(
        f"interval and psr are read from {facts['returns']} returns of"
        f" {facts['bars_per_return']} signal bars each"
    )


def _time(seconds: float, source: options.Source) -> str:
    """The moment so many seconds into the run, in ISO 8601; a float keeps microseconds safely."""
    at_us = int(source.bars.at_ns[0]) // 1000 + round(seconds * 1e6)
    return str(np.datetime64(at_us, "us")).removesuffix(".000000") + "Z"


def _trade_line(trade: dict[str, float], source: options.Source) -> list[object]:
    return [
        _time(trade["since_s"], source),
        "long" if trade["was_side"] > 0 else "short",
        trade["entry"],
        _time(trade["time_s"], source),
        trade["leave"],
        abs(trade["was_qty"]),
        trade["paid"],
        trade["funded"],
        trade["net"],
        trade["roi"],
        REASONS[int(trade["reason"])],
    ]


def _write(path: Path, columns: list[str], lines: list[list[object]]) -> None:
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(lines)
    except OSError as error:
        raise Failure(f"cannot write {path}: {error.strerror}") from error
