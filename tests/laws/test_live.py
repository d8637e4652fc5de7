"""A live run is the same fold: one bar at a time, kept and taken up again, warmed, thinned out."""

from dataclasses import replace
from functools import cache
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveopt.core.account import ASTRAY, FREE, NO_ENTRIES, OUT
from liveopt.core.bars import DAY_NS, Bars
from liveopt.core.events import Bar
from liveopt.core.instrument import Instrument
from liveopt.engine.batch import Batch, Image, Setup, open_batch, take
from liveopt.engine.cpu import Cpu
from liveopt.engine.program import FINE, FINE_ROW, SIGNAL
from liveopt.engine.reference import Lone, differences
from liveopt.engine.rolling import RESUM_BARS
from liveopt.engine.rows import Rows
from liveopt.engine.steer import bar, unbar
from liveopt.engine.stepper import ENTRY_NAMES, LOG_LEAST, Note, Stepper
from liveopt.strategies import load
from tests.contracts.oracle import RULES, Drawn, cells, differing, draw_knobs, draw_risk, market

pytestmark = pytest.mark.timeout(180)

VARIANTS = 70
ROWS = 600
SIGNAL_MINUTES = 2
KINDS = {
    "highest and lowest": ("donchian_breakout", {}),
    "mean": ("ma_crossover", {"kind": "sma"}),
    "weighted": ("ma_crossover", {"kind": "wma"}),
    "lag": ("bollinger_reversion", {}),
    "nothing": ("macd", {}),
}
every_kind = pytest.mark.parametrize("kind", KINDS)
examples = settings(max_examples=15, deadline=None)


@cache
def drawn(kind: str) -> tuple[Drawn, Drawn]:
    rng = np.random.default_rng(sorted(KINDS).index(kind))
    return draw_knobs(load()[KINDS[kind][0]], rng, VARIANTS), draw_risk(rng, VARIANTS)


def start(kind: str, steered: bool = True) -> Batch:
    name, words = KINDS[kind]
    rule = RULES["steered"] if steered else RULES["everything"]
    setup = Setup(
        load()[name],
        rule,
        Instrument("perpetual", tick=0.01, lot=0.001),
        choices=words,
        pessimistic=True,
        log_trades=LOG_LEAST,
        loss_limit=0.5,
        drawdown_limit=0.5,
    )
    return open_batch(setup, *drawn(kind))


def rows() -> Rows:
    found, _ = market("gaps", ROWS, SIGNAL_MINUTES)
    return found


def signal_bars(first: int, last: int) -> list[Bar]:
    """The signal bars that close within these rows."""
    part = rows().part(first, last)
    found = []
    for row in np.flatnonzero(part.kinds & SIGNAL):
        *prices, day = part.table[row, len(FINE_ROW) :].tolist()
        found.append(Bar(int(day) * DAY_NS + first + int(row), *prices))
    return found


def walked(stepper: Stepper, first: int, last: int) -> list[Note]:
    """Rows as they come in live: a fine bar, and then the signal bar that it closes."""
    notes = []
    for row in range(first, last):
        if rows().kinds[row] & FINE and stepper.fine(*rows().table[row, : len(FINE_ROW)].tolist()):
            notes += stepper.notes()
        for closed in signal_bars(row, row + 1):
            stepper.signal(closed)
    return notes


@cache
def whole(kind: str) -> Batch:
    """All rows at once."""
    batch = start(kind)
    Cpu(1).advance(batch, rows())
    assert batch.cell("a_trades").sum() > VARIANTS
    assert batch.cell("a_barred").any()
    return batch


def same(one: Batch, other: Batch) -> None:
    """To the bit, with all that the inputs remember."""
    assert differing(cells(one), cells(other)) == []
    assert (one.signals, one.before) == (other.signals, other.before)
    for column, values in one.inputs.history.items():
        assert values.tobytes() == other.inputs.history[column].tobytes()
    for mine, yours in zip(one.inputs.sums, other.inputs.sums, strict=True):
        assert mine.tobytes() == yours.tobytes()


# one at a time --------------------------------------------------------------------------------


