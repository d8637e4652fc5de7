"""What may be set: every section and key, its default, its range, and what it is for.

A key's description is all that is said of it anywhere: the comment beside it in `liveopt.toml`, the
mend in a complaint, the text of the JSON Schema.
"""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, Field, StringConstraints, model_validator

from liveopt.config.portfolio import Portfolio
from liveopt.config.section import Section
from liveopt.config.web import Web

FEE_MAX: Final = 0.05
"""The highest fee and slippage that are taken, in the settings and on the command line alike."""

WORLDS_LEAST: Final = 99
"""Fewer shadow worlds tell no chance of one in twenty from one in ten."""


Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#@]+/?$")]
Symbol = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]+(-[A-Z0-9]+)?$", max_length=32)]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
Fixed = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_]\w*=[^\s=]+$", max_length=100)]
Place = Annotated[str, StringConstraints(min_length=1, max_length=4096)]


class Account(Section):
    """What every variant starts with."""

    capital: float = Field(
        10_000.0,
        gt=0,
        le=1e12,
        description="Equity at the start, in the quote currency (USDT for XBTUSDTM): above 0, up to"
        " 1e12.",
    )
    fraction: float = Field(
        1.0,
        ge=0.0001,
        le=1,
        description="Share of the equity put into a position: a fraction, 0.0001 to 1; 1.0 is all"
        " of it.",
    )
    leverage: float = Field(
        1.0,
        ge=1,
        le=100,
        description="Value of a position over the equity put into it: a ratio, 1 to 100; 1.0 is"
        " no leverage.",
    )


class Costs(Section):
    """What a fill costs, as fractions of its value, never percent."""

    taker_fee: float = Field(
        0.0006,
        ge=0,
        le=FEE_MAX,
        description="Fee of an order that takes liquidity: a fraction of the fill's value"
        " (0.0006 is 0.06 %), 0 to 0.05.",
    )
    maker_fee: float = Field(
        0.0002,
        ge=-FEE_MAX,
        le=FEE_MAX,
        description="Fee of an order that rests in the book: a fraction (0.0002 is 0.02 %), -0.05"
        " to 0.05; below 0 is a rebate.",
    )
    slippage: float = Field(
        0.0002,
        ge=0,
        le=FEE_MAX,
        description="How much worse than the quoted price a market order fills: a fraction of the"
        " price (0.0002 is 0.02 %), 0 to 0.05.",
    )


class Engine(Section):
    """Where the variants of a back-test or a sweep are stepped, with how much of the machine."""

    device: Literal["auto", "cpu", "gpu"] = Field(
        "auto",
        description='"auto" (a GPU where there is one, else the CPU), "cpu" or "gpu". A live run'
        " takes the CPU.",
    )
    threads: int = Field(0, ge=0, le=1024, description="CPU threads, 0 to 1024; 0 for all cores.")
    memory_mib: int = Field(
        1024,
        ge=16,
        le=1_048_576,
        description="Working memory of one batch in MiB, 16 to 1048576; a larger batch is cut into"
        " pieces that fit.",
    )


class Kucoin(Section):
    """Where the exchange is. API keys are never written here: see docs/configuration.md."""

    spot_url: Url = Field(
        "https://api.kucoin.com",
        description="Where spot is asked over REST: http(s)://host; the sockets' addresses come"
        " from there.",
    )
    futures_url: Url = Field(
        "https://api-futures.kucoin.com", description="The same for futures: http(s)://host."
    )


class Feed(Section):
    """How the market's stream is read."""

    settle_ms: float = Field(
        1.0,
        ge=0,
        le=1000,
        description="How long a tick waits for one that should come before it, in ms, 0 to 1000.",
    )
    price_band: float = Field(
        0.2,
        ge=0,
        le=10,
        description="A price further from the last good one is refused unless the exchange's REST"
        " says the same: a fraction (0.2 is 20 %), 0 to 10; 0 refuses none.",
    )
    rotate_hours: float = Field(
        23.0,
        ge=0.01,
        le=23.5,
        description="How long a connection lives before a new one takes over, in hours, 0.01 to"
        " 23.5; the exchange ends it after 24.",
    )
    recording_mib: int = Field(
        4096,
        ge=16,
        le=1_048_576,
        description="How much disk a recording may take, in MiB, 16 to 1048576; the oldest part is"
        " deleted beyond it.",
    )


