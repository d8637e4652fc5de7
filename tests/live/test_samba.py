"""The job queue on a share of a real Samba server, with its own client as the Windows side."""

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from liveopt.portfolio.queue.looks import is_written
from liveopt.portfolio.queue.places import Places
from tests.live.samba import Samba, lacking, samba
from tests.unit.portfolio.queue.share import aged, listed, record, share, until, working

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("samba")]
POLL_S = 0.3


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Samba]:
    if why := lacking():
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    root = tmp_path_factory.mktemp("share")
    with samba(tmp_path_factory.mktemp("samba"), root) as found:
        yield found


@pytest.fixture
def places(server: Samba) -> Places:
    """The share, empty again."""
    found = share(server.root)
    for folder in found.all:
        for path in folder.rglob("*"):
            if path.is_file():
                path.unlink()
    return found


def job(name: str, table: str) -> bytes:
    keys = {"job_id": name, "input_file": table, "timestamp": "2025-07-30T10:15:00"}
    return json.dumps(keys).encode()


async def put(server: Samba, path: str, content: bytes) -> None:
    await server.do(f'put - "{path}"', given=content)


async def test_a_client_drops_a_table_and_a_job_and_fetches_the_result(
    server: Samba, places: Places, tmp_path: Path
) -> None:
    async with working(places, poll_s=POLL_S):
        await put(server, r"input\a.csv", b"1\n2\n3")
        await put(server, r"jobs\queue\a.json", job("a", "a.csv"))
        await until((places.completed / "a.json").exists)
        await server.do(rf'get jobs\completed\a.json "{tmp_path}/a.json"')
        found = json.loads((tmp_path / "a.json").read_text())
        folder = found["output_dir"].replace("/", "\\")
        await server.do(rf'get {folder}\result.txt "{tmp_path}/result.txt"')
        await until((places.status / "job_history.json").exists)
        await server.do(rf'get jobs\status\current_status.json "{tmp_path}/now.json"')
        await server.do(rf'get jobs\status\job_history.json "{tmp_path}/history.json"')
    assert (tmp_path / "result.txt").read_text() == "a.csv 35 3"
    assert json.loads((tmp_path / "now.json").read_text())["status"] in {"idle", "running"}
    assert {one["job_id"] for one in json.loads((tmp_path / "history.json").read_text())} == {"a"}


@pytest.mark.parametrize(
    "name", [r"Z:\input\a.csv", r"\\server\desk\input\a.csv", r"input\A.CSV", "a.csv"]
)
async def test_a_table_is_named_as_windows_names_it(
    server: Samba, places: Places, name: str
) -> None:
    async with working(places, poll_s=POLL_S):
        await put(server, r"input\a.csv", b"1")
        await put(server, r"jobs\queue\a.json", job("a", name))
        await until(lambda: listed(places.completed) + listed(places.failed))
    assert listed(places.completed) == ["a.json"]


async def test_a_slow_upload_is_one_job_with_the_whole_table(server: Samba, places: Places) -> None:
    rows, parts = 20_000, 6
    async with working(places, poll_s=POLL_S, auto=True, auto_wait_s=0.6, held_s=60.0):
        client = await server.begin(r"put - input\slow_ps40.csv")
        assert client.stdin is not None
        for _ in range(parts):
            client.stdin.write(b"1,2,3\n" * rows)
            await client.stdin.drain()
            await asyncio.sleep(0.5)
            assert not listed(places.queue) + listed(places.processing)
        assert is_written(places.input / "slow_ps40.csv")
        client.stdin.close()
        await client.wait()
        await until(lambda: listed(places.completed))
    (name,) = listed(places.completed)
    found = record(places.completed, name.removesuffix(".json"))
    assert found["result"] == {"rows": rows * parts}
    assert found["portfolio_size"] == 40


async def test_a_job_file_in_pieces_is_read_when_it_is_whole(server: Samba, places: Places) -> None:
    content = job("a", "a.csv")
    async with working(places, poll_s=POLL_S, input_wait_s=20.0):
        await put(server, r"input\a.csv", b"1")
        await put(server, r"jobs\queue\a.json", content[:20])  # closed, unchanged, half
        await asyncio.sleep(4 * POLL_S)
        assert listed(places.queue) == ["a.json"]
        client = await server.begin(r"put - jobs\queue\a.json")
        assert client.stdin is not None
        for at in range(0, len(content), 20):
            client.stdin.write(content[at : at + 20])
            await client.stdin.drain()
            await asyncio.sleep(POLL_S)
            assert listed(places.queue) == ["a.json"]
        client.stdin.close()
        await client.wait()
        await until((places.completed / "a.json").exists)
    assert record(places.completed, "a")["job_id"] == "a"


async def test_a_client_that_holds_files_open_ends_nothing(
    server: Samba, places: Places, tmp_path: Path
) -> None:
    """The client opens a file of the server first and then a pipe that nobody reads yet."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    async with working(places, poll_s=POLL_S):
        await until((places.status / "current_status.json").exists)
        holder = await server.begin(rf'get jobs\status\current_status.json "{pipe}"')
        await until(lambda: "current_status.json" in server.opened())
        await put(server, r"input\a.csv", b"step 0.5\nsleep 2.5")
        await put(server, r"jobs\queue\a.json", job("a", "a.csv"))
        seen = places.status / "current_status.json"
        await until(lambda: json.loads(seen.read_text())["progress"] == 50)
        assert "current_status.json" in server.opened()
        await until((places.completed / "a.json").exists)
        assert json.loads(await asyncio.to_thread(pipe.read_bytes))["jobs"] == []
        await holder.wait()


async def test_a_client_renames_a_job_at_work_and_the_table_under_it(
    server: Samba, places: Places
) -> None:
    async with working(places, poll_s=POLL_S, stale_s=1.0):
        await put(server, r"input\a.csv", b"sleep 1.5")
        await put(server, r"jobs\queue\a.json", job("a", "a.csv"))
        await until((places.processing / "a.progress").exists)
        await server.do(r"cd jobs\processing; rename a.json mine.json")
        await server.do(r"cd input; rename a.csv b.csv")
        await until((places.completed / "a.json").exists)
        await until(lambda: not listed(places.processing))
        await asyncio.sleep(1.5)
    assert (listed(places.completed), listed(places.queue)) == (["a.json"], [])


async def test_a_client_takes_its_job_back_before_it_is_begun(
    server: Samba, places: Places
) -> None:
    async with working(places, poll_s=POLL_S, input_wait_s=60.0):
        await put(server, r"jobs\queue\a.json", job("a", "a.csv"))
        await asyncio.sleep(3 * POLL_S)
        await server.do(r"cd jobs\queue; del a.json")
        await put(server, r"input\a.csv", b"1")
        await asyncio.sleep(3 * POLL_S)
        await put(server, r"jobs\queue\b.json", job("b", "a.csv"))
        await until((places.completed / "b.json").exists)
    assert listed(places.completed) == ["b.json"]


async def test_jobs_of_clients_are_run_in_their_order(server: Samba, places: Places) -> None:
    log = places.root / "order.txt"
    log.unlink(missing_ok=True)
    for age, name in enumerate("cab"):
        await put(server, rf"input\{name}.csv", f"count {log}".encode())
        await put(server, rf"jobs\queue\{name}.json", job(name, f"{name}.csv"))
        aged(places.queue / f"{name}.json", 100 - age)
    async with working(places, poll_s=POLL_S, jobs_max=1):
        await until(lambda: len(listed(places.completed)) == 3)
    assert log.read_text().split() == ["c.csv", "a.csv", "b.csv"]
