"""The worker on a share of this disk, with real processes for its jobs."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec
import pytest

from liveopt.portfolio.queue import claims, processes
from liveopt.portfolio.queue.books import history
from liveopt.portfolio.queue.places import Gone, Places
from liveopt.portfolio.queue.status import read_status
from liveopt.portfolio.queue.worker import Worker
from tests.unit.portfolio.queue.share import (
    QUICK,
    aged,
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
WORKER = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from liveopt.portfolio.queue.worker import Worker
from tests.unit.portfolio.queue.share import QUICK, command
settings = replace(QUICK, poll_s=0.02, jobs_max=2)
asyncio.run(Worker(Path(sys.argv[1]), command, settings).run())
"""


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return share(tmp_path / "share")


def has_words(file: Path, count: int) -> bool:
    return len(file.read_text().split()) == count


def has_files(folder: Path, count: int) -> bool:
    return len(listed(folder)) == count


async def begin_worker(places: Places) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, str(places.root), cwd=ROOT,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip


async def test_a_job_is_run_and_its_record_has_all_that_a_client_asks(places: Places) -> None:
    put(places, "a.csv", "1", "step 0.5", "hurt")
    drop(places, "a", portfolio_size=50, colour="blue", client_info={"username": "mia"})
    async with working(places):
        await until((places.completed / "a.json").exists)
        await until(lambda: not listed(places.processing))
    found = record(places.completed, "a")
    assert found["status"] == "completed"
    assert found["return_code"] == 0
    assert found["execution_time"] > 0
    assert found["completion_timestamp"].startswith("20")
    assert found["stdout"] == ""
    assert found["stderr"] == "a warning\n"
    assert found["result"] == {"rows": 3}
    assert (places.root / found["output_dir"] / "result.txt").read_text() == "a.csv 50 3"
    assert (found["colour"], found["client_info"]) == ("blue", {"username": "mia"})
    assert listed(places.queue) == []
    assert [one["status"] for one in history(places)] == ["processing", "completed"]


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"job_id": None}, "job_id is missing"),
        ({"timestamp": None}, "timestamp is missing"),
        ({"portfolio_size": 9}, "from 10 to 100"),
        ({"portfolio_size": 101}, "from 10 to 100"),
        ({"input_file": "../a.csv"}, "does not stay inside"),
        ({"input_file": "/etc/passwd"}, "absolute"),
        ({"input_file": "a.txt"}, "does not end in .csv"),
        ({"input_file": "none.csv"}, "not in the input folder"),
    ],
)
async def test_a_job_that_cannot_be_run_fails_with_the_reason(
    places: Places, keys: dict[str, object], reason: str
) -> None:
    put(places, "a.csv", "1")
    drop(places, "a", **keys)
    async with working(places):
        await until((places.failed / "a.json").exists)
        await until(lambda: not listed(places.processing))
    assert reason in record(places.failed, "a")["error"]
    assert listed(places.output) == []


async def test_what_never_becomes_json_fails_and_can_be_read(places: Places) -> None:
    (places.queue / "a.json").write_text('{"job_id": "a", ')
    async with working(places):
        await asyncio.sleep(0.3)
        assert listed(places.queue) == ["a.json"]
        await until((places.failed / "a.json").exists)
    assert "no JSON" in record(places.failed, "a")["error"]
    assert record(places.failed, "a")["content"] == '{"job_id": "a", '


async def test_a_job_waits_for_its_table_and_says_so(places: Places) -> None:
    drop(places, "a")
    async with working(places, input_wait_s=60.0):
        await until(lambda: "not in the input folder" in read_status(places.root).waits["a.json"]
                    if read_status(places.root).waits else False)  # fmt: skip
        put(places, "a.csv", "1")
        await until((places.completed / "a.json").exists)


async def test_the_oldest_is_first_and_then_the_name(places: Places) -> None:
    log = places.root / "order.txt"
    for name in "dcba":
        put(places, f"{name}.csv", f"count {log}")
        path = drop(places, name)
        os.utime(path, (1_000_000_000 + (name == "a"), 1_000_000_000 + (name == "a")))
    async with working(places, jobs_max=1):
        await until(lambda: len(listed(places.completed)) == 4)
    assert log.read_text().split() == ["b.csv", "c.csv", "d.csv", "a.csv"]


