"""Messages are whole frames of the protocol, and JSON whatever the numbers are."""

import asyncio
import json
import re
from math import inf, nan
from pathlib import Path

import msgspec
import pytest
from aiohttp import ClientSession, WSMsgType, web
from hypothesis import given
from hypothesis import strategies as st

from liveopt.guard.latch import NEVER, unreadable
from liveopt.live.frames import COLUMNS
from liveopt.web import messages
from liveopt.web.messages import CLOSE, TEXT, delta, framed, goodbye, halt, snap, text
from liveopt.web.picture import Picture, difference
from tests.unit.web.watching import Engine, until

SIZES = (0, 1, 125, 126, 127, 65_535, 65_536, 70_000)


async def test_frames_of_every_length_are_read_as_they_were_made() -> None:
    sent = [framed(TEXT, b"x" * size) for size in SIZES]

    async def speak(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(compress=False)
        await ws.prepare(request)
        assert request.transport is not None
        request.transport.write(b"".join(sent))
        request.transport.write(goodbye(1013, "retry-after 5"))
        request.transport.close()
        await ws.receive()
        return ws

    app = web.Application()
    app.router.add_get("/", speak)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    async with (
        asyncio.timeout(5.0),
        ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{port}/") as ws,
    ):
        heard = [(await ws.receive()) for _ in SIZES]
        assert [(m.type, len(m.data)) for m in heard] == [(WSMsgType.TEXT, n) for n in SIZES]
        end = await ws.receive()
        assert (end.type, end.data, end.extra) == (WSMsgType.CLOSE, 1013, "retry-after 5")
        await until(lambda: ws.closed)
    await runner.cleanup()


@given(st.text(max_size=300))
def test_a_goodbye_fits_into_a_control_frame(why: str) -> None:
    said = goodbye(1008, why)
    assert said[0] == 0x80 | CLOSE
    assert said[1] == len(said) - 2 <= 125


@given(st.lists(st.floats(), min_size=3, max_size=3))
def test_every_number_is_json(values: list[float]) -> None:
    engine, picture = Engine(), Picture()
    picture.take(engine.frame(), 1.0, 1)
    before = picture.shown()
    for name in ("equity", "roi", "log_evidence"):
        engine.columns[name][:] = values
    picture.take(engine.frame(), 2.0, 2)
    now = picture.shown()
    unlike = difference(before, now)
    assert unlike is not None
    for said in (snap(now, 1, picture.clocks(2.0)), delta(now, unlike, 2, [], picture.clocks(2.0))):
        body = said[said.index(b'{"type"') :]
        read = json.loads(body, parse_constant=pytest.fail)
        assert read["type"] in {"snap", "d"}


def test_what_is_no_number_is_null() -> None:
    assert text({"a": nan, "b": inf}).endswith(b'{"a":null,"b":null}')


def test_a_halt_is_acknowledged_when_latch_and_engine_say_the_same() -> None:
    shut = unreadable("a test")
    said = [(word.halted, halt(word, engine).acknowledged) for word in (NEVER, shut)
            for engine in (None, "halt")]  # fmt: skip
    assert said == [(False, True), (False, False), (True, False), (True, True)]
    assert msgspec.to_builtins(halt(shut, None))["type"] == "halt"


def test_the_dashboard_reads_every_column_by_its_name() -> None:
    source = Path(messages.__file__).parent / "ui" / "src" / "state" / "rows.ts"
    (names,) = re.findall(r"^export type Column =([^;]*);", source.read_text(), re.MULTILINE)
    assert re.findall(r'"(\w+)"', names) == list(COLUMNS)
