"""The options that every offline run shares: the data, the market, what trading costs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer

from liveopt.config import Settings
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
        """The rows of the run, with funding at 0, 8 and 16 o'clock UTC."""
        opens = self.bars.at_ns
        times = (opens + self.fine_ns - 1) // FUNDING_NS - (opens - 1) // FUNDING_NS
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
            "first": first.replace(".000000000", ""),
            "last": last.replace(".000000000", ""),
            "interval_s": self.fine_ns // SECOND_NS,
            "signal_s": self.signal_ns // SECOND_NS,
        }


def read(path: Path, first: str | None, last: str | None, signal: str | None) -> Source:
    """The candles of a file within a span, with the interval of their signals."""
    try:
        span = [None if text is None else parse_time(text) for text in (first, last)]
    except ValueError as error:
        raise BadParameter(f"--from/--to: {error}") from error
    return source(path, read_candles(path, *span), signal)


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
        raise BadParameter(f"no strategy {name!r}; there are {', '.join(known)}")
    return known[name]


@dataclass(frozen=True, slots=True)
class Costs:
    """What the options said about costs; None leaves the setting as it is."""

    fee: float | None
    maker_fee: float | None
    slippage: float | None
    capital: float | None
    tick: float
    lot: float


def setup_of(
    strategy: Strategy,
    market: tuple[Market, Side | None, Sizing],
    costs: Costs,
    settings: Settings,
    named: set[str],
) -> Setup:
    """What a run is, from its options, the settings behind them and the parameters it names."""
    where, side, sizing = market
    if where == "spot" and side in ("short", "both"):
        raise BadParameter("spot cannot be sold short; use --market perpetual")
    if where == "spot" and "leverage" in named:
        raise BadParameter("spot has no leverage; use --market perpetual")
    rule = Rule(
        market=where,
        sides=side or ("long" if where == "spot" else "both"),
        sizing=sizing,
        funding=where == "perpetual",
    )
    taker = settings.costs.taker_fee if costs.fee is None else costs.fee
    maker = settings.costs.maker_fee if costs.fee is None else costs.fee
    slippage = settings.costs.slippage if costs.slippage is None else costs.slippage
    try:
        instrument = Instrument(
            market=where,
            tick=costs.tick,
            lot=costs.lot,
            taker_fee=taker,
            maker_fee=maker if costs.maker_fee is None else costs.maker_fee,
            slippage=slippage,
        )
    except ValueError as error:
        raise BadParameter(str(error)) from error
    capital = settings.account.capital if costs.capital is None else costs.capital
    if not 0.0 < capital < float("inf"):
        raise BadParameter(f"a capital of {capital:g} cannot trade; it must be above 0")
    return Setup(strategy, features(rule, named), instrument, capital)


def standard_risk(market: Market, settings: Settings, fixed: dict[str, float | str]) -> None:
    """Fill in what the settings say about risk where the command says nothing."""
    fixed.setdefault("fraction", settings.account.fraction)
    if market == "perpetual":
        fixed.setdefault("leverage", settings.account.leverage)


def check_leverage(setup: Setup, variants: Variants) -> None:
    """Refuse a leverage at which a position would be liquidated as it is opened."""
    most = 1.0 / (setup.instrument.maintenance + setup.instrument.liquidation_fee)
    if setup.rule.perpetual and float(np.max(variants.risk["leverage"], initial=1.0)) >= most:
        raise BadParameter(
            f"leverage must stay below {most:g}: the maintenance margin allows no more"
        )
