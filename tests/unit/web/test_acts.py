"""Acts: none is lost while there is room, nobody waits for one, and no secret is in one."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from liveopt import logs
from liveopt.guard.clock import WALL
from liveopt.live import commands
from liveopt.walk.events import ACTS_MAX
from liveopt.walk.lines import read_record
from liveopt.walk.records import DECISIONS, Act
from liveopt.web.acts import NO_ACT, OF_THE_ENGINE, WAITING_MAX, Acts
from liveopt.web.door import Door
from liveopt.web.keys import Key
from liveopt.web.routes import ROUTES
from tests.run import contents
from tests.unit.web.house import TOKEN, House, house
from tests.unit.web.test_jobs import SINGLE, data_of

pytestmark = pytest.mark.timeout(60)
KEY = Key("1a2b3c4d", "a bot", ("read", "trade"), "", created_ns=5_000_000)


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """The log."""
    stream = io.StringIO()
    logs.setup(stream=stream)
    yield stream
    structlog.reset_defaults()


@asynccontextmanager
async def working(folder: Path, retry_s: float = 0.02) -> AsyncIterator[Acts]:
    """Acts of a state folder, whether anybody answers there or not."""
    door = Door(folder)
    await door.open()
    acts = Acts(door, WALL, gather_s=0.01, retry_s=retry_s)
    task = asyncio.create_task(acts.run())
    try:
        yield acts
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await door.close()


def kept(home: House) -> list[Act]:
    """What the decisions journal has of them."""
    found = map(read_record, contents(home.live.folder)[DECISIONS])
    return [record for record in found if isinstance(record, Act)]


def noted(home: House) -> list[int]:
    """How many acts came with each command."""
    return [len(one["acts"]) for one in home.guard.noted]


async def all_kept(home: House, acts: Acts, count: int) -> list[Act]:
    await home.until(lambda: not acts.waiting)
    await home.until(lambda: len(kept(home)) == count)
    return kept(home)


async def test_acts_are_in_the_journal_in_their_order_with_who_and_when(tmp_path: Path) -> None:
    async with house(tmp_path) as home, working(tmp_path) as acts:
        at_ns, before_ms = home.live.state.at_ns, WALL() // 1_000_000
        acts.note("POST /api/v1/rounds", "key 1a", "number 3")
        acts.note("DELETE /api/session", "session 2b", at_ns=7_999_999)
        first, second = await all_kept(home, acts, 2)
        assert before_ms <= first.wall_ms <= WALL() // 1_000_000
        assert first == Act(at_ns, "POST /api/v1/rounds", "key 1a", "number 3", first.wall_ms)
        assert second == Act(at_ns, "DELETE /api/session", "session 2b", "", 7)


async def test_what_nobody_takes_is_told_again_until_an_engine_is_there(tmp_path: Path) -> None:
    async with working(tmp_path) as acts:
        for number in range(3):
            acts.note(f"act {number}", "ann")
        await asyncio.sleep(0.1)
        assert acts.waiting == 3
        async with house(tmp_path) as home:
            acts.note("act 3", "ann")
            found = await all_kept(home, acts, 4)
            assert [act.what for act in found] == [f"act {number}" for number in range(4)]
            assert acts.lost == 0


async def test_what_waited_when_this_part_crashed_is_sent_without_another_act(
    tmp_path: Path,
) -> None:
    door = Door(tmp_path)
    await door.open()
    acts = Acts(door, WALL, gather_s=0.01, retry_s=60.0)
    first = asyncio.create_task(acts.run())
    acts.note("act", "ann")
    await asyncio.sleep(0.1)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert (acts.waiting, acts._news.is_set()) == (1, False)
    async with house(tmp_path) as home:
        again = asyncio.create_task(acts.run())
        try:
            assert [act.what for act in await all_kept(home, acts, 1)] == ["act"]
        finally:
            again.cancel()
            await asyncio.gather(again, return_exceptions=True)
            await door.close()


async def test_many_come_in_few_commands_each_of_a_bounded_number(tmp_path: Path) -> None:
    async with house(tmp_path) as home, working(tmp_path) as acts:
        for number in range(2 * ACTS_MAX + 50):
            acts.note(f"act {number}", "ann")
        found = await all_kept(home, acts, 2 * ACTS_MAX + 50)
        assert [act.what for act in found] == [f"act {number}" for number in range(len(found))]
        assert noted(home) == [ACTS_MAX, ACTS_MAX, 50]


async def test_of_too_many_the_oldest_are_given_up_and_each_is_in_the_log(
    tmp_path: Path, lines: io.StringIO
) -> None:
    async with working(tmp_path, retry_s=60.0) as acts:
        for number in range(WAITING_MAX):
            acts.note(f"act {number}", "ann")
        await asyncio.sleep(0.1)
        acts.note("one more", "ann", "job_id opt_1")
        assert (acts.waiting, acts.lost) == (WAITING_MAX, 1)
        said = [json.loads(line) for line in lines.getvalue().splitlines()]
        (gone,) = [one for one in said if one["event"] == "an act is not in the journal"]
        assert (gone["why"], gone["what"], gone["by"]) == ("too many wait", "act 0", "ann")
        assert acts._waiting[0].what == "act 1"


async def test_at_the_end_it_is_tried_once_more_and_the_rest_is_told(
    tmp_path: Path, lines: io.StringIO
) -> None:
    door = Door(tmp_path)
    await door.open()
    async with house(tmp_path, lines=lines) as home:
        acts = Acts(door, WALL)
        acts.note("act", "ann")
        await acts.close()
        assert [act.what for act in kept(home)] == ["act"]
        assert (acts.waiting, acts.lost) == (0, 0)
    logs.setup(stream=lines)  # a house takes it down with itself
    acts.note("after", "bob")
    await acts.close()
    await door.close()
    assert (acts.waiting, acts.lost) == (0, 1)
    assert '"this process ends"' in lines.getvalue()
    assert '"after"' in lines.getvalue()


async def test_what_is_done_over_the_api_is_in_the_journal_once(tmp_path: Path) -> None:
    """What is refused, what changes nothing and what the engine journals itself are not."""
    data_of(tmp_path)
    long = SINGLE | {"optimization_config": {"max_evals": 900_000, "algorithm": "random"}}
    async with house(tmp_path) as home:

        async def done(path: str, body: Any = None, status: int = 200, **words: Any) -> Any:
            method = "DELETE" if "cancel" in path else "POST"
            said = await home.ask(method, path, body, **words)
            assert said.status == status, said.raw
            return said

        opened = await done("/api/session", {"token": TOKEN}, 201, scope="")
        wrong = await done("/api/session", {"token": "wrong"}, 401, scope="")
        again = {"headers": {"Idempotency-Key": "once"}}
        job = await done("/api/v1/optimize/single", long, 202, **again)
        await done("/api/v1/optimize/single", long, 202, **again)
        batch = await done("/api/v1/optimize/batch", {"requests": [long, long]}, 202)
        await done("/api/v1/optimize/single", {"asset": "BTC-USDT"}, 400)
        names = [job.body["job_id"], *batch.body["job_ids"]]
        for name in names:
            await done(f"/api/v1/optimize/cancel/{name}")
        await done("/api/v1/optimize/cancel/nothing", status=404)
        await done("/api/v1/rounds", {}, 409)
        await done("/api/ticket", status=201)
        await done("/api/v1/strategies/ma_crossover/validate", {"parameters": {}})
        await done("/api/v1/variants/v001/pause", {"reason": "a test"})
        await done("/api/optimizer/stop", {"reason": "a test"})
        await home.until(lambda: "emergency_stop" in home.service.alerts.lines)
        seen = "/api/v1/alerts/emergency_stop/acknowledge"
        acknowledged = await done(seen, {"by": "ann"})
        await home.until(lambda: len(kept(home)) == 8 and not home.service.acts.waiting)
        key = f"key {home.key('admin').split('_')[1]}"
        said = {name: answer.headers["X-Request-ID"] for name, answer in (
            ("opened", opened), ("job", job), ("batch", batch), ("seen", acknowledged),
        )}  # fmt: skip
        found = [(act.what, act.by, act.detail) for act in kept(home)]
        assert found[:4] == [
            ("POST /api/session", "nobody",
             f"{opened.body['session']}, request {said['opened']}"),
            ("keys create", "cli", f"{key} admin, scopes admin"),
            ("POST /api/v1/optimize/single", key, f"job_id {names[0]}, request {said['job']}"),
            ("POST /api/v1/optimize/batch", key,
             f"job_ids {names[1]} {names[2]}, request {said['batch']}"),
        ]  # fmt: skip
        assert [one[:2] for one in found[4:7]] == [
            (f"DELETE /api/v1/optimize/cancel/{name}", key) for name in names
        ]
        assert found[7:] == [
            (f"POST {seen}", key, f"acknowledged_by ann [{key}], request {said['seen']}"),
        ]
        assert wrong.headers["X-Request-ID"] not in str(found)
        assert TOKEN not in str(found)


def test_a_key_that_is_made_or_revoked_from_now_on_is_an_act_and_an_old_one_is_not() -> None:
    acts = Acts(Door(Path("nowhere")), lambda: 4_000_000)
    acts.key_changed(msgspec.structs.replace(KEY, created_ns=3_000_000))
    assert acts.waiting == 0
    acts.key_changed(KEY)
    acts.key_changed(msgspec.structs.replace(KEY, created_ns=3_000_000, revoked_ns=9_000_000))
    assert [(a.what, a.by, a.detail, a.wall_ms) for a in acts._waiting] == [
        ("keys create", "cli", "key 1a2b3c4d a bot, scopes read+trade", 5),
        ("keys revoke", "cli", "key 1a2b3c4d a bot, scopes read+trade", 9),
    ]


@pytest.mark.parametrize(
    "secret", ["lo_1a2b3c4d_" + "A" * 43, "token=canary-of-a-test", "Bearer canarycanarycanary1"]
)
def test_no_secret_is_in_an_act(secret: str) -> None:
    acts = Acts(Door(Path("nowhere")), WALL)
    acts.note(f"POST /{secret}", secret, f"job_id {secret}")
    said = msgspec.json.encode(list(acts._waiting)).decode()
    assert "AAAA" not in said
    assert "canary" not in said


texts = st.text(max_size=20) | st.integers(490, 600).map(lambda n: "\u00e9\n" * n)
anything = st.text(st.characters(), max_size=20) | texts


@given(anything, anything, anything, st.integers(0, 2**63))
def test_whatever_is_noted_an_engine_takes_it(what: str, by: str, detail: str, at_ns: int) -> None:
    """One that was refused for its form would keep all others waiting."""
    acts = Acts(Door(Path("nowhere")), WALL)
    acts.note(what, by, detail, at_ns)
    sent: Any = msgspec.json.decode(msgspec.json.encode({"acts": list(acts._waiting)}))
    (read,) = commands._acts(sent)
    assert read == acts._waiting[0]


def test_those_that_are_no_acts_here_are_routes_that_there_are() -> None:
    changing = {f"{route.method} {route.path}" for route in ROUTES if route.mutates}
    assert changing > OF_THE_ENGINE | NO_ACT
    assert not OF_THE_ENGINE & NO_ACT
