"""The engine tells how it stands, over a real socket, and waits for nobody."""

import asyncio
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from math import isnan
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import structlog

from liveopt.live import telemetry as module
from liveopt.live.frames import (
    COLUMNS,
    LENGTH,
    STATUSES,
    Frame,
    columns_of,
    length_of,
    short,
    unpacked,
)
from liveopt.live.supervise import Supervisor
from liveopt.live.telemetry import (
    READERS_MAX,
    Census,
    Sharpes,
    Telemetry,
    columns_of_state,
    kept,
    p_values,
)
from liveopt.walk.events import Add, Halt, Pause, Promote, Retire
from liveopt.walk.explain import e_value, explain
from liveopt.walk.image import image
from liveopt.walk.standings import standings
from liveopt.walk.state import State
from tests import contest
from tests.run import Folded, folded, opening, strategies, ticks, variant, variants

MARKET = ticks(400, step_s=20.0)
SIDES = {"short": -1, "flat": 0, "long": 1}


def run_of(count: int = 16, bars: int = 400) -> Folded:
    return folded([*opening(variants(count, reckless=0.5)), *MARKET[:bars]])


def gate_run() -> Folded:
    gate = msgspec.structs.replace(contest.GATE, auto=False)
    return folded([*contest.opening(gate), *contest.waves(200)])


async def sharpes_of(state: State) -> Sharpes:
    found = Sharpes()
    await found.refresh(state)
    return found


def numbers(state: State, sharpes: Sharpes | None = None) -> dict[str, dict[str, Any]]:
    """By variant, as a reader finds them."""
    sharpes = sharpes or asyncio.run(sharpes_of(state))
    census = Census()
    census.look(state)
    columns = columns_of_state(state, sharpes)
    return {
        one.id: {name: column[place].item() for name, column in columns.items()}
        for place, one in enumerate(census.who)
    }


@pytest.mark.parametrize("end", [2, 100, 400])
def test_columns_say_what_the_listing_says(end: int) -> None:
    run = run_of(bars=end)
    run.take([Pause(1, ("v001",), "me"), Retire(1, ("v002",), "me")])
    run.take([Add(1, (variant("late"),), "me")])
    found = numbers(run.state)
    listed = standings(run.state)
    assert found.keys() == {one.id for one in listed}
    for one in listed:
        own = found[one.id]
        assert STATUSES[own["status"]] == one.status
        assert own["side"] == SIDES[one.position]
        for name, value in one.metrics.items():
            if name in own:
                assert own[name] == value or (value is None and isnan(own[name])), name
    assert isnan(found["late"]["equity"])
    run.take([Halt(1, 2, "halt")])
    halted = {one.id: one.status for one in standings(run.state)}
    assert {n: STATUSES[own["status"]] for n, own in numbers(run.state).items()} == halted
    assert "halted" in halted.values()


def test_evidence_is_what_an_explanation_says() -> None:
    run = gate_run()
    found = numbers(run.state)
    told = 0
    for name, own in found.items():
        said = explain(run.state, name)
        if said.evidence is None:
            assert isnan(own["log_evidence"])
            continue
        told += 1
        assert e_value(own["log_evidence"]) == pytest.approx(said.evidence)
        assert own["p_value"] == pytest.approx(said.p_value, abs=2e-6)
        assert own["bars"] > 0
        assert own["pessimistic"] > 0.0
    assert told > 1


def test_p_values_of_all_are_those_of_each() -> None:
    run = gate_run()
    (market,) = run.state.markets.values()
    assert market.contest is not None
    epoch = market.contest.epoch
    each = [epoch.p_value(slot) for slot in range(len(epoch.names))]
    assert p_values(epoch) == pytest.approx(each, abs=2e-6)
    assert min(each) < 1.0


def test_without_a_gate_there_is_no_evidence_and_no_other_account() -> None:
    run = folded([*contest.opening(None), *contest.waves(20)])
    for own in numbers(run.state).values():
        assert all(isnan(own[name]) for name in ("log_evidence", "p_value", "pessimistic"))
        assert own["equity"] > 0.0


def test_who_is_looked_at_is_not_changed() -> None:
    run = gate_run()
    before = image(run.state)
    numbers(run.state)
    assert image(run.state) == before


def test_the_population_changes_only_when_people_do() -> None:
    run, census = gate_run(), Census()
    census.look(run.state)
    known = census.who
    assert census.population == 1
    run.take([Pause(1, ("quick",), "me"), Halt(1, 2, "halt")])
    census.look(run.state)
    assert census.population == 1
    assert census.who is known
    run = gate_run()
    census.look(run.state)
    before = census.population
    run.take([Promote(run.state.at_ns, "quick", "me", "it passed")])
    census.look(run.state)
    assert census.population == before + 1
    assert [one.id for one in census.who if one.champion] == ["quick"]


