"""Jobs: submitted, searched by real child processes, cancelled, gone on with after a restart."""

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from liveopt.config import Settings, Web
from liveopt.guard.clock import WALL
from liveopt.optimize.studies.plan import code_version
from liveopt.optimize.studies.store import FILE as STUDIES
from liveopt.optimize.studies.store import Store
from liveopt.web.errors import Problem
from liveopt.web.job import Job
from liveopt.web.jobs import QUEUE_MAX, Jobs
from liveopt.web.orders import Order, Orders, new_id, order_of
from tests.studies import candles, plan_of, write_csv
from tests.unit.web.house import House, house

SINGLE: dict[str, Any] = {
    "strategy_name": "ma_crossover",
    "asset": "BTC-USDT",
    "timeframe": "1m",
    "optimization_config": {"max_evals": 40, "algorithm": "random"},
}


def data_of(folder: Path) -> Path:
    (folder / "data").mkdir(parents=True, exist_ok=True)
    return write_csv(folder / "data" / "BTC-USDT-1m.csv", candles(1_200, swing=0.01))


async def ended(home: House, name: str) -> Any:
    async with asyncio.timeout(50):
        while True:
            said = (await home.ask("GET", f"/api/v1/optimize/status/{name}")).body
            if said["status"] not in {"queued", "running"}:
                return said
            await asyncio.sleep(0.1)


async def test_a_search_over_the_api_from_its_order_to_its_result(tmp_path: Path) -> None:
    data_of(tmp_path)
    async with house(tmp_path) as home:
        told: list[Job] = []
        home.service.jobs.changed = told.append
        said = await home.ask("POST", "/api/v1/optimize/single", SINGLE)
        assert said.status == 202, said.raw
        name = said.body["job_id"]
        assert name.startswith("opt_")
        job = await ended(home, name)
        assert (job["status"], job["done"], job["of"], job["progress"]) == (
            "completed", 40, 40, 100.0,
        )  # fmt: skip
        assert job["by"].startswith("key "), "who wanted it is known when it has ended, too"
        result = (await home.ask("GET", f"/api/v1/optimize/results/{name}")).body["result"]
        assert (result["study"], result["strategy"]) == (name, "ma_crossover")
        best, walk = result["best"], result["walk_forward"]
        assert (job["objective"], job["verdict"]) == (
            "bar_sharpe", "passes" if result["passes"] else "fails",
        )  # fmt: skip
        assert (job["best"], job["out_of_sample"], job["deflated_sharpe"]) == (
            best["in_sample"]["objective"], walk["out_of_sample"]["objective"],
            best["deflated_sharpe"],
        )  # fmt: skip
        listed = (await home.ask("GET", "/api/v1/jobs")).body["jobs"][0]
        assert (listed["verdict"], listed["best"]) == (job["verdict"], job["best"])
        detail = (await home.ask("GET", f"/api/v1/jobs/{name}")).body
        assert "liveopt optimize ma_crossover" in detail["reproduce"]
        assert (await home.ask("GET", "/api/v1/jobs")).body["jobs"][0]["id"] == name
        assert (await home.ask("DELETE", f"/api/v1/optimize/cancel/{name}")).status == 409
        again = await home.ask("POST", f"/api/v1/optimize/resume/{name}")
        assert (again.status, again.body["error_code"]) == (409, "COMPLETED")
        counts = (await home.ask("GET", "/api/v1/optimize/statistics")).body
        assert counts["by_status"] == {"completed": 1}
        assert told[0].status == "queued"
        await home.until(lambda: told[-1].status == "completed")


