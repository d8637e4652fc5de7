"""Nothing in the engine knows what has not happened yet."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveopt.core.account import REASONS
from liveopt.core.fills import slipped
from liveopt.core.instrument import Instrument
from liveopt.engine.batch import Batch, Setup, open_batch
from liveopt.engine.cpu import Cpu
from liveopt.engine.program import ROW_CELLS, TERM_FIELDS
from liveopt.engine.rows import Rows
from liveopt.strategies import load
from tests.contracts.oracle import (
    EVERYTHING,
    MARKETS,
    RULES,
    cells,
    differing,
    draw_knobs,
    draw_risk,
    fresh,
    market,
)

pytestmark = pytest.mark.timeout(180)

VARIANTS = 70
ROWS = 300
OPEN = ROW_CELLS.index("fine_open")
TIME = ROW_CELLS.index("fine_time_s")

Trades = list[list[dict[str, float]]]
examples = settings(max_examples=25, deadline=None)


@cache
def start() -> Batch:
    strategy = load()["donchian_breakout"]
    rng = np.random.default_rng(3)
    setup = Setup(
        strategy,
        EVERYTHING,
        Instrument("perpetual"),
        choices={n: c.default for n, c in strategy.choices.items()},
        pessimistic=True,
        log_trades=64 * ROWS,
    )
    return open_batch(setup, draw_knobs(strategy, rng, VARIANTS), draw_risk(rng, VARIANTS))


def after(rows: Rows) -> Batch:
    batch = fresh(start())
    Cpu(1).advance(batch, rows)
    return batch


def trades(batch: Batch, before_s: float) -> Trades:
    """What was closed before a moment."""
    return [[t for t in batch.trades(v) if t["time_s"] < before_s] for v in range(VARIANTS)]


def spliced(known: int, name: str) -> Rows:
    """The real market up to a row, another one from there; only the clock goes on."""
    past, _ = market("real", ROWS)
    other, _ = market(name, ROWS)
    table = past.table.copy()
    table[known:] = other.table[known:]
    table[:, TIME] = past.table[:, TIME]
    return Rows(table, past.kinds)


@examples
@given(st.integers(1, ROWS - 1), st.sampled_from(sorted(MARKETS)))
def test_another_future_leaves_every_trade_of_the_past_as_it_was(known: int, name: str) -> None:
    """Both futures lie in the same chunk as the past, where inputs are laid out in advance."""
    past, _ = market("real", ROWS)
    now_s = float(past.table[known, TIME])
    alone = after(past.part(0, known))
    for future in (past, spliced(known, name)):
        assert trades(after(future), now_s) == trades(alone, now_s)


@examples
@given(st.integers(1, ROWS - 1), st.sampled_from(sorted(MARKETS)))
def test_a_prefix_of_the_rows_gives_the_state_of_that_moment(known: int, name: str) -> None:
    past, _ = market("real", ROWS)
    one, two = after(past.part(0, known)), fresh(start())
    Cpu(1).advance(two, spliced(known, name).part(0, known))
    assert differing(cells(one), cells(two)) == []


def entered(batch: Batch, at_s: float) -> dict[int, tuple[float, float]]:
    """Price and size of the positions opened at a moment, also of those closed since."""
    found = {}
    for v in range(VARIANTS):
        for t in batch.trades(v):
            if t["since_s"] == at_s:
                found[v] = (t["entry"], t["was_qty"])
        if batch.cell("a_side")[v] != 0.0 and batch.cell("a_since_s")[v] == at_s:
            found[v] = (float(batch.cell("a_entry")[v]), float(batch.cell("a_qty")[v]))
    return found


@cache
def busy_rows() -> list[int]:
    """Rows at whose open somebody entered."""
    batch = after(market("real", ROWS)[0])
    times = {t["since_s"] for v in range(VARIANTS) for t in batch.trades(v)}
    return [int(time_s / 60.0) for time_s in sorted(times)]


@examples
@given(st.data(), st.floats(0.5, 2.0))
def test_a_fill_at_the_open_knows_the_open_and_nothing_after_it(
    data: st.DataObject, factor: float
) -> None:
    row = data.draw(st.sampled_from(busy_rows()))
    past, _ = market("real", ROWS)
    table = past.table.copy()
    opened = table[row, OPEN]
    table[row:, OPEN : OPEN + 4] *= factor
    table[row, OPEN] = opened
    table[row, OPEN + 1] = max(opened, table[row, OPEN + 1])
    table[row, OPEN + 2] = min(opened, table[row, OPEN + 2])
    now_s = float(past.table[row, TIME])
    one, two = (after(rows.part(0, row + 1)) for rows in (past, Rows(table, past.kinds)))
    assert entered(one, now_s) == entered(two, now_s) != {}


@pytest.mark.parametrize("signal_minutes", [1, 3])
@pytest.mark.parametrize("name", ["real", "gaps"])
def test_orders_fill_at_an_open_with_slippage(name: str, signal_minutes: int) -> None:
    rows, _ = market(name, ROWS, signal_minutes)
    batch = after(rows)
    opens = dict(zip(rows.table[:, TIME].tolist(), rows.table[:, OPEN].tolist(), strict=True))
    slippage = float(batch.terms[0, TERM_FIELDS.index("slippage")])
    found = [t for v in range(VARIANTS) for t in batch.trades(v)]
    assert len(found) > VARIANTS
    for t in found:
        assert t["entry"] == slipped(opens[t["since_s"]], t["was_side"], slippage, 0.0)
        if REASONS[int(t["reason"])] in {"signal", "time"}:
            assert t["leave"] == slipped(opens[t["time_s"]], -t["was_side"], slippage, 0.0)


def test_an_order_fills_at_the_bar_after_its_signal_and_never_at_the_close_that_gave_it() -> None:
    strategy = load()["macd"]
    rng = np.random.default_rng(3)
    setup = Setup(strategy, RULES["plain spot"], log_trades=64 * ROWS)
    batch = open_batch(setup, draw_knobs(strategy, rng, VARIANTS))
    rows, _ = market("real", ROWS, 3)
    Cpu(1).advance(batch, rows)
    signal_s = rows.table[(rows.kinds & 2) != 0, TIME]
    next_s = set((signal_s + 60.0).tolist())
    found = [t for v in range(VARIANTS) for t in batch.trades(v)]
    assert len(found) > VARIANTS
    assert all(t["since_s"] in next_s and t["time_s"] in next_s for t in found)
