"""Live bars one by one: what is refused, what is noted, who is warmed and barred."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from liveopt.core.account import ASTRAY, FREE, NO_ENTRIES, OUT, REASONS, Rule
from liveopt.core.bars import MINUTE_NS, BadBar, Bars
from liveopt.core.events import Bar
from liveopt.core.instrument import Instrument
from liveopt.core.strategy import Knob, Strategy
from liveopt.engine.batch import Setup, open_batch
from liveopt.engine.stepper import ENTRY_NAMES, LOG_LEAST, NAMES, Stepper


@dataclass(slots=True)
class Memory:
    target: float = 0.0


def step(bar: Any, k: Any, x: Any, m: Memory) -> float:
    """Long, then short, then long: whatever the market does."""
    return -1.0 if m.target > 0.0 else 1.0


TURNING = Strategy(
    "",
    step,
    Memory,
    {"place": Knob(0.0, 1e9, 0.0, "")},
    warmup=lambda k: np.ones_like(k["place"]),
    name="turning",
)
RULE = Rule("perpetual", "both", stop=True, funding=True, steered=True)
SETUP = Setup(
    TURNING,
    RULE,
    Instrument("perpetual", taker_fee=0.001, slippage=0.0),
    capital=1_000.0,
    log_trades=LOG_LEAST,
)


def stepper(size: int = 1, setup: Setup = SETUP, fraction: float = 0.01) -> Stepper:
    risk = {"stop": np.full(size, 0.05), "fraction": np.full(size, fraction)}
    return Stepper(open_batch(setup, {"place": np.arange(float(size))}, risk))


def closed(price: float, minute: int = 0) -> Bar:
    return Bar(minute * MINUTE_NS, price, price, price, price, 1.0)


# bars -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "why"),
    [
        ((np.nan, 100.0, 100.0, 100.0), "open is nan, not a positive finite price"),
        ((100.0, np.inf, 100.0, 100.0), "high is inf, not a positive"),
        ((100.0, 100.0, 0.0, 100.0), "low is 0.0, not a positive"),
        ((100.0, 100.0, 100.0, np.nan), "close is nan, not a positive"),
        ((100.0, 99.0, 98.0, 98.0), "high is 99.0, below the open or the close"),
        ((100.0, 101.0, 99.0, 98.0), "low is 99.0, above the open or the close"),
        ((100.0, 101.0, 99.0, 102.0), "high is 101.0, below the open or the close"),
    ],
)
def test_a_bar_that_came_from_no_market_is_refused_and_changes_nothing(
    numbers: tuple[float, float, float, float], why: str
) -> None:
    live = stepper()
    before = live.batch.blocks.copy()
    with pytest.raises(BadBar, match=why):
        live.fine(0.0, *numbers)
    assert np.array_equal(live.batch.blocks, before)


@pytest.mark.parametrize("rate", [np.nan, 0.1, -np.inf])
def test_a_funding_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(BadBar, match="not a rate below"):
        stepper().fine(0.0, 100.0, 100.0, 100.0, 100.0, rate)


@pytest.mark.parametrize("time_s", [np.nan, np.inf, -np.inf])
def test_a_time_without_end_is_refused(time_s: float) -> None:
    with pytest.raises(ValueError, match="not a finite time"):
        stepper().fine(time_s, 100.0, 100.0, 100.0, 100.0)


# notes ----------------------------------------------------------------------------------------


def test_a_log_that_could_lose_notes_is_refused() -> None:
    for size in (1, LOG_LEAST - 1):
        with pytest.raises(ValueError, match="notes could be lost"):
            stepper(setup=replace(SETUP, log_trades=size))
    assert stepper(setup=replace(SETUP, log_trades=0)).notes() == []


def test_an_entry_and_an_exit_are_noted_with_all_a_journal_needs() -> None:
    live = stepper(fraction=0.1)
    assert not live.fine(0.0, 100.0, 100.0, 100.0, 100.0)
    live.signal(closed(100.0))
    assert live.fine(60.0, 100.0, 101.0, 99.0, 101.0)
    (entry,) = live.notes()
    assert (entry.variant, entry.kind) == (0, "entry")
    assert tuple(entry.values) == ENTRY_NAMES
    assert entry.values == {
        "since_s": 60.0, "time_s": 60.0, "entry": 100.0, "paid": 0.1, "side": 1.0, "qty": 1.0,
        "margin": 100.0,
    }  # fmt: skip
    assert live.notes() == []
    assert not live.fine(120.0, 100.0, 101.0, 99.0, 101.0, 0.01)
    live.bar([0], OUT)
    assert live.fine(180.0, 102.0, 103.0, 101.0, 102.0)
    (leave,) = live.notes()
    assert (leave.variant, leave.kind, tuple(leave.values)) == (0, "exit", NAMES)
    values = leave.values
    assert REASONS[int(values["reason"])] == "ordered"
    assert (values["was_side"], values["was_qty"], values["side"]) == (1.0, 1.0, 0.0)
    assert (values["entry"], values["leave"], values["margin"]) == (100.0, 102.0, 100.0)
    assert (values["since_s"], values["time_s"]) == (60.0, 180.0)
    assert values["paid"] == pytest.approx(0.1 + 0.102)
    assert values["funded"] == pytest.approx(1.0)
    assert values["net"] == pytest.approx(2.0 - 0.202 - 1.0)
    assert values["roi"] == pytest.approx(values["net"] / 100.0)


def test_a_bar_in_which_everybody_closes_opens_and_is_stopped_loses_no_note() -> None:
    live = stepper(size=64 + 5)
    live.signal(closed(100.0))
    live.fine(0.0, 100.0, 100.0, 100.0, 100.0)
    assert [note.kind for note in live.notes()] == ["entry"] * 69
    live.signal(closed(100.0))
    assert live.fine(60.0, 100.0, 120.0, 80.0, 100.0)
    notes = live.notes()
    assert [note.variant for note in notes] == [v for v in range(69) for _ in range(3)]
    assert [note.kind for note in notes] == ["exit", "entry", "exit"] * 69
    reasons = [REASONS[int(n.values["reason"])] for n in notes if n.kind == "exit"]
    assert reasons == ["signal", "stop"] * 69
    assert live.batch.cell("a_trades").tolist() == [2.0] * 69


def test_notes_that_nobody_fetched_are_kept_until_somebody_does() -> None:
    live = stepper(size=2)
    for minute in range(300):
        live.signal(closed(100.0, minute))
        assert live.fine(60.0 * minute, 100.0, 100.0, 100.0, 100.0)
    kinds = [note.kind for note in live.notes()]
    assert (kinds.count("entry"), kinds.count("exit")) == (600, 598)


def test_without_a_log_nothing_is_noted() -> None:
    live = stepper(setup=replace(SETUP, log_trades=0))
    live.signal(closed(100.0))
    assert not live.fine(0.0, 100.0, 100.0, 100.0, 100.0)
    assert live.batch.cell("a_side").tolist() == [1.0]


# barring --------------------------------------------------------------------------------------


def test_the_barred_stay_flat_and_the_freed_wait_for_a_change() -> None:
    live = stepper(size=3)
    live.bar([1], NO_ENTRIES)
    live.signal(closed(100.0))
    live.fine(0.0, 100.0, 100.0, 100.0, 100.0)
    assert live.batch.cell("a_side").tolist() == [1.0, 0.0, 1.0]
    live.unbar([1])
    live.fine(60.0, 100.0, 100.0, 100.0, 100.0)
    assert live.batch.cell("a_side").tolist() == [1.0, 0.0, 1.0]
    live.signal(closed(100.0, 1))
    live.fine(120.0, 100.0, 100.0, 100.0, 100.0)
    assert live.batch.cell("a_side").tolist() == [-1.0, -1.0, -1.0]
    assert live.barred().tolist() == [FREE] * 3


def test_an_order_that_waits_for_the_next_bar_is_dropped_at_once() -> None:
    live = stepper(size=2)
    live.signal(closed(100.0))
    live.bar([0], NO_ENTRIES)
    assert live.batch.cell("a_want").tolist() == [0.0, 1.0]
    live.unbar([0])
    assert live.fine(0.0, 100.0, 100.0, 100.0, 100.0)
    assert live.batch.cell("a_side").tolist() == [0.0, 1.0]


# history --------------------------------------------------------------------------------------


def test_history_may_come_as_columns_or_one_by_one() -> None:
    history = [closed(100.0 + minute, minute) for minute in range(31)]
    one, two = stepper(size=2), stepper(size=2)
    one.warm(iter(history))
    two.warm(Bars.of(history))
    assert np.array_equal(one.batch.blocks, two.batch.blocks)
    assert (one.batch.signals, one.batch.before) == (31, 31)
    one.fine(0.0, 100.0, 100.0, 100.0, 100.0)
    assert not one.batch.cell("a_side").any()
    one.signal(closed(100.0, 31))
    one.fine(60.0, 100.0, 100.0, 100.0, 100.0)
    assert one.batch.cell("a_side").all()
    assert (one.batch.signals, one.batch.before) == (32, 31)


def test_history_comes_before_the_first_signal_bar_or_not_at_all() -> None:
    live = stepper()
    live.warm([closed(100.0, 0)])
    live.warm([closed(100.0, 1)])
    assert live.batch.before == 2
    live.signal(closed(100.0, 2))
    with pytest.raises(ValueError, match="warmed before its first signal bar"):
        live.warm([closed(100.0, 3)])


def test_who_was_barred_before_its_history_is_barred_after_it() -> None:
    live = stepper(size=4)
    live.bar([1], NO_ENTRIES)
    live.bar([2], OUT)
    live.bar([3], ASTRAY)
    live.warm([closed(100.0, 0)])
    assert live.barred().tolist() == [FREE, NO_ENTRIES, OUT, ASTRAY]


def test_history_of_no_market_is_refused() -> None:
    live = stepper()
    with pytest.raises(BadBar, match="not later than the row before"):
        live.warm([closed(100.0), closed(101.0)])
    assert live.batch.signals == 0
    assert live.barred().tolist() == [FREE]