def test_who_waits_is_part_of_the_population() -> None:
    run, census = run_of(), Census()
    census.look(run.state)
    run.take([Add(run.state.at_ns, (variant("late"),), "me")])
    census.look(run.state)
    assert census.population == 2
    assert census.who[-1].id == "late"


def test_a_run_that_has_not_begun_has_columns_of_nobody() -> None:
    state, census = State(strategies()), Census()
    census.look(state)
    assert census.who == ()
    columns = columns_of_state(state, Sharpes())
    assert {name: len(column) for name, column in columns.items()} == dict.fromkeys(COLUMNS, 0)


async def test_sharpe_ratios_are_worked_out_again_with_another_bar_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run, ages = run_of(bars=200), list[float]()
    whole = module._metrics

    def counted(state: State, sums: Any, bars: float) -> Any:
        ages.append(bars)
        return whole(state, sums, bars)

    monkeypatch.setattr(module, "_metrics", counted)
    found = await sharpes_of(run.state)
    once = len(ages)
    await found.refresh(run.state)
    assert len(ages) == once > 0
    run.take(MARKET[200:204])  # more than a minute
    await found.refresh(run.state)
    assert ages[once:] == [age + 1 for age in ages[:once]]
    run.take([Add(run.state.at_ns, (variant("late"),), "me"), *MARKET[204:206]])
    groups = [group for _, group in run.state.groups()]
    count = sum(len(group.seats) for group in groups)
    assert np.isnan(found.of(groups)).tolist() == [True] * count  # others than were known
    await found.refresh(run.state)
    assert np.isfinite(found.of(groups)).any()


async def test_many_ages_do_not_hold_the_loop_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SLICE_S", 0.0)
    run = run_of(8, bars=40)
    for number in range(40, 100):
        run.take([Add(run.state.at_ns, (variant(f"late{number}"),), "me"), MARKET[number]])
    turns = [0]

    async def other() -> None:
        while True:
            turns[0] += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    sharpes = await sharpes_of(run.state)
    task.cancel()
    assert turns[0] > 10
    found = numbers(run.state, sharpes)
    for one in standings(run.state):
        told = found[one.id]["bar_sharpe"]
        assert told == one.metrics["bar_sharpe"] or (
            one.metrics["bar_sharpe"] is None and isnan(told)
        )


# Over the socket.


@asynccontextmanager
async def telling(path: Path, state: State) -> AsyncIterator[Telemetry]:
    telemetry = Telemetry(path, state, lambda: 5_000_000)
    task = asyncio.create_task(telemetry.run())
    try:
        await until(path.exists)
        yield telemetry
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5.0):
        while not holds():  # noqa: ASYNC110  no event tells of it
            await asyncio.sleep(0.005)