@every_kind
@pytest.mark.parametrize("steered", [False, True])
def test_bars_as_they_come_in_live_are_the_run_at_once(kind: str, steered: bool) -> None:
    batch, at_once = start(kind, steered), start(kind, steered)
    notes = walked(Stepper(batch), 0, ROWS)
    Cpu(1).advance(at_once, rows())
    same(batch, at_once)
    closed = sum(note.kind == "exit" for note in notes)
    assert closed == int(batch.cell("a_trades").sum())
    assert steered == any(note.kind == "entry" for note in notes)


def test_what_is_noted_is_what_python_notes_in_the_same_order() -> None:
    notes = walked(Stepper(start("mean")), 0, ROWS)
    for variant in range(VARIANTS):
        alone = Lone(start("mean"), variant)
        alone.advance(rows())
        mine = [note for note in notes if note.variant == variant]
        wanted = [
            Note(variant, "exit", each)
            if each["side"] == 0.0
            else Note(variant, "entry", {n: each[n] for n in ENTRY_NAMES})
            for each in alone.ledger.notes
        ]
        assert mine == wanted
    opened = sum(note.kind == "entry" for note in notes)
    held = int(np.count_nonzero(whole("mean").cell("a_side")))
    assert opened == len(notes) - opened + held
    times = [note.values["time_s"] for note in notes]
    assert times == sorted(times)
    for one, other in pairwise(notes):
        if one.values["time_s"] == other.values["time_s"]:
            assert one.variant <= other.variant


# kept and taken up again ------------------------------------------------------------------------


@every_kind
@examples
@given(at=st.integers(0, ROWS))
def test_a_run_that_is_kept_and_taken_up_again_is_the_run_without_the_break(
    kind: str, at: int
) -> None:
    first, then = start(kind), start(kind)
    Cpu(1).advance(first, rows().part(0, at))
    kept = msgspec.msgpack.encode(first.image())
    Cpu(1).advance(first, rows().part(at, ROWS))
    then.restore(msgspec.msgpack.decode(kept, type=Image))
    Cpu(1).advance(then, rows().part(at, ROWS))
    same(then, whole(kind))
    same(first, whole(kind))


def test_a_stepper_goes_on_with_what_is_restored_into_its_batch() -> None:
    first, second = start("weighted"), start("weighted")
    one, two = Stepper(first), Stepper(second)
    walked(one, 0, 200)
    walked(two, 0, 10)
    one.notes()
    second.restore(first.image())
    assert two.notes() == []
    assert walked(one, 200, ROWS) == walked(two, 200, ROWS)
    same(first, second)


# thinned out ------------------------------------------------------------------------------------


@every_kind
@examples
@given(
    at=st.integers(0, ROWS),
    chosen=st.lists(st.integers(0, VARIANTS - 1), min_size=1, max_size=VARIANTS, unique=True),
)
def test_to_take_some_variants_and_run_is_to_run_and_read_them(
    kind: str, at: int, chosen: list[int]
) -> None:
    batch = start(kind)
    Cpu(1).advance(batch, rows().part(0, at))
    some = take(batch, chosen)
    assert some.size == len(chosen)
    Cpu(1).advance(some, rows().part(at, ROWS))
    for name in (*some.program.state, *some.program.params):
        assert some.cell(name).tobytes() == whole(kind).cell(name)[chosen].tobytes(), name
    for name in some.program.shared:
        assert some.shared(name) == whole(kind).shared(name)
    assert some.signals == whole(kind).signals


def test_the_lanes_that_fill_a_taken_batch_up_do_nothing() -> None:
    batch, at = start("mean"), 100
    Cpu(1).advance(batch, rows().part(0, at))
    while batch.cell("a_side")[0] == 0.0:
        Cpu(1).advance(batch, rows().part(at, at + 1))
        at += 1
    some = take(batch, [0])
    assert {note.variant for note in walked(Stepper(some), at, ROWS)} == {0}


# warmed -----------------------------------------------------------------------------------------