async def test_what_cannot_be_searched_is_refused_before_anything_begins(tmp_path: Path) -> None:
    data_of(tmp_path)
    wrong: list[tuple[dict[str, Any], int, str]] = [
        ({"strategy_name": "nothing"}, 404, "STRATEGY_NOT_FOUND"),
        ({"asset": "ETH-USDT"}, 404, "FILE_NOT_FOUND"),
        ({"asset": "../keys"}, 400, "INVALID_PARAMETERS"),
        ({"timeframe": "7m"}, 400, "INVALID_PARAMETERS"),
        ({"start_date": "someday"}, 400, "INVALID_PARAMETERS"),
        ({"optimization_config": {"objective": "__import__('os')"}}, 400, "INVALID_PARAMETERS"),
        ({"optimization_config": {"max_evals": 9}}, 400, "INVALID_PARAMETERS"),
    ]
    async with house(tmp_path) as home:
        for changed, status, code in wrong:
            said = await home.ask("POST", "/api/v1/optimize/single", SINGLE | changed)
            assert (said.status, said.body["error_code"]) == (status, code), said.raw
        both = {"requests": [SINGLE, SINGLE | {"asset": "ETH-USDT"}]}
        assert (await home.ask("POST", "/api/v1/optimize/batch", both)).status == 404
        assert (await home.ask("GET", "/api/v1/jobs")).body["total"] == 0
        assert (await home.ask("GET", "/api/v1/optimize/status/opt_00000000")).status == 404


async def test_missing_candles_are_named_with_their_folder_and_the_command_that_makes_them(
    tmp_path: Path,
) -> None:
    data_of(tmp_path / "logs")
    async with house(tmp_path / "logs") as home:

        async def why(asset: str) -> str:
            said = await home.ask("POST", "/api/v1/optimize/single", SINGLE | {"asset": asset})
            assert str(tmp_path) not in said.raw.decode()
            return str(said.body["error_message"])

        there = await why("ETH-USDT")
        assert there.startswith("there are no candles logs/data/ETH-USDT-1m.parquet (nor ")
        assert "liveopt data fetch logs/data/ETH-USDT-1m.parquet --symbol ETH-USDT" in there
        assert "spot ones look like BTC-USDT" in await why("BTCUSDT")


async def test_a_batch_is_several_jobs(tmp_path: Path) -> None:
    data_of(tmp_path)
    small = SINGLE | {"optimization_config": {"max_evals": 10, "algorithm": "random"}}
    async with house(tmp_path) as home:
        said = await home.ask("POST", "/api/v1/optimize/batch", {"requests": [small, small]})
        assert said.status == 202
        for name in said.body["job_ids"]:
            assert (await ended(home, name))["status"] == "completed"


async def test_a_job_that_cannot_read_its_candles_fails_and_says_why(tmp_path: Path) -> None:
    data_of(tmp_path).write_text("no,candles\n1,2\n")
    async with house(tmp_path) as home:
        name = (await home.ask("POST", "/api/v1/optimize/single", SINGLE)).body["job_id"]
        job = await ended(home, name)
        assert job["status"] == "failed"
        assert "csv" in job["error"]
        assert (await home.ask("GET", f"/api/v1/optimize/results/{name}")).status == 409


def order(folder: Path, evals: int = 40, algorithm: str = "random") -> Order:
    words = {
        "strategy": "ma_crossover", "data": str(folder / "data" / "BTC-USDT-1m.csv"),
        "algorithm": algorithm, "evals": evals, "timeout_s": 60.0, "objective": "bar_sharpe",
        "first": "", "last": "",
    }  # fmt: skip
    return order_of(words, WALL(), "tester")


@asynccontextmanager
async def working(folder: Path, running_max: int = 3) -> AsyncIterator[Jobs]:
    jobs = Jobs(folder, folder / "data", WALL, running_max=running_max)
    task = asyncio.create_task(jobs.run())
    try:
        yield jobs
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        jobs.close()


async def status(jobs: Jobs, name: str, *wanted: str) -> Job:
    async with asyncio.timeout(50):
        while (job := await jobs.one(name)).status not in wanted:
            listed = [one for one in await jobs.all() if one.id == name]
            assert [one.status for one in listed] == [(await jobs.one(name)).status]
            await asyncio.sleep(0.05)
    return job


async def test_so_many_work_at_a_time_and_who_waits_is_cancelled_at_once(tmp_path: Path) -> None:
    data_of(tmp_path)
    async with working(tmp_path, running_max=1) as jobs:
        first, second, third = (order(tmp_path, evals=200_000) for _ in range(3))
        jobs.submit([first, second, third])
        await status(jobs, first.id, "running")
        assert (await jobs.one(second.id)).status == "queued"
        assert (await jobs.cancel(second.id)).status == "cancelled"
        assert [one.id for one in jobs.queue] == [third.id]
        await jobs.cancel(first.id)
        await status(jobs, first.id, "cancelled")
        await status(jobs, third.id, "running")
        await jobs.cancel(third.id)
        await status(jobs, third.id, "cancelled")


