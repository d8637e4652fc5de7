"""The options that every offline run shares: the data, the market, what trading costs."""

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer

from liveopt.config import FEE_MAX, Settings
from liveopt.core.account import Rule
from liveopt.core.bars import HOUR_NS, SECOND_NS, Bars, infer_interval_ns, interval_ns
from liveopt.core.instrument import Instrument
from liveopt.core.strategy import Strategy
from liveopt.data.candles import read_candles
from liveopt.data.tables import DataError, parse_time
from liveopt.engine.batch import Setup
from liveopt.engine.rows import Rows, rows_of
from liveopt.optimize.parameters import BadParameter, Variants, features
from liveopt.strategies import load

YEAR_S = 365 * 24 * 3600
FUNDING_NS = 8 * HOUR_NS
RATE_MAX = 0.1
"""Funding, maintenance margin and liquidation fee stay below this; no market is near it."""

Market = Literal["spot", "perpetual"]
Side = Literal["long", "short", "both"]
Sizing = Literal["fraction", "kelly", "volatility"]

DataOption = Annotated[
    Path, typer.Option("--data", help="Candles: .csv, .parquet or .feather.", show_default=False)
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="A knob, a choice, or a risk parameter (fraction, leverage, stop, take, trail, arm,"
        " min_hold, max_hold). Repeatable.",
    ),
]
FeeOption = Annotated[
    float | None, typer.Option("--fee", help="Taker and maker fee, a fraction: 0.001 is 0.1 %.")
]
MakerOption = Annotated[
    float | None, typer.Option("--maker-fee", help="Fee of resting orders, where it differs.")
]
SlippageOption = Annotated[
    float | None, typer.Option("--slippage", help="How much worse a market order fills.")
]
FromOption = Annotated[str | None, typer.Option("--from", help="First time, such as 2024-01-31.")]
ToOption = Annotated[str | None, typer.Option("--to", help="First time that is left out.")]
SignalOption = Annotated[
    str | None, typer.Option("--signal", help="Interval of the signals, if longer than the data's.")
]
MarketOption = Annotated[Market, typer.Option("--market", help="What is traded.")]
SideOption = Annotated[Side | None, typer.Option("--side", help="Long only on spot.")]
SizingOption = Annotated[Sizing, typer.Option("--sizing", help="How positions are sized.")]
TickOption = Annotated[float, typer.Option("--tick", help="Price step; 0 rounds nothing.")]
LotOption = Annotated[float, typer.Option("--lot", help="Size step; 0 rounds nothing.")]
FundingOption = Annotated[
    float, typer.Option("--funding", help="Funding rate of a perpetual every 8 hours.")
]
MaintenanceOption = Annotated[
    float | None,
    typer.Option("--maintenance", help="Maintenance margin rate of a perpetual; usually 0.005."),
]
LiquidationOption = Annotated[
    float | None,
    typer.Option("--liquidation-fee", help="Fee of a perpetual's liquidation; usually 0."),
]
MarketTargetsOption = Annotated[
    bool,
    typer.Option(
        "--market-targets", help="Targets (take) are market orders: slippage and the taker fee."
    ),
]
CapitalOption = Annotated[float | None, typer.Option("--capital", help="Starting capital.")]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]


@dataclass(frozen=True, slots=True)
class Source:
    """Candles on their way into a run."""

    path: Path
    bars: Bars
    fine_ns: int
    signal_ns: int

    def rows(self, funding_rate: float) -> Rows:
        """The rows of the run, with funding at 0, 8 and 16 o'clock UTC.

        A stamp is charged at the first bar that opens at it or after it, so that one that falls
        into missing bars is not lost.
        """
        stamps = self.bars.at_ns // FUNDING_NS
        times = np.diff(stamps, prepend=stamps[:1])
        times[0] = self.bars.at_ns[0] % FUNDING_NS == 0
        return rows_of(
            self.bars, self.fine_ns, self.signal_ns, times.astype(np.float64) * funding_rate
        )

    @property
    def periods_per_year(self) -> float:
        """Signal bars in a year of 365 days; the market never closes."""
        return YEAR_S / (self.signal_ns / SECOND_NS)

    def summary(self) -> dict[str, object]:
        """What was read."""
        first, last = (str(np.datetime64(int(t), "ns")) + "Z" for t in self.bars.at_ns[[0, -1]])
        return {
            "file": str(self.path),
            "bars": len(self.bars),
            "first": first.replace(".000000000Z", "Z"),
            "last": last.replace(".000000000Z", "Z"),
            "interval_s": self.fine_ns // SECOND_NS,
            "signal_s": self.signal_ns // SECOND_NS,
        }


def read(path: Path, first: str | None, last: str | None, signal: str | None) -> Source:
    """The candles of a file within a span, with the interval of their signals."""
    try:
        start, end = (None if text is None else parse_time(text) for text in (first, last))
    except ValueError as error:
        raise BadParameter(f"--from/--to: {error}") from error
    if start is not None and end is not None and start >= end:
        raise BadParameter(f"--from {first} is not before --to {last}; the span ends before --to")
    return source(path, read_candles(path, start, end), signal)


