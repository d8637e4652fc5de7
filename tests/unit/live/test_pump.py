"""Order is made here: journal first, the gate before each event, and nothing after a half event."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from liveopt.core.bars import MINUTE_NS
from liveopt.core.events import Bar, Candle, FeedEvent, FeedState, Hole, Quote
from liveopt.guard.gate import FLATTEN, HALT, Gate
from liveopt.guard.latch import Change, Latch
from liveopt.live.board import Board
from liveopt.live.mailbox import Mailbox
from liveopt.live.pump import HalfDone, Pump
from liveopt.live.recover import CannotApply, recover_run
from liveopt.walk.events import Begin, Explained, Halt, Reopen
from liveopt.walk.lines import read_input, written
from liveopt.walk.records import OUTPUTS, Entered, GateExplained
from tests.run import SYMBOL, Live, appended, begin, opening, strategies, ticks, variants

MARKET = ticks(300, step_s=20.0)
PEOPLE = variants(6)


@pytest.fixture
def live(tmp_path: Path) -> Any:
    found = Live(tmp_path)
    yield found
    if found.writer.failed is None:
        found.close()


def inputs(live: Live) -> list[Any]:
    return [read_input(record.content) for record in appended(live.folder)]


async def until(true: Any) -> None:
    async with asyncio.timeout(5.0):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


def test_what_goes_in_is_journalled_and_so_is_what_comes_out(live: Live) -> None:
    outs = live.take([*opening(PEOPLE), *MARKET])
    live.close()
    assert inputs(live) == [*opening(PEOPLE), *MARKET]
    for name in OUTPUTS:
        made = [written(record) for journal, record in outs if journal == name]
        assert [r.content for r in appended(live.folder, name)] == made
        assert made
    assert live.pump.seq == len(inputs(live)) == live.writer.durable["inputs"]


def test_the_gate_is_obeyed_before_the_next_event(live: Live) -> None:
    live.take([*opening(PEOPLE), *MARKET[:100]])
    number = live.gate.shut(HALT)
    live.pump.feed(MARKET[100])
    heard = live.gate.heard
    assert heard.number == number
    assert heard.seq == live.pump.seq - 1
    assert heard.variants_stopped == live.state.running()
    assert heard.positions_open == live.state.positions()
    live.close()
    said = inputs(live)[-2:]
    assert said == [Halt(MARKET[99].at_ns, number, "halt"), MARKET[100]]


def test_a_stop_that_grows_is_one_more_event_and_a_repeated_one_is_only_acknowledged(
    live: Live,
) -> None:
    live.take([*opening(PEOPLE), *MARKET[:100]])
    for mode in (HALT, FLATTEN, HALT, FLATTEN):
        number = live.gate.shut(mode)
        live.take([MARKET[100]])
        assert live.gate.heard.number == number
    live.gate.open_again()
    live.gate.open_again()
    live.take([MARKET[101]])
    live.close()
    moves = [e for e in inputs(live) if isinstance(e, Halt | Reopen)]
    modes = [e.mode if isinstance(e, Halt) else "" for e in moves]
    assert modes == ["halt", "halt_and_flatten", "halt_and_flatten", "halt_and_flatten", ""]


def test_a_stronger_stop_under_the_number_of_a_weaker_one_is_obeyed(tmp_path: Path) -> None:
    """A gate that was lost and made anew counts from one again."""
    live = Live(tmp_path)
    live.take(opening(PEOPLE))
    number = live.gate.shut(HALT)
    live.take(MARKET[:1])
    live.close()
    (tmp_path / "gate").unlink()
    Gate.create(tmp_path / "gate", FLATTEN, number).close()
    live = Live(tmp_path)
    live.pump.obey()
    assert live.state.halt is not None
    assert (live.state.halt.number, live.state.halt.mode) == (number, "halt_and_flatten")
    assert live.gate.heard.number == number
    seq = live.pump.seq
    live.close()
    again = Live(tmp_path)
    again.pump.obey()
    assert again.pump.seq == seq
    again.close()


async def test_the_gate_is_looked_at_when_nothing_comes_and_the_reason_follows(live: Live) -> None:
    live.take([*opening(PEOPLE), *MARKET[:50]])
    watching = asyncio.create_task(live.pump.watch())
    number = live.gate.shut(HALT)
    await until(lambda: live.gate.heard.number == number)
    beats = live.gate.beats
    await asyncio.sleep(0.03)
    live.latch.set(Change("too wild", "ann", 1))
    await until(lambda: any(isinstance(r, GateExplained) for r in live.pump.board.recent))
    assert live.gate.beats > beats > 0
    live.resume()
    await until(lambda: live.state.halt is None)
    await until(lambda: sum(isinstance(r, GateExplained) for r in live.pump.board.recent) == 2)
    watching.cancel()
    live.close()
    said = [e for e in inputs(live) if isinstance(e, Explained)]
    assert [(e.number, e.reason, e.by) for e in said] == [
        (number, "too wild", "ann"), (number + 1, "all is well", "tester"),
    ]  # fmt: skip


async def test_the_reason_of_an_earlier_stop_is_not_taken_for_that_of_the_next(
    tmp_path: Path,
) -> None:
    """The latch of a run that was once halted has a word in it; that one is old."""
    Latch(tmp_path / "latch").set(Change("last week", "bob", 1))
    Latch(tmp_path / "latch").clear(Change("it was nothing", "bob", 1))
    live = Live(tmp_path)
    live.take(opening(PEOPLE))
    live.gate.shut(HALT)
    watching = asyncio.create_task(live.pump.watch())
    await until(lambda: live.state.halt is not None)
    await asyncio.sleep(0.03)
    live.latch.set(Change("now", "ann", 1))
    await until(lambda: any(isinstance(r, GateExplained) for r in live.pump.board.recent))
    watching.cancel()
    live.close()
    assert [e.reason for e in inputs(live) if isinstance(e, Explained)] == ["now"]


async def test_a_run_that_begins_halted_says_why(tmp_path: Path) -> None:
    Latch(tmp_path / "latch").set(Change("last week", "bob", 1))
    Gate.create(tmp_path / "gate", HALT).close()
    live = Live(tmp_path)
    live.take(opening(PEOPLE))
    watching = asyncio.create_task(live.pump.watch())
    await until(lambda: any(isinstance(r, GateExplained) for r in live.pump.board.recent))
    watching.cancel()
    live.close()
    assert [e.reason for e in inputs(live) if isinstance(e, Explained)] == ["last week"]


def test_nothing_follows_an_event_that_was_left_half_done(live: Live) -> None:
    """A bug in the walk: the state is of no event's end, and no snapshot of it is good."""
    live.take([*opening(PEOPLE), *MARKET[:50]])
    with pytest.raises(AssertionError, match="begins once"):
        live.pump.take(begin())
    assert not live.pump.sound
    seq = live.pump.seq
    with pytest.raises(HalfDone):
        live.pump.take(MARKET[50])
    assert live.pump.seq == seq
    live.close()
    assert isinstance(inputs(live)[-1], Begin)
    with pytest.raises(CannotApply, match="begins once"):
        recover_run(live.folder, strategies())


