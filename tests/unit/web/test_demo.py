"""A demo beside the run: its link opens a session, it has nothing of the run's, nothing is left."""

import asyncio
import os
import re
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from liveopt.cli import front
from liveopt.config import Settings
from liveopt.guard import lock
from liveopt.guard.caller import status
from liveopt.web import demo as module
from liveopt.web.demo import PREFIX, SAID, Demo, environment
from liveopt.web.errors import Problem
from tests.unit.web.house import House, house

pytestmark = [
    pytest.mark.skipif(not front.is_built(), reason="the dashboard is not built: make ui"),
    pytest.mark.slow,
    pytest.mark.timeout(180),
]
PATH = "/api/v1/demo"
SECRET = "exchange-hunter2"


def folders(state: Path) -> list[Path]:
    return list(state.glob(f"{PREFIX}*"))


def living(folder: Path) -> list[int]:
    """Processes that know of this folder: what it started, and what that did."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"LIVEOPT__JOURNAL__FOLDER={folder}\0".encode() in inherited(int(place.name)):
                found.append(int(place.name))
    return found


def inherited(pid: int) -> bytes:
    """What a process was given."""
    return Path(f"/proc/{pid}/environ").read_bytes()


async def until(true: Any) -> None:
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def begun(home: House, headers: Mapping[str, str] | None = None) -> tuple[str, str]:
    """The demo's address, and its one-time word."""
    said = await home.ask("POST", PATH, {}, scope="trade", headers=headers)
    assert said.status == 201, said.raw
    found = re.fullmatch(r"(http://127\.0\.0\.1:\d+)/#t=([\w-]+)", said.body["link"])
    assert found is not None, said.body
    return found[1], found[2]


async def session(home: House, base: str, word: str) -> tuple[int, dict[str, str]]:
    """As a browser that follows the link; what its page shows from then on."""
    async with home.http.post(f"{base}/api/session", json={"token": word}) as said:
        cookie = said.headers.get("Set-Cookie", "").partition(";")[0]
        secret = (await said.json()).get("secret", "")
        return said.status, {"Cookie": cookie, "X-Liveopt": secret}


async def test_a_demo_begins_shows_itself_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("KUCOIN_API_SECRET", "KUCOIN_API_KEY_FILE", "MY_EXCHANGE_SECRET"):
        monkeypatch.setenv(name, SECRET)
    monkeypatch.setenv("LIVEOPT__LIVE__VARIANTS", "3")
    monkeypatch.setenv("LIVEOPT_REAL_ORDERS", "I understand")
    async with house(tmp_path) as home:
        base, word = await begun(home)
        (folder,) = folders(tmp_path)
        assert folder.stat().st_mode & 0o077 == 0
        code, person = await session(home, base, word)
        assert code == 201
        assert (await session(home, base, word))[0] == 401, "the link works once"
        async with home.http.get(f"{base}/api/v1/run", headers=person) as said:
            assert (said.status, (await said.json())["mode"]) == (200, "demo")
        pids = living(folder)
        assert len(pids) >= 3, "guard, exchange and dashboard at least"
        for pid in pids:
            with suppress(FileNotFoundError):
                assert SECRET.encode() not in inherited(pid)
        again = await home.ask("POST", PATH, {}, scope="trade")
        assert (again.status, again.body["error_code"]) == (409, "DEMO_RUNNING")
        assert str(again.body["details"]["port"]) in base
        assert folders(tmp_path) == [folder], "one at a time"
        # a stop of the one is none of the other
        assert (await home.ask("POST", "/api/optimizer/stop")).body["latched"] is True
        await until(lambda: status(folder)["engine"]["pid"])
        assert status(folder)["halted"] is False
    assert folders(tmp_path) == []
    await until(lambda: not living(folder))