async def test_the_queue_has_a_bound_and_takes_all_or_nothing(tmp_path: Path) -> None:
    data_of(tmp_path)
    jobs = Jobs(tmp_path, tmp_path / "data", WALL)
    jobs.submit([order(tmp_path) for _ in range(QUEUE_MAX - 1)])
    with pytest.raises(Problem) as refused:
        jobs.submit([order(tmp_path), order(tmp_path)])
    assert (refused.value.status, len(jobs.queue)) == (503, QUEUE_MAX - 1)
    jobs.close()


async def test_an_order_that_cannot_be_kept_is_not_taken(tmp_path: Path) -> None:
    data_of(tmp_path)
    jobs = Jobs(tmp_path, tmp_path / "data", WALL)
    (tmp_path / "jobs.log").mkdir()  # nothing can be appended to that
    with pytest.raises(Problem) as refused:
        jobs.submit([order(tmp_path)])
    assert (refused.value.status, refused.value.code) == (503, "NOT_KEPT")
    assert not jobs.queue
    jobs.close()


async def test_what_was_cancelled_goes_on_where_it_was(tmp_path: Path) -> None:
    data_of(tmp_path)
    async with working(tmp_path, running_max=1) as jobs:
        long, other = (order(tmp_path, evals=30_000, algorithm="de") for _ in range(2))
        jobs.submit([long])
        async with asyncio.timeout(50):
            while not (await jobs.one(long.id)).done:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        with pytest.raises(Problem) as refused:
            await jobs.resume(long.id, "somebody")
        assert (refused.value.status, refused.value.code) == (409, "RUNNING")
        await jobs.cancel(long.id)
        before = (await status(jobs, long.id, "cancelled")).done
        await asyncio.wait_for(_idle(jobs), 50)
        jobs.submit([other])
        await status(jobs, other.id, "running")
        waits = await jobs.resume(long.id, "somebody")
        assert (waits.status, waits.by, waits.done) == ("queued", "somebody", before)
        assert (await jobs.one(long.id)).status == "queued"
        assert jobs.by_status()["queued"] == 1
        with pytest.raises(Problem, match="already"):
            await jobs.resume(long.id, "somebody")
        await jobs.cancel(other.id)
        job = await status(jobs, long.id, "running")
        assert job.done >= before
        async with asyncio.timeout(50):
            while (await jobs.one(long.id)).done <= before:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        await jobs.cancel(long.id)
        assert (await status(jobs, long.id, "cancelled")).done > before


async def _idle(jobs: Jobs) -> None:
    while jobs.working:  # noqa: ASYNC110
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.3, 1.0, 2.0])
async def test_a_cancel_is_heard_however_early_it_comes(tmp_path: Path, after_s: float) -> None:
    """While the process is being started, and before its study is begun or taken up."""
    data_of(tmp_path)
    async with working(tmp_path) as jobs:
        one = order(tmp_path, evals=1_000_000, algorithm="de")
        jobs.submit([one])
        await status(jobs, one.id, "running")
        for _ in range(2):
            await asyncio.sleep(after_s)
            assert (await jobs.cancel(one.id)).id == one.id
            await asyncio.wait_for(_idle(jobs), 40)
            assert (await jobs.one(one.id)).status == "cancelled"
            assert Orders(tmp_path).open == {}
            if not Store(tmp_path).standings():
                return  # it never began
            assert [one.status for one in Store(tmp_path).standings()] == ["cancelled"]
            await jobs.resume(one.id, "somebody")
            await status(jobs, one.id, "running")
        await jobs.cancel(one.id)