async def test_the_feed_is_counted_and_quotes_are_not_journalled(live: Live) -> None:
    live.take(opening(PEOPLE))
    box = Mailbox()
    quote = Quote(1, SYMBOL, 1, 1.0, 1.0, 2.0, 1.0)
    state = FeedState(1, "trades", "stale", 5)
    box.put([*MARKET[:20], quote, state, Hole(SYMBOL, 1, 2, "cut")])
    box.close()
    await live.pump.run(box)
    board = live.pump.board
    assert (board.ticks, board.holes) == (20, 1)
    assert board.quotes == {SYMBOL: quote}
    assert board.feed == {"trades": state}
    live.close()
    assert len(inputs(live)) == len(opening(PEOPLE)) + 22


async def test_only_the_market_makes_the_newest_tick_younger(live: Live) -> None:
    live.take(opening(PEOPLE))
    now_s = asyncio.get_running_loop().time
    told: list[tuple[list[FeedEvent], bool]] = [
        ([FeedState(1, "trades", "stale", 5)], False),
        ([*MARKET[:20]], True),
        ([FeedState(1, "trades", "stale", 5), Hole(SYMBOL, 1, 2, "cut")], False),
        (
            [Candle(SYMBOL, MINUTE_NS, Bar(MARKET[19].at_ns + MINUTE_NS, 1.0, 1.0, 1.0, 1.0, 0.0))],
            True,
        ),
    ]
    for events, news in told:
        before_s, known = now_s(), live.pump.board.ticked_s
        box = Mailbox()
        box.put(events)
        box.close()
        await live.pump.run(box)
        if news:
            assert live.pump.board.ticked_s is not None
            assert before_s <= live.pump.board.ticked_s <= now_s()
        else:
            assert live.pump.board.ticked_s == known


async def test_a_tick_of_an_earlier_process_is_as_old_as_this_one_at_least(tmp_path: Path) -> None:
    live = Live(tmp_path)
    live.take([*opening(PEOPLE), *MARKET[:20]])
    live.close()
    live = Live(tmp_path)
    before_s = asyncio.get_running_loop().time()
    box = Mailbox()
    box.close()
    await live.pump.run(box)
    live.close()
    assert live.pump.board.ticked_s is not None
    assert live.pump.board.ticked_s >= before_s


async def test_others_have_their_turn_while_many_events_wait(live: Live) -> None:
    live.take(opening(PEOPLE))
    box, turns, going = Mailbox(), 0, True
    box.put(MARKET)
    box.put([msgspec.structs.replace(t, at_ns=t.at_ns + 10**13) for t in MARKET])
    box.close()

    async def others() -> None:
        nonlocal turns
        while going:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    await live.pump.run(box)
    going = False
    await task
    assert turns > 2
    assert live.pump.board.ticks == 2 * len(MARKET)


async def test_written_waits_for_the_disk_and_says_when_it_is_broken(live: Live) -> None:
    live.take(opening(PEOPLE))
    await live.pump.written()
    assert live.writer.durable["inputs"] == live.pump.seq
    live.take(MARKET[:1])
    live.writer._fail(OSError("the disk is gone"))
    live.pump.seq += 1
    with pytest.raises(OSError, match="gone"):
        await live.pump.written()
    live.writer.close()


def test_listeners_hear_each_event_with_what_came_of_it(live: Live) -> None:
    heard: list[Any] = []
    live.pump.listeners.append(lambda event, outs: heard.append((event, len(outs))))
    live.take([*opening(PEOPLE), *MARKET[:100]])
    assert [event for event, _ in heard] == [*opening(PEOPLE), *MARKET[:100]]
    assert any(count for _, count in heard)


def test_a_pump_of_a_run_that_is_still_to_begin(tmp_path: Path) -> None:
    live = Live(tmp_path)
    assert live.pump.seq == 0
    assert isinstance(live.pump, Pump)
    assert isinstance(live.pump.board, Board)
    live.pump.obey()
    assert live.pump.seq == 0
    assert live.gate.heard.number == live.gate.number
    live.close()
    assert not any(isinstance(r, Entered) for r in live.pump.board.recent)
