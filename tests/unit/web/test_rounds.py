"""Rounds of search over the API: the same facts as on the command line, and one more on request."""

import asyncio
import json
import os
import resource
from pathlib import Path
from typing import Any

import msgspec
import pytest

from liveopt import whole
from liveopt.cli.reoptimize import reoptimize
from liveopt.cli.rounds import RoundsFolder
from liveopt.config import Settings
from liveopt.journal.folder import point
from liveopt.live.commands import Commands
from liveopt.live.rounds import Rounds, Schedule
from liveopt.optimize.rounds.folder import OUTCOME, RESULT, TASK, brief_of, outcome_of, place
from liveopt.optimize.rounds.task import Searched
from liveopt.web.api import rounds as module
from tests.run import strategies, variant
from tests.seeking import proposing
from tests.unit.optimize.rounds.test_folder import ENDED, FOUND, begun, ended
from tests.unit.web.house import House, house

SETTINGS = Settings.model_validate({"live": {"strategies": ["ma_crossover"]}})
LISTED = {"number", "why", "by", "phase", "done", "wanted", "outcome", "symbols"}


async def listed(home: House, query: str = "") -> dict[str, Any]:
    said = await home.ask("GET", f"/api/v1/rounds{query}", scope="read")
    assert said.status == 200, said.raw
    found: dict[str, Any] = said.body
    return found


async def test_rounds_are_listed_the_newest_first_with_what_came_of_them(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        assert await listed(home) == {"rounds": [], "total": 0}
        for number in (1, 2, 3):
            ended(home.live.folder, number)
        begun(home.live.folder, 4, "regime")
        said = await listed(home)
        assert [one["number"] for one in said["rounds"]] == [4, 3, 2, 1]
        assert said["total"] == 4
        newest, before, *_ = said["rounds"]
        assert set(newest) == LISTED
        assert (newest["phase"], newest["why"], newest["outcome"]) == ("open", "regime", None)
        assert (newest["done"], newest["wanted"], newest["symbols"]) == (0, 0, None)
        assert (before["phase"], before["by"]) == ("ended", "key 1a2b")
        assert (before["done"], before["wanted"]) == (60, 60)
        assert before["outcome"] == msgspec.to_builtins(ENDED)
        assert before["symbols"][0] == {
            "symbol": FOUND.symbol, "bars": 900, "trials": 300, "tested": 3, "proposed": 1,
            "skipped": "",
        }  # fmt: skip
        some = await listed(home, "?limit=2")
        assert (some["rounds"], some["total"]) == (said["rounds"][:2], 4)
        assert (await home.ask("GET", "/api/v1/rounds?limit=0")).status == 400


async def test_a_round_is_told_as_the_command_line_tells_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with house(tmp_path) as home:
        ended(home.live.folder)
        said = await home.ask("GET", "/api/v1/rounds/1", scope="read")
        reoptimize(show=1, run=home.live.folder, json=True)
        assert said.body == json.loads(capsys.readouterr().out)
        assert msgspec.convert(said.body["searched"][0], Searched) == FOUND
        assert (await home.ask("GET", "/api/v1/rounds/0001")).body == said.body


@pytest.mark.parametrize("name", ["2", "0", "-1", "1.0", "x", "%20", "%C2%B2", "9" * 400])
async def test_a_round_there_was_not_is_404(tmp_path: Path, name: str) -> None:
    async with house(tmp_path) as home:
        ended(home.live.folder)
        said = await home.ask("GET", f"/api/v1/rounds/{name}")
        assert (said.status, said.body["error_code"]) == (404, "ROUND_NOT_FOUND")


@pytest.mark.parametrize("file", [TASK, RESULT, OUTCOME])
async def test_a_damaged_file_is_told_and_the_other_rounds_are_there(
    tmp_path: Path, file: str
) -> None:
    async with house(tmp_path) as home:
        ended(home.live.folder, 1)
        ended(home.live.folder, 2)
        before = await listed(home)
        damaged = place(home.live.folder, 2) / file
        damaged.write_bytes(damaged.read_bytes()[:-7])
        said = await listed(home)
        assert said["rounds"][1] == before["rounds"][1]
        odd = said["rounds"][0]
        assert odd["phase"] == odd["outcome"]["phase"] == "unreadable"
        assert odd["outcome"]["trouble"].startswith(f"{file}: ")
        one = await home.ask("GET", "/api/v1/rounds/2")
        assert one.status == 200
        assert one.body["outcome"]["phase"] == "unreadable"
        assert str(tmp_path).encode() not in one.raw


async def test_what_was_read_is_read_again_only_when_it_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[int] = []

    def counted(run: Path, number: int) -> Any:
        reads.append(number)
        return brief_of(run, number)

    monkeypatch.setattr(module, "brief_of", counted)
    async with house(tmp_path) as home:
        ended(home.live.folder, 1)
        folder = begun(home.live.folder, 2)
        for _ in range(3):
            await listed(home)
        assert reads == [2, 1]
        content = msgspec.json.encode(ENDED)
        whole.write(folder / OUTCOME, content)
        assert (await listed(home))["rounds"][0]["phase"] == "ended"
        assert reads == [2, 1, 2]
        old = (folder / OUTCOME).stat()
        whole.write(folder / OUTCOME, content.replace(b"key 1a2b", b"key 3c4d"))
        os.utime(folder / OUTCOME, ns=(old.st_atime_ns, old.st_mtime_ns))
        assert (await listed(home))["rounds"][0]["outcome"]["by"] == "key 3c4d", "another file"


def test_what_could_not_be_read_for_a_moment_is_read_again(tmp_path: Path) -> None:
    ended(tmp_path)
    stamp = module._stamp(tmp_path, 1)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, before[1]))  # no file can be opened
    try:
        brief, said = module._brief(tmp_path, 1, stamp), module._encoded(tmp_path, 1, stamp)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert brief.outcome is not None
    assert (brief.outcome.phase, b'"unreadable"' in said) == ("unreadable", True)
    assert module._brief(tmp_path, 1, stamp) == brief_of(tmp_path, 1)
    assert msgspec.json.decode(module._encoded(tmp_path, 1, stamp))["outcome"]["phase"] == "ended"


