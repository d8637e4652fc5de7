"""Paper trading is the back-test: the walk's fold of a table is the engine's run over it."""

from functools import cache
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveopt.core.account import REASONS
from liveopt.core.bars import MINUTE_NS, Bars, infer_interval_ns
from liveopt.core.events import Bar
from liveopt.data.market import synthetic_bars
from liveopt.engine.batch import Batch, open_batch
from liveopt.engine.cpu import Cpu
from liveopt.engine.rows import rows_of
from liveopt.walk.events import Input, Past
from liveopt.walk.group import columns_of, setup_of
from liveopt.walk.image import image, restored
from liveopt.walk.records import Entered, Trade, VariantStarted
from liveopt.walk.seat import seat_of
from liveopt.walk.standings import standings
from liveopt.walk.variant import Variant
from tests.contracts.oracle import cells, differing
from tests.run import (
    INSTRUMENT,
    NAMES,
    START_NS,
    SYMBOL,
    TERMS,
    Folded,
    candles,
    folded,
    opening,
    strategies,
    variants,
)

pytestmark = pytest.mark.timeout(180)

SIGNAL_NS = 5 * MINUTE_NS
UNLIMITED = msgspec.structs.replace(
    TERMS, signal_ns=SIGNAL_NS, loss_limit=1.0, drawdown_limit=1.0, history_bars=40
)
PEOPLE = variants(70, reckless=0.1)
BARS = 1_500
LOG = 64 * BARS
YEAR_NS = 365 * 24 * 3600 * 10**9


@cache
def market() -> Bars:
    return synthetic_bars(BARS, 11, MINUTE_NS, START_NS - START_NS % SIGNAL_NS)


@cache
def table() -> tuple[Input, ...]:
    return tuple(candles(market(), MINUTE_NS))


def own(strategy: str) -> list[Variant]:
    return [v for v in PEOPLE if v.strategy == strategy]


@cache
def back_test(strategy: str) -> Batch:
    """The offline engine, in one go."""
    from dataclasses import replace

    members, known = own(strategy), strategies()[strategy]
    setup = setup_of(members[0], known, INSTRUMENT, UNLIMITED)
    batch = open_batch(
        replace(setup, log_trades=LOG), *columns_of([seat_of(v) for v in members], known)
    )
    assert infer_interval_ns(market()) == MINUTE_NS
    Cpu(1).advance(batch, rows_of(market(), MINUTE_NS, SIGNAL_NS))
    assert batch.cell("a_trades").sum() > 5 * len(members)
    return batch


def paper(cuts: list[int]) -> Folded:
    """The walk, with a restart from an image at each of these places."""
    run, done = folded(opening(PEOPLE, UNLIMITED)), 0
    for cut in sorted(cuts):
        run.take(table()[done:cut])
        run.state = restored(image(run.state), strategies())
        done = cut
    return run.take(table()[done:])


def same(run: Folded) -> None:
    """Trade by trade, cell by cell and metric by metric, to the bit."""
    groups = {g.seats[0].variant.strategy: g for _, g in run.state.groups() if not g.champion}
    trades: dict[str, list[Any]] = {}
    entries: dict[str, list[Any]] = {}
    for _, record in run.outs:
        if isinstance(record, Trade):
            trades.setdefault(record.variant, []).append(record)
        elif isinstance(record, Entered):
            entries.setdefault(record.variant, []).append(record)
    shown = {one.id: one for one in standings(run.state)}
    for strategy in NAMES:
        batch, group = back_test(strategy), groups[strategy]
        assert differing(cells(batch), cells(group.batch)) == []
        metrics = batch.metrics(YEAR_NS / SIGNAL_NS)
        for place, member in enumerate(own(strategy)):
            assert group.seats[place].variant == member
            made = trades.get(member.id, [])
            wanted = batch.trades(place)
            assert [_paper(t) for t in made] == [_tested(t) for t in wanted]
            opened = entries.get(member.id, [])
            assert [(e.at_ns, e.price, e.size) for e in opened[: len(made)]] == [
                (t.entry_ns, t.entry_price, t.size) for t in made
            ]
            assert len(opened) - len(made) == (batch.cell("a_side")[place] != 0.0)
            for name, value in shown[member.id].metrics.items():
                number = float(metrics[name][place])
                assert value == (number if np.isfinite(number) else None), name