async def test_no_more_than_so_many_at_a_time(places: Places) -> None:
    for name in "abcd":
        put(places, f"{name}.csv", "sleep 0.5")
        drop(places, name)
    most = 0
    async with working(places, jobs_max=2):
        async with asyncio.timeout(30):
            while len(listed(places.completed)) < 4:
                claims = [n for n in listed(places.processing) if n.endswith(".claim")]
                most = max(most, len(claims))
                await asyncio.sleep(0.01)
    assert most == 2


async def test_a_job_over_its_time_is_ended_with_all_that_it_started(
    places: Places, tmp_path: Path
) -> None:
    stray = tmp_path / "stray"
    put(places, "a.csv", f"stray {stray}", "sleep 60")
    drop(places, "a")
    async with working(places, limit_s=1.0):
        await until(stray.exists)
        token = record(places.processing, "a")["claim"]
        await until((places.failed / "a.json").exists)
        assert processes.end(token) == 0
    found = record(places.failed, "a")
    assert "longer than 1 s" in found["error"]
    assert "output_dir" not in found, "there was nothing in it"
    assert found["return_code"] < 0


async def test_a_failing_job_tells_its_last_words_and_leaves_no_half_result(
    places: Places,
) -> None:
    put(places, "a.csv", "fail the table has no strategies")
    drop(places, "a")
    async with working(places):
        await until((places.failed / "a.json").exists)
    found = record(places.failed, "a")
    assert found["return_code"] == 1
    assert "the table has no strategies" in found["error"]
    assert found["error"].endswith("code 1: the table has no strategies")
    assert found["output_dir"].endswith(".unfinished")
    assert (places.root / found["output_dir"] / "half.txt").exists()


async def test_a_killed_optimizer_is_no_riddle(places: Places) -> None:
    put(places, "a.csv", "die")
    drop(places, "a")
    async with working(places):
        await until((places.failed / "a.json").exists)
    assert "memory" in record(places.failed, "a")["error"]


async def test_a_program_that_is_not_there_fails_the_job(places: Places) -> None:
    put(places, "a.csv", "1")
    drop(places, "a")
    worker = Worker(places.root, lambda _: ["no-such-program"], QUICK)
    async with asyncio.TaskGroup() as tasks:
        run = tasks.create_task(worker.run())
        await until((places.failed / "a.json").exists)
        run.cancel()
    assert "cannot be started" in record(places.failed, "a")["error"]


async def test_a_stopped_worker_puts_its_job_back_uncounted(places: Places, tmp_path: Path) -> None:
    stray = tmp_path / "stray"
    put(places, "a.csv", f"stray {stray}", "sleep 60")
    drop(places, "a")
    async with working(places):
        await until(stray.exists)
        token = record(places.processing, "a")["claim"]
    assert listed(places.processing) == []
    assert processes.end(token) == 0
    (name,) = listed(places.queue)
    assert name.startswith("a.again-")
    assert json.loads((places.queue / name).read_text())["attempts"] == 0
    assert read_status(places.root).status == "stopped"
    put(places, "a.csv", "1")
    async with working(places):
        await until((places.completed / "a.json").exists)


@pytest.mark.slow
async def test_a_killed_workers_job_is_put_back_three_times_and_then_fails(
    places: Places, tmp_path: Path
) -> None:
    put(places, "a.csv", "half", "count " + str(tmp_path / "runs"), "sleep 60")
    drop(places, "a")
    token = ""
    for attempt in (1, 2, 3):
        worker = await begin_worker(places)
        await until(partial(has_words, tmp_path / "runs", attempt))
        token = record(places.processing, "a")["claim"]
        worker.send_signal(signal.SIGKILL)
        await worker.wait()
    async with working(places):
        await until((places.failed / "a.json").exists)
        assert processes.end(token) == 0, "the dead worker's process still runs"
    found = record(places.failed, "a")
    assert "ended 3 times" in found["error"]
    assert len(listed(places.output)) == 3
    assert all(name.endswith(".unfinished") for name in listed(places.output))
    assert (places.root / found["output_dir"] / "half.txt").exists()
    assert [one["status"] for one in history(places)][-1] == "failed"


