"""What a study is: all that its result depends on, and nothing else."""

import hashlib
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

import liveopt
from liveopt.core.bars import Bars

Parameter = float | str


class Span(msgspec.Struct, frozen=True):
    """A range to be searched; a step of 0 is none."""

    low: float
    high: float
    step: float = 0.0


class Trading(msgspec.Struct, frozen=True):
    """The market and its costs, as they were resolved from options and settings."""

    market: Literal["spot", "perpetual"]
    sides: Literal["long", "short", "both"]
    sizing: Literal["fraction", "kelly", "volatility"]
    market_targets: bool
    taker_fee: float
    maker_fee: float
    slippage: float
    tick: float
    lot: float
    capital: float
    funding: float | None
    maintenance: float | None
    liquidation_fee: float | None


class Data(msgspec.Struct, frozen=True):
    """Which candles."""

    file: str
    first: str | None
    last: str | None
    signal: str | None
    hash: str


class Plan(msgspec.Struct, frozen=True):
    """One study. Equal plans of one version of the program have equal results."""

    strategy: str
    data: Data
    trading: Trading
    fixed: dict[str, Parameter]
    ranges: dict[str, Span | list[str]]
    algorithm: str
    terms: dict[str, int | float]
    evals: int
    objectives: list[str]
    constraints: list[str]
    folds: int
    kind: Literal["anchored", "rolling"]
    embargo: int
    seed: int
    timeout_s: float
    trials_before: int
    code: str
    deviation_before: float = 0.0
    """Of those trials' annual Sharpe ratios; 0 where it is not known."""
    around: list[dict[str, Parameter]] = []
    """Parameters that each fold begins with, as many as a first generation has room for."""
    around_file: str = ""

    @property
    def key(self) -> str:
        """Equal for equal studies; trials counted before are no part of it."""
        plain = msgspec.structs.replace(self, trials_before=0, deviation_before=0.0, around_file="")
        return hashlib.sha256(msgspec.json.encode(plain, order="deterministic")).hexdigest()[:16]

    def budget(self, fold: int) -> int:
        """Evaluations of one fold: an even share, the first ones with the rest."""
        return self.evals // self.folds + (fold < self.evals % self.folds)

    def fold_seed(self, fold: int) -> int:
        """The seed of one fold's search."""
        return int(np.random.SeedSequence([self.seed, fold]).generate_state(1, np.uint64)[0])


def encode(plan: Plan) -> str:
    """A plan as JSON."""
    return msgspec.json.encode(plan, order="deterministic").decode()


def decode(text: str) -> Plan:
    """A plan from JSON."""
    return msgspec.json.decode(text, type=Plan)


def hash_of(bars: Bars) -> str:
    """What the candles are, whatever file they come from."""
    found = hashlib.sha256(np.ascontiguousarray(bars.at_ns).tobytes())
    for column in bars.floats():
        found.update(np.ascontiguousarray(column).tobytes())
    return found.hexdigest()[:16]


def code_version() -> str:
    """The program's version, and a hash of its text: an edited strategy is another program."""
    found = hashlib.sha256()
    root = Path(liveopt.__file__).parent
    for folder in ("core", "engine", "strategies", "search", "optimize", "stats"):
        for file in sorted((root / folder).rglob("*.py")):
            found.update(file.relative_to(root).as_posix().encode() + file.read_bytes())
    return f"{liveopt.__version__}+{found.hexdigest()[:12]}"