async def test_what_cannot_go_on_is_refused_and_says_why(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, tmp_path / "data", WALL)
    store = Store(tmp_path)
    old, done, new = (store.add(plan_of(code=c), "now") for c in ("0.0.1+aaa", "x", code_version()))
    store.begin("round_run_1_XBT", plan_of(code=code_version()), "now")
    for name in (old, new, "round_run_1_XBT"):
        store.finish(name, "cancelled")
    store.finish(done, "completed", "{}")
    waiting = order(tmp_path)
    jobs.submit([waiting])
    await jobs.cancel(waiting.id)
    for name, code in (
        (old, "OTHER_VERSION"), (done, "COMPLETED"), (waiting.id, "NOT_BEGUN"),
        ("round_run_1_XBT", "REFUSED"), ("opt_00000000", "JOB_NOT_FOUND"),
    ):  # fmt: skip
        with pytest.raises(Problem) as refused:
            await jobs.resume(name, "somebody")
        assert refused.value.code == code
    assert (await jobs.resume(new, "somebody")).status == "queued"
    jobs.close()


async def test_a_study_that_fails_when_it_is_taken_up_says_why(tmp_path: Path) -> None:
    """Its candles are gone: `plan_of` names a file that is not there."""
    name = Store(tmp_path).add(plan_of(code=code_version()), "now")
    Store(tmp_path).finish(name, "interrupted")
    async with working(tmp_path) as jobs:
        assert (await jobs.resume(name, "somebody")).status == "queued"
        await status(jobs, name, "running")
        await asyncio.wait_for(_idle(jobs), 50)
        job = await status(jobs, name, "interrupted", "failed")
        assert "candles.csv" in job.error
        await jobs.resume(name, "somebody")
        assert (await jobs.one(name)).error == ""
        await jobs.cancel(name)


async def test_after_a_restart_what_was_submitted_goes_on(tmp_path: Path) -> None:
    data_of(tmp_path)
    long, short = order(tmp_path, evals=30_000, algorithm="de"), order(tmp_path)
    async with working(tmp_path, running_max=1) as jobs:
        jobs.submit([long, short])
        async with asyncio.timeout(50):
            while not (await jobs.one(long.id)).done:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        before = (await jobs.one(long.id)).done
    async with working(tmp_path, running_max=2) as jobs:
        assert (await status(jobs, long.id, "running")).done >= before
        assert (await status(jobs, short.id, "completed")).done == 40
        await jobs.cancel(long.id)
        await status(jobs, long.id, "cancelled")


def asked(folder: Path, once: str = "once", wish: str = "abc") -> Order:
    return msgspec.structs.replace(order(folder), id=new_id(once), asked=wish)


async def test_a_request_that_is_repeated_is_the_same_job_in_every_life(tmp_path: Path) -> None:
    data_of(tmp_path)
    one = asked(tmp_path)
    for count in range(2):  # while it waits
        jobs = Jobs(tmp_path, tmp_path / "data", WALL)
        for _ in range(2):
            assert [job.id for job in jobs.submit([asked(tmp_path)])] == [one.id]
        assert len(jobs.queue) == 1, count
        jobs.close()
    async with working(tmp_path) as jobs:  # while it is at work, and then
        await status(jobs, one.id, "running")
        assert jobs.submit([asked(tmp_path)])[0].status == "running"
        await status(jobs, one.id, "completed")
        await asyncio.wait_for(_idle(jobs), 20)
        assert jobs.submit([asked(tmp_path)])[0].status == "completed"
    jobs = Jobs(tmp_path, tmp_path / "data", WALL)
    await jobs.looked()
    assert jobs.submit([asked(tmp_path)])[0].status == "completed"
    with pytest.raises(Problem) as refused:
        jobs.submit([asked(tmp_path, wish="xyz")])
    assert (refused.value.status, refused.value.code) == (422, "IDEMPOTENCY_KEY_REUSED")
    (tmp_path / "jobs.log").unlink()  # the store alone knows it then
    jobs.close()
    jobs = Jobs(tmp_path, tmp_path / "data", WALL)
    await jobs.looked()
    assert jobs.submit([asked(tmp_path)])[0].status == "completed"
    with pytest.raises(Problem, match="another request"):
        jobs.submit([msgspec.structs.replace(asked(tmp_path), evals=41)])
    assert not jobs.queue
    jobs.close()


async def test_one_that_failed_without_a_study_is_not_begun_anew_after_a_restart(
    tmp_path: Path,
) -> None:
    data_of(tmp_path).write_text("no,candles\n1,2\n")
    one = asked(tmp_path)
    async with working(tmp_path) as jobs:
        jobs.submit([one])
        await status(jobs, one.id, "failed")
    jobs = Jobs(tmp_path, tmp_path / "data", WALL)
    job = jobs.submit([asked(tmp_path)])[0]
    assert (job.status, "csv" in job.error, len(jobs.queue)) == ("failed", True, 0)
    assert (await jobs.one(one.id)) == job
    jobs.close()