def source(path: Path, bars: Bars, signal: str | None) -> Source:
    """Bars with the interval of their signals."""
    try:
        fine_ns = infer_interval_ns(bars)
    except ValueError as error:
        raise DataError(path, None, None, str(error)) from error
    try:
        signal_ns = interval_ns(signal) if signal else fine_ns
    except ValueError as error:
        raise BadParameter(f"--signal: {error}") from error
    if signal_ns % fine_ns:
        raise BadParameter(f"--signal {signal} is not made of whole bars of the data")
    return Source(path, bars, fine_ns, signal_ns)


def strategy_named(name: str) -> Strategy:
    """The strategy of that name, or the names there are."""
    known = load()
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}? there" if near else "there"
        raise BadParameter(f"no strategy {name!r}; {hint} are {', '.join(known)}")
    return known[name]


@dataclass(frozen=True, slots=True)
class Trading:
    """What the options said about how it trades."""

    market: Market
    side: Side | None
    sizing: Sizing
    market_targets: bool


@dataclass(frozen=True, slots=True)
class Costs:
    """What the options said about costs; None leaves the setting as it is."""

    fee: float | None
    maker_fee: float | None
    slippage: float | None
    capital: float | None
    tick: float
    lot: float
    funding: float
    maintenance: float | None
    liquidation_fee: float | None


def setup_of(
    strategy: Strategy, trading: Trading, costs: Costs, settings: Settings, named: set[str]
) -> Setup:
    """What a run is, from its options, the settings behind them and the parameters it names."""
    _check_market(trading, costs, named)
    _check_costs(costs)
    rule = Rule(
        market=trading.market,
        sides=trading.side or ("long" if trading.market == "spot" else "both"),
        sizing=trading.sizing,
        funding=trading.market == "perpetual",
        limit_targets=not trading.market_targets,
    )
    usual = Instrument()
    maker = settings.costs.maker_fee if costs.fee is None else costs.fee
    instrument = Instrument(
        market=trading.market,
        tick=costs.tick,
        lot=costs.lot,
        taker_fee=_or(costs.fee, settings.costs.taker_fee),
        maker_fee=_or(costs.maker_fee, maker),
        slippage=_or(costs.slippage, settings.costs.slippage),
        maintenance=_or(costs.maintenance, usual.maintenance),
        liquidation_fee=_or(costs.liquidation_fee, usual.liquidation_fee),
    )
    capital = _or(costs.capital, settings.account.capital)
    return Setup(strategy, features(rule, named), instrument, capital)


def _or(given: float | None, usual: float) -> float:
    return usual if given is None else given


def _check_market(trading: Trading, costs: Costs, named: set[str]) -> None:
    if trading.market_targets and "take" not in named:
        raise BadParameter("--market-targets: there is no target; give take as well")
    if trading.market == "perpetual":
        return
    if trading.side in ("short", "both"):
        raise BadParameter("spot cannot be sold short; use --market perpetual")
    if "leverage" in named:
        raise BadParameter("spot has no leverage; use --market perpetual")
    for option, value in (
        ("--funding", costs.funding or None),
        ("--maintenance", costs.maintenance),
        ("--liquidation-fee", costs.liquidation_fee),
    ):
        if value is not None:
            raise BadParameter(f"{option} is for perpetuals; use --market perpetual")


def _check_costs(costs: Costs) -> None:
    """Refuse costs and steps that no market has, by the option that was typed."""
    if costs.capital is not None and not 0.0 < costs.capital < float("inf"):
        raise BadParameter(f"a capital of {costs.capital:g} cannot trade; it must be above 0")
    for option, value, low, high in (
        ("--fee", costs.fee, 0.0, FEE_MAX),
        ("--maker-fee", costs.maker_fee, -FEE_MAX, FEE_MAX),
        ("--slippage", costs.slippage, 0.0, FEE_MAX),
        ("--funding", costs.funding, -RATE_MAX, RATE_MAX),
    ):
        if value is not None and not low <= value <= high:
            raise BadParameter(
                f"{option} {value:g}: give a fraction from {low:g} to {high:g} (0.001 is 0.1 %)"
            )
    for option, value in (
        ("--maintenance", costs.maintenance),
        ("--liquidation-fee", costs.liquidation_fee),
    ):
        if value is not None and not 0.0 <= value < RATE_MAX:
            raise BadParameter(
                f"{option} {value:g}: give a fraction from 0 to below {RATE_MAX:g} (0.005 is 0.5 %)"
            )
    for option, value in (("--tick", costs.tick), ("--lot", costs.lot)):
        if not 0.0 <= value < float("inf"):
            raise BadParameter(f"{option} {value:g}: it must be a number of at least 0")


def standard_risk(market: Market, settings: Settings, fixed: dict[str, float | str]) -> None:
    """Fill in what the settings say about risk where the command says nothing."""
    fixed.setdefault("fraction", settings.account.fraction)
    if market == "perpetual":
        fixed.setdefault("leverage", settings.account.leverage)


def check_leverage(setup: Setup, variants: Variants) -> None:
    """Refuse a leverage at which a position would be liquidated as it is opened."""
    margin = setup.instrument.maintenance + setup.instrument.liquidation_fee
    most = 1.0 / margin if margin else float("inf")
    if setup.rule.perpetual and float(np.max(variants.risk["leverage"], initial=1.0)) >= most:
        raise BadParameter(
            f"leverage must stay below {most:g}: the maintenance margin allows no more"
        )
