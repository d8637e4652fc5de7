"""The web's end reads what the engine tells, however often either of them starts again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from liveopt.live.frames import FRAME_MAX, LENGTH, packed
from liveopt.live.telemetry import Telemetry
from liveopt.walk.events import Add
from liveopt.walk.state import State
from liveopt.web import link as module
from liveopt.web.link import Link
from liveopt.web.picture import Picture
from tests.run import folded, opening, ticks, variant, variants
from tests.unit.web.watching import Engine, until

MARKET = ticks(200, step_s=20.0)


@asynccontextmanager
async def linked(path: Path) -> AsyncIterator[Link]:
    link = Link(path, Picture(), np.random.default_rng(1), lambda: 9_000_000_000)
    task = asyncio.create_task(link.run())
    try:
        yield link
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def telling(path: Path, state: State) -> AsyncIterator[Telemetry]:
    telemetry = Telemetry(path, state)

    async def tell() -> None:
        number = 0
        while True:
            number += 1
            telemetry.tell({"ticks": number})
            await asyncio.sleep(0.01)

    tasks = [asyncio.create_task(telemetry.run()), asyncio.create_task(tell())]
    try:
        yield telemetry
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN_S_MAX", 0.1)


async def test_it_follows_an_engine_that_comes_goes_and_comes_again(tmp_path: Path) -> None:
    path = tmp_path / ("deep" * 30) / "one.sock"
    run = folded([*opening(variants(16)), *MARKET])
    async with linked(path) as link:
        picture = link.picture
        await asyncio.sleep(0.05)
        assert (picture.connected, picture.frames) == (False, 0)
        path.parent.mkdir()
        async with telling(path, run.state) as telemetry:
            await until(lambda: picture.frames > 2)
            assert picture.connected
            assert picture.run == run.state.run
            assert {one.id for one in picture.who} == {"main", *(v.id for v in variants(16))}
            assert (picture.columns["equity"] > 0.0).all()
            assert telemetry.made >= picture.frames
            run.take([Add(run.state.at_ns, (variant("late"),), "me")])
            await until(lambda: picture.place("late") is not None)
            first = picture.boot
        await until(lambda: not picture.connected)
        seen = picture.frames
        assert picture.place("late") is not None  # what was known stays, and ages
        async with telling(path, run.state):
            await until(lambda: picture.frames > seen)
        assert picture.boot != first
        assert link.connects == 2
        assert (link.broken, picture.gaps) == (0, 0)


BAD = {
    "too long": (FRAME_MAX + 1).to_bytes(LENGTH, "big"),
    "no msgpack": (3).to_bytes(LENGTH, "big") + b"\xc1\xc1\xc1",
    "strangers": packed(Engine().frame(who=None)),
    "half of it": packed(Engine().frame())[:-1],
}


@pytest.mark.parametrize("name", list(BAD))
async def test_what_is_no_frame_ends_the_connection_and_the_next_is_read(
    tmp_path: Path, name: str
) -> None:
    path = tmp_path / "one.sock"
    good = packed(Engine().frame())
    answers = [BAD[name], good]
    ended = asyncio.Event()

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = answers.pop(0)
        writer.write(said)
        if said is good:
            await ended.wait()
        elif name == "half of it":
            writer.write_eof()
        else:
            assert await reader.read() == b""
        writer.close()

    async with await asyncio.start_unix_server(speak, path), linked(path) as link:
        await until(lambda: link.picture.frames == 1)
        assert link.connects == 2
        assert link.broken == (0 if name == "half of it" else 1)
        assert link.picture.place("main") == 0
        ended.set()


async def test_pauses_between_tries_grow_to_their_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AGAIN_S_MAX", 0.4)
    tries: list[float] = []

    class Counted(Link):
        async def _read(self) -> None:
            tries.append(asyncio.get_running_loop().time())
            await super()._read()

    link = Counted(tmp_path / "nobody.sock", Picture(), np.random.default_rng(1))
    task = asyncio.create_task(link.run())
    await until(lambda: len(tries) > 5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    pauses = np.diff(tries)
    assert 0.04 < pauses[0] < 0.15
    assert all(0.19 < pause < 0.5 for pause in pauses[2:])
