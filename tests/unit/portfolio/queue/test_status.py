"""What is told of the queue."""

import json
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from liveopt.portfolio.queue import claims
from liveopt.portfolio.queue.child import Progress
from liveopt.portfolio.queue.places import Gone, Places
from liveopt.portfolio.queue.processes import me
from liveopt.portfolio.queue.settings import Clock
from liveopt.portfolio.queue.status import Desk, Doing, read_status
from tests.unit.portfolio.queue.share import drop, share


@dataclass
class Time:
    now_s: float = 1_753_870_500.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return share(tmp_path / "share")


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def desk(places: Places, time: Time) -> Desk:
    return Desk(places, Clock(time, time), "here:1")


def begin(places: Places, desk: Desk, key: str, started: str = "1") -> None:
    claims.take(places.processing, key, me())
    desk.doing[key] = Doing(key, f"{key}.json", f"{key}.csv", started, "here:1")


def current(places: Places) -> dict[str, object]:
    found: dict[str, object] = json.loads((places.status / "current_status.json").read_text())
    return found


def test_without_a_worker_it_is_stopped_and_still_counts(places: Places) -> None:
    drop(places, "a")
    found = read_status(places.root)
    assert (found.status, found.queued) == ("stopped", 1)


def test_the_job_at_work_is_in_the_three_keys_that_clients_read(
    places: Places, desk: Desk, time: Time
) -> None:
    begin(places, desk, "a")
    desk.heard("a", Progress("race", 0.5, "Running Genetic Algorithm"))
    desk.write()
    found = current(places)
    assert (found["status"], found["progress"]) == ("running", 50)
    assert found["current_step"] == "Running Genetic Algorithm"
    assert read_status(places.root, Clock(time, time)).progress == 50


def test_all_workers_jobs_are_one_status(places: Places, desk: Desk, time: Time) -> None:
    other = Desk(places, Clock(time, time), "there:2")
    begin(places, desk, "a", "2")
    begin(places, other, "b", "1")
    desk.heard("a", Progress("x", 0.2))
    other.heard("b", Progress("y", 0.7))
    desk.write()
    other.write()
    found = read_status(places.root, Clock(time, time))
    assert [one.job_id for one in found.jobs] == ["b", "a"]
    assert (found.progress, found.current_step) == (45, "y")


@pytest.mark.parametrize(
    ("share_done", "percent"), [(-1.0, 0), (2.0, 100), (float("nan"), 0), (float("inf"), 0)]
)
def test_progress_stays_in_its_bounds(
    places: Places, desk: Desk, share_done: float, percent: int
) -> None:
    begin(places, desk, "a")
    desk.heard("a", Progress("x", share_done))
    assert desk.doing["a"].progress == percent


def test_without_news_it_is_written_as_a_sign_of_life_only(
    places: Places, desk: Desk, time: Time
) -> None:
    desk.write()
    first = current(places)["timestamp"]
    time.now_s += 5.0
    desk.write()
    assert current(places)["timestamp"] == first
    time.now_s += 5.0
    desk.write()
    assert current(places)["timestamp"] != first


def test_a_worker_that_is_silent_for_long_is_stopped(
    places: Places, desk: Desk, time: Time
) -> None:
    desk.write()
    assert read_status(places.root, Clock(time, time)).status == "idle"
    time.now_s += 50.0
    assert read_status(places.root, Clock(time, time)).status == "stopped"


def test_trouble_and_waits_are_told(places: Places, desk: Desk, time: Time) -> None:
    desk.trouble = "the share has 1 MiB free"
    desk.waits = {"a.json": "it is being written"}
    desk.write()
    found = read_status(places.root, Clock(time, time))
    assert (found.status, found.trouble) == ("waiting", "the share has 1 MiB free")
    assert found.waits == {"a.json": "it is being written"}
    desk.write(stopped=True)
    assert read_status(places.root, Clock(time, time)).status == "stopped"


def test_progress_of_nobody_is_not_told(places: Places) -> None:
    doing = Doing("a", "a.json", "a.csv", "1", "x")
    (places.processing / "a.progress").write_bytes(msgspec.json.encode(doing))
    assert read_status(places.root).jobs == ()


def test_a_progress_that_cannot_be_read_hides_no_other(
    places: Places, desk: Desk, time: Time
) -> None:
    begin(places, desk, "a")
    for name, content in (("b", b'{"job_id": "\xff"}'), ("c", b"")):
        (places.processing / f"{name}.claim").touch()
        (places.processing / f"{name}.progress").write_bytes(content)
    desk.write()
    assert [one.job_id for one in read_status(places.root, Clock(time, time)).jobs] == ["a"]


def test_a_name_that_is_no_text_is_told_as_far_as_it_is(places: Places, desk: Desk) -> None:
    desk.waits = {"caf\udce9.json": "\udce9"}
    desk.write()
    assert current(places)["waits"] == {"caf?.json": "?"}


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"status": "idle", "timestamp": "x"}'])
def test_a_status_that_cannot_be_read_is_none(places: Places, content: str) -> None:
    (places.status / "current_status.json").write_text(content)
    assert read_status(places.root).status == "stopped"


def test_a_share_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(Gone, match="is the share mounted"):
        read_status(tmp_path / "none")