class Live(Section):
    """What `liveopt run` trades on paper: the market, the variants, their limits."""

    mode: Literal["paper", "live"] = Field(
        "paper",
        description='"paper": orders are simulated on the market\'s prices. "live" is refused: this'
        " release cannot place real orders.",
    )
    enabled: bool = Field(True, description="true or false; with false, `liveopt run` refuses.")
    symbols: tuple[Symbol, ...] = Field(
        ("XBTUSDTM",),
        min_length=1,
        max_length=32,
        description="What is traded, 1 to 32 symbols of one venue: futures (XBTUSDTM) or spot"
        " (BTC-USDT).",
    )
    feed: Place = Field(
        "kucoin",
        description='Where prices come from: "kucoin", "sim" (an exchange simulated on this'
        " machine; no network), the address of a running `liveopt sim`, or a recording.",
    )
    signal: Literal["1s", "5s", "15s", "1m", "3m", "5m", "15m", "30m", "1h", "4h", "1d"] = Field(
        "1m", description="The bar at whose close strategies are asked: 1s to 1d."
    )
    strategies: tuple[Word, ...] = Field(
        ("ma_crossover", "rsi_reversion", "bollinger_reversion", "donchian_breakout"),
        min_length=1,
        max_length=64,
        description="Whose variants are made, by name; `liveopt strategies` lists them. The"
        " variants are shared out evenly.",
    )
    generate: Literal["random", "grid", "conservative", "aggressive"] = Field(
        "random", description='How variants are made: "random", "grid", "conservative" or'
        ' "aggressive".'
    )  # fmt: skip
    variants: int = Field(
        1_000, ge=1, le=1_000_000, description="How many variants are wanted, 1 to 1000000."
    )
    variants_max: int = Field(
        10_000,
        ge=1,
        le=100_000,
        description="How many variants of a symbol run at once, 1 to 100000; where more are wanted"
        " they take turns.",
    )
    seed: int = Field(
        1,
        ge=0,
        lt=1 << 63,
        description="Seed of all draws, 0 or more; the same seed, the same run.",
    )
    champion: Word = Field(
        "ma_crossover", description="The strategy that the variants are measured against, by name."
    )
    champion_set: tuple[Fixed, ...] = Field(
        (),
        max_length=64,
        description='The champion\'s parameters where they are not the usual ones: texts such as'
        ' "fast=12".',
    )  # fmt: skip
    set: tuple[Fixed, ...] = Field(
        (),
        max_length=64,
        description='Parameters that every variant has alike: texts such as "stop=0.02".',
    )
    loss_limit: float = Field(
        0.05,
        gt=0,
        le=1,
        description="A variant that has lost this share of its capital is flattened and stopped: a"
        " fraction (0.05 is 5 %), above 0 to 1.",
    )
    drawdown_limit: float = Field(
        0.10,
        gt=0,
        le=1,
        description="The same for the fall from its highest equity: a fraction (0.1 is 10 %),"
        " above 0 to 1.",
    )
    rotate_bars: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="Signal bars after which waiting variants take their turn, 0 to 1000000; 0 for"
        " never.",
    )
    history_bars: int = Field(
        300,
        ge=0,
        le=20_000,
        description="Candles of the past that warm the strategies up at the start, in signal bars,"
        " 0 to 20000; 0 starts cold.",
    )
    auto_promote: bool = Field(
        False,
        description="true or false; with true, a variant that passes the gate becomes the champion"
        " by itself.",
    )
    slow: tuple[Place, ...] = Field(
        (),
        max_length=64,
        description="Files of strategies in plain Python that cannot be compiled; they run beside"
        " the others with a time budget, as trusted code.",
    )
    slow_budget_ms: int = Field(
        50,
        ge=1,
        le=10_000,
        description="Time budget of such a strategy, in ms a variant and bar, 1 to 10000.",
    )


class Gate(Section):
    """When a variant becomes champion: how sure one must be, and what it must have shown."""

    enabled: bool = Field(
        True,
        description="true or false; without the gate nobody is promoted but by hand, and a variant"
        " takes a third of the memory.",
    )
    evidence_bars: int = Field(
        10,
        ge=1,
        le=10_000,
        description="Signal bars that make one evidence bar, 1 to 10000: so many that one says"
        " nothing about the next.",
    )
    look_every: int = Field(
        5, ge=1, le=100, description="Evidence bars from one look to the next, 1 to 100."
    )
    season: int = Field(
        500,
        ge=20,
        le=512,
        description="Evidence bars over which the chance of one false promotion in twenty is spent,"
        " 20 to 512; a multiple of look_every.",
    )
    new_seasons: bool = Field(
        False,
        description="true or false; with true another season follows, in which there is once more a"
        " chance of one in twenty.",
    )
    worlds: int = Field(
        0,
        ge=0,
        le=9_999,
        description="Shadow worlds that the evidence is compared with, 99 to 9999; 0 takes 999, and"
        " 499 for more than 5000 variants.",
    )
    cooldown: int = Field(
        20,
        ge=0,
        le=500,
        description="Evidence bars after a change of champion without another one, 0 to 500.",
    )
    trades: int = Field(
        50, ge=1, le=100_000, description="Closed trades that a candidate has, 1 to 100000."
    )
    confidence: float = Field(
        0.95,
        ge=0,
        le=1,
        description="Share of resamples of its newest trades whose mean is a profit: a fraction"
        " (0.95 is 95 %), 0 to 1.",
    )
    sharpe: float = Field(
        0.0,
        ge=-100,
        le=100,
        description="The Sharpe ratio of its trades is above this, without a factor, -100 to 100.",
    )
    score: float = Field(
        0.0, ge=0, le=1, description="Least score, 0 to 1; 0 asks for none. The seed's was 0.7."
    )
    win_rate: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Least share of winning trades: a fraction (0.5 is 50 %), 0 to 1.",
    )
    roi: float = Field(
        -1.0,
        ge=-1,
        le=100,
        description="Least return on the capital: a fraction (0.05 is 5 %), -1 to 100; -1 asks for"
        " none.",
    )

    @model_validator(mode="after")
    def _whole_looks(self) -> "Gate":
        if self.season % self.look_every:
            raise ValueError(
                f"season={self.season} is no multiple of look_every={self.look_every}; the last"
                " look is at its end"
            )
        if 0 < self.worlds < WORLDS_LEAST:
            raise ValueError(f"worlds={self.worlds}: give 0, or {WORLDS_LEAST} to 9999")
        return self