def _paper(t: Trade) -> tuple[Any, ...]:
    return (
        t.entry_ns, t.at_ns, t.entry_price, t.exit_price, t.size, t.side, t.fees, t.funding,
        t.net, t.roi, t.margin, t.reason,
    )  # fmt: skip


def _tested(t: dict[str, float]) -> tuple[Any, ...]:
    origin = int(market().at_ns[0])
    start = int(rows_of(market(), MINUTE_NS, SIGNAL_NS).table[0, 0] * 1e9)
    return (
        origin + round(t["since_s"] * 1e9) - start, origin + round(t["time_s"] * 1e9) - start,
        t["entry"], t["leave"], abs(t["was_qty"]), "long" if t["was_side"] > 0 else "short",
        t["paid"], t["funded"], t["net"], t["roi"], t["margin"], REASONS[int(t["reason"])],
    )  # fmt: skip


def test_paper_is_the_back_test() -> None:
    same(paper([]))


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(0, BARS), max_size=5))
def test_and_restarts_change_no_bit_of_it(cuts: list[int]) -> None:
    same(paper(cuts))


def signal_bars() -> list[Bar]:
    """The first closed signal bars of the market."""
    from liveopt.core.bars import resample

    _, found = resample(market(), MINUTE_NS, SIGNAL_NS)
    rows = zip(found.at_ns.tolist(), *(c.tolist() for c in found.floats()), strict=True)
    return [Bar(*row) for row in rows]


def test_who_is_warmed_from_history_has_seen_those_bars() -> None:
    """As much as a run that began earlier, without having traded."""
    past = tuple(signal_bars()[:40])
    rest = table()[200:]
    events = opening(PEOPLE, UNLIMITED)
    warm = folded([events[0], Past(SYMBOL, past[:25]), Past(SYMBOL, past[25:]), *events[1:], *rest])
    cold = folded([*events, *rest])
    long = folded([*events, *table()])
    target = {}
    for name, run in (("warm", warm), ("cold", cold), ("long", long)):
        groups = [g for _, g in run.state.groups() if not g.champion]
        target[name] = [g.batch.cell("m_target").tobytes() for g in groups]
        if name == "warm":
            assert [g.batch.before for g in groups] == [40, 40]
        assert {g.batch.signals for _, g in run.state.groups()} == {300 if name != "cold" else 260}
    assert target["warm"] == target["long"]
    started: list[Any] = warm.of(Entered)
    assert min(e.at_ns for e in started) < min(e.at_ns for e in cold.of(Entered))  # type: ignore[attr-defined]


def test_who_joins_later_is_warmed_as_if_it_had_been_asked_from_the_start() -> None:
    from liveopt.walk.events import Add

    late = [msgspec.structs.replace(v, id=f"late-{v.id}") for v in PEOPLE[:10]]
    run = folded([*opening(PEOPLE, UNLIMITED), *table()[:800]])
    run.take([Add(1, tuple(late), "me"), *table()[800:]])
    joined = [r for r in run.of(VariantStarted) if r.variant.startswith("late")]  # type: ignore[attr-defined]
    assert len(joined) == 10
    for one in late:
        mine, theirs = run.state.find(one.id), run.state.find(one.id.removeprefix("late-"))
        assert mine is not None
        assert theirs is not None
        pair = [group.batch.cell("m_target")[place] for _, group, place, _ in (mine, theirs)]
        assert pair[0] == pair[1]
        assert mine[1].batch.bars()[mine[2]] == 140