async def test_what_ended_without_a_study_is_in_the_list_after_a_restart_too(
    tmp_path: Path,
) -> None:
    data_of(tmp_path)
    orders, (old, bad, unwanted, new) = Orders(tmp_path), (
        msgspec.structs.replace(order(tmp_path), created=f"2026-01-0{day}T00:00:00.000Z")
        for day in (1, 2, 3, 4)
    )  # fmt: skip
    orders.add([bad, unwanted])
    orders.end([bad.id], "failed", "no candles")
    orders.end([unwanted.id], "cancelled")
    store = Store(tmp_path)
    for one in (old, new):
        store.finish(store.add(plan_of(), one.created), "interrupted")
    jobs = Jobs(tmp_path, tmp_path / "data", WALL)
    jobs.submit([waits := order(tmp_path)])
    listed = await jobs.all()
    assert [one.status for one in listed] == [
        "queued", "interrupted", "cancelled", "failed", "interrupted",
    ]  # fmt: skip
    assert [one.created for one in listed] == [
        one.created for one in (waits, new, unwanted, bad, old)
    ]
    assert listed == [await jobs.one(one.id) for one in listed], "as each is told by itself"
    assert jobs.by_status() == {"queued": 1, "interrupted": 2, "cancelled": 1, "failed": 1}
    jobs.close()


async def test_what_fails_here_is_listed_once(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, tmp_path / "data", WALL)
    jobs.submit([one := order(tmp_path)])
    await jobs.cancel(one.id)
    assert [(job.id, job.status) for job in await jobs.all()] == [(one.id, "cancelled")]
    assert jobs.by_status() == {"queued": 0, "cancelled": 1}
    jobs.close()


def damage(folder: Path) -> bytes:
    """Other bytes where the studies were; those that were there."""
    store = Store(folder)
    store.close()
    path = folder / STUDIES
    whole = path.read_bytes()
    path.write_bytes(b"no database " * 1_000)
    return whole


async def test_with_a_damaged_store_jobs_wait_and_say_why_and_then_go_on(tmp_path: Path) -> None:
    data_of(tmp_path)
    whole = damage(tmp_path)
    async with house(tmp_path) as home:
        told: list[Job] = []
        home.service.jobs.changed = told.append
        said = await home.ask("POST", "/api/v1/optimize/single", SINGLE)
        assert said.status == 202
        name = said.body["job_id"]
        await home.until(lambda: home.service.jobs.trouble)
        said = await home.ask("GET", f"/api/v1/optimize/status/{name}")
        assert (said.status, said.body["status"]) == (200, "queued")
        assert "studies cannot be read" in said.body["error"]
        assert "studies cannot be read" in told[-1].error
        other = "/api/v1/optimize/status/opt_00000000"
        for method, path in (
            ("GET", "/api/v1/jobs"), ("GET", "/api/v1/optimize/statistics"), ("GET", other),
            ("DELETE", "/api/v1/optimize/cancel/opt_00000000"),
            ("POST", "/api/v1/optimize/resume/opt_00000000"),
        ):  # fmt: skip
            said = await home.ask(method, path)
            assert (said.status, said.body["error_code"]) == (503, "STUDIES_UNREADABLE"), path
            assert int(said.headers["Retry-After"]) > 0
        assert (await home.ask("GET", "/api/v1/health/deep")).status == 200
        failing = home.service.parts.failing(asyncio.get_running_loop().time())
        assert "studies cannot be read" in failing["jobs"]
        assert home.service.parts.all["jobs"].crashes == 0
        (tmp_path / STUDIES).write_bytes(whole)
        job = await ended(home, name)
        assert (job["status"], job["error"], home.service.jobs.trouble) == ("completed", "", "")


