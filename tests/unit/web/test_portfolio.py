"""Portfolio jobs over the API: a real share, a real worker, and shares that are gone."""

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from liveopt.config import Settings
from liveopt.portfolio.queue.books import HISTORY
from liveopt.portfolio.queue.places import Places
from liveopt.portfolio.queue.status import CURRENT
from liveopt.web.share import LISTED_MAX, SILENT
from tests.unit.portfolio.queue.share import drop, listed, put, share, working
from tests.unit.web.house import House, house

STEP = "Running Genetic Algorithm"
KEYS = {
    "share", "as_of_ms", "age_ms", "stale", "away", "status", "progress", "current_step", "jobs",
    "queued", "waits", "trouble", "timestamp", "history",
}  # fmt: skip
WAIT_S = 20.0


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return share(tmp_path / "desk")


def settings(root: Path) -> Settings:
    return Settings.model_validate({"portfolio": {"share": str(root)}})


async def asked(home: House, query: str = "") -> dict[str, Any]:
    said = await home.ask("GET", f"/api/v1/portfolio{query}", scope="read")
    assert said.status == 200, said.raw
    assert set(said.body) == KEYS
    found: dict[str, Any] = said.body
    return found


async def step(home: House) -> dict[str, Any]:
    said = await home.ask("GET", "/status", scope="read")
    assert said.status == 200, said.raw
    assert set(said.body) == {"status", "progress", "current_step"}
    found: dict[str, Any] = said.body
    return found


async def until(home: House, true: Any) -> dict[str, Any]:
    """What is told once it is so."""
    async with asyncio.timeout(WAIT_S):
        while not true(found := await asked(home)):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    return found


async def test_without_a_share_there_is_none_and_nobody_looks(tmp_path: Path) -> None:
    async with house(tmp_path / "state") as home:
        said = await asked(home)
        assert (said["share"], said["status"], said["stale"], said["away"]) == (
            False,
            None,
            False,
            "",
        )
        assert (said["jobs"], said["history"], said["as_of_ms"]) == ([], [], None)
        assert not [one for one in threading.enumerate() if one.name == "share"]


async def test_a_job_at_work_is_what_status_tells_and_its_end_is_in_the_history(
    tmp_path: Path, places: Places
) -> None:
    put(places, "a.csv", "step 0.5", "sleep 6")
    async with house(tmp_path / "state", settings=settings(places.root)) as home:
        before = await step(home)
        assert (await asked(home))["status"] == "stopped", "no worker has been there"
        async with working(places):
            drop(places, "a", portfolio_size=20)
            said = await until(home, lambda one: one["progress"] == 50)
            assert (said["status"], said["current_step"], said["queued"]) == ("running", STEP, 0)
            assert (said["stale"], said["away"], said["trouble"]) == (False, "", "")
            assert 0 <= said["age_ms"] < 10_000
            (job,) = said["jobs"]
            assert (job["job_id"], job["input_file"], job["progress"]) == ("a", "a.csv", 50)
            assert await step(home) == {"status": "running", "progress": 50, "current_step": STEP}
            await home.ask("POST", "/api/optimizer/stop")
            assert (await step(home))["current_step"] == STEP, "a halt of the run is told elsewhere"
            said = await until(home, lambda one: one["history"][0]["status"] == "completed")
            assert (said["status"], said["jobs"], said["progress"]) == ("idle", [], 0)
        assert before["current_step"] != STEP
        assert (await step(home))["status"] == "halted"
        entry, begun = said["history"]
        assert (entry["job_id"], entry["input_file"], entry["why"]) == ("a", "a.csv", "")
        assert entry["execution_time"] >= 6.0
        assert (places.root / entry["output_dir"] / "result.txt").read_text() == "a.csv 20 2"
        assert (begun["status"], begun["output_dir"]) == ("processing", entry["output_dir"])
        assert (await asked(home, "?limit=1"))["history"] == [entry]
        assert (await home.ask("GET", "/api/v1/portfolio?limit=0")).status == 400


async def test_a_failure_is_told_with_its_reason(tmp_path: Path, places: Places) -> None:
    put(places, "a.csv", "fail no strategy has a profit")
    drop(places, "a")
    drop(places, "b")
    async with house(tmp_path / "state", settings=settings(places.root)) as home:
        async with working(places, input_wait_s=60.0):
            said = await until(
                home, lambda one: one["waits"] and one["history"] and len(one["history"]) == 2
            )
        assert (said["status"], said["queued"]) == ("waiting", 1)
        assert "b.csv is not in the input folder" in said["waits"]["b.json"]
        failed = said["history"][0]
        assert (failed["job_id"], failed["status"], failed["input_file"]) == (
            "a",
            "failed",
            "a.csv",
        )
        assert "no strategy has a profit" in failed["why"]
        assert (places.root / failed["output_dir"]).is_dir()