@pytest.mark.slow
async def test_workers_on_one_share_run_each_job_once(places: Places, tmp_path: Path) -> None:
    log, count = tmp_path / "runs", 40
    for number in range(count):
        put(places, f"j{number}.csv", f"count {log}")
        drop(places, f"j{number}")
    workers = [await begin_worker(places) for _ in range(3)]
    try:
        await until(lambda: len(listed(places.completed)) == count, 50.0)
    finally:
        for worker in workers:
            worker.kill()
            await worker.wait()
    assert sorted(log.read_text().split()) == sorted(f"j{number}.csv" for number in range(count))
    assert len({record(places.completed, f"j{n}")["worker"] for n in range(count)}) > 1


async def test_a_table_is_a_job_of_its_own_once(places: Places) -> None:
    put(places, "prices_ps50.csv", "1")
    async with working(places, auto=True):
        await until(lambda: len(listed(places.completed)) == 1)
        await asyncio.sleep(0.6)
        assert len(listed(places.completed)) == 1
    async with working(places, auto=True):
        await asyncio.sleep(0.6)
    (name,) = listed(places.completed)
    found = json.loads((places.completed / name).read_text())
    assert found["portfolio_size"] == 50
    assert (found["job_type"], found["file_size"]) == ("csv_optimization", 1)
    assert found["md5"] == "c4ca4238a0b923820dcc509a6f75849b"
    assert found["job_id"] == name.removesuffix(".json")


async def test_a_table_that_a_client_has_a_job_for_is_no_second_job(places: Places) -> None:
    put(places, "a.csv", "sleep 1")
    drop(places, "a")
    async with working(places, auto=True):
        await until((places.completed / "a.json").exists)
        await asyncio.sleep(0.6)
        assert listed(places.completed) == ["a.json"]
        aged(put(places, "a.csv", "2"), -5)
        await until(lambda: len(listed(places.completed)) == 2)


async def test_a_share_that_vanishes_is_waited_for(places: Places) -> None:
    put(places, "a.csv", "sleep 1")
    drop(places, "a")
    away = places.root.with_name("away")
    async with working(places) as worker:
        await until(lambda: list(places.output.iterdir()))
        places.root.rename(away)
        await until(lambda: "is the share mounted" in worker.trouble)
        assert not places.root.exists(), "nothing is made where the share was"
        await asyncio.sleep(1.0)
        away.rename(places.root)
        await until(lambda: listed(places.completed))
        await until(lambda: not worker.trouble)
        put(places, "b.csv", "1")
        drop(places, "b")
        await until((places.completed / "b.json").exists)
    assert len(listed(places.completed)) == 2


async def test_without_room_nothing_begins_and_nothing_is_lost(places: Places) -> None:
    put(places, "a.csv", "1")
    drop(places, "a")
    async with working(places, free_mib=1 << 40) as worker:
        await until(lambda: "make room" in worker.trouble)
        await until(lambda: "make room" in read_status(places.root).trouble)
        assert read_status(places.root).status == "waiting"
        assert listed(places.queue) == ["a.json"]


async def test_a_record_that_cannot_be_written_is_written_later(places: Places) -> None:
    put(places, "a.csv", "sleep 0.5")
    drop(places, "a")
    async with working(places) as worker:
        await until(lambda: list(places.output.iterdir()))
        shutil.rmtree(places.completed)
        await until(lambda: "completed" in worker.trouble)
        await asyncio.sleep(0.5)
        assert [n for n in listed(places.processing) if n.endswith(".claim")] == ["a.claim"]
        places.completed.mkdir()
        await until((places.completed / "a.json").exists)


async def test_a_status_that_cannot_be_written_ends_nothing(places: Places) -> None:
    (places.status / "current_status.json").mkdir()
    (places.status / "current_status.json" / "x").touch()
    put(places, "a.csv", "1")
    drop(places, "a")
    async with working(places):
        await until((places.completed / "a.json").exists)


async def test_a_client_may_rename_a_job_at_work(places: Places) -> None:
    put(places, "a.csv", "sleep 0.7")
    drop(places, "a")
    async with working(places):
        await until(lambda: record(places.processing, "a").get("claim"))
        (places.processing / "a.json").rename(places.processing / "mine.json")
        await until((places.completed / "a.json").exists)
        await until(lambda: not listed(places.processing))
        await asyncio.sleep(1.5)
    assert listed(places.completed) == ["a.json"]


async def test_an_ended_name_may_be_used_again(places: Places) -> None:
    put(places, "a.csv", "1")
    async with working(places):
        for count in (1, 2):
            drop(places, "a")
            await until(partial(has_files, places.completed, count))
    assert listed(places.completed)[1] == "a.json"