async def test_rounds_are_those_of_the_run_whose_trades_are_shown(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ended(home.live.folder)
        (tmp_path / "other").mkdir()
        point(tmp_path, tmp_path / "other")
        assert home.service.tail.run == home.live.folder
        assert [one["number"] for one in (await listed(home))["rounds"]] == [1]
        assert (await home.ask("GET", "/api/v1/rounds/1")).status == 200


async def test_a_round_is_asked_for_and_keeps_who_asked(tmp_path: Path) -> None:
    class OfRecord(RoundsFolder):
        """Their process says this."""

        def command(self, number: int) -> Any:
            return "-c", proposing(variant("fresh", fast=3.0, slow=30.0, leverage=7.0))

    async with house(tmp_path) as home:
        early = await home.ask("POST", "/api/v1/rounds", {}, scope="optimize")
        assert (early.status, early.body["error_code"]) == (409, "REFUSED")
        folder = OfRecord(home.live.folder, tmp_path, SETTINGS, home.live.pump)
        beside = Rounds(home.live.pump, folder, Schedule(0, on_regime=False))
        home.guard.commands = Commands(home.live.pump, strategies(), lambda: beside)
        task = asyncio.create_task(beside.run())
        try:
            said = await home.ask("POST", "/api/v1/rounds", {}, scope="optimize")
            assert (said.status, said.body) == (202, {"number": 1, "began": True})
            await home.until(lambda: outcome_of(home.live.folder, 1) is not None)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        (told,) = (await listed(home))["rounds"]
        assert (told["phase"], told["why"], told["outcome"]["admitted"]) == ("ended", "asked", 1)
        assert home.guard.asked[-1]["by"].startswith("key ")


async def test_how_far_an_open_round_is_comes_from_who_goes_on_with_it(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        begun(home.live.folder, 7)
        search = {"number": 7, "phase": "searching", "done": 30, "wanted": 90}
        report = home.service.picture.report
        for own, wanted in (
            (search, ("searching", 30, 90)),
            (search | {"phase": "proposing"}, ("proposing", 30, 90)),
            (search | {"number": 8}, ("open", 0, 0)),
            (search | {"phase": "ended"}, ("open", 0, 0)),
            (None, ("open", 0, 0)),
        ):
            brief = brief_of(home.live.folder, 7)
            told = module._told(brief, own or {})
            assert (told.phase, told.done, told.wanted) == wanted
        assert report.get("search") is None


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/api/v1/rounds", ""), ("GET", "/api/v1/rounds/1", ""),
        ("POST", "/api/v1/rounds", "read"), ("POST", "/api/v1/rounds", "trade"),
    ],
)  # fmt: skip
async def test_who_may_not_is_refused(tmp_path: Path, method: str, path: str, scope: str) -> None:
    async with house(tmp_path) as home:
        assert (await home.ask(method, path, scope=scope)).status == (403 if scope else 401)


async def test_the_answers_are_as_they_are_described(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        described = (await home.ask("GET", "/api/openapi.json")).body
        for path, name in (("/api/v1/rounds", "Rounds"), ("/api/v1/rounds/{id}", "Round")):
            content = described["paths"][path]["get"]["responses"]["200"]["content"]
            assert content["application/json"]["schema"]["$ref"].endswith(f"/{name}")
        schemas = described["components"]["schemas"]
        assert {"Outcome", "Symbol", "Searched", "Finalist", "Told"} <= set(schemas)