class Reoptimize(Section):
    """How often it is searched for better variants beside a run, and how hard."""

    every: int = Field(
        240,
        ge=0,
        le=1_000_000,
        description="Signal bars from one search to the next, 0 to 1000000; 0 for only when a"
        " person asks or the regime changes.",
    )
    on_regime: bool = Field(
        True,
        description="true or false; with true a search begins also when trend or volatility change"
        " for long, after a quarter of `every` at the earliest.",
    )
    algorithm: Literal["random", "ga", "pso", "sa", "de", "aco", "hc", "bo"] = Field(
        "de", description='What searches: "de", "ga", "pso", "sa", "aco", "hc", "bo" or "random".'
    )
    evals: int = Field(
        2_000,
        ge=2,
        le=1_000_000,
        description="Evaluations of each strategy and symbol, 2 to 1000000: half of them around the"
        " living variants, half from scratch.",
    )
    bars: int = Field(
        5_000,
        ge=150,
        le=1_000_000,
        description="The newest signal bars of the run that are searched on, 150 to 1000000; the"
        " last third of them is the test.",
    )
    proposals: int = Field(
        8,
        ge=1,
        le=100,
        description="How many of what survives its test may join, 1 to 100 a symbol and search;"
        " each replaces the weakest.",
    )


class Journal(Section):
    """Where a live run writes down what happened, and for how long it is kept."""

    folder: Place = Field(
        "logs",
        description="The folder of runs, journals and the halt latch, relative to where liveopt is"
        " started.",
    )
    segment_mib: int = Field(
        64, ge=1, le=4096, description="Size of a journal's segment in MiB, 1 to 4096."
    )
    ballast_mib: int = Field(
        16,
        ge=0,
        le=4096,
        description="Disk kept in reserve, in MiB, 0 to 4096: given up on a full disk, so that the"
        " journals can end in order.",
    )
    snapshot_s: int = Field(
        60, ge=1, le=86_400, description="Seconds between two snapshots of the state, 1 to 86400."
    )
    snapshot_records: int = Field(
        50_000,
        ge=100,
        le=100_000_000,
        description="Records after which a snapshot is taken even so, 100 to 100000000.",
    )
    keep_days: int = Field(
        7,
        ge=0,
        le=3650,
        description="Days for which the inputs of older runs are kept, 0 to 3650; 0 for ever.",
    )


class Control(Section):
    """The door on this machine through which a run is stopped and asked."""

    port: int = Field(
        8788, ge=0, le=65_535, description="Its port on 127.0.0.1, 0 to 65535; 0 takes a free one."
    )
    answer_ms: int = Field(
        1_000,
        ge=10,
        le=60_000,
        description="How long an emergency stop waits for the engine's word before it answers"
        " without, in ms, 10 to 60000.",
    )
    heartbeat_s: float = Field(
        5.0,
        ge=0.1,
        le=600,
        description="An engine silent for so long is restarted, in seconds, 0.1 to 600.",
    )


class Settings(Section):
    """All settings, frozen; `liveopt.config.load` makes them."""

    account: Account = Account()
    costs: Costs = Costs()
    engine: Engine = Engine()
    kucoin: Kucoin = Kucoin()
    feed: Feed = Feed()
    live: Live = Live()
    gate: Gate = Gate()
    reoptimize: Reoptimize = Reoptimize()
    journal: Journal = Journal()
    control: Control = Control()
    web: Web = Web()
    portfolio: Portfolio = Portfolio()


SECTIONS: Final[dict[str, type[BaseModel]]] = {name: type(section) for name, section in Settings()}
