"""Draws a market for one strategy and what it says of it: `+` long, `-` short, `.` flat."""

from collections.abc import Iterable, Sequence

import numpy as np

from liveopt.core.account import Rule
from liveopt.core.bars import MINUTE_NS
from liveopt.core.events import Bar
from liveopt.engine.batch import Setup, open_batch
from liveopt.engine.reference import Lone
from liveopt.engine.rows import signal_row
from liveopt.strategies import load

SIDES = {1.0: "+", -1.0: "-", 0.0: "."}


def alone(name: str, choice: dict[str, str] | None = None, **knobs: float) -> Lone:
    """One variant of a strategy, free to take both sides; what is not given is at its default."""
    strategy = load()[name]
    usual = {word: knob.default for word, knob in strategy.knobs.items()}
    columns = {word: np.array([value]) for word, value in (usual | knobs).items()}
    words = {word: each.default for word, each in strategy.choices.items()} | (choice or {})
    setup = Setup(strategy, Rule("perpetual", "both"), choices=words)
    return Lone(open_batch(setup, columns), 0)


def minutes(
    closes: Sequence[float], volumes: Sequence[float] | None = None, start_ns: int = 0
) -> list[Bar]:
    """Bars that open at the last close and reach no further than their own open and close."""
    before = [closes[0], *closes]
    sizes = volumes or [1.0] * len(closes)
    return [
        Bar(start_ns + i * MINUTE_NS, o, max(o, c), min(o, c), c, size)
        for i, (o, c, size) in enumerate(zip(before, closes, sizes, strict=False))
    ]


def ranges(*lows_and_highs: tuple[float, float]) -> list[Bar]:
    """Bars from low to high that open and close in their middle."""
    return [
        Bar(i * MINUTE_NS, (low + high) / 2.0, high, low, (low + high) / 2.0, 1.0)
        for i, (low, high) in enumerate(lows_and_highs)
    ]


def said(lone: Lone, bars: Iterable[Bar]) -> str:
    """The side after each bar."""
    out = []
    for bar in bars:
        lone.advance(signal_row(bar))
        out.append(SIDES[lone.m.target])
    return "".join(out)
