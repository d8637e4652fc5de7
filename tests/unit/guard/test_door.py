"""The door: what is asked over HTTP, what is answered, and what changes by it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from liveopt.guard import fence
from liveopt.guard.door import BODY_MAX, COMMAND_MAX, Check, Door
from liveopt.guard.gate import FLATTEN, HALT, OPEN
from liveopt.guard.link import FromEngine, LinkDown
from liveopt.guard.resumes import NAME as RESUMES
from liveopt.guard.resumes import Resumes
from tests.guard.world import World, living

STOP, RESUME = "/api/optimizer/stop", "/api/optimizer/resume"
COMMAND, STATUS = "/api/optimizer/command", "/api/optimizer/status"
TOKEN = "secret"


class House:
    """A door before a real gate and latch; the engine is a few lines that keep the contract."""

    def __init__(self, world: World, door: Door) -> None:
        self.world, self.door = world, door
        self.green = True
        self.asked: list[Any] = []

    def checks(self) -> list[Check]:
        return [Check("engine alive", self.green, "pid 1")]

    async def ask(self, command: Mapping[str, Any]) -> FromEngine:
        self.asked.append(command)
        match command.get("kind"):
            case "late":
                raise TimeoutError
            case "dead":
                raise LinkDown("no engine runs")
            case "refused":
                return FromEngine(answer=1, ok=False, body={"error": "no"})
            case _:
                return FromEngine(answer=1, body={"echo": command})

    async def call(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, Any]:
        said = {"Authorization": f"Bearer {TOKEN}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        url = f"http://127.0.0.1:{self.door.port}{path}"
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, data=body, headers=said) as response,
        ):
            return response.status, await response.json()


@asynccontextmanager
async def house(folder: Path, **world: Any) -> AsyncIterator[House]:
    there = World(folder, **world)
    async with living(there) as halt:
        door = Door(halt=halt, checks=list, status=lambda: {"pid": 1}, ask=_nobody, token=TOKEN)
        found = House(there, door)
        door.checks, door.ask = found.checks, found.ask
        await door.open()
        try:
            yield found
        finally:
            await door.close()


async def _nobody(_: Mapping[str, Any]) -> FromEngine:
    raise LinkDown


async def test_a_stop_with_no_body_halts(tmp_path: Path) -> None:
    async with house(tmp_path) as door:
        status, said = await door.call("POST", STOP)
    assert status == 200
    assert said == said | {
        "latched": True,
        "mode": "halt",
        "variants_stopped": 7,
        "positions_open": 2,
        "not_acknowledged": [],
        "errors": [],
    }
    assert said["seq"] > 0
    assert said["took_ms"] < 1_000
    assert door.world.gate.wanted == HALT
    assert door.world.latch.read().by == "http"


async def test_a_stop_takes_mode_and_reason(tmp_path: Path) -> None:
    async with house(tmp_path) as door:
        status, said = await door.call(
            "POST", STOP, b'{"mode": "halt_and_flatten", "reason": "news"}'
        )
    assert (status, said["mode"]) == (200, "halt_and_flatten")
    assert door.world.gate.wanted == FLATTEN
    assert door.world.latch.read().reason == "news"


async def test_the_latch_names_whoever_wanted_a_stop_and_its_end(tmp_path: Path) -> None:
    async with house(tmp_path) as door:
        await door.call("POST", STOP, b'{"reason": "news", "by": "key 1a2b3c4d"}')
        assert door.world.latch.read().by == "key 1a2b3c4d"
        words = b'{"reason": "over", "by": "session 5e6f7a8b"}'
        assert (await door.call("POST", RESUME, words))[0] == 200
        assert door.world.latch.read().by == "session 5e6f7a8b"
        await door.call("POST", RESUME, b'{"reason": "over"}')
        assert door.world.latch.read().by == "http"


@pytest.mark.parametrize(
    "body",
    [
        *(b"{", b"[]", b"\xff", b'{"mode": "flaten"}', b'{"mode": 1}', b'{"force": true}', b"null"),
        b'{"reason": "' + b"x" * BODY_MAX + b'"}',
        b'{"deep": ' + b"[" * 4_000,
        b'{"deep": ' + b"[" * 2_000 + b"]" * 2_000 + b"}",
    ],
    ids=range(10),
)
async def test_a_stop_whose_words_are_not_understood_halts_and_says_so(
    tmp_path: Path, body: bytes
) -> None:
    async with house(tmp_path) as door:
        status, said = await door.call("POST", STOP, body)
    assert status == 207
    assert said["latched"]
    assert said["errors"][0].startswith("halted, but")
    assert door.world.gate.wanted == HALT


async def test_a_command_nested_too_deeply_is_not_understood(tmp_path: Path) -> None:
    body = b'{"command": {"deep": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}"
    async with house(tmp_path) as door:
        status, said = await door.call("POST", COMMAND, body)
    assert status == 400
    assert "not understood" in said["error"]


async def test_a_stop_does_not_wait_for_its_own_words(tmp_path: Path) -> None:
    head = (
        f"POST {STOP} HTTP/1.1\r\nHost: 127.0.0.1:{{}}\r\nAuthorization: Bearer {TOKEN}\r\n"
        "Content-Length: 100\r\n\r\n{{"
    )
    async with house(tmp_path) as door:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.door.port)
        writer.write(head.format(door.door.port).encode())
        async with asyncio.timeout(0.2):  # well before the words are given up
            while door.world.gate.wanted == OPEN:  # noqa: ASYNC110  it is looked at as by an engine
                await asyncio.sleep(0.001)
        assert b" 207 " in await reader.readline()
        writer.close()


async def test_a_stop_that_nobody_acknowledges_is_207(tmp_path: Path) -> None:
    async with house(tmp_path, hears=False) as door:
        status, said = await door.call("POST", STOP)
    assert status == 207
    assert (said["latched"], said["not_acknowledged"], said["seq"]) == (True, ["engine"], None)


async def test_a_stop_that_the_disk_refuses_is_207_and_the_gate_is_shut(tmp_path: Path) -> None:
    async with house(tmp_path, broken={"set"}) as door:
        status, said = await door.call("POST", STOP)
    assert (status, said["latched"]) == (207, False)
    assert "write the latch" in said["errors"][0]
    assert door.world.gate.wanted == HALT


async def test_the_same_key_is_one_stop_until_a_resume(tmp_path: Path) -> None:
    async with house(tmp_path) as door:
        answers = await asyncio.gather(
            *(door.call("POST", STOP, Idempotency_Key="k1") for _ in range(5))
        )
        number = door.world.gate.number
        assert {json.dumps(said) for _, said in answers} == {json.dumps(answers[0][1])}
        assert answers[0][1]["number"] == number
        await door.call("POST", STOP, Idempotency_Key="k2")
        assert door.world.gate.number == number + 1
        await door.call("POST", RESUME, b'{"reason": "fine"}')
        assert door.world.gate.wanted == OPEN
        await door.call("POST", STOP, Idempotency_Key="k1")
        assert door.world.gate.wanted == HALT


async def test_a_stop_that_lacked_something_is_tried_again_for_the_same_key(tmp_path: Path) -> None:
    async with house(tmp_path, hears=False) as door:
        assert (await door.call("POST", STOP, Idempotency_Key="k"))[0] == 207
        door.world.hears = True
        assert (await door.call("POST", STOP, Idempotency_Key="k"))[0] == 200


@pytest.mark.parametrize("asked", [b'{"mode":"halt_and_flatten"}', b'{"mode":"halt"}', b"", b"{"])
async def test_a_stop_repeated_with_more_does_more_and_with_less_nothing(
    tmp_path: Path, asked: bytes
) -> None:
    async with house(tmp_path) as door:
        first = (await door.call("POST", STOP, b"{}", Idempotency_Key="k"))[1]
        status, said = await door.call("POST", STOP, asked, Idempotency_Key="k")
        more = b"flatten" in asked
        assert status == (207 if asked == b"{" else 200)
        assert bool(said["errors"]) == (asked == b"{")
        assert (said["mode"], said["number"] > first["number"]) == (
            "halt_and_flatten" if more else "halt", more,
        )  # fmt: skip
        assert door.world.gate.wanted == (FLATTEN if more else HALT)
        again = (await door.call("POST", STOP, b'{"mode":"halt"}', Idempotency_Key="k"))[1]
        assert (again["mode"], again["number"]) == (said["mode"], said["number"])


async def test_a_resume_ends_the_halt_it_names_and_no_other(tmp_path: Path) -> None:
    async with house(tmp_path) as door:
        first = (await door.call("POST", STOP))[1]["halt"]
        second = (await door.call("POST", STOP, b'{"by": "somebody"}'))[1]["halt"]
        assert second == door.world.latch.read().number == first + 1
        words = json.dumps({"reason": "fine", "number": first}).encode()
        status, said = await door.call("POST", RESUME, words)
        assert (status, said["resumed"], said["halt"]) == (409, False, second)
        assert f"halt {second} stands, not {first}: by somebody" in said["errors"][0]
        assert door.world.gate.wanted == HALT
        words = json.dumps({"reason": "fine", "number": second}).encode()
        for _ in range(2):  # of none that stands, none is ended
            status, said = await door.call("POST", RESUME, words)
            assert (status, said["resumed"]) == (200, True)


async def test_a_resume_repeated_with_its_key_ends_its_own_halt_alone(tmp_path: Path) -> None:
    fine = b'{"reason": "fine"}'
    async with house(tmp_path) as door:
        door.door.resumes = Resumes(tmp_path / RESUMES)
        await door.call("POST", STOP)
        door.green = False
        assert (await door.call("POST", RESUME, fine, Idempotency_Key="r"))[0] == 409
        door.green = True
        answers = [
            await door.call("POST", RESUME, fine, Idempotency_Key="r") for _ in range(2)
        ]  # fmt: skip
        assert [(status, said["resumed"]) for status, said in answers] == [(200, True)] * 2
        assert (await door.call("POST", RESUME, b'{"reason":"x"}', Idempotency_Key="r"))[0] == 422
        number = (await door.call("POST", STOP))[1]["halt"]
        for _ in range(2):
            status, said = await door.call("POST", RESUME, fine, Idempotency_Key="r")
            assert (status, said["halt"]) == (409, number)
            door.door.resumes = Resumes(tmp_path / RESUMES)  # as after a kill
        assert door.world.gate.wanted == HALT
        assert (await door.call("POST", RESUME, fine, Idempotency_Key="s"))[0] == 200
        assert door.world.gate.wanted == OPEN


async def test_a_key_that_cannot_be_kept_ends_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as door:
        door.door.resumes = Resumes(tmp_path / "nowhere" / RESUMES)
        await door.call("POST", STOP)
        fine = b'{"reason": "fine"}'
        assert (await door.call("POST", RESUME, fine, Idempotency_Key="r"))[0] == 503
        assert door.world.gate.wanted == HALT
        assert (await door.call("POST", RESUME, fine))[0] == 200


async def test_a_resume_needs_a_reason(tmp_path: Path) -> None:
    async with house(tmp_path) as door:
        await door.call("POST", STOP)
        for body in (b"", b"{}", b'{"reason": " "}', b'{"reason": 1}', b'{"reason":"x","force":1}'):
            status, said = await door.call("POST", RESUME, body)
            assert status == 400, body
            assert said["error"]
        assert door.world.gate.wanted == HALT


async def test_a_resume_is_refused_with_the_list_while_a_check_is_red(tmp_path: Path) -> None:
    async with house(tmp_path) as door:
        await door.call("POST", STOP)
        door.green = False
        status, said = await door.call("POST", RESUME, b'{"reason": "fine"}')
        assert status == 409
        assert said["checks"] == [{"name": "engine alive", "ok": False, "why": "pid 1"}]
        assert door.world.latch.read().halted
        door.green = True
        status, said = await door.call("POST", RESUME, b'{"reason": "fine"}')
    assert (status, said["resumed"]) == (200, True)
    assert not door.world.latch.read().halted


async def test_a_command_goes_to_the_engine_and_its_answer_comes_back(tmp_path: Path) -> None:
    async with house(tmp_path) as door:
        answers = {
            kind: await door.call("POST", COMMAND, json.dumps({"command": {"kind": kind}}).encode())
            for kind in ("add", "refused", "late", "dead")
        }
        assert (await door.call("POST", COMMAND, b'{"command": 1}'))[0] == 400
    assert answers["add"] == (200, {"ok": True, "body": {"echo": {"kind": "add"}}})
    assert answers["refused"] == (409, {"ok": False, "body": {"error": "no"}})
    assert answers["late"][0] == 504
    assert answers["dead"] == (503, {"error": "no engine runs"})


@pytest.mark.filterwarnings("ignore:Sending a large body")
async def test_a_command_may_name_a_thousand_variants_but_not_be_endless(tmp_path: Path) -> None:
    command = {"kind": "pause", "ids": [f"v-{number:06d}-{'x' * 30}" for number in range(1_000)]}
    body = json.dumps({"command": command}).encode()
    async with house(tmp_path) as door:
        assert len(body) > 10 * BODY_MAX
        status, said = await door.call("POST", COMMAND, body)
        assert (status, said["body"]) == (200, {"echo": command})
        too_much = b'{"command": {"x": "' + b"x" * COMMAND_MAX + b'"}}'
        status, said = await door.call("POST", COMMAND, too_much)
        assert status == 400
        assert str(COMMAND_MAX) in said["error"]
        assert (await door.call("POST", RESUME, body))[0] == 400
        assert door.asked == [command]


async def test_the_status_is_what_the_guard_says(tmp_path: Path) -> None:
    async with house(tmp_path) as door:
        assert await door.call("GET", STATUS) == (200, {"pid": 1})


@pytest.mark.parametrize("path", [STOP, RESUME, COMMAND, STATUS, "/", "/nowhere"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Content-Encoding": "gzip"}, 415),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": ""}, 401),
        ({"Authorization": "Basic c2VjcmV0"}, 401),
    ],
    ids=str,
)
async def test_strangers_change_nothing_and_learn_nothing(
    tmp_path: Path, path: str, headers: dict[str, str], status: int
) -> None:
    async with house(tmp_path) as door:
        number = door.world.gate.number
        for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"):
            url = f"http://127.0.0.1:{door.door.port}{path}"
            said = {"Authorization": f"Bearer {TOKEN}"} | headers
            async with (
                aiohttp.ClientSession() as session,
                session.request(method, url, headers=said) as response,
            ):
                assert response.status == status, method
                if method != "HEAD":
                    assert list(await response.json()) == ["error"]
                assert not any("access-control" in name.lower() for name in response.headers)
        assert door.world.gate.number == number
        assert door.asked == []


async def test_reading_never_changes_anything(tmp_path: Path) -> None:
    async with house(tmp_path) as door:
        number = door.world.gate.number
        for path in (STOP, RESUME, COMMAND):
            assert (await door.call("GET", path))[0] == 405
        assert (await door.call("GET", "/nowhere"))[0] == 404
        assert door.world.gate.number == number


async def test_connections_that_say_nothing_are_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fence, "LIFE_S", 0.2)
    async with house(tmp_path) as door:
        silent = [
            await asyncio.open_connection("127.0.0.1", door.door.port)
            for _ in range(fence.CONNECTIONS_MAX)
        ]
        for _, writer in silent:
            writer.write(b"POST /api")
        with pytest.raises(aiohttp.ClientError):  # full
            await door.call("GET", STATUS)
        async with asyncio.timeout(5):
            for reader, writer in silent:
                while await reader.read(100):
                    pass
                writer.close()
        assert (await door.call("GET", STATUS))[0] == 200


async def test_a_head_larger_than_allowed_is_refused(tmp_path: Path) -> None:
    async with house(tmp_path) as door:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.door.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n")
        async with asyncio.timeout(5):
            assert b" 400 " in await reader.readline()
        writer.close()