async def test_a_share_that_vanishes_is_told_with_what_was_known_and_comes_back(
    tmp_path: Path, places: Places
) -> None:
    put(places, "a.csv", "1")
    drop(places, "a")
    away = tmp_path / "unmounted"
    async with house(tmp_path / "state", settings=settings(places.root)) as home:
        async with working(places):
            known = await until(home, lambda one: len(one["history"]) == 2)
        places.root.rename(away)
        said = await until(home, lambda one: one["away"])
        assert "is not there in the share: is the share mounted?" in said["away"]
        assert (said["stale"], said["history"]) == (True, known["history"])
        assert str(tmp_path) not in json.dumps(said), "no folder of this machine is told"
        places.root.mkdir()  # an empty mount point
        assert (await until(home, lambda one: one["age_ms"] > 3_000))["away"]
        places.root.rmdir()
        away.rename(places.root)
        said = await until(home, lambda one: not one["away"])
        assert (said["stale"], said["history"]) == (False, known["history"])


@pytest.mark.parametrize("name", ["none", "nul\0l", "x" * 4_000, "\udc80"])
async def test_of_a_share_that_never_was_there_nothing_is_invented(
    tmp_path: Path, name: str
) -> None:
    async with house(tmp_path / "state") as home:
        home.service.share.named = str(tmp_path / name)
        said = await asked(home)
        assert (said["share"], said["status"], said["as_of_ms"]) == (True, None, None)
        assert (said["stale"], said["jobs"], said["history"]) == (True, [], [])
        assert said["away"]
        assert (await step(home))["status"] == "running", "the run's"


async def test_a_hanging_share_holds_up_one_thread_and_one_second(
    tmp_path: Path, places: Places
) -> None:
    put(places, "a.csv", "step 0.5", "sleep 30")
    drop(places, "a")
    async with house(tmp_path / "state", settings=settings(places.root)) as home:
        known = home.service.share
        async with working(places):
            before = await until(home, lambda one: one["progress"] == 50)
            free, wall = threading.Event(), known.wall

            def held() -> int:
                """The first thing that a look asks for: here it hangs as it would on a mount."""
                free.wait(60.0)
                return wall()

            known.wall = held
            try:
                said = await until(home, lambda one: one["away"])
                assert (said["away"], said["jobs"]) == (SILENT, before["jobs"])
                assert said["age_ms"] >= 1_000
                loop = asyncio.get_running_loop()
                began_s = loop.time()
                for _ in range(50):
                    assert (await asked(home))["away"] == SILENT
                    assert (await step(home))["current_step"] == STEP
                assert loop.time() - began_s < 5.0, "nobody waits again for the same look"
                assert len([one for one in threading.enumerate() if one.name == "share"]) == 1
                said = await until(home, lambda one: one["stale"])
                assert said["age_ms"] > 10_000
                assert (await step(home))["current_step"] != STEP, "nobody knows: it is the run's"
            finally:
                free.set()
            said = await until(home, lambda one: not one["away"] and one["progress"] == 50)
            assert said["stale"] is False


async def test_what_somebody_wrote_on_the_share_cannot_break_the_answer(
    tmp_path: Path, places: Places
) -> None:
    history = places.status / HISTORY
    name, why = "a\ud800\u202eb\n" + "c" * 9_000, f"{places.input}/a.csv"
    odd = [
        1,
        None,
        {"job_id": ["x"], "status": 7},
        {"job_id": name, "status": "failed", "details": {"error": why, "execution_time": 1e999}},
        {"job_id": "b", "status": "completed", "details": {"execution_time": 10**400}},
    ]
    history.write_text(json.dumps(odd))
    for n in range(150):
        about = {"job_id": f"j{n}", "file": "f", "input_file": str(places.input), "started": "s",
                 "worker": "w", "progress": 10**30, "current_step": "y" * 5_000}  # fmt: skip
        (places.processing / f"{n}.progress").write_text(json.dumps(about))
        (places.processing / f"{n}.claim").write_text("")
    async with house(tmp_path / "state", settings=settings(places.root)) as home:
        said = await asked(home)
        assert (said["away"], said["stale"]) == ("", False)
        assert len(said["jobs"]) == LISTED_MAX
        assert {one["progress"] for one in said["jobs"]} == {100}
        assert {len(one["current_step"]) for one in said["jobs"]} == {1_000}
        last, first, empty = said["history"]
        assert (last["status"], last["execution_time"]) == ("completed", None)
        assert first["job_id"].startswith("a??b ccc")
        assert (len(first["job_id"]), first["why"]) == (1_000, "the share/input/a.csv")
        assert (empty["job_id"], empty["status"]) == ("", "")
        assert str(places.root) not in json.dumps(said)


@pytest.mark.parametrize("content", ["{", "[" * 100_000, '{"a": 1}', "\xff", '["x"]', "9" * 5_000])
async def test_a_damaged_file_of_the_share_is_told_and_left_where_it_is(
    tmp_path: Path, places: Places, content: str
) -> None:
    for name in (HISTORY, CURRENT):
        (places.status / name).write_text(content, encoding="latin-1")
    async with house(tmp_path / "state", settings=settings(places.root)) as home:
        said = await asked(home)
        assert (said["status"], said["history"]) == ("stopped", [])
        assert content == '["x"]' or f"{HISTORY} cannot be read" in said["trouble"]
    assert listed(places.status) == sorted([HISTORY, CURRENT])
