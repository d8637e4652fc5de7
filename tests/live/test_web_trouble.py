"""The real web process under real failures: it lives, it stops the run, it says what is wrong."""

import asyncio
import ctypes
import json
import os
import resource
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from liveopt.guard.clock import WALL
from liveopt.guard.control import NAME as CONTROL
from liveopt.guard.control import Control
from liveopt.guard.web import SOCKET
from liveopt.journal.folder import point
from liveopt.live.frames import NAME as TELEMETRY
from liveopt.live.telemetry import Telemetry
from liveopt.optimize.studies.store import FILE as STUDIES
from liveopt.web.keys import FILE as KEYS
from liveopt.web.keys import Keys
from liveopt.web.orders import Orders, order_of
from tests.run import Live, opening, ticks, variants
from tests.unit.web.house import Guard, told

ROOT = Path(__file__).parents[2]
PATIENCE_S = 40.0
SET_DROP, READ_SEARCH, OVERRIDE = 24, 2, 1
"""prctl(PR_CAPBSET_DROP), and what makes root read what it may not."""
pytestmark = pytest.mark.timeout(150)


@dataclass
class Ours:
    """A web process, the run it shows, and how to ask it."""

    live: Live
    guard: Guard
    state: Path
    process: Process
    url: str
    key: str
    http: aiohttp.ClientSession
    odd: dict[str, Any]
    """What the engine says otherwise than it should."""

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        async with self.http.request(
            method, self.url + path, json=body, headers={"Authorization": f"Bearer {self.key}"},
        ) as answer:  # fmt: skip
            raw = await answer.read()
            if answer.content_type != "application/json":
                return answer.status, raw.decode()
            return answer.status, json.loads(raw)

    async def alert(self, id_: str) -> dict[str, Any]:
        """Once it stands."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                _, said = await self.ask("GET", "/api/v1/alerts")
                found = [one for one in said["alerts"] if one["id"] == id_ and one["active"]]
                if found:
                    return dict(found[0])
                await asyncio.sleep(0.1)

    async def lives_and_stops(self) -> None:
        """What must be so whatever fails."""
        status, said = await self.ask("POST", "/api/optimizer/stop", {"reason": "trouble"})
        assert (status, said["latched"], said["via"]) == (200, True, "door")
        assert self.live.latch.read().halted
        assert self.process.returncode is None, "it was never ended and started again"
        assert await self.alert("emergency_stop")

    async def told(self, part: str, ready: int = 200) -> None:
        """That this part fails is told wherever somebody may look."""
        alert = await self.alert(f"part_failed.{part}")
        assert (alert["code"], alert["severity"]) == ("part_failed", "warning")
        _, deep = await self.ask("GET", "/api/v1/health/deep")
        assert deep["status"] == "degraded"
        assert deep["parts"][part]["fails"]
        assert [name for name, one in deep["parts"].items() if one["fails"]] == [part]
        status, said = await self.ask("GET", "/api/v1/health/ready")
        assert (status, list(said["failing"])) == (ready, [part])
        _, text = await self.ask("GET", "/metrics")
        assert f'liveopt_web_part_up{{part="{part}"}} 0' in text
        assert 'liveopt_alert_active{code="part_failed"} 1' in text


@asynccontextmanager
async def web(
    folder: Path,
    before: Callable[[Live], None] = lambda _: None,
    child: Callable[[], None] | None = None,
    **setting: str,
) -> AsyncIterator[Ours]:
    """`liveopt web` over a run, with a guard and telemetry that are not in its process."""
    live = Live(folder)
    live.take([*opening(variants(4)), *ticks(150)])
    point(folder, live.folder)
    await live.pump.written()
    guard, telemetry = Guard(live, folder), Telemetry(folder / TELEMETRY, live.state)
    await guard.open()

    odd: dict[str, Any] = {}

    async def tell() -> None:
        while True:
            telemetry.tell(told(live) | odd)
            await asyncio.sleep(0.05)

    tasks = [asyncio.create_task(telemetry.run()), asyncio.create_task(tell())]
    listening = socket.create_server(("127.0.0.1", 0))
    key = Keys(folder).create("tester", ["admin"], WALL())
    before(live)
    with (folder / "err").open("wb") as err:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "liveopt", "web", "--state", str(folder), "--run",
            str(live.folder), cwd=folder, stdin=DEVNULL, stdout=DEVNULL, stderr=err,
            pass_fds=[listening.fileno()], preexec_fn=child,
            env=os.environ | {"PYTHONPATH": str(ROOT), SOCKET: str(listening.fileno())} | setting,
        )  # fmt: skip
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    listening.close()
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
            ours = Ours(live, guard, folder, process, url, key, http, odd)
            async with asyncio.timeout(PATIENCE_S):
                while (await ours.ask("GET", "/api/v1/run"))[1]["guard"] is None:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            yield ours
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await guard.close()
        live.close()


async def test_a_damaged_store_of_studies_with_a_job_in_the_queue(tmp_path: Path) -> None:
    def damage(_: Live) -> None:
        (tmp_path / STUDIES).write_bytes(b"this is no database " * 500)
        words = {
            "strategy": "ma_crossover", "data": "/nothing.csv", "algorithm": "random", "evals": 10,
            "timeout_s": 9.0, "objective": "bar_sharpe", "first": "", "last": "",
        }  # fmt: skip
        Orders(tmp_path).add([order_of(words, WALL(), "tester")])

    async with web(tmp_path, damage) as ours:
        await ours.told("jobs")
        await ours.lives_and_stops()
        (tmp_path / STUDIES).unlink()
        async with asyncio.timeout(PATIENCE_S):
            while (await ours.ask("GET", "/api/v1/health/ready"))[1]["failing"]:  # noqa: ASYNC110
                await asyncio.sleep(0.2)


async def test_a_run_whose_folder_may_not_be_read(tmp_path: Path) -> None:
    def as_others() -> None:
        for capability in (OVERRIDE, READ_SEARCH):
            ctypes.CDLL(None).prctl(SET_DROP, capability, 0, 0, 0)

    def close(live: Live) -> None:
        live.folder.chmod(0)

    async with web(tmp_path, close, as_others) as ours:
        try:
            await ours.told("tail", ready=503)
            await ours.lives_and_stops()
        finally:
            ours.live.folder.chmod(0o700)


async def test_a_disk_that_takes_nothing_more(tmp_path: Path) -> None:
    async with web(tmp_path) as ours:
        resource.prlimit(ours.process.pid, resource.RLIMIT_FSIZE, (0, 0))
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "BTC-USDT-1m.csv").write_text("a search would read it")
        search = {
            "strategy_name": "ma_crossover", "asset": "BTC-USDT", "timeframe": "1m",
            "optimization_config": {"max_evals": 10, "algorithm": "random"},
        }  # fmt: skip
        status, said = await ours.ask("POST", "/api/v1/optimize/single", search)
        assert (status, said["error_code"]) == (503, "NOT_KEPT")
        assert (await ours.ask("POST", "/api/v1/demo"))[0] >= 500
        await ours.lives_and_stops()
        _, deep = await ours.ask("GET", "/api/v1/health/deep")
        failing = {name for name, part in deep["parts"].items() if part["fails"]}
        assert failing <= {"inbox"}, "alerts cannot be kept, and that is told"


async def test_without_the_engines_word_nothing_is_shown_so_the_process_ends(
    tmp_path: Path,
) -> None:
    async with web(tmp_path) as ours:
        ours.odd["markets"] = ["nobody", "expects", "a list"]
        async with asyncio.timeout(PATIENCE_S):
            assert await ours.process.wait() == 1, "the guard starts it again"
        last = (tmp_path / "err").read_text()
        assert '"part": "link", "event": "a part of the web process failed"' in last


async def test_a_list_of_keys_that_is_cut(tmp_path: Path) -> None:
    async with web(tmp_path) as ours:
        file = tmp_path / KEYS
        file.write_bytes(file.read_bytes()[:-5])
        assert "no change is heeded" in (await ours.alert("keys_unreadable"))["text"]
        await ours.lives_and_stops()


@asynccontextmanager
async def hanging() -> AsyncIterator[int]:
    """A port where connections are taken and nothing is ever said; those who came must be gone."""
    ends: list[asyncio.Event] = []

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends.append(over := asyncio.Event())
        with suppress(ConnectionError):
            await reader.read()
        writer.close()
        over.set()

    async with await asyncio.start_server(hang, "127.0.0.1", 0) as server:
        yield int(server.sockets[0].getsockname()[1])
        for over in ends:
            await over.wait()


async def test_a_guard_that_hangs_delays_no_alert_and_no_stop(tmp_path: Path) -> None:
    async with hanging() as port, web(tmp_path) as ours:
        await ours.guard.door.close()
        Control(port, "token-of-the-door", 1).write(tmp_path / CONTROL)
        began_s = asyncio.get_running_loop().time()
        (tmp_path / KEYS).write_bytes((tmp_path / KEYS).read_bytes()[:-5])
        await ours.alert("keys_unreadable")
        assert asyncio.get_running_loop().time() - began_s < 3.0
        await ours.alert("guard_silent")
        assert asyncio.get_running_loop().time() - began_s < 12.0
        _, said = await ours.ask("POST", "/api/optimizer/stop", {"reason": "trouble"})
        assert (said["latched"], said["via"]) == (True, "files")
        assert ours.process.returncode is None


async def test_files_of_its_own_that_cannot_be_read_keep_it_from_nothing(tmp_path: Path) -> None:
    """Folders in their place: refused by the kernel whoever asks, root as well."""
    names = ("sessions", "jobs.log", "keys.used.json", STUDIES)

    def damage(_: Live) -> None:
        for name in names:
            (tmp_path / name).mkdir()

    async with web(tmp_path, damage) as ours:
        await ours.lives_and_stops()
