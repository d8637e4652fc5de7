"""A mind says, bar for bar, what the engine's own reference says of the same variant."""

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pytest

from liveopt.core.account import Rule
from liveopt.core.bars import MINUTE_NS, Bars
from liveopt.core.events import Bar
from liveopt.core.instrument import Instrument
from liveopt.core.strategy import Knob, Lag, Strategy
from liveopt.engine.batch import Setup, open_batch
from liveopt.engine.reference import Lone
from liveopt.engine.rolling import RESUM_BARS as ENGINE_RESUM_BARS
from liveopt.engine.rows import rows_of
from liveopt.slow.mind import RESUM_BARS, Mind, NoTarget, Sides
from liveopt.strategies import load

COUNT = 600


def market(seed: int) -> list[Bar]:
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, COUNT)))
    opening = np.concatenate([[100.0], close[:-1]])
    high = np.maximum(opening, close) * (1.0 + rng.random(COUNT) * 0.005)
    low = np.minimum(opening, close) * (1.0 - rng.random(COUNT) * 0.005)
    volume = rng.random(COUNT) * 50.0
    columns = zip(opening, high, low, close, volume, strict=True)
    return [Bar(i * MINUTE_NS, *map(float, row)) for i, row in enumerate(columns)]


CASES = [
    (strategy, dict(zip(strategy.choices, words, strict=True)), sides)
    for strategy in load().values()
    for words in product(*(choice.options for choice in strategy.choices.values()))
    for sides in ("both", "long")
]


@pytest.mark.parametrize(
    ("strategy", "words", "sides"),
    CASES,
    ids=[f"{s.name}-{'-'.join(w.values())}-{sides}" for s, w, sides in CASES],
)
def test_the_same_bars_give_the_same_targets_as_in_the_engine(
    strategy: Strategy, words: dict[str, str], sides: Sides
) -> None:
    bars = market(1)
    rows = rows_of(Bars.of(bars), MINUTE_NS, MINUTE_NS)
    knobs = {name: np.array([float(knob.default)]) for name, knob in strategy.knobs.items()}
    setup = Setup(strategy, Rule("perpetual", sides), Instrument(), choices=words)
    alone = Lone(open_batch(setup, knobs), 0)
    parameters = {n: float(k.default) for n, k in strategy.knobs.items()} | words
    mind = Mind(strategy, parameters, sides)
    for i, bar in enumerate(bars):
        alone.advance(rows.part(i, i + 1))
        assert mind.signal(bar) == alone.m.target
    assert mind.m == alone.m
    assert mind.market == alone.market


def test_sums_are_added_up_anew_as_often_as_in_the_engine() -> None:
    assert RESUM_BARS == ENGINE_RESUM_BARS < COUNT


def test_short_only_never_buys() -> None:
    strategy = load()["macd"]
    parameters = {name: float(knob.default) for name, knob in strategy.knobs.items()}
    both, short = Mind(strategy, parameters, "both"), Mind(strategy, parameters, "short")
    said = [(both.signal(bar), short.signal(bar)) for bar in market(2)]
    assert {one for one, _ in said} == {-1, 0, 1}
    assert {other for _, other in said} == {-1, 0}


@dataclass
class Memory:
    target: float = 0.0


def saying(word: Any) -> Mind:
    strategy = Strategy(
        text="Always the same word.",
        step=lambda _bar, _k, _x, _m: word,
        memory=Memory,
        knobs={"window": Knob(1, 10, 3, "bars", whole=True)},
        inputs={"left": Lag("close", "window")},
        warmup=lambda k: 0.0 * k["window"],
    )
    return Mind(strategy, {"window": 3.0}, "both")


@pytest.mark.parametrize("word", [1, 1.0, True, np.float64(1.0), np.float32(1.0)])
def test_a_one_of_any_kind_is_a_target(word: Any) -> None:
    mind = saying(word)
    assert mind.signal(market(1)[0]) == 1
    assert mind.m.target == 1.0


@pytest.mark.parametrize(
    "word",
    [float("nan"), float("inf"), 0.5, 7, -1.0000001, 5e-324, None, "1", [1.0], 1j, 10**400],
)
def test_what_is_no_target_is_refused_and_leaves_the_last_one(word: Any) -> None:
    mind = saying(word)
    with pytest.raises((NoTarget, OverflowError)):
        mind.signal(market(1)[0])
    assert mind.m.target == 0.0