async def test_a_store_that_is_damaged_under_a_search_ends_nothing_else(tmp_path: Path) -> None:
    data_of(tmp_path)
    async with working(tmp_path) as jobs:
        one = order(tmp_path, evals=1_000_000, algorithm="de")
        jobs.submit([one])
        async with asyncio.timeout(50):
            while not (await jobs.one(one.id)).done:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        with sqlite3.connect(tmp_path / STUDIES, timeout=30) as base:
            for name in ("born", "cancel"):
                base.execute(f"ALTER TABLE studies RENAME COLUMN {name} TO no_{name}")
        async with asyncio.timeout(50):
            while "studies cannot be read" not in (await jobs.one(one.id)).error:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            while jobs._processes:  # noqa: ASYNC110  it cannot keep a generation, and gives up
                await asyncio.sleep(0.05)
        assert one.id in Orders(tmp_path).open, "nobody knows yet how it ended"
        with sqlite3.connect(tmp_path / STUDIES, timeout=30) as base:
            for name in ("born", "cancel"):
                base.execute(f"ALTER TABLE studies RENAME COLUMN no_{name} TO {name}")
        await asyncio.wait_for(_idle(jobs), 50)
        job = await jobs.one(one.id)
        assert job.status in {"interrupted", "failed"}
        assert "no such column: cancel" in job.error
        assert Orders(tmp_path).open == {}


async def test_a_process_that_cannot_be_started_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_of(tmp_path)
    program = sys.executable
    async with working(tmp_path) as jobs:
        monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
        one, two = order(tmp_path), order(tmp_path)
        jobs.submit([one, two])
        async with asyncio.timeout(20):
            while "could not be started" not in (await jobs.one(one.id)).error:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert (await jobs.cancel(two.id)).status == "cancelled"
        monkeypatch.setattr(sys, "executable", program)
        job = await status(jobs, one.id, "completed")
        assert job.error == ""
        assert (await jobs.one(two.id)).status == "cancelled"


async def test_a_full_disk_is_a_503_and_takes_nothing(tmp_path: Path) -> None:
    data_of(tmp_path)
    async with house(tmp_path) as home:
        (tmp_path / "jobs.log").mkdir()
        said = await home.ask("POST", "/api/v1/optimize/single", SINGLE)
        assert (said.status, said.body["error_code"]) == (503, "NOT_KEPT")
        (tmp_path / "jobs.log").rmdir()
        key = {"Idempotency-Key": "k"}
        first = await home.ask("POST", "/api/v1/optimize/single", SINGLE, headers=key)
        again = await home.ask("POST", "/api/v1/optimize/single", SINGLE, headers=key)
        assert (first.status, first.body["job_id"]) == (202, again.body["job_id"])
        await ended(home, first.body["job_id"])
        assert (await home.ask("GET", "/api/v1/jobs")).body["total"] == 1


async def test_so_many_may_wait_as_the_settings_say(tmp_path: Path) -> None:
    data_of(tmp_path)
    settings = Settings(web=Web(searches_waiting=1))
    async with house(tmp_path, settings=settings) as home:
        two = {"requests": [SINGLE, SINGLE]}
        said = await home.ask("POST", "/api/v1/optimize/batch", two)
        assert (said.status, said.body["error_code"]) == (503, "QUEUE_FULL")
        assert (await home.ask("GET", "/api/v1/optimize/statistics")).body["queue_max"] == 1


@pytest.mark.parametrize("told", ["running", "completed"])
async def test_after_a_crash_all_places_are_free_and_what_was_at_work_is_begun_anew(
    tmp_path: Path, told: str
) -> None:
    data_of(tmp_path)
    crashes: list[Job] = []

    def changed(job: Job) -> None:
        if job.status == told and not crashes:
            crashes.append(job)
            raise RuntimeError("whoever is told has a fault")

    jobs = Jobs(tmp_path, tmp_path / "data", WALL, changed, running_max=2)
    orders = [order(tmp_path, evals=10) for _ in range(3)]
    jobs.submit(orders)
    with pytest.raises(ExceptionGroup):
        await asyncio.wait_for(jobs.run(), 30)
    assert len(crashes) == 1
    left = list(Orders(tmp_path).open)
    task = asyncio.create_task(jobs.run())
    try:
        for one in orders:
            assert (await status(jobs, one.id, "completed")).done == 10
        await asyncio.wait_for(_idle(jobs), 20)
        assert len(left) >= 2, "what had not ended"
        assert Orders(tmp_path).open == {}
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        jobs.close()
