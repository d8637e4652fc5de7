"""Steering from outside: who is barred opens nothing, and nobody else notices, to the bit."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveopt.core.account import ASTRAY, FREE, NO_ENTRIES, OUT, REASONS, Rule
from liveopt.core.instrument import Instrument
from liveopt.core.strategy import Knob, Strategy
from liveopt.engine.batch import Batch, Setup, open_batch
from liveopt.engine.cpu import Cpu
from liveopt.engine.program import TERM_FIELDS
from liveopt.engine.reference import Lone, differences
from liveopt.engine.rows import Rows
from liveopt.engine.steer import bar, unbar
from liveopt.strategies import load
from tests.contracts.oracle import (
    EVERYTHING,
    RULES,
    cells,
    differing,
    draw_knobs,
    draw_risk,
    fresh,
    market,
    needs_compiler,
    oracle_of,
)

pytestmark = pytest.mark.timeout(180)

VARIANTS = 70
ROWS = 300
LOG = 64 * 3 * ROWS
CAPITAL = 10_000.0
INSTRUMENT = Instrument("perpetual", tick=0.01, lot=0.001, liquidation_fee=0.0006)
STEERED = RULES["steered"]
ORDERED = float(REASONS.index("ordered"))
MACD = load()["macd"]

Order: TypeAlias = tuple[int, str, int, float]
"""After so many rows, do this to a variant, at this level."""

examples = settings(max_examples=25, deadline=None)
orders = st.lists(
    st.tuples(
        st.integers(0, ROWS),
        st.sampled_from(["bar", "bar", "unbar"]),
        st.integers(0, VARIANTS - 1),
        st.sampled_from([NO_ENTRIES, OUT]),
    ),
    max_size=40,
).map(lambda found: sorted(found, key=lambda order: order[0]))


def rows() -> Rows:
    found, _ = market("gaps", ROWS)
    return found


@cache
def start(limit: float = 1.0, rule: Rule = STEERED, pessimistic: bool = True) -> Batch:
    """Drawn variants of the plainest strategy; a limit of 1 is one that nobody breaches."""
    rng = np.random.default_rng(21)
    spot = rule.market == "spot"
    instrument = replace(INSTRUMENT, market=rule.market)
    setup = Setup(
        MACD,
        rule,
        instrument,
        CAPITAL,
        pessimistic=pessimistic,
        log_trades=LOG,
        loss_limit=limit,
        drawdown_limit=limit,
    )
    risk = draw_risk(rng, VARIANTS, 1.0 if spot else 50.0)
    return open_batch(setup, draw_knobs(MACD, rng, VARIANTS), risk)


Advance: TypeAlias = Callable[[Batch, Rows], None]


def steered(batch: Batch, given_: list[Order], advance: Advance) -> Batch:
    """The rows with orders in between."""
    done = 0
    for row, what, variant, level in given_:
        advance(batch, rows().part(done, row))
        if what == "bar":
            bar(batch, [variant], level)
        else:
            unbar(batch, [variant])
        done = row
    advance(batch, rows().part(done, ROWS))
    return batch


def in_python(batch: Batch, given_: list[Order], variant: int) -> Lone:
    """The same for one variant in plain Python; orders to others are not even heard."""
    alone, done = Lone(batch, variant), 0
    for row, what, whom, level in given_:
        if whom != variant:
            continue
        alone.advance(rows().part(done, row))
        if what == "bar":
            alone.bar(level)
        else:
            alone.unbar()
        done = row
    alone.advance(rows().part(done, ROWS))
    return alone


# free -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rule", ["everything", "kelly, short", "volatility", "clocks", "guarded spot"]
)
@pytest.mark.parametrize("name", ["real", "gaps"])
def test_a_steered_run_in_which_nobody_is_barred_has_the_bits_of_an_unsteered_one(
    rule: str, name: str
) -> None:
    found, tick = market(name, ROWS, 2)
    plain = fresh(start(rule=RULES[rule]), tick)
    wheel = fresh(start(rule=replace(RULES[rule], steered=True)), tick)
    for batch in (plain, wheel):
        Cpu(1).advance(batch, found)
    assert plain.cell("a_trades").sum() > VARIANTS
    assert not wheel.cell("a_barred").any()
    own = {n: b for n, b in cells(wheel).items() if not n.endswith("_barred")}
    assert differing(cells(plain), own) == []
    for variant in range(VARIANTS):
        assert plain.trades(variant) == wheel.trades(variant)


def test_a_run_that_is_not_steered_compiles_nothing_of_it() -> None:
    names = start(rule=EVERYTHING).program.names
    assert not [n for n in names if "barred" in n or "limit" in n]
    assert {"a_barred", "b_barred", "term_loss_limit"} <= start().program.names


# orders ---------------------------------------------------------------------------------------


@needs_compiler
@examples
@given(orders, st.integers(0, VARIANTS - 1), st.sampled_from([0.05, 1.0]))
def test_python_numba_and_c_agree_whatever_is_ordered(
    given_: list[Order], variant: int, limit: float
) -> None:
    watched = {variant, *(whom for _, _, whom, _ in given_[:2])}
    batch = steered(fresh(start(limit)), given_, Cpu(1).advance)
    in_c = fresh(start(limit))
    steered(in_c, given_, oracle_of(in_c).advance)
    assert differing(cells(batch), cells(in_c)) == []
    for each in watched:
        alone = in_python(fresh(start(limit)), given_, each)
        assert differences(batch, each, alone) == []
        assert batch.trades(each) == alone.ledger.trades


@needs_compiler
@examples
@given(orders, st.integers(0, VARIANTS - 1))
def test_they_agree_on_spot_with_late_orders(given_: list[Order], variant: int) -> None:
    first = start(0.05, RULES["steered, late"], pessimistic=False)
    batch = steered(fresh(first), given_, Cpu(1).advance)
    in_c = fresh(first)
    steered(in_c, given_, oracle_of(in_c).advance)
    alone = in_python(fresh(first), given_, variant)
    assert differing(cells(batch), cells(in_c)) == []
    assert differences(batch, variant, alone) == []


@examples
@given(orders, st.sampled_from(["steered", "steered, late"]))
def test_nobody_opens_a_position_while_barred(given_: list[Order], rule: str) -> None:
    """And nobody who is out holds one after the next open; the limits are on."""
    batch, done = fresh(start(0.05, RULES[rule])), 0
    edges = {row for row, *_ in given_} | set(range(0, ROWS, 7)) | {ROWS}
    for row in sorted(edges):
        for at in range(done, row):
            was, held = batch.cell("a_barred").copy(), batch.cell("a_side").copy()
            since = batch.cell("a_since_s").copy()
            Cpu(1).advance(batch, rows().part(at, at + 1))
            now = batch.cell("a_side")
            shut = was != FREE
            assert not (shut & (held == 0.0) & (now != 0.0)).any()
            assert not (shut & (now != 0.0) & (now != held)).any()
            assert not (shut & (now != 0.0) & (batch.cell("a_since_s") != since)).any()
            assert not ((was >= OUT) & (now != 0.0)).any()
            assert not (
                (batch.cell("b_barred") if "b_barred" in batch.program.state else was)[shut] == FREE
            ).any()
        done = row
        for when, what, variant, level in given_:
            if when == row:
                bar(batch, [variant], level) if what == "bar" else unbar(batch, [variant])


@examples
@given(orders)
def test_what_is_ordered_of_some_changes_no_bit_of_the_others(given_: list[Order]) -> None:
    told = {variant for _, _, variant, _ in given_}
    alone = steered(fresh(start(0.05)), [], Cpu(1).advance)
    batch = steered(fresh(start(0.05)), given_, Cpu(1).advance)
    others = [v for v in range(VARIANTS) if v not in told]
    for name in batch.program.state:
        assert batch.cell(name)[others].tobytes() == alone.cell(name)[others].tobytes(), name
    for variant in others:
        assert batch.trades(variant) == alone.trades(variant)


def test_who_is_put_out_is_closed_at_the_next_open_whatever_it_had_to_wait_for() -> None:
    batch, at = fresh(start()), 0
    held = patient = np.zeros(0, np.int64)
    while len(patient) < 3:  # who may not obey a signal yet
        Cpu(1).advance(batch, rows().part(at, at + 1))
        at += 1
        held = np.flatnonzero(batch.cell("a_side") != 0.0)
        patient = held[batch.cell("a_free_s")[held] > rows().table[at, 0]]
    bar(batch, range(VARIANTS), OUT)
    Cpu(1).advance(batch, rows().part(at, at + 1))
    assert not batch.cell("a_side").any()
    assert not batch.cell("b_side").any()
    for variant in held:
        last = batch.trades(int(variant))[-1]
        assert last["time_s"] == rows().table[at, 0]
        assert REASONS[int(last["reason"])] in {"ordered", "liquidation"}
    Cpu(1).advance(batch, rows().part(at + 1, ROWS))
    assert not batch.cell("a_side").any()
    assert set(batch.cell("a_barred")) == {OUT}


def test_who_may_open_nothing_keeps_its_exits() -> None:
    batch = fresh(start())
    Cpu(1).advance(batch, rows().part(0, 150))
    held = np.flatnonzero(batch.cell("a_side") != 0.0)
    bar(batch, range(VARIANTS), NO_ENTRIES)
    Cpu(1).advance(batch, rows().part(150, ROWS))
    reasons = {REASONS[int(batch.trades(int(v))[-1]["reason"])] for v in held}
    assert {"signal", "time"} <= reasons
    assert "ordered" not in reasons


def test_who_is_freed_waits_for_a_change_of_the_target() -> None:
    batch = fresh(start())
    bar(batch, range(VARIANTS), NO_ENTRIES)
    Cpu(1).advance(batch, rows().part(0, 150))
    assert batch.cell("m_target").any()
    unbar(batch, range(VARIANTS))
    waiting = np.ones(VARIANTS, bool)
    for row in range(150, ROWS):
        target = batch.cell("m_target").copy()
        Cpu(1).advance(batch, rows().part(row, row + 1))
        assert not (waiting & (batch.cell("a_side") != 0.0)).any()
        waiting &= batch.cell("m_target") == target
    assert waiting.sum() < VARIANTS // 2
    assert batch.cell("a_trades").sum() > VARIANTS


# limits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["real", "gaps"])
def test_a_breach_of_a_limit_puts_out_at_once_and_for_good(name: str) -> None:
    found, tick = market(name, ROWS, 2)
    batch = fresh(start(0.05), tick)
    for row in range(ROWS):
        before = batch.cell("a_barred").copy()
        Cpu(1).advance(batch, found.part(row, row + 1))
        lost = ~(batch.cell("p_equity") >= CAPITAL * (1.0 - 0.05))
        sunk = ~(batch.cell("p_drawdown") <= 0.05)
        expected = np.where((before >= OUT) | lost | sunk, OUT, before)
        assert batch.cell("a_barred").tolist() == expected.tolist()
        assert batch.cell("b_barred").tolist() == expected.tolist()
    out = batch.cell("a_barred") == OUT
    assert 5 < out.sum() < VARIANTS
    ordered = [v for v in np.flatnonzero(out) if batch.trades(int(v))[-1]["reason"] == ORDERED]
    assert len(ordered) >= 3


def test_the_pessimist_decides_nothing_of_the_limits() -> None:
    batch = fresh(start(0.05))
    batch.terms[1] = batch.terms[0]
    batch.terms[1, TERM_FIELDS.index("slippage")] = 0.05  # that ruins it
    Cpu(1).advance(batch, rows())
    main = fresh(start(0.05))
    Cpu(1).advance(main, rows())
    sunk = (batch.cell("q_drawdown") > 0.05) & (batch.cell("a_barred") == FREE)
    assert sunk.any()
    assert batch.cell("a_barred").tobytes() == main.cell("a_barred").tobytes()
    assert batch.cell("b_barred").tobytes() == main.cell("a_barred").tobytes()


@pytest.mark.parametrize("cell", ["a_cash", "a_qty"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_who_is_no_number_any_more_is_out_and_the_others_do_not_notice(
    cell: str, value: float
) -> None:
    lost = [3, 64]
    batch, sound = fresh(start(0.9)), fresh(start(0.9))
    for each in (batch, sound):
        Cpu(1).advance(each, rows().part(0, 150))
    batch.put(cell, lost, value)
    for each in (batch, sound):
        Cpu(1).advance(each, rows().part(150, ROWS))
    others = [v for v in range(VARIANTS) if v not in lost]
    assert batch.cell("a_barred")[lost].tolist() == [OUT, OUT]
    assert not batch.cell("a_side")[lost].any()
    for name in batch.program.state:
        assert batch.cell(name)[others].tobytes() == sound.cell(name)[others].tobytes(), name


# words that are no targets ----------------------------------------------------------------------


@dataclass(slots=True)
class Stray:
    target: float = 0.0
    word: float = 0.0


def says(bar: Any, k: Any, x: Any, m: Any) -> float:
    """Long and flat by turns, until it says something else once."""
    turn = 1.0 if m.target == 0.0 else 0.0
    return k.word - k.less if bar.n == k.bar else turn


STRAY = Strategy(
    "",
    says,
    Stray,
    {
        "bar": Knob(0.0, 1e9, 0.0, ""),
        "word": Knob(-math.inf, math.inf, 0.0, ""),
        "less": Knob(-math.inf, math.inf, 0.0, ""),
    },
    warmup=lambda k: np.ones_like(k["bar"]),
    name="stray",
)


def strays(pessimistic: bool = True) -> Batch:
    """Variants 1 and 2 say NaN and 7 at bar 40; 3 says infinity; 4 says -1, which is a side."""
    knobs = {
        "bar": np.array([1e9, 40.0, 40.0, 40.0, 40.0, 1e9]),
        "word": np.array([1.0, math.inf, 7.0, math.inf, -1.0, 1.0]),
        "less": np.array([0.0, math.inf, 0.0, 0.0, 0.0, 0.0]),
    }
    rule = Rule("perpetual", "both", min_hold=True, steered=True)
    setup = Setup(
        STRAY, rule, pessimistic=pessimistic, log_trades=LOG, loss_limit=1.0, drawdown_limit=1.0
    )
    return open_batch(setup, knobs, {"min_hold": np.full(6, 90.0)})


@needs_compiler
def test_a_word_that_is_no_target_puts_out_and_the_others_do_not_notice() -> None:
    batch, in_c, sound = strays(), strays(), strays()
    sound.put("k_word", [1, 2, 3], 1.0)
    sound.put("k_less", [1, 2, 3], 0.0)
    Cpu(1).advance(batch, rows())
    Cpu(1).advance(sound, rows())
    oracle_of(in_c).advance(in_c, rows())
    assert batch.cell("a_barred").tolist() == [FREE, ASTRAY, ASTRAY, ASTRAY, FREE, FREE]
    assert differing(cells(batch), cells(in_c)) == []
    for variant in range(6):
        alone = Lone(strays(), variant)
        alone.advance(rows())
        assert differences(batch, variant, alone) == []
    for variant in (1, 2, 3):
        last = batch.trades(variant)[-1]
        assert last["time_s"] <= rows().table[80, 0]
        assert batch.cell("a_side")[variant] == 0.0
    for name in batch.program.state:
        kept = [0, 4, 5]
        assert batch.cell(name)[kept].tobytes() == sound.cell(name)[kept].tobytes(), name
