"""What every strategy of the folder promises, whoever wrote it."""

import inspect
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from liveopt.core.instrument import Instrument
from liveopt.core.strategy import Strategy
from liveopt.engine.batch import Batch, Setup, open_batch
from liveopt.engine.cpu import Cpu
from liveopt.engine.program import ROW_CELLS
from liveopt.engine.reference import Lone, differences
from liveopt.engine.rows import Rows
from liveopt.strategies import load
from tests.contracts.oracle import (
    EVERYTHING,
    MARKETS,
    Drawn,
    cells,
    choices_of,
    differing,
    draw_knobs,
    draw_risk,
    fresh,
    market,
    needs_compiler,
    oracle_of,
)

VARIANTS = 70  # more than a block of 64
ROWS = 600
IN_PYTHON = (0, 63, 69)  # a block's first and last, and one of the block that is not full
LOGGED = 64 * ROWS

STRATEGIES = load()
COMBINATIONS = {
    " ".join([name, *choices.values()]): (name, choices)
    for name, strategy in STRATEGIES.items()
    for choices in choices_of(strategy)
}

every_strategy = pytest.mark.parametrize("name", STRATEGIES)
every_combination = pytest.mark.parametrize("label", COMBINATIONS)
pytestmark = pytest.mark.timeout(180)


@cache
def drawn(label: str) -> tuple[Drawn, Drawn]:
    rng = np.random.default_rng(sorted(COMBINATIONS).index(label))
    return draw_knobs(STRATEGIES[COMBINATIONS[label][0]], rng, VARIANTS), draw_risk(rng, VARIANTS)


@cache
def batch_of(label: str) -> Batch:
    """A batch of drawn variants at its start; the tests run copies of it."""
    name, choices = COMBINATIONS[label]
    setup = Setup(
        STRATEGIES[name],
        EVERYTHING,
        Instrument("perpetual", tick=0.01, liquidation_fee=0.0006),
        choices=choices,
        pessimistic=choices == {n: c.default for n, c in STRATEGIES[name].choices.items()},
        log_trades=LOGGED,
    )
    return open_batch(setup, *drawn(label))


def advanced(label: str, rows: Rows, tick: float = 0.01) -> Batch:
    batch = fresh(batch_of(label), tick)
    Cpu(1).advance(batch, rows)
    return batch


def targets(batch: Batch, rows: Rows) -> Iterator[tuple[float, np.ndarray]]:
    """How many signal bars were seen, and what every variant wants, row by row."""
    for row in range(len(rows)):
        Cpu(1).advance(batch, rows.part(row, row + 1))
        yield float(batch.signals), batch.cell("m_target").copy()


# the same bits everywhere -------------------------------------------------------------------------


@needs_compiler
@every_combination
def test_python_numba_and_c_agree_to_the_last_bit(label: str) -> None:
    for name in MARKETS:
        rows, tick = market(name, ROWS, 3 if name in {"gaps", "level of 1e8"} else 1)
        batch = advanced(label, rows, tick)
        for variant in IN_PYTHON:
            alone = Lone(fresh(batch_of(label), tick), variant)
            alone.advance(rows)
            assert differences(batch, variant, alone) == [], name
            assert batch.trades(variant) == alone.ledger.trades, name
        in_c = fresh(batch_of(label), tick)
        oracle_of(in_c).advance(in_c, rows)
        assert differing(cells(batch), cells(in_c)) == [], name


@every_combination
def test_state_stays_finite_on_every_market(label: str) -> None:
    """But for levels and times that a position has not got: these are infinite by design."""
    levels = {
        f"{a}_{n}" for a in "ab" for n in ("low_exit", "high_exit", "until_s", "free_s", "arm")
    }
    for name in MARKETS:
        rows, tick = market(name, ROWS)
        batch = advanced(label, rows, tick)
        found = {cell: batch.cell(cell) for cell in batch.program.state}
        assert [c for c, v in found.items() if np.isnan(v).any()] == [], name
        endless = [c for c, v in found.items() if np.isinf(v).any() and c not in levels]
        assert endless == [], name
        assert all(np.isfinite(batch.shared(cell)) for cell in batch.program.shared), name


@every_combination
def test_in_a_steered_run_it_does_the_same_until_somebody_is_barred(label: str) -> None:
    """What runs live is the steered program; a limit of 1 is one that nobody breaches."""
    setup = batch_of(label).setup
    rule = replace(setup.rule, steered=True)
    setup = replace(setup, rule=rule, loss_limit=1.0, drawdown_limit=1.0)
    rows, tick = market("gaps", ROWS, 3)
    batch = fresh(open_batch(setup, *drawn(label)), tick)
    Cpu(1).advance(batch, rows)
    assert not batch.cell("a_barred").any()
    own = {n: bits for n, bits in cells(batch).items() if not n.endswith("_barred")}
    assert differing(own, cells(advanced(label, rows, tick))) == []


