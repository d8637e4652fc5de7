"""A market on which it is known who is better, so that somebody is promoted and goes again."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from liveopt.core.bars import SECOND_NS
from liveopt.core.events import Tick
from liveopt.promotion.terms import GateTerms
from liveopt.walk.events import Add, Begin, Begun, Input, Listed
from liveopt.walk.variant import Variant
from tests.run import INSTRUMENT, START_NS, SYMBOL, TERMS, variant

GATE = GateTerms(
    seed=11, bars=2, look_every=2, worlds=99, trades_min=5, confidence_min=0.8, cooldown=4,
    bars_min=10, auto=True, prior=0.3,
)  # fmt: skip
"""Much evidence in little time; the levels are those of the product."""
TICKS_A_BAR = 4
Named = dict[str, Any]
QUICK: Named = {
    "fast": 2.0,
    "slow": 5.0,
    "fraction": 0.2,
    "leverage": 3.0,
    "stop": 0.5,
    "take": 2.0,
}
SLOW: Named = {
    "fast": 30.0,
    "slow": 60.0,
    "fraction": 0.2,
    "leverage": 3.0,
    "stop": 0.5,
    "take": 2.0,
}
"""Turns when the market has turned again."""
CHAMPION = variant("main", **SLOW)
RIVALS = (
    variant("quick", **QUICK),
    variant("late", **(SLOW | {"fast": 25.0, "slow": 55.0})),
    variant("bold", **(SLOW | {"fraction": 0.4})),
)


def waves(bars: int, half: int = 30, seed: int = 3, first: int = 0) -> list[Tick]:
    """Up for so many bars, then down: whoever turns early earns. `half` 2 ruins the quick ones."""
    rng = np.random.default_rng(seed)
    found = []
    price = 30_000.0
    for n in range(bars * TICKS_A_BAR):
        way = 1.0 if (n // TICKS_A_BAR) // half % 2 == 0 else -1.0
        price *= 1.0 + way * 0.0004 + 0.0002 * float(rng.standard_normal())
        at_ns = START_NS + (first * TICKS_A_BAR + n) * (60 // TICKS_A_BAR) * SECOND_NS
        number = first * TICKS_A_BAR + n + 1
        found.append(Tick(at_ns, round(price, 1), 1.0, SYMBOL, number, 1))
    return found


def opening(
    gate: GateTerms | None = GATE, rivals: Sequence[Variant] = RIVALS, **terms: Any
) -> list[Input]:
    """The events before the first tick."""
    changed = msgspec.structs.replace(TERMS, gate=gate, loss_limit=1.0, drawdown_limit=1.0, **terms)
    listed = (Listed(SYMBOL, INSTRUMENT, CHAMPION),)
    return [
        Begin(START_NS, "20231114-221400", changed, listed),
        Add(START_NS, tuple(rivals), "start"),
        Begun(START_NS),
    ]


def turned(good: int, bad: int) -> list[Tick]:
    """Waves that suit the quick ones, then a market that ruins them."""
    return [*waves(good), *waves(bad, half=2, seed=4, first=good)]
