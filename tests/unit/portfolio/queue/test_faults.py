"""The worker outlives whatever lies on its share: each thing here has once ended or stopped one."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from liveopt.portfolio.queue.job import Job
from liveopt.portfolio.queue.places import Places
from liveopt.portfolio.queue.status import Status, read_status
from liveopt.portfolio.queue.worker import Worker
from tests.unit.portfolio.queue.share import (
    QUICK,
    command,
    drop,
    listed,
    put,
    record,
    share,
    until,
    working,
)

ROOT = Path(__file__).parents[4]
HERE = "liveopt/portfolio/queue/"
TOUCHING = {"stat", "lstat", "open", "rename", "replace", "unlink", "mkdir", "rmdir", "utime",
            "link", "statvfs", "listdir", "scandir", "fsync", "sleep"}  # fmt: skip
OF_THE_MACHINE = ("processes.py", "child.py", "aside.py")
"""They touch processes and threads, and no share."""
WORKER = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from liveopt.portfolio.queue.worker import Worker
from tests.unit.portfolio.queue.share import QUICK, command
settings = replace(QUICK, auto=True, auto_wait_s=0.2)
asyncio.run(Worker(Path(sys.argv[1]), command, settings).run())
"""
HOLDER = """
import fcntl, os, signal, sys, time
signal.signal(signal.SIGIO, signal.SIG_IGN)
fd = os.open(sys.argv[1], os.O_WRONLY)
fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return share(tmp_path / "share")


def job(places: Places, name: str, **keys: Any) -> None:
    put(places, "bad.csv", "1")
    drop(places, name, **({"input_file": "bad.csv"} | keys))


def endless(places: Places) -> None:
    job(places, "bad")
    path = places.queue / "bad.json"
    path.write_text(path.read_text().replace("}", ', "n": 1e999}'))


def nested(places: Places) -> None:
    job(places, "bad")
    path = places.queue / "bad.json"
    path.write_text(path.read_text().replace("}", ', "n": ' + "[" * 970 + "]" * 970 + "}"))


def half_a_character(places: Places) -> None:
    job(places, "bad", **{"\ud800": "\ud800"})


def no_text_as_name(places: Places) -> None:
    (places.queue / "caf\udce9.json").write_text("{")


def loop_of_tables(places: Places) -> None:
    (places.input / "loop.csv").symlink_to("loop.csv")


def loop_of_jobs(places: Places) -> None:
    (places.queue / "loop.json").symlink_to("loop.json")


def loop_of_folders(places: Places) -> None:
    (places.input / "one").symlink_to("two")
    (places.input / "two").symlink_to("one")
    drop(places, "bad", input_file="one/a.csv")


def progress_that_is_no_text(places: Places) -> None:
    doing = {"job_id": "x", "file": "x", "input_file": "x", "started": "x", "worker": "W"}
    content = json.dumps(doing).encode().replace(b"W", b"\xff")
    (places.processing / "x.progress").write_bytes(content)
    (places.processing / "x.claim").touch()


@pytest.mark.parametrize(
    "bad",
    [endless, nested, half_a_character, no_text_as_name, loop_of_tables, loop_of_jobs,
     loop_of_folders, progress_that_is_no_text],
)  # fmt: skip
async def test_one_bad_file_ends_no_worker_and_holds_up_no_other_job(
    places: Places, bad: Callable[[Places], None]
) -> None:
    bad(places)
    put(places, "good.csv", "1")
    drop(places, "good")
    wait_s = 60.0 if bad is no_text_as_name else QUICK.input_wait_s  # it is told while it waits
    async with working(places, auto=True, stale_s=60.0, input_wait_s=wait_s) as worker:
        await until((places.completed / "good.json").exists)
        await asyncio.sleep(1.2)  # a status is written meanwhile
        assert worker.trouble == ""
        assert read_status(places.root).status != "stopped"


async def test_a_fault_of_ours_costs_one_job(places: Places) -> None:
    def faulty(one: Job) -> Sequence[str]:
        if one.id == "bad":
            raise ZeroDivisionError("a bug")
        return command(one)

    job(places, "bad", colour="blue")
    put(places, "good.csv", "1")
    drop(places, "good")
    worker = Worker(places.root, faulty, QUICK)
    async with asyncio.TaskGroup() as tasks:
        run = tasks.create_task(worker.run())
        await until((places.completed / "good.json").exists)
        await until((places.failed / "bad.json").exists)
        await until(lambda: not listed(places.processing))
        run.cancel()
    found = record(places.failed, "bad")
    assert (found["job_id"], found["status"]) == ("bad", "failed")
    assert "ZeroDivisionError" in found["error"]
    assert "blue" in found["content"]


def unprivileged(*command: str) -> list[str]:
    """Rights do not bind root: without these it is as anybody else."""
    if os.geteuid():
        return list(command)
    if not shutil.which("setpriv"):
        pytest.skip("root needs setpriv to be bound by rights")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner", *command]


@contextlib.asynccontextmanager
async def another(places: Places) -> Any:
    """A worker in a process of its own, that rights bind."""
    worker = await asyncio.create_subprocess_exec(
        *unprivileged(sys.executable, "-c", WORKER, str(places.root)), cwd=ROOT,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield worker
        assert worker.returncode is None, "the worker has ended"
    finally:
        with contextlib.suppress(ProcessLookupError):
            worker.send_signal(signal.SIGINT)
        await worker.wait()


async def told(places: Places, what: Callable[[Status], bool]) -> Status:
    await until(lambda: what(read_status(places.root)))
    return read_status(places.root)


async def test_what_may_not_be_read_is_said_and_holds_up_nobody(places: Places) -> None:
    put(places, "secret.csv", "1").chmod(0)
    job(places, "hidden")
    (places.queue / "hidden.json").chmod(0)
    (places.input / "closed").mkdir(mode=0)
    drop(places, "inside", input_file="closed/a.csv")
    async with another(places):
        put(places, "good.csv", "1")
        drop(places, "good")
        await until((places.completed / "good.json").exists)
        names = {"input/secret.csv", "hidden.json", "inside.json"}
        found = await told(places, lambda now: names <= now.waits.keys())
    assert {found.waits[name] for name in names} == {"Permission denied"}
    assert found.trouble == ""


async def test_a_job_that_may_not_be_moved_holds_up_no_other(places: Places) -> None:
    if os.geteuid():
        pytest.skip("only root can give a file to another")
    job(places, "stuck")
    for path in (places.queue / "stuck.json", places.queue):
        os.chown(path, 65_534, 65_534)
    places.queue.chmod(0o1777)
    async with another(places):
        put(places, "good.csv", "1")
        drop(places, "good")
        await until((places.completed / "good.json").exists)
        found = await told(places, lambda now: "cannot be taken" in now.waits.get("stuck.json", ""))
    assert found.trouble == ""


async def test_where_results_may_not_be_written_jobs_wait_and_it_is_said(places: Places) -> None:
    places.output.chmod(0o555)
    put(places, "a.csv", "1")
    drop(places, "a")
    async with another(places):
        found = await told(places, lambda now: "Permission denied" in now.trouble)
        history = places.status / "job_history.json"
        await asyncio.sleep(3.0)
        tries = sum(one["status"] == "queued" for one in json.loads(history.read_text()))
        assert tries <= 8, "the pause doubles: it is not tried every 50 ms"
        assert found.waits or found.queued or found.jobs
        places.output.chmod(0o755)
        await until(lambda: [n for n in listed(places.completed) if n == "a.json"])
        await told(places, lambda now: now.trouble == "")


@pytest.mark.slow
async def test_a_share_that_hangs_does_not_hold_up_the_end(places: Places) -> None:
    """Who opens a file with a lease on it waits for its holder: 45 s on a usual Linux."""
    table = put(places, "held.csv", "1")
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, str(table), stdout=asyncio.subprocess.PIPE
    )
    assert holder.stdout is not None
    if await holder.stdout.readline() != b"held\n":
        pytest.skip("no leases on this disk")
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, str(places.root), cwd=ROOT,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    await until(lambda: read_status(places.root).status == "idle")
    await asyncio.sleep(2.0)
    began_s = time.monotonic()
    worker.send_signal(signal.SIGINT)
    await worker.wait()
    holder.kill()
    await holder.wait()
    assert 4.0 < time.monotonic() - began_s < 20.0, "a thread hung, and only so long"


async def test_nothing_of_the_share_is_touched_on_the_event_loop(places: Places) -> None:
    """What hangs there would be deaf to SIGTERM."""
    touched = set[str]()

    def seen(frame: FrameType, event: str, what: object) -> None:
        name, module = getattr(what, "__name__", ""), getattr(what, "__module__", "")
        if event != "c_call" or name not in TOUCHING or module not in {"posix", "io", "time"}:
            return
        at: FrameType | None = frame
        while at is not None:
            file = at.f_code.co_filename
            if HERE in file:
                if not file.endswith(OF_THE_MACHINE):
                    touched.add(f"{Path(file).name}:{at.f_lineno}")
                return
            at = at.f_back

    put(places, "a.csv", "sleep 0.7")
    drop(places, "a")
    drop(places, "b", portfolio_size=5)
    put(places, "c.csv", "fail")
    put(places, "d.csv", "sleep 60")
    drop(places, "d")
    sys.setprofile(seen)
    try:
        async with working(places, auto=True) as worker:
            await until(lambda: len(listed(places.failed)) == 2)
            await until(lambda: listed(places.completed))
            assert worker.trouble == ""
    finally:
        sys.setprofile(None)
    assert listed(places.queue)[0].startswith("d.again-")
    assert touched == set()


async def test_a_stop_leaves_a_job_to_the_thread_that_is_still_at_it(places: Places) -> None:
    """Else it could be completed and put back."""
    put(places, "a.csv", "sleep 60")
    drop(places, "a")
    async with working(places) as worker:
        await until(lambda: list(places.output.iterdir()))
        ((held, _),) = worker._running.values()
        held.lock.acquire()
    assert listed(places.queue) == []
    assert {"a.claim", "a.json"} <= set(listed(places.processing))
    held.end(places.completed, {"status": "completed"})
    assert listed(places.completed) == ["a.json"]


async def test_a_table_that_changes_under_a_job_is_said(places: Places) -> None:
    for name in ("a", "b"):
        put(places, f"{name}.csv", "1", "sleep 0.7")
        drop(places, name)
    async with working(places):
        await until(lambda: len(list(places.output.iterdir())) == 2)
        await asyncio.sleep(0.3)
        put(places, "a.csv", "another")
        await until(lambda: len(listed(places.completed)) == 2)
    assert "a.csv changed" in record(places.completed, "a")["warning"]
    assert "warning" not in record(places.completed, "b")


async def test_a_refused_job_is_its_tables_job(places: Places) -> None:
    """No other is made of the table, whose size its client did not want."""
    put(places, "a.csv", "1")
    drop(places, "a", portfolio_size=500)
    async with working(places, auto=True):
        await until((places.failed / "a.json").exists)
        await asyncio.sleep(1.0)
    assert listed(places.completed) + listed(places.queue) == []


async def test_a_setting_in_the_wrong_place_is_said(places: Places) -> None:
    put(places, "a.csv", "1")
    drop(places, "a", holdout=0.25, seed=1, colour="blue")
    async with working(places):
        await until((places.completed / "a.json").exists)
    assert record(places.completed, "a")["ignored"].startswith("holdout, seed: ")


async def test_the_optimizers_words_are_told_whole(places: Places) -> None:
    put(places, "a.csv", "say a warning", "say liveopt: row 3 is bad", "say   give zero", "fail")
    drop(places, "a")
    async with working(places):
        await until((places.failed / "a.json").exists)
    assert record(places.failed, "a")["error"].endswith("liveopt: row 3 is bad\ngive zero")