# time -----------------------------------------------------------------------------------------


@every_combination
def test_any_cut_of_the_rows_gives_the_same_state_and_trades(label: str) -> None:
    rows, tick = market("real", ROWS, 3)
    whole = advanced(label, rows, tick)
    cut = fresh(batch_of(label), tick)
    edges = [0, 1, 2, 3, 7, 8, 200, 201, 450, ROWS]
    for first, last in pairwise(edges):
        Cpu(1).advance(cut, rows.part(first, last))
    assert differing(cells(whole), cells(cut)) == []
    assert [whole.trades(v) for v in IN_PYTHON] == [cut.trades(v) for v in IN_PYTHON]


@every_combination
def test_another_future_changes_no_decision_of_the_past(label: str) -> None:
    """Both futures pass as one chunk with the past, so anything that looks ahead would show."""
    known = 360
    past, tick = market("real", ROWS)
    other, _ = market("still", ROWS)
    table = past.table.copy()
    table[known:, 1:] = other.table[known:, 1:]
    changed = Rows(table, past.kinds)
    now_s = past.table[known, ROW_CELLS.index("fine_time_s")]
    one, two = advanced(label, past, tick), advanced(label, changed, tick)
    assert differing(cells(one), cells(two)) != []
    prefix = advanced(label, past.part(0, known), tick)
    for variant in range(VARIANTS):
        done = prefix.trades(variant)
        for batch in (one, two):
            assert [t for t in batch.trades(variant) if t["time_s"] < now_s] == done


@every_combination
def test_a_target_is_a_side_and_none_is_wanted_before_the_warm_up(label: str) -> None:
    for name in ("real", "dithering", "silent"):
        rows, tick = market(name, 200)
        batch = fresh(batch_of(label), tick)
        warmup = batch.cell("k_warmup").copy()
        assert np.all(warmup >= 1.0)
        for seen, wanted in targets(batch, rows):
            assert set(wanted.tolist()) <= {-1.0, 0.0, 1.0}
            assert not wanted[warmup > seen].any()
            assert not batch.cell("a_want")[warmup > seen].any()
            assert not batch.cell("a_side")[warmup > seen].any()


@every_combination
def test_it_trades_on_an_ordinary_market(label: str) -> None:
    """A strategy that never trades keeps every other promise; so this one is asked for too."""
    rows, tick = market("real", ROWS)
    batch = advanced(label, rows, tick)
    assert np.count_nonzero(batch.cell("a_trades")) >= VARIANTS // 10


# the description ------------------------------------------------------------------------------


def default_knobs(strategy: Strategy) -> dict[str, np.ndarray]:
    return {name: np.array([knob.default], np.float64) for name, knob in strategy.knobs.items()}


@every_strategy
def test_the_usual_values_are_within_their_ranges_and_make_sense_together(name: str) -> None:
    strategy = STRATEGIES[name]
    assert strategy.knobs
    for knob in strategy.knobs.values():
        assert knob.low < knob.high
        assert knob.low <= knob.default <= knob.high
        if knob.whole:
            assert {knob.low % 1.0, knob.high % 1.0, knob.default % 1.0} == {0.0}
    for choice in strategy.choices.values():
        assert choice.default in choice.options
        assert len(set(choice.options)) == len(choice.options) > 1
    assert np.all(strategy.valid(default_knobs(strategy)))


@every_strategy
def test_it_says_what_it_does(name: str) -> None:
    strategy = STRATEGIES[name]
    described = [strategy.text, *(k.text for k in strategy.knobs.values())]
    described += [choice.text for choice in strategy.choices.values()]
    assert all(text.strip() for text in described)
    module = inspect.getmodule(strategy.step)
    assert module is not None
    assert module.__doc__
    assert module.__name__.rsplit(".", 1)[-1] == name == strategy.name


@every_strategy
def test_what_makes_no_sense_is_explained(name: str) -> None:
    """Whoever asks for knobs that do not go together gets the rule in words."""
    strategy = STRATEGIES[name]
    rng = np.random.default_rng(0)
    anything = {n: rng.uniform(knob.low, knob.high, 2_000) for n, knob in strategy.knobs.items()}
    valid = np.broadcast_to(strategy.valid(anything), (2_000,))
    assert valid.any()
    assert valid.all() or strategy.rule


@every_strategy
def test_inputs_look_back_whole_bars_and_are_complete_when_the_warm_up_ends(name: str) -> None:
    strategy = STRATEGIES[name]
    knobs = draw_knobs(strategy, np.random.default_rng(5), 200)
    full = knobs | dict(strategy.derive(knobs))
    warmup = np.asarray(strategy.warmup(full))
    assert warmup.shape == (200,)
    for kind in strategy.inputs.values():
        window = full[kind.knob]
        assert np.all(window % 1.0 == 0.0)
        assert np.all(window >= 1.0)
        assert np.all(warmup >= window)
