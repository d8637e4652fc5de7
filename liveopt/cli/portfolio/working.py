"""`liveopt portfolio worker` and `liveopt portfolio status`: a folder of jobs, as on a share."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from liveopt import config
from liveopt.cli import market as options
from liveopt.cli.show import Exit, Failure, as_json, note, table
from liveopt.optimize.parameters import BadParameter
from liveopt.portfolio.queue.job import BAD_CELLS, Job
from liveopt.portfolio.queue.places import Gone
from liveopt.portfolio.queue.settings import Settings
from liveopt.portfolio.queue.status import Status, read_status
from liveopt.portfolio.queue.worker import Worker

RootArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help="The folder of jobs: local, or a mounted share.")
]
MakeOption = Annotated[
    bool, typer.Option("--make", help="Make the folder; not for a share, which may be unmounted.")
]
WatchedArgument = Annotated[
    Path | None,
    typer.Argument(metavar="[DIR]", help="The folder of jobs; without it, portfolio.share."),
]
JobsOption = Annotated[
    int, typer.Option(min=1, max=64, help="At a time; each takes all cores it gets.")
]
LimitOption = Annotated[float, typer.Option("--limit", min=1.0, help="Seconds a job may take.")]
PollOption = Annotated[
    float, typer.Option("--poll", min=0.1, max=60.0, help="Seconds between two looks.")
]
AutoOption = Annotated[bool, typer.Option(help="A CSV that lies in input/ is a job of its own.")]
USUAL = Settings()
AT_ONCE: Final = max(1, min(USUAL.jobs_max, len(os.sched_getaffinity(0)) // 2))


def worker(
    root: RootArgument,
    make: MakeOption = False,
    jobs: JobsOption = AT_ONCE,
    limit_s: LimitOption = USUAL.limit_s,
    poll_s: PollOption = USUAL.poll_s,
    auto: AutoOption = True,
) -> None:
    """Do the jobs of a folder as they come, until interrupted.

    A client drops a CSV into input/ and, if it likes, a job into jobs/queue/; the reports are in
    output/, and the job's record in jobs/completed/ or jobs/failed/. A job is a JSON object with
    job_id, timestamp and input_file; portfolio_size (10 to 100) and settings may be added:

    {"job_id": "j1", "timestamp": "2025-07-30T10:15:00", "input_file": "prices.csv",
    "portfolio_size": 35, "settings": {"holdout": 0.25, "bad_cells": "zero"}}

    Example: `liveopt portfolio worker /srv/desk --make`
    """
    if make:
        root.mkdir(parents=True, exist_ok=True)
    settings = Settings(jobs_max=jobs, limit_s=limit_s, poll_s=poll_s, auto=auto)
    try:
        asyncio.run(_work(Worker(root, command_of, settings)))
    except Gone as error:
        raise Failure(f"{error}: mount it, or --make it") from None


async def _work(found: Worker) -> None:
    """SIGTERM ends it as Ctrl-C does: what it was at goes back into the queue."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with suppress(asyncio.CancelledError):
        await found.run()


def command_of(job: Job) -> Sequence[str]:
    """The run of a job: this program. What its settings are worth, it says itself."""
    found = [
        sys.executable, "-m", "liveopt", "portfolio", "run", str(job.input),
        "--size", str(job.size), "--into", str(job.out), "--events",
    ]  # fmt: skip
    for key, value in job.settings.items():
        found += ["--bad-cells", value] if key == BAD_CELLS else ["--set", f"{key}={value}"]
    return found


def status(root: WatchedArgument = None, json: options.JsonOption = False) -> None:
    """What goes on in a folder of jobs, and how far it is; exit code 3 if no worker runs.

    Example: `liveopt portfolio status /srv/desk`
    """
    root = root or _share()
    try:
        found = read_status(root)
    except Gone as error:
        raise Failure(f"{error}; `liveopt portfolio worker {root} --make` makes one") from None
    if json:
        as_json(_document(found))
    else:
        _show(found)
    if found.status == "stopped":
        raise typer.Exit(Exit.NOT_RUNNING)


def _share() -> Path:
    share = config.load().portfolio.share
    if not share:
        raise BadParameter("name the folder of jobs, or set portfolio.share to it")
    return Path(share)


def _document(found: Status) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(found)
    return document


def _show(found: Status) -> None:
    if found.jobs:
        table(
            ("job", "input", "progress %", "step", "since", "worker"),
            [
                (
                    one.job_id,
                    one.input_file,
                    one.progress,
                    one.current_step,
                    one.started,
                    one.worker,
                )
                for one in found.jobs
            ],
        )
    note(
        f"{found.status}; {found.queued} waiting" + (f"; {found.trouble}" if found.trouble else "")
    )
    for name, why in found.waits.items():
        note(f"{name} waits: {why}")
    if found.last:
        note(
            f"last: {found.last.get('job_id')} {found.last.get('status')}"
            f" {found.last.get('timestamp')}"
        )