async def test_the_status_shows_a_job_at_work(places: Places) -> None:
    put(places, "a.csv", "step 0.5", "sleep 3")
    drop(places, "a")
    async with working(places):
        await until(lambda: read_status(places.root).progress == 50)
        told = places.status / "current_status.json"
        await until(lambda: json.loads(told.read_text())["progress"] == 50)
        found = json.loads(told.read_text())
    assert found["status"] == "running"
    assert found["current_step"] == "Running Genetic Algorithm"
    assert found["jobs"][0]["job_id"] == "a"


async def test_a_root_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Gone, match="mount the share"):
        await Worker(tmp_path / "none", command, QUICK).run()


async def test_a_copy_is_not_taken_before_it_is_done(places: Places) -> None:
    table = places.input / "a.csv"
    drop(places, "a")
    async with working(places, held_s=60.0):
        with table.open("w") as copy:
            for _ in range(5):
                copy.write("1\n")
                copy.flush()
                await asyncio.sleep(0.2)
                assert listed(places.queue) == ["a.json"]
        closed_s = time.monotonic()
        await until((places.completed / "a.json").exists)
        assert time.monotonic() - closed_s < 10
    assert record(places.completed, "a")["result"] == {"rows": 5}


async def test_a_lost_claim_ends_the_job_here(places: Places, tmp_path: Path) -> None:
    """Somebody thought this worker dead: what he made of the job stands."""
    stray = tmp_path / "stray"
    put(places, "a.csv", "half", f"stray {stray}", "sleep 60")
    drop(places, "a")
    async with working(places, jobs_max=1):
        await until(stray.exists)
        token = record(places.processing, "a")["claim"]
        (places.processing / "a.json").rename(places.root / "taken.json")
        (places.processing / "a.claim").unlink()
        await until(lambda: processes.end(token) == 0)
        put(places, "b.csv", "1")
        drop(places, "b")
        await until((places.completed / "b.json").exists)
    assert listed(places.failed) == []
    assert listed(places.completed) == ["b.json"]
    assert sum(name.endswith(".unfinished") for name in listed(places.output)) == 1


async def test_another_machines_claim_is_taken_when_it_gives_no_sign_of_life(
    places: Places,
) -> None:
    put(places, "a.csv", "1")
    drop(places, "a").rename(places.processing / "a.json")
    owner = processes.Owner("elsewhere", "boot", "space", 1, 1)
    claim = claims.take(places.processing, "a", owner)
    assert claim is not None
    async with working(places, stale_s=1.0):
        for _ in range(10):
            await asyncio.sleep(0.2)
            assert claims.keep(places.processing, "a", claim)
        assert listed(places.completed) == []
        await until((places.completed / "a.json").exists)


async def test_a_killed_workers_ended_job_is_not_run_again(places: Places, tmp_path: Path) -> None:
    """It was killed between the record and the removal."""
    put(places, "a.csv", f"count {tmp_path / 'runs'}")
    token = "0123456789abcdef"
    drop(places, "a", claim=token, attempts=1).rename(places.processing / "a.json")
    dead = claims.Claim(token, msgspec.structs.replace(processes.me(), pid=1, born=-1))
    (places.processing / "a.claim").write_bytes(msgspec.json.encode(dead))
    (places.completed / "a.json").write_text(json.dumps({"job_id": "a", "claim": token}))
    async with working(places):
        await until(lambda: not listed(places.processing))
        await asyncio.sleep(0.5)
    assert not (tmp_path / "runs").exists()
    assert listed(places.queue) + listed(places.failed) == []


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Places]:
    """A share on a disk of its own that is small."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(disk)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("a small disk of its own needs the right to mount")
    try:
        yield share(disk)
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


async def test_a_full_disk_loses_no_job(full: Places) -> None:
    put(full, "a.csv", "sleep 0.7")
    drop(full, "a")
    ballast = full.root / "ballast"
    async with working(full, free_mib=0) as worker:
        await until(lambda: list(full.output.iterdir()))
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        await until(lambda: worker.trouble)
        assert "No space left" in worker.trouble
        await asyncio.sleep(0.5)
        ballast.unlink()
        await until(lambda: listed(full.completed) + listed(full.failed))
        await until(lambda: not worker.trouble)
    assert listed(full.queue) == []
