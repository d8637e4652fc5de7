"""Small runs for tests: variants that trade a lot, a market that moves, and the real shell."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from liveopt.core.bars import MINUTE_NS, SECOND_NS, Bars
from liveopt.core.events import Bar, Candle, Tick
from liveopt.core.instrument import Instrument
from liveopt.core.strategy import Strategy
from liveopt.guard.gate import Gate
from liveopt.guard.latch import Change, Latch
from liveopt.journal import snapshots
from liveopt.journal.appender import Ground, Limits
from liveopt.journal.disk import DISK, Disk
from liveopt.journal.places import Position
from liveopt.journal.reader import Record, records
from liveopt.journal.writer import Writer
from liveopt.live.board import Board
from liveopt.live.pump import INPUTS, Pump
from liveopt.live.recover import JOURNALS, Recovered, recover_run
from liveopt.promotion.terms import GateTerms
from liveopt.strategies import load
from liveopt.walk.events import Add, Begin, Begun, Input, Listed, Terms
from liveopt.walk.image import image
from liveopt.walk.lines import written
from liveopt.walk.records import Out
from liveopt.walk.state import State
from liveopt.walk.variant import Variant
from liveopt.walk.walk import walk

SYMBOL = "XBTUSDTM"
START_NS = 1_700_000_040_000_000_000
"""A whole minute."""
INSTRUMENT = Instrument("perpetual", tick=0.1, lot=0.001)
GATE = GateTerms(seed=7, bars=3, look_every=2, worlds=99)
TERMS = Terms(10_000.0, 0.05, 0.10, MINUTE_NS, variants_max=1_000, history_bars=50, gate=GATE)
NAMES = ("ma_crossover", "donchian_breakout")
LIMITS = Limits(ballast_bytes=0, still_s=0.05)


@cache
def strategies() -> Mapping[str, Strategy]:
    """Those that come with liveopt."""
    return load()


def variant(name: str, strategy: str = "ma_crossover", **changed: float) -> Variant:
    """One that trades often; all that are made here share a step with those of their strategy."""
    own = strategies()[strategy]
    knobs = {"fast": 2.0, "slow": 5.0} if strategy == "ma_crossover" else {}
    parameters: dict[str, float | str] = {n: float(k.default) for n, k in own.knobs.items()}
    parameters |= {n: choice.default for n, choice in own.choices.items()}
    parameters |= {"fraction": 0.3, "leverage": 10.0, "stop": 0.1, "take": 0.1}
    parameters |= knobs | changed
    return Variant(name, strategy, SYMBOL, parameters)


def variants(count: int, seed: int = 1, reckless: float = 0.2) -> list[Variant]:
    """Drawn ones, of two strategies; so many of them will sooner or later breach a limit."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        name = NAMES[number % len(NAMES)]
        bold = rng.random() < reckless
        risk = {
            "fraction": float(rng.uniform(0.6, 1.0) if bold else rng.uniform(0.01, 0.1)),
            "leverage": float(rng.integers(15, 30) if bold else rng.integers(1, 8)),
            "stop": float(rng.uniform(0.02, 0.3)),
            "take": float(rng.uniform(0.02, 0.3)),
        }
        fast = float(rng.integers(2, 6))
        if name == "ma_crossover":
            knobs = {"fast": fast, "slow": fast + float(rng.integers(1, 10))}
        else:
            knobs = {"entry": fast + 2.0, "exit": fast}
        found.append(variant(f"v{number:03d}", name, **knobs, **risk))
    return found


CHAMPION = variant("main", fraction=0.1, leverage=5.0)


def ticks(count: int, seed: int = 1, step_s: float = 7.0, first: int = 0) -> list[Tick]:
    """A market in which something happens every minute; `first` ticks of it are left out."""
    rng = np.random.default_rng([seed, 7])
    moves = rng.standard_normal(count) * 0.0015
    price = np.round(30_000.0 * np.exp(np.cumsum(moves)), 1)
    size = np.round(rng.exponential(1.0, count), 3)
    side = rng.choice([-1, 1], count)
    step_ns = int(step_s * SECOND_NS)
    return [
        Tick(
            START_NS + number * step_ns, float(price[number]), float(size[number]), SYMBOL,
            number + 1, int(side[number]),
        )
        for number in range(first, count)
    ]  # fmt: skip


