"""What may be begun, look by look; the time is the test's."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.portfolio.queue.intake import Intake, Table, md5_of, new_jobs, size_in
from liveopt.portfolio.queue.places import Places
from liveopt.portfolio.queue.settings import Clock, Settings
from tests.unit.portfolio.queue.share import aged, drop, listed, put, record, share


@dataclass
class Time:
    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return share(tmp_path / "share")


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def intake(places: Places, time: Time) -> Intake:
    return Intake(places, Settings(), Clock(wall=lambda: 1_753_870_500.0, steady=time))


def looked(intake: Intake, time: Time, *, steps: int = 2) -> list[str]:
    """After that many looks, two seconds apart."""
    found: list[str] = []
    for _ in range(steps):
        found = intake.ready()
        time.now_s += 2.0
    return found


def test_a_job_is_ready_when_it_and_its_table_hold_still(
    places: Places, intake: Intake, time: Time
) -> None:
    put(places, "a.csv", "1")
    drop(places, "a")
    assert looked(intake, time, steps=1) == []
    assert "written" in intake.waits["a.json"]
    assert "a.csv is being written" in (looked(intake, time, steps=1), intake.waits["a.json"])[1]
    assert looked(intake, time) == ["a.json"]
    assert intake.waits == {}


def test_who_waits_does_not_hold_up_the_others(places: Places, intake: Intake, time: Time) -> None:
    put(places, "b.csv", "1")
    aged(drop(places, "a"), 100)
    drop(places, "b")
    assert looked(intake, time, steps=3) == ["b.json"]
    assert "not in the input folder" in intake.waits["a.json"]
    assert looked(intake, time, steps=16) == ["a.json", "b.json"], "to be failed, after 30 s"


def test_what_will_be_refused_is_ready_at_once(places: Places, intake: Intake, time: Time) -> None:
    drop(places, "a", input_file="../x.csv")
    assert looked(intake, time) == ["a.json"]


def test_a_link_in_the_queue_is_ready_to_be_refused_and_a_folder_is_not(
    places: Places, intake: Intake, time: Time
) -> None:
    (places.queue / "link.json").symlink_to("/etc/hostname.json")
    (places.queue / "folder.json").mkdir()
    assert looked(intake, time, steps=20) == ["link.json"]


def test_a_table_becomes_a_job_after_a_while(places: Places, intake: Intake, time: Time) -> None:
    put(places, "a_ps50.csv", "1")
    for _ in range(5):
        assert intake.tables(set()) == []
        time.now_s += 2.0
    (table,) = intake.tables(set())
    assert intake.tables({table.key}) == []
    made = new_jobs(intake, {}, {table: md5_of(table.path)})
    assert made == {table.key: table.job_id}
    found = record(places.queue, table.job_id)
    assert found["portfolio_size"] == 50
    assert found["timestamp"] == "2025-07-30T10:15:00.000+00:00"


def test_a_table_that_a_job_names_in_any_folder_of_the_living_is_left_to_it(
    places: Places, intake: Intake, time: Time
) -> None:
    path = put(places, "a.csv", "1")
    table = Table(path, 1, path.stat().st_mtime_ns)
    drop(places, "mine", input_file=r"Z:\input\A.CSV").rename(places.processing / "mine.json")
    assert new_jobs(intake, {}, {table: ""}) == {}
    time.now_s = 9.0
    assert intake.tables(set()) == []


def test_a_table_is_dropped_once_whoever_finds_it(places: Places, intake: Intake) -> None:
    path = put(places, "a.csv", "1")
    table = Table(path, 1, path.stat().st_mtime_ns)
    assert intake.enqueue(table, "")
    (places.queue / f"{table.job_id}.json").rename(places.completed / f"{table.job_id}.json")
    assert not intake.enqueue(table, "")
    assert listed(places.queue) == []


def test_links_and_hidden_files_are_no_tables(places: Places, intake: Intake, time: Time) -> None:
    put(places, "a.csv", "1")
    (places.input / "link.csv").symlink_to(places.input / "a.csv")
    for name in (".b.csv", "~$c.csv", "d.csv.part", "e\n.csv"):
        put(places, name, "1")
    intake.tables(set())
    time.now_s = 20.0
    assert [table.path.name for table in intake.tables(set())] == ["a.csv"]


def test_auto_jobs_may_be_switched_off(places: Places, time: Time) -> None:
    put(places, "a.csv", "1")
    intake = Intake(places, replace(Settings(), auto=False), Clock(steady=time))
    intake.tables(set())
    time.now_s = 20.0
    assert intake.tables(set()) == []


@pytest.mark.parametrize(
    ("stem", "size"),
    [("a_ps50", 50), ("a_PS50_b", 50), ("a_ps10", 10), ("a_ps100", 100), ("a_ps9", 35),
     ("a_ps101", 35), ("a_ps1000", 35), ("aps50", 35), ("a", 35)],
)  # fmt: skip
def test_the_size_may_be_in_the_name(stem: str, size: int) -> None:
    assert size_in(stem, 35) == size


@given(st.integers(0, 10**12), st.integers(0, 4 * 10**18))
def test_a_mounted_share_and_its_disk_mean_the_same_table(size: int, mtime_ns: int) -> None:
    """A mount tells times to 100 ns."""
    here = Table(Path("a.csv"), size, mtime_ns)
    there = Table(Path("a.csv"), size, mtime_ns // 100 * 100)
    assert (here.key, here.job_id) == (there.key, there.job_id)