async def joined(path: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    with short(path) as name:
        return await asyncio.open_unix_connection(name, limit=1 << 12)


async def frame_of(reader: asyncio.StreamReader) -> Frame:
    async with asyncio.timeout(5.0):
        return unpacked(await reader.readexactly(length_of(await reader.readexactly(LENGTH))))


async def test_people_are_told_once_and_again_when_they_change(tmp_path: Path) -> None:
    run = run_of()
    async with telling(tmp_path / "one.sock", run.state) as telemetry:
        reader, writer = await joined(telemetry.path)
        await until(lambda: len(telemetry._readers) == 1)
        telemetry.tell({"ticks": 1})
        first = await frame_of(reader)
        assert first.who is not None
        assert (first.run, first.at_ns, first.wall_ms) == (run.state.run, run.state.at_ns, 5)
        assert first.report == {"ticks": 1}
        assert columns_of(first, len(first.who))["equity"].tolist() == [
            pytest.approx(own["equity"], nan_ok=True)
            for own in numbers(run.state, Sharpes()).values()
        ]
        telemetry.tell({"ticks": 2})
        second = await frame_of(reader)
        assert (second.boot, second.seq, second.who) == (first.boot, first.seq + 1, None)
        run.take([Add(run.state.at_ns, (variant("late"),), "me")])
        telemetry.tell({"ticks": 3})
        third = await frame_of(reader)
        assert third.who is not None
        assert [one.id for one in third.who] == [*(one.id for one in first.who), "late"]
        other, other_writer = await joined(telemetry.path)
        await until(lambda: len(telemetry._readers) == 2)
        telemetry.tell({"ticks": 4})
        assert (await frame_of(reader)).who is None
        assert (await frame_of(other)).who == third.who
        writer.close()
        other_writer.close()


async def test_nothing_is_made_while_nobody_is_connected(tmp_path: Path) -> None:
    async with telling(tmp_path / "one.sock", run_of().state) as telemetry:
        for number in range(3):
            telemetry.tell({"ticks": number})
            await asyncio.sleep(0.01)
        assert telemetry.made == 0
        reader, writer = await joined(telemetry.path)
        await until(lambda: len(telemetry._readers) == 1)
        telemetry.tell({"ticks": 3})
        assert (await frame_of(reader)).report == {"ticks": 3}
        assert telemetry.made == 1
        writer.close()
        await until(lambda: not telemetry._readers)
        telemetry.tell({"ticks": 4})
        await asyncio.sleep(0.05)
        assert telemetry.made == 1
        assert telemetry._census._groups == []


async def test_a_reader_that_is_behind_gets_the_newest_and_at_most_one_waits(
    tmp_path: Path,
) -> None:
    run = folded([*opening(variants(600))])
    async with telling(tmp_path / "one.sock", run.state) as telemetry:
        reader, writer = await joined(telemetry.path)
        await until(lambda: len(telemetry._readers) == 1)
        (own,) = telemetry._readers
        most = 0
        for number in range(200):
            telemetry.tell({"number": number, "weight": "x" * 50_000})
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            most = max(most, own.transport.get_write_buffer_size())
        assert telemetry.skipped > 100
        assert 0 < most < 250_000
        told = telemetry.made
        numbers_read = [(await frame_of(reader)).report["number"] for _ in range(told)]
        assert numbers_read == sorted(numbers_read)
        telemetry.tell({"number": 200})
        last = await frame_of(reader)
        assert (last.report, last.seq) == ({"number": 200}, 201)
        writer.close()


async def test_a_reader_that_takes_nothing_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STUCK_S", 0.1)
    async with telling(tmp_path / "one.sock", run_of().state) as telemetry:
        _, writer = await joined(telemetry.path)
        await until(lambda: len(telemetry._readers) == 1)

        def gone() -> bool:
            telemetry.tell({"weight": "x" * 300_000})
            return not telemetry._readers

        await until(gone)
        writer.close()


async def test_readers_that_speak_and_readers_too_many_are_cut_off(tmp_path: Path) -> None:
    async with telling(tmp_path / "one.sock", run_of().state) as telemetry:
        many = [await joined(telemetry.path) for _ in range(READERS_MAX + 1)]
        await until(lambda: len(telemetry._readers) == READERS_MAX)
        assert await many[-1][0].read() == b""
        many[0][1].write(b"hello?")
        await until(lambda: len(telemetry._readers) == READERS_MAX - 1)
        for _, writer in many:
            writer.close()


async def test_the_socket_is_its_owners_alone_and_goes_with_the_process(tmp_path: Path) -> None:
    path = tmp_path / ("deep" * 30) / "one.sock"
    path.parent.mkdir()
    path.write_text("left by another")
    async with telling(path, run_of().state):
        await until(path.is_socket)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.exists()


async def test_the_file_of_a_process_that_came_after_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "one.sock"
    async with telling(path, run_of().state):
        path.rename(tmp_path / "moved.sock")
        path.write_text("the next one's")
    assert path.read_text() == "the next one's"


async def test_a_socket_that_cannot_be_had_is_tried_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AGAIN_S", 0.02)
    path = tmp_path / "later" / "one.sock"
    telemetry = Telemetry(path, run_of().state)
    with structlog.testing.capture_logs() as said:
        task = asyncio.create_task(telemetry.run())
        await until(lambda: len(said) > 1)
        path.parent.mkdir()
        await until(path.exists)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert said[0]["event"] == "nobody can read the telemetry"


async def test_a_bug_in_telling_is_not_the_end_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashes: list[str] = []
    run = run_of()
    run.state.terms = None  # what cannot be: every frame fails
    telemetry = Telemetry(tmp_path / "one.sock", run.state)
    monkeypatch.setattr("liveopt.live.supervise.PAUSE_S_MAX", 0.01)
    task = asyncio.create_task(
        kept(telemetry, Supervisor(np.random.default_rng(1), crashes.append))
    )
    with structlog.testing.capture_logs() as said:
        async with asyncio.timeout(20.0):
            while not task.done():
                telemetry.tell({})
                await asyncio.sleep(0.005)
                if not telemetry._readers:
                    with suppress(OSError):
                        _, writer = await joined(telemetry.path)
                        telemetry.tell({})
                        await asyncio.sleep(0.01)
                        writer.close()
    assert task.exception() is None
    assert set(crashes) == {"telemetry"}
    assert said[-1]["event"] == "no dashboard until the next start"
