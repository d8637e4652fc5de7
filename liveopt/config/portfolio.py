"""What may be set of the strategy-portfolio optimizer."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from liveopt.config.section import Section

SIZE_LEAST, SIZE_MOST = 10, 100
Algorithm = Literal["ga", "pso", "sa", "de", "aco", "hc", "bo", "random"]
ALGORITHMS: tuple[Algorithm, ...] = ("ga", "pso", "sa", "de", "aco", "hc", "bo", "random")
Term = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+\.[a-z_]+=[^\s=]+$", max_length=100)]
"""A term of an algorithm."""
Wanted = Annotated[str, StringConstraints(pattern=r"^[^=]+=\d{1,3}$", max_length=200)]
"""How many members of a group."""
Window = Annotated[
    str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$")
]
Clock = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")]


class Portfolio(Section):
    """How portfolios of strategies are searched, and by what they are judged."""

    size: int = Field(
        35,
        ge=SIZE_LEAST,
        le=SIZE_MOST,
        description="Strategies of a portfolio, 10 to 100; the smallest where several sizes are"
        " tried.",
    )
    size_to: int = Field(
        0,
        ge=0,
        le=SIZE_MOST,
        description="The largest size that is tried, up to 100; 0 tries `size` alone.",
    )
    size_step: int = Field(5, ge=1, le=90, description="From one size to the next, 1 to 90.")
    mode: Literal["full", "zones"] = Field(
        "full",
        description='"full": one portfolio of all sessions; "zones": one for each zone, and the'
        " combination.",
    )
    metric: Literal[
        "ratio", "roi", "drawdown", "win_rate", "profit_factor", "expectancy"
    ] = Field(
        "ratio",
        description='What the legacy fitness begins with: "ratio" (return over the largest fall),'
        ' "roi", "drawdown" (less of it), "win_rate", "profit_factor", "expectancy".',
    )  # fmt: skip
    fitness: Literal["legacy", "enhanced", "hybrid"] = Field(
        "legacy",
        description='"legacy": the metric less the penalty; "enhanced": Kelly, Sharpe, value at'
        ' risk; "hybrid": 0.3 of the one and 0.7 of the other.',
    )
    penalty: Literal["subtractive", "multiplicative"] = Field(
        "subtractive",
        description='How the mean correlation of the members is held against them: "subtractive"'
        ' (base - weight * correlation) or "multiplicative" (base * (1 - weight * correlation)).',
    )
    penalty_weight: float = Field(
        10.0,
        ge=0,
        le=1000,
        description="Weight of that penalty, 0 to 1000; 10 is usual, and 0.1 for the"
        " multiplicative one (at most 1).",
    )
    drawdown_threshold: float = Field(
        0.0,
        ge=0,
        description="With the metrics ratio and drawdown, the fitness of a portfolio whose largest"
        " fall is below this counts half, as in the legacy; money, 0 for never.",
    )
    correlation: Literal["pearson", "spearman"] = Field(
        "pearson", description='Correlations of profits ("pearson") or of ranks ("spearman").'
    )
    correlation_threshold: float = Field(
        0.7,
        ge=0,
        le=1,
        description="Pairs correlated by at least this, up or down, are counted: 0 to 1.",
    )
    ulta: Literal["legacy", "gated", "off"] = Field(
        "legacy",
        description='Which losing strategies are turned round: "legacy" (all that lose in sum),'
        ' "gated" (those that lose on enough sessions too), "off".',
    )
    ulta_roi_below: float = Field(
        0.0, le=0, description="Gated: only who loses more than this; money, 0 or below."
    )
    ulta_negative_sessions: int = Field(
        10, ge=0, le=100_000, description="Gated: only with so many losing sessions, 0 to 100000."
    )
    ulta_negative_share: float = Field(
        0.6, ge=0, le=1, description="Gated: only with such a share of losing sessions, 0 to 1."
    )
    capital: float = Field(
        0.0,
        ge=0,
        le=1e15,
        description="Capital that profits are returns of, where the file has no such column;"
        " money. 0: nobody knows; returns are of 100000, and no risk-free one is held against"
        " them.",
    )
    days_per_year: float = Field(
        252.0,
        gt=0,
        le=1e6,
        description="Trading days of a year, for yearly figures: above 0. Several sessions a day"
        " are that many more periods.",
    )
    risk_free: float = Field(
        0.02,
        ge=-1,
        le=1,
        description="Return of a year without risk, for Sharpe and Sortino: a fraction; 0 for the"
        " legacy's reports.",
    )
    regime_confidence: float = Field(
        0.7,
        ge=0,
        le=1,
        description="Sessions whose regime is less certain are left out, where the file says it:"
        " a fraction, 0 to 1; 0 leaves out none.",
    )
    regime_transition: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Sessions whose transition threshold is above this count half: 0 to 1.",
    )
    zone_method: Literal["column", "equal", "freeform", "custom"] = Field(
        "column",
        description='What a zone is: "column" (the file\'s zones), or parts of the day by the start'
        ' time: "equal", "freeform" (boundaries), "custom" (windows).',
    )
    zone_windows: tuple[Window, ...] = Field(
        ("09:15-15:30",),
        description='Market hours that "equal" cuts, or the windows of "custom": HH:MM-HH:MM, the'
        " end not included.",
    )
    zone_count: int = Field(4, ge=1, le=96, description='Parts of "equal", 1 to 96.')
    zone_bounds: tuple[Clock, ...] = Field(
        (), description='Boundaries of "freeform", two or more, in order: HH:MM.'
    )
    zone_combine: Literal["weighted", "best", "equal"] = Field(
        "weighted",
        description='Portfolios of zones together: "weighted" by the weights below, the "best" one'
        ' alone, or "equal".',
    )
    zone_weights: tuple[float, ...] = Field(
        (), description="Weights of the zones in their order, made to add up to 1; none: equal."
    )
    balance_penalty: float = Field(
        0.0,
        ge=0,
        le=1e9,
        description="Held against a portfolio for each member that its groups (files) have too"
        " many or too few: 0 for no balance.",
    )
    balance: tuple[Wanted, ...] = Field(
        (), description='Members wanted of each group, ["file=20", ...]; none: as many of each.'
    )
    algorithms: tuple[Algorithm, ...] = Field(
        ALGORITHMS, min_length=1, description="Which algorithms search, each on its own."
    )
    evaluations: int = Field(
        50_000,
        ge=50,
        le=100_000_000,
        description="Portfolios that each algorithm may try for a size, 50 to 100000000; bo, which"
        " thinks long, a 250th.",
    )
    terms: tuple[Term, ...] = Field(
        (), description='Terms of algorithms other than the usual: ["ga.population=50", ...].'
    )
    time_limit_s: float = Field(
        60.0,
        gt=0,
        le=86_400,
        description="Seconds that one algorithm has for a size; what it has found by then counts."
        " Above 0, up to 86400.",
    )
    holdout: float = Field(
        0.0,
        ge=0,
        le=0.9,
        description="Share of the days, the last ones, that the search does not see and the best is"
        " tried on: a fraction, 0 to 0.9, with mode full; 0 holds none back.",
    )
    workers: int = Field(
        0, ge=0, le=256, description="Algorithms at a time, 0 to 256; 0 for one on each core."
    )
    seed: int = Field(42, ge=0, description="Where all luck comes from: the same, the same result.")
    share: str = Field(
        "",
        max_length=4096,
        description="The folder of jobs that the dashboard shows, as `liveopt portfolio worker DIR`"
        ' watches it, relative to where liveopt is started; "" shows none.',
    )

    @model_validator(mode="after")
    def _fits(self) -> "Portfolio":
        if self.penalty == "multiplicative" and self.penalty_weight > 1.0:
            raise ValueError(
                "penalty_weight is at most 1 with the multiplicative penalty; 0.1 is usual"
            )
        if self.size_to and self.size_to < self.size:
            raise ValueError("size_to is at least size, or 0")
        if self.holdout and self.mode == "zones":
            raise ValueError("holdout is for mode full")
        bounds = list(self.zone_bounds)
        if self.zone_method == "freeform" and (len(bounds) < 2 or bounds != sorted({*bounds})):
            raise ValueError("zone_bounds are two or more times in rising order for freeform")
        if self.zone_weights and not sum(self.zone_weights) > 0.0 <= min(self.zone_weights):
            raise ValueError("zone_weights are 0 or more, and one of them is more")
        return self

    def sizes(self) -> tuple[int, ...]:
        """What is tried, the smallest first; the largest always."""
        if not self.size_to:
            return (self.size,)
        found = [*range(self.size, self.size_to + 1, self.size_step)]
        return tuple(found if found[-1] == self.size_to else [*found, self.size_to])
