"""Jobs: submitted, searched by real child processes, cancelled, gone on with after a restart."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from liveopt.guard.clock import WALL
from liveopt.web.errors import Problem
from liveopt.web.jobs import QUEUE_MAX, Job, Jobs, Order, order_of
from tests.studies import candles, write_csv
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
        result = (await home.ask("GET", f"/api/v1/optimize/results/{name}")).body["result"]
        assert (result["study"], result["strategy"]) == (name, "ma_crossover")
        detail = (await home.ask("GET", f"/api/v1/jobs/{name}")).body
        assert "liveopt optimize ma_crossover" in detail["reproduce"]
        assert (await home.ask("GET", "/api/v1/jobs")).body["jobs"][0]["id"] == name
        assert (await home.ask("DELETE", f"/api/v1/optimize/cancel/{name}")).status == 409
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
        while (job := await jobs.one(name)).status not in wanted:  # noqa: ASYNC110
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
