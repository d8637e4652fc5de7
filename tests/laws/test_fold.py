"""The central law: the engine is a fold, and how the work is cut up changes nothing, to the bit."""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveopt.core.instrument import Instrument
from liveopt.core.strategy import Knob, Lag, Strategy
from liveopt.engine.batch import Batch, Setup, open_batch
from liveopt.engine.cpu import SERIAL_WORK, Cpu
from liveopt.engine.program import FINE, FINE_ROW, ROW_CELLS, SIGNAL
from liveopt.engine.reference import Lone, differences
from liveopt.engine.rows import Rows
from liveopt.strategies import load
from tests.contracts.oracle import (
    EVERYTHING,
    RULES,
    Drawn,
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
SIGNAL_MINUTES = 3
DONCHIAN = load()["donchian_breakout"]
SETUP = Setup(
    DONCHIAN,
    EVERYTHING,
    Instrument("perpetual", tick=0.01, lot=0.001),
    choices={name: choice.default for name, choice in DONCHIAN.choices.items()},
    pessimistic=True,
    log_trades=64 * ROWS,
)

examples = settings(max_examples=25, deadline=None)


@cache
def drawn() -> tuple[Drawn, Drawn]:
    rng = np.random.default_rng(11)
    return draw_knobs(DONCHIAN, rng, VARIANTS), draw_risk(rng, VARIANTS)


@cache
def start() -> Batch:
    return open_batch(SETUP, *drawn())


@cache
def whole() -> Batch:
    """What the rows come to when they pass at once, on one thread."""
    batch = fresh(start())
    Cpu(1).advance(batch, rows())
    assert batch.cell("a_trades").sum() > VARIANTS
    return batch


def rows() -> Rows:
    found, _ = market("real", ROWS, SIGNAL_MINUTES)
    return found


def picked(order: list[int]) -> Batch:
    """Some of the variants, in this order, run from the start."""
    some = [{name: values[order] for name, values in columns.items()} for columns in drawn()]
    batch = fresh(open_batch(SETUP, *some))
    Cpu(1).advance(batch, rows())
    return batch


def agree(batch: Batch, order: list[int]) -> None:
    """The batch's variants are those of the whole run, picked in this order."""
    for name in batch.program.state:
        assert batch.cell(name).tobytes() == whole().cell(name)[order].tobytes(), name
    for name in batch.program.shared:
        assert batch.shared(name) == whole().shared(name), name
    for here, there in enumerate(order):
        assert batch.trades(here) == whole().trades(there)


# the bars -------------------------------------------------------------------------------------


@examples
@given(st.lists(st.integers(0, ROWS), max_size=8).map(sorted))
def test_any_cut_of_the_rows_gives_the_same_bits(cuts: list[int]) -> None:
    batch = fresh(start())
    for first, last in pairwise([0, *cuts, ROWS]):
        Cpu(1).advance(batch, rows().part(first, last))
    assert batch.signals == whole().signals
    agree(batch, list(range(VARIANTS)))


def test_one_row_at_a_time_gives_the_same_bits() -> None:
    batch = fresh(start())
    for row in range(ROWS):
        Cpu(2).advance(batch, rows().part(row, row + 1))
    agree(batch, list(range(VARIANTS)))


def apart(found: Rows) -> Rows:
    """Every row that is a fine bar and a signal bar's close as two rows, as they come in live."""
    table, kinds = [], []
    for row, kind in zip(found.table, found.kinds.tolist(), strict=True):
        for part, place in ((FINE, slice(len(FINE_ROW))), (SIGNAL, slice(len(FINE_ROW), None))):
            if kind & part:
                half = np.zeros(len(ROW_CELLS))
                half[place] = row[place]
                table.append(half)
                kinds.append(part)
    return Rows(np.array(table), np.array(kinds, np.uint8))


def test_a_fine_row_and_then_a_signal_row_are_the_combined_row() -> None:
    batch = fresh(start())
    halves = apart(rows())
    assert len(halves) == ROWS + ROWS // SIGNAL_MINUTES
    Cpu(1).advance(batch, halves)
    agree(batch, list(range(VARIANTS)))


@examples
@given(st.integers(0, VARIANTS - 1), st.integers(0, ROWS))
def test_python_too_may_be_cut_anywhere(variant: int, cut: int) -> None:
    alone = Lone(start(), variant)
    alone.advance(rows().part(0, cut))
    alone.advance(rows().part(cut, ROWS))
    assert differences(whole(), variant, alone) == []
    assert whole().trades(variant) == alone.ledger.trades


# the variants ---------------------------------------------------------------------------------


@examples
@given(st.permutations(range(VARIANTS)))
def test_any_order_of_the_variants_gives_each_the_same_bits(order: list[int]) -> None:
    agree(picked(order), order)


@examples
@given(st.lists(st.integers(0, VARIANTS - 1), min_size=1, max_size=VARIANTS * 2))
def test_any_company_of_variants_gives_each_the_same_bits(order: list[int]) -> None:
    agree(picked(order), order)


@pytest.mark.parametrize("variant", [0, 1, 63, 64, 69])
def test_a_variant_alone_has_the_bits_it_has_among_others(variant: int) -> None:
    agree(picked([variant]), [variant])


# the threads ----------------------------------------------------------------------------------


def test_two_threads_give_the_bits_of_one() -> None:
    order = [v % VARIANTS for v in range(SERIAL_WORK // ROWS + 64)]
    some = [{name: values[order] for name, values in columns.items()} for columns in drawn()]
    batch = open_batch(SETUP, *some)
    assert batch.size * ROWS > SERIAL_WORK
    for threads in (2, 3):
        shared = fresh(batch)
        Cpu(threads).advance(shared, rows())
        for name in shared.program.state:
            assert shared.cell(name).tobytes() == whole().cell(name)[order].tobytes(), name


def test_a_device_without_a_number_of_threads_takes_what_there_is() -> None:
    assert Cpu().threads >= 1


# the devices ----------------------------------------------------------------------------------


@cache
def batch_of(rule: str) -> Batch:
    """The plainest strategy under a rule: here it is the account that is compared."""
    strategy = load()["macd"]
    rng = np.random.default_rng(sorted(RULES).index(rule))
    leverage = 1.0 if RULES[rule].market == "spot" else 50.0
    setup = Setup(
        strategy,
        RULES[rule],
        Instrument(RULES[rule].market, tick=0.01, lot=0.001, liquidation_fee=0.0006),
        log_trades=64 * ROWS,
    )
    risk = draw_risk(rng, VARIANTS, leverage)
    return open_batch(setup, draw_knobs(strategy, rng, VARIANTS), risk)


@needs_compiler
@pytest.mark.parametrize("rule", RULES)
def test_python_numba_and_c_agree_under_every_rule(rule: str) -> None:
    for name in ("real", "gaps"):
        found, tick = market(name, ROWS)
        batch, in_c = fresh(batch_of(rule), tick), fresh(batch_of(rule), tick)
        Cpu(1).advance(batch, found)
        oracle_of(in_c).advance(in_c, found)
        assert differing(cells(batch), cells(in_c)) == []
        for variant in (0, 17, 64):
            alone = Lone(fresh(batch_of(rule), tick), variant)
            alone.advance(found)
            assert differences(batch, variant, alone) == []
            assert batch.trades(variant) == alone.ledger.trades


def test_terms_that_are_zero_are_the_same_compiled_or_read() -> None:
    nothing = Instrument("perpetual", 0.0, 0.0, 0.0006, 0.0, 0.0, 0.005, 0.0)
    something = Instrument("perpetual", 0.01, 0.001, 0.0006, 0.0002, 0.0002, 0.005, 0.0006)
    rule = RULES["volatility"]
    strategy = load()["macd"]
    knobs = draw_knobs(strategy, np.random.default_rng(4), VARIANTS)
    risk = draw_risk(np.random.default_rng(5), VARIANTS)
    compiled = open_batch(Setup(strategy, rule, nothing), knobs, risk)
    read = open_batch(Setup(strategy, rule, something), knobs, risk)
    assert "term_tick" in read.program.names - compiled.program.names
    read.terms[:] = compiled.terms
    for batch in (compiled, read):
        Cpu(1).advance(batch, rows())
    assert compiled.cell("a_trades").sum() > 0.0
    assert differing(cells(compiled), cells(read)) == []


# names ----------------------------------------------------------------------------------------


@dataclass(slots=True)
class Awkward:
    """Fields that end in a number, as a generated local used to."""

    target: float = 0.0
    last_1: float = 0.0
    last_2: float = 0.0


def step(bar: Any, k: Any, x: Any, m: Awkward) -> float:
    """Locals that are called like records and like the emitters' own names."""
    at = x.left_1
    k_value = k.share_2 * bar.close
    a = bar.close - m.last_1
    p = m.last_1 - m.last_2
    due = a + p
    m.last_2 = m.last_1
    m.last_1 = bar.close
    x_side = 1.0 if due > k_value else m.target
    m_side = -1.0 if due < -k_value else x_side
    bar_move = bar.close - at
    return 0.0 if bar_move == 0.0 else m_side


AWKWARD = Strategy(
    "",
    step,
    Awkward,
    {"share_2": Knob(0.0, 0.01, 0.001, ""), "window_1": Knob(2, 30, 3, "", whole=True)},
    inputs={"left_1": Lag("close", "window_1")},
    warmup=lambda k: k["window_1"],
    name="awkward",
)


@needs_compiler
def test_fields_and_locals_may_be_called_anything() -> None:
    """In C a field with a number at its end used to be shadowed by a local of the same name."""
    rng = np.random.default_rng(1)
    batch = open_batch(
        Setup(AWKWARD, RULES["clocks"]),
        draw_knobs(AWKWARD, rng, VARIANTS),
        draw_risk(rng, VARIANTS, 1.0),
    )
    in_c, alone = fresh(batch), Lone(fresh(batch), 7)
    Cpu(1).advance(batch, rows())
    oracle_of(in_c).advance(in_c, rows())
    alone.advance(rows())
    assert batch.cell("a_trades")[7] > 0.0
    assert differing(cells(batch), cells(in_c)) == []
    assert differences(batch, 7, alone) == []