@every_kind
def test_to_be_warmed_is_to_have_seen_all_bars_and_been_barred(kind: str) -> None:
    """Fine bars that pass while nobody may trade change nothing."""
    warmed, barred = start(kind), start(kind)
    Stepper(warmed).warm(signal_bars(0, 300))
    bar(barred, range(VARIANTS), NO_ENTRIES)
    Cpu(1).advance(barred, rows().part(0, 300))
    unbar(barred, range(VARIANTS))
    assert (warmed.before, warmed.signals, barred.before) == (150, 150, 0)
    for batch in (warmed, barred):
        Cpu(1).advance(batch, rows().part(300, ROWS))
    assert warmed.cell("a_trades").sum() > VARIANTS // 2
    same(warmed, replace(barred, before=150))


@every_kind
def test_who_is_warmed_knows_what_it_would_know_had_it_traded(kind: str) -> None:
    warmed, traded = start(kind), start(kind)
    Stepper(warmed).warm(signal_bars(0, 300))
    Cpu(1).advance(traded, rows().part(0, 300))
    for name in (n for n in warmed.program.state if n.startswith("m_")):
        assert warmed.cell(name).tobytes() == traded.cell(name).tobytes(), name
    for name in warmed.program.shared:
        assert warmed.shared(name) == traded.shared(name)
    assert not warmed.cell("a_trades").any()
    assert not warmed.cell("a_want").any()
    assert not warmed.cell("a_barred").any()


@every_kind
def test_python_can_be_warmed_too(kind: str) -> None:
    batch = start(kind)
    stepper = Stepper(batch)
    stepper.bar([5], NO_ENTRIES)
    stepper.warm(Bars.of(signal_bars(0, 300)))
    walked(stepper, 300, ROWS)
    part = rows().part(0, 300)
    history = Rows(part.table[(part.kinds & SIGNAL) != 0], np.full(150, SIGNAL, np.uint8))
    for variant in (0, 5, 69):
        alone = Lone(start(kind), variant)
        if variant == 5:
            alone.bar(NO_ENTRIES)
        alone.warm(history)
        alone.advance(rows().part(300, ROWS))
        assert differences(batch, variant, alone) == []
    assert batch.cell("a_barred")[5] in (NO_ENTRIES, OUT)
    assert batch.cell("a_trades")[5] == 0.0


def test_metrics_count_the_bars_since_the_trading_began() -> None:
    batch = start("mean")
    Stepper(batch).warm(signal_bars(0, 300))
    Cpu(1).advance(batch, rows().part(300, ROWS))
    found = batch.metrics(525_600.0)
    assert np.allclose(found["exposure"], batch.cell("p_bars_in") / 150.0)
    bars = replace(batch, before=0).metrics(525_600.0)["exposure"]
    assert np.allclose(bars, batch.cell("p_bars_in") / 300.0)


# long -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["mean", "weighted"])
def test_sums_that_are_added_up_anew_are_so_at_the_same_bars_however_the_run_is_cut(
    kind: str,
) -> None:
    count = 2 * RESUM_BARS + 100
    long, _ = market("real", count)
    at_once, cut, single = start(kind, False), start(kind, False), start(kind, False)
    Cpu(1).advance(at_once, long)
    for first, last in ((0, RESUM_BARS - 1), (RESUM_BARS - 1, RESUM_BARS), (RESUM_BARS, count)):
        Cpu(1).advance(cut, long.part(first, last))
    for row in range(count):
        Cpu(1).advance(single, long.part(row, row + 1))
    same(at_once, cut)
    same(at_once, single)
    for variant in (0, 17, 69):
        alone = Lone(start(kind, False), variant)
        alone.advance(long)
        assert differences(at_once, variant, alone) == []


def test_those_who_stop_themselves_are_seen_when_something_was_noted() -> None:
    """It is enough to look at `barred` after a note or a signal bar, as the stepper says."""
    batch = start("mean")
    stepper = Stepper(batch)
    known = stepper.barred()
    last_side = batch.cell("a_side")
    for row in range(ROWS):
        noted = walked(stepper, row, row + 1)
        now = stepper.barred()
        for variant in np.flatnonzero(now != known):
            exits = {n.variant for n in noted if n.kind == "exit"}
            assert variant in exits or batch.cell("a_side")[variant] != 0.0
        known, last_side = now, batch.cell("a_side")
    assert (known == OUT).sum() > 3
    assert not (known == ASTRAY).any()
    assert (known == FREE).any()
    assert last_side.any()