async def test_it_can_be_ended_and_another_begun(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        nothing = await home.ask("DELETE", PATH, scope="trade")
        assert (nothing.status, nothing.body["error_code"]) == (404, "NOT_FOUND")
        await begun(home)
        (folder,) = folders(tmp_path)
        ended = await home.ask("DELETE", PATH, scope="trade")
        assert (ended.status, ended.body) == (200, {"ended": True})
        assert folders(tmp_path) == []
        await until(lambda: not living(folder))
        second, word = await begun(home)
        assert (await session(home, second, word))[0] == 201


async def test_one_that_was_killed_leaves_room_for_another(tmp_path: Path) -> None:
    """Its folder is taken away then; one of a name like it, which is not ours, is not."""
    (tmp_path / f"{PREFIX}mine").mkdir()
    (tmp_path / f"{PREFIX}mine" / "notes").write_text("keep this")
    busy = tmp_path / f"{PREFIX}busy"
    busy.mkdir()
    (busy / SAID).touch()
    with lock.Lock(busy / lock.NAME):
        demo = Demo(tmp_path)
        await demo.begin()
        (old,) = set(folders(tmp_path)) - {tmp_path / f"{PREFIX}mine", busy}
        await until(lambda: lock.holder(old / lock.NAME))
        os.kill(lock.holder(old / lock.NAME) or 0, signal.SIGKILL)
        await until(lambda: not living(old) and not demo.alive)
        await demo.begin()
        assert not old.exists()
        assert (tmp_path / f"{PREFIX}mine" / "notes").read_text() == "keep this"
        assert busy.exists(), "somebody else's, which runs"
        await demo.close()
    assert len(folders(tmp_path)) == 2


@pytest.mark.parametrize(
    ("host", "mode"), [("desk.example:443", "paper"), ("", "demo")], ids=["elsewhere", "in a demo"]
)
async def test_it_is_refused_where_nobody_could_see_it(
    tmp_path: Path, host: str, mode: str
) -> None:
    own = Settings.model_validate({"web": {"names": ["desk.example:443"]}})
    async with house(tmp_path, settings=own) as home:
        home.service.mode = mode
        headers = {"Host": host} if host else {}
        said = await home.ask("POST", PATH, {}, headers=headers)
        assert (said.status, said.body["error_code"]) == (409, "REFUSED"), said.raw
        assert folders(tmp_path) == []


async def test_one_that_cannot_begin_says_why_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(own: Mapping[str, str], folder: Path) -> dict[str, str]:
        return environment(own, folder) | {"LIVEOPT__LIVE__SIGNAL": "7 fortnights"}

    monkeypatch.setattr(module, "environment", broken)
    demo = Demo(tmp_path)
    with pytest.raises(Problem, match=r"did not begin: .*live\.signal") as caught:
        await demo.begin()
    assert (caught.value.status, caught.value.code) == (503, "DEMO_FAILED")
    assert not demo.alive
    assert folders(tmp_path) == []


async def test_one_that_says_nothing_in_time_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LINK_S", 0.2)
    with pytest.raises(Problem, match="it said nothing of a dashboard"):
        await Demo(tmp_path).begin()
    assert folders(tmp_path) == []


def test_its_environment_is_the_machines_and_nothing_of_the_runs(tmp_path: Path) -> None:
    own = {
        "PATH": "/bin", "LC_ALL": "C.UTF-8", "KUCOIN_API_KEY": SECRET, "OPTIMIZER_ENABLED": "0",
        "LIVEOPT__LIVE__MODE": "live", "LIVEOPT_CONFIG": "mine.toml", "AWS_SECRET_KEY": SECRET,
        "LIVEOPT_WEB_TOKEN": SECRET,
    }  # fmt: skip
    found = environment(own, tmp_path)
    assert {name: found[name] for name in ("PATH", "LC_ALL")} == {
        "PATH": "/bin",
        "LC_ALL": "C.UTF-8",
    }
    assert found["LIVEOPT__JOURNAL__FOLDER"] == str(tmp_path)
    assert SECRET not in found.values()
    assert set(found) == {
        "PATH", "LC_ALL", "LIVEOPT_CONFIG", "LIVEOPT__JOURNAL__FOLDER", "LIVEOPT__WEB__PORT",
        "LIVEOPT__CONTROL__PORT",
    }  # fmt: skip


@pytest.mark.parametrize("scope", ["read", "optimize", "stop"])
async def test_who_may_not_trade_begins_none(tmp_path: Path, scope: str) -> None:
    async with house(tmp_path) as home:
        assert (await home.ask("POST", PATH, {}, scope=scope)).status == 403
        assert (await home.ask("DELETE", PATH, scope=scope)).status == 403
