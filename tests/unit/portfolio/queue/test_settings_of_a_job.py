"""What a job asks for reaches the optimizer: the real one."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from liveopt.cli.portfolio.working import command_of
from liveopt.data.panel import sample
from liveopt.portfolio.queue.job import Job
from liveopt.portfolio.queue.places import Places
from liveopt.portfolio.queue.worker import Worker
from tests.unit.portfolio.queue.share import QUICK, drop, listed, record, share, until

SETTINGS = {"evaluations": 60, "algorithms": ["random"], "workers": 1, "holdout": 0.25}


def test_settings_are_options_of_the_program() -> None:
    given = {"holdout": "0.25", "bad_cells": "zero"}
    found = command_of(Job("a", Path("a.csv"), Path("run_1"), 35, "x", {}, given))
    assert list(found[-4:]) == ["--set", "holdout=0.25", "--bad-cells", "zero"]


async def run(places: Places, folder: Path, **keys: Any) -> dict[str, Any]:
    (places.input / "a.csv").write_text("".join(sample.lines(30, 40, 1)))
    drop(places, "a", portfolio_size=10, **keys)
    worker = Worker(places.root, command_of, replace(QUICK, limit_s=50.0))
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(worker.run())
        await until(lambda: listed(places.completed) + listed(places.failed), 50.0)
        task.cancel()
    return record(folder, "a")


@pytest.mark.slow
async def test_a_job_is_run_by_its_settings(tmp_path: Path) -> None:
    places = share(tmp_path / "share")
    found = await run(places, places.completed, settings=SETTINGS)
    assert found["settings"] == SETTINGS
    assert found["return_code"] == 0
    assert list((places.root / found["output_dir"]).iterdir())
    plain = found["result"]
    assert plain


@pytest.mark.slow
async def test_a_setting_that_nobody_knows_is_refused_with_the_keys(tmp_path: Path) -> None:
    places = share(tmp_path / "share")
    found = await run(places, places.failed, settings={"holdut": 0.25})
    assert "did you mean holdout?" in found["error"]
    assert "output_dir" not in found
