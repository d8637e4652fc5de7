"""After a halt nobody opens a position until the gate is opened again, whatever happens between."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from liveopt.guard.gate import FLATTEN, HALT, OPEN, Gate
from liveopt.guard.latch import Change
from liveopt.journal.places import segment_path
from liveopt.journal.reader import Reader
from liveopt.live.ledger import read_ledger
from liveopt.live.replay import Replay
from liveopt.walk.events import Add, Pause, Resume, Retire, Time
from liveopt.walk.image import image
from liveopt.walk.lines import read_record
from liveopt.walk.records import OUTPUTS, Entered, Halted, Reopened
from tests.run import SYMBOL, Live, appended, opening, strategies, ticks, variants

pytestmark = pytest.mark.timeout(240)

PEOPLE = variants(40, seed=3, reckless=0.2)
MARKET = ticks(6_000, seed=2, step_s=20.0)
WARM = 60
names = st.sampled_from([v.id for v in PEOPLE[:12]])


class Desk(RuleBasedStateMachine):
    """Everything an operator, a guard and a power cut can do to a run."""

    def __init__(self) -> None:
        super().__init__()
        self.room = tempfile.TemporaryDirectory()
        self.live = Live(Path(self.room.name))
        self.now = 0
        self.added = 0
        self.acknowledged: int | None = None
        """The input from which on nobody enters, as the first stop since a resume was told."""

    @initialize()
    def begins(self) -> None:
        self.added = 12
        self.live.take([*opening(PEOPLE[: self.added]), *MARKET[:WARM]])
        self.now = WARM

    # the market

    @rule(count=st.integers(1, 40))
    def trades(self, count: int) -> None:
        for tick in MARKET[self.now : self.now + count]:
            outs = self.live.pump.take(tick)
            self.look(outs)
        self.now += count

    @rule()
    def falls_silent(self) -> None:
        self.look(self.live.pump.take(Time(MARKET[self.now].at_ns, SYMBOL)))

    # the operator

    @rule(chosen=st.lists(names, min_size=1, max_size=3), verb=st.sampled_from(["p", "r", "x"]))
    def commands(self, chosen: list[str], verb: str) -> None:
        kind: type[Pause | Resume | Retire] = {"p": Pause, "r": Resume, "x": Retire}[verb]  # type: ignore[assignment]
        self.look(self.live.pump.take(kind(self.live.state.at_ns, tuple(chosen), "me")))

    @precondition(lambda self: self.added < len(PEOPLE))
    @rule()
    def adds(self) -> None:
        more = tuple(PEOPLE[self.added : self.added + 4])
        self.added += 4
        self.look(self.live.pump.take(Add(self.live.state.at_ns, more, "me")))

    @rule(mode=st.sampled_from([HALT, FLATTEN]), looks=st.booleans())
    def stops(self, mode: int, looks: bool) -> None:
        self.live.stop(mode)
        if looks:
            self.obeys()

    @rule(mode=st.sampled_from([HALT, FLATTEN]))
    def stops_from_outside(self, mode: int) -> None:
        self.live.gate.shut_from_outside(mode)
        self.live.latch.set(Change("the guard hangs", "cli", 1))

    @rule(looks=st.booleans())
    def resumes(self, looks: bool) -> None:
        self.live.resume()
        self.acknowledged = None
        if looks:
            self.obeys()

    def obeys(self) -> None:
        self.live.pump.obey()
        gate = self.live.gate
        assert gate.heard.number == gate.number
        if gate.wanted and self.acknowledged is None:
            self.acknowledged = gate.heard.seq
        assert (self.live.state.halt is not None) == (gate.wanted != OPEN)
        assert gate.heard.positions_open == self.live.state.positions()

    # the machine

    @rule()
    def writes_a_snapshot(self) -> None:
        self.live.snapshot()

    @rule()
    def restarts(self) -> None:
        """All is on the disk."""
        before = image(self.live.state)
        self.live.close()
        self.live = Live(Path(self.room.name))
        assert image(self.live.state) == before

    @rule(which=st.sampled_from(OUTPUTS), share=st.floats(0.0, 1.0), guard_too=st.booleans())
    def crashes(self, which: str, share: float, guard_too: bool) -> None:
        """Outputs that were not written yet are made again; what was halted stays so."""
        before = image(self.live.state)
        self.live.crash()
        keep(self.live.folder, which, share)
        if guard_too:  # the gate is made anew, as the latch says
            word = self.live.latch.read()
            mode = {"halt": HALT, "halt_and_flatten": FLATTEN}[word.mode] if word.halted else OPEN
            Gate.create(Path(self.room.name) / "gate", mode).close()
        self.live = Live(Path(self.room.name))
        assert image(self.live.state) == before
        assert self.live.latch.read().halted == (self.live.gate.wanted != OPEN)

    # the law

    def look(self, outs: list[Any]) -> None:
        """Of what an event led to."""
        live = self.live
        assert (live.state.halt is not None) == (live.gate.wanted != OPEN)
        if live.state.halt is not None:
            assert not [r for _, r in outs if isinstance(r, Entered)]

    @invariant()
    def it_stays_halted_until_it_is_resumed(self) -> None:
        if self.acknowledged is not None:
            assert self.live.gate.wanted != OPEN

    @precondition(lambda self: self.now > WARM)
    @rule()
    def flattens(self) -> None:
        """One tick later nobody holds anything."""
        self.live.stop(FLATTEN)
        self.trades(1)
        assert self.live.state.positions() == 0

    def teardown(self) -> None:
        self.live.close()
        folder = self.live.folder
        if appended(folder):
            for name in OUTPUTS:
                halted = False
                for record in appended(folder, name):
                    match read_record(record.content):
                        case Halted():
                            halted = True
                        case Reopened():
                            halted = False
                        case Entered():
                            assert not halted
                        case _:
                            pass
            assert read_ledger(folder).faults == []
            found = Replay(folder, strategies())
            entries = {
                s.seq for s in found.steps() if any(isinstance(r, Entered) for _, r in s.outs)
            }
            assert found.difference is None
            assert found.missing == 0
            if self.acknowledged is not None:
                assert max(entries, default=0) <= self.acknowledged
        self.room.cleanup()


def keep(folder: Path, name: str, share: float) -> None:
    """The first part of a journal's records, and nothing of the journal's own behind them."""
    reader = Reader(folder, name)
    ends = [0, *(reader.position.offset for line in reader if not reader.own)]
    path = segment_path(folder, name, 1)
    snapshots = [*(folder / "snapshots").glob("*.snap")]
    if not snapshots:  # a snapshot says that all before it is on the disk
        path.write_bytes(path.read_bytes()[: ends[int(share * (len(ends) - 1))]])


def test_nobody_enters_after_a_halt_whatever_happens() -> None:
    run_state_machine_as_test(
        Desk, settings=settings(max_examples=20, stateful_step_count=30, deadline=None)
    )


def test_a_run_that_was_halted_comes_up_halted_and_without_a_new_event(tmp_path: Path) -> None:
    live = Live(tmp_path)
    live.take([*opening(PEOPLE), *MARKET[:WARM]])
    live.stop(HALT)
    live.take(MARKET[WARM : WARM + 20])
    before, number = live.pump.seq, live.state.halt
    live.close()
    again = Live(tmp_path)
    assert again.state.halt == number
    outs = again.take(MARKET[WARM + 20 : WARM + 120])
    assert again.pump.seq == before + 100
    assert not [r for _, r in outs if isinstance(r, Entered | Halted)]
    again.resume()
    outs = again.take(MARKET[WARM + 120 : WARM + 400])
    assert [r for _, r in outs if isinstance(r, Entered)]
    again.close()
    for name in OUTPUTS:
        said = [type(read_record(record.content)) for record in appended(again.folder, name)]
        assert (said.count(Halted), said.count(Reopened)) == (1, 1)
