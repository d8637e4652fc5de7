"""It is proved, not guessed, that the number of bars seen no longer matters."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from liveopt.core.account import Rule
from liveopt.core.indicators import ema, since, wilder
from liveopt.core.market import ATR_MOVES
from liveopt.core.strategy import Choice, Knob, Strategy
from liveopt.engine.ageless import COUNT, ageless
from liveopt.engine.batch import Setup, program_of
from liveopt.strategies import load
from tests.contracts.oracle import choices_of, draw_knobs

Array = npt.NDArray[np.float64]
RULE = Rule("perpetual", "both")
COMBINATIONS = [
    pytest.param(strategy, choices, id=" ".join([name, *choices.values()]))
    for name, strategy in load().items()
    for choices in choices_of(strategy)
]


@dataclass(slots=True)
class Memory:
    target: float = 0.0
    mean: float = 0.0
    bars: float = 0.0


def step(bar: Any, k: Any, x: Any, m: Any) -> float:  # noqa: C901  so many ways
    """One use of the number of bars for each way."""
    up = bar.close - m.mean
    if k.way == "mean":
        m.mean = ema(m.mean, bar.close, bar.inv_n, 1.0 / k.window, 2.0 / (k.window + 1.0))
    elif k.way == "late":
        m.mean = wilder(m.mean, bar.close, since(bar.n, k.window), 1.0 / k.window)
    elif k.way == "atr":
        up = up - bar.atr
    elif k.way == "early":
        up = up if (bar.n > k.window) | (bar.n == 3.0) else 0.0
    elif k.way == "once":
        m.bars = 1.0 if -bar.n == -k.window else m.bars
        up = up * m.bars
    elif k.way == "branch":
        if bar.n * bar.n >= k.window * k.window:
            m.bars = 7.0
        else:
            m.bars = m.bars + bar.close
        up = up * m.bars
    elif k.way == "always":
        m.mean = m.mean + bar.inv_n * (bar.close - m.mean)
    elif k.way == "counts":
        m.bars = bar.n
        up = up - m.bars
    else:
        m.mean = up if bar.close > bar.n else m.mean
    return 1.0 if up > 0.0 else -1.0


WAYS = ("mean", "late", "atr", "early", "once", "branch", "always", "counts", "price")
AGER = Strategy(
    "",
    step,
    Memory,
    {"window": Knob(1.0, 1e6, 5.0, "")},
    warmup=lambda k: k["window"],
    choices={"way": Choice(WAYS, "mean", "")},
    name="ager",
)


def asked(way: str, windows: list[float], seen: list[float]) -> tuple[list[bool], set[str]]:
    program = program_of(Setup(AGER, RULE, choices={"way": way}))
    column = np.array(windows)
    good, aged = ageless(program, {"k_window": column, "k_warmup": column}, np.array(seen))
    return good.tolist(), aged


@pytest.mark.parametrize(
    ("way", "least"),
    [("mean", 10), ("late", 19), ("atr", 14), ("early", 10), ("once", 10), ("branch", 9)],
)
def test_a_variant_is_ageless_from_the_bar_on_at_which_every_answer_is_settled(
    way: str, least: int
) -> None:
    """With a window of 10: the next bar is one more than has been seen."""
    seen = [float(n) for n in range(40)]
    good, _ = asked(way, [10.0] * 40, seen)
    assert good == [n >= least for n in range(40)]


@pytest.mark.parametrize("way", ["always", "counts", "price"])
def test_who_always_uses_the_number_of_bars_never_is(way: str) -> None:
    assert asked(way, [3.0] * 3, [5.0, 1e6, 1e12])[0] == [False] * 3


def test_each_variant_is_judged_by_its_own_parameters_and_age() -> None:
    good, aged = asked("mean", [5.0, 50.0, 50.0, np.inf, np.nan], [20.0, 20.0, 60.0, 1e9, 1e9])
    assert good == [True, False, True, False, False]
    assert COUNT in aged


def test_the_true_range_depends_on_the_number_only_while_its_mean_fills_up() -> None:
    young, old = ATR_MOVES - 1.0, ATR_MOVES
    assert asked("atr", [2.0], [young])[0] == [False]
    good, aged = asked("atr", [2.0, 2.0], [young, old])
    assert good == [False, True]
    assert "bar_atr" not in aged  # for whom it is settled


@pytest.mark.parametrize(("strategy", "choices"), COMBINATIONS)
def test_every_strategy_of_the_folder_is_ageless_soon_after_its_warmup(
    strategy: Strategy, choices: dict[str, str]
) -> None:
    knobs = draw_knobs(strategy, np.random.default_rng(5), 100)
    full = knobs | {n: np.asarray(v) for n, v in strategy.derive(knobs).items()}
    warm = np.asarray(strategy.warmup(full), np.float64)
    program = program_of(Setup(strategy, RULE, choices=choices))
    params = {f"k_{n}": v for n, v in (full | {"warmup": warm}).items()}
    good, aged = ageless(program, params, warm + 1.0)
    assert good.all()
    assert not ageless(program, params, warm - 2.0)[0].any()
    assert aged <= {"bar_n", "bar_inv_n", "bar_inv_moves"}