def candles(bars: Bars, interval_ns: int) -> list[Candle]:
    """A table of candles, as it is played."""
    rows = zip(bars.at_ns.tolist(), *(column.tolist() for column in bars.floats()), strict=True)
    return [Candle(SYMBOL, interval_ns, Bar(*row)) for row in rows]


def begin(terms: Terms = TERMS, instrument: Instrument = INSTRUMENT) -> Begin:
    """The first event."""
    return Begin(START_NS, "20231114-221400", terms, (Listed(SYMBOL, instrument, CHAMPION),))


def opening(chosen: Sequence[Variant], terms: Terms = TERMS) -> list[Input]:
    """The events before the first tick."""
    adds = [Add(START_NS, tuple(chosen[n : n + 64]), "start") for n in range(0, len(chosen), 64)]
    return [begin(terms), *adds, Begun(START_NS)]


@dataclass
class Folded:
    """What a fold came to: outs of each event, and the state."""

    state: State = field(default_factory=lambda: State(strategies()))
    outs: list[Out] = field(default_factory=list)

    def take(self, events: Iterable[Input]) -> "Folded":
        """Go on with these."""
        for event in events:
            self.outs += walk(self.state, event)
        return self

    def of(self, kind: type) -> list[object]:
        """Records of one kind."""
        return [record for _, record in self.outs if isinstance(record, kind)]

    def by_variant(self) -> dict[str, list[bytes]]:
        """What the journals say of each, in order, as bytes."""
        found: dict[str, list[bytes]] = {}
        for journal, record in self.outs:
            name = getattr(record, "variant", None)
            if name is not None:
                found.setdefault(name, []).append(journal.encode() + b" " + written(record))
        return found


def folded(events: Iterable[Input]) -> Folded:
    """A run without a shell."""
    return Folded().take(events)


class Live:
    """A run with its shell in a folder: writer, gate, latch and pump, without a feed."""

    def __init__(self, state: Path, limits: Limits = LIMITS, disk: Disk = DISK) -> None:
        """Recover what is there, or begin."""
        self.home, self.folder = state, state / "run"
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (state / "gate").exists():
            Gate.create(state / "gate").close()
        self.gate = Gate.open(state / "gate")
        self.latch = Latch(state / "latch")
        self.recovered: Recovered = recover_run(self.folder, strategies())
        self.state = self.recovered.state
        self.trouble: list[str] = []
        ground = Ground(self.folder, {"run": "test"}, lambda: START_NS, limits, disk)
        self.writer = Writer(
            ground, self.recovered.journals, lambda kind, _: self.trouble.append(kind)
        )
        self.pump = Pump(self.state, self.writer, self.gate, self.latch, Board())
        for journal, content in self.recovered.missing:
            self.writer.append(journal, content)

    def take(self, events: Iterable[Input]) -> list[Out]:
        """Through the pump."""
        outs: list[Out] = []
        for event in events:
            outs += self.pump.take(event)
        return outs

    def snapshot(self) -> None:
        """Put the state down."""
        folder, packed = self.folder, image(self.state)

        def save(positions: dict[str, Position]) -> None:
            snapshots.save(folder, positions, packed)

        self.writer.mark(save)

    def stop(self, mode: int) -> None:
        """As the guard does it: the gate first, then the latch."""
        self.gate.shut(mode)
        words = {1: "halt", 2: "halt_and_flatten"}
        self.latch.set(Change("a test", "tester", 1, words[mode]))  # type: ignore[arg-type]

    def resume(self) -> None:
        """As the guard does it: the latch first, then the gate."""
        self.latch.clear(Change("all is well", "tester", 2))
        self.gate.open_again()

    def close(self) -> None:
        """In order; all is on the disk."""
        self.writer.close()
        self.latch.close()
        self.gate.close()

    def crash(self) -> None:
        """Close, and what the journals lose is for the test to say."""
        self.close()


def run_of(folder: Path, events: Iterable[Input]) -> Path:
    """A finished run's folder."""
    live = Live(folder)
    live.take(events)
    live.close()
    return live.folder


def contents(folder: Path) -> dict[str, list[bytes]]:
    """All that was appended to each journal."""
    return {name: [record.content for record in records(folder, name)] for name in JOURNALS}


def appended(folder: Path, name: str = INPUTS) -> list[Record]:
    """The records of a journal."""
    return list(records(folder, name))
