"""A job in a worker's hands."""

import os
from pathlib import Path

import pytest

from liveopt.portfolio.queue.held import Held, begin, key_of
from liveopt.portfolio.queue.inputs import Refused
from liveopt.portfolio.queue.places import Places
from liveopt.portfolio.queue.processes import me
from tests.unit.portfolio.queue.share import aged, drop, listed, record, share


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return share(tmp_path / "share")


def held(places: Places, name: str = "a") -> Held:
    drop(places, name)
    found = begin(places, f"{name}.json", me())
    assert found is not None
    found.read()
    return found


def test_a_job_is_moved_under_a_claim(places: Places) -> None:
    one = held(places)
    assert one.is_ours()
    assert listed(places.queue) == []
    assert listed(places.processing) == ["a.claim", "a.json"]


def test_a_job_that_is_gone_or_anothers_is_not_begun_and_leaves_nothing(places: Places) -> None:
    assert begin(places, "a.json", me()) is None
    assert listed(places.processing) == []
    held(places)
    drop(places, "a")
    assert begin(places, "a.json", me()) is None
    assert listed(places.queue) == ["a.json"]


def test_what_lies_in_processing_is_not_overwritten(places: Places) -> None:
    drop(places, "a", job_id="old").rename(places.processing / "a.json")
    drop(places, "a", job_id="new")
    assert begin(places, "a.json", me()) is None
    assert record(places.processing, "a")["job_id"] == "old"
    assert listed(places.queue) == ["a.json"]


def test_an_attempt_is_counted_in_the_file_and_keeps_its_age(places: Places) -> None:
    aged(drop(places, "a"), 1_000)
    before = (places.queue / "a.json").stat().st_mtime_ns
    one = begin(places, "a.json", me())
    assert one is not None
    one.read()
    assert one.attempt() == 1
    assert one.path.stat().st_mtime_ns == before
    assert one.put_back(counted=True)
    (name,) = listed(places.queue)
    assert (places.queue / name).stat().st_mtime_ns == before
    assert key_of(name) == "a"
    again = begin(places, name, me())
    assert again is not None
    again.read()
    assert again.attempt() == 2
    assert again.put_back(counted=False)
    assert record(places.queue, listed(places.queue)[0].removesuffix(".json"))["attempts"] == 1
    assert listed(places.processing) == []


def test_an_end_is_a_record_and_nothing_else_is_left(places: Places) -> None:
    one = held(places)
    one.end(places.completed, {"return_code": 0})
    assert record(places.completed, "a")["return_code"] == 0
    assert listed(places.processing) == []


def test_an_end_that_was_cut_short_may_be_done_again(places: Places) -> None:
    one = held(places)
    one.end(places.completed, {"return_code": 0})
    one.end(places.completed, {"return_code": 0})
    assert listed(places.completed) == ["a.json"]


def test_an_old_record_that_is_dropped_again_leaves_no_old_reason(places: Places) -> None:
    one = held(places)
    one.document |= {"error": "old", "output_dir": "output/run_1", "colour": "blue"}
    one.end(places.completed, {"return_code": 0})
    found = record(places.completed, "a")
    assert not {"error", "output_dir"} & found.keys()
    assert found["colour"] == "blue"


def test_an_older_record_of_the_same_name_stays(places: Places) -> None:
    held(places).end(places.completed, {"return_code": 0})
    held(places).end(places.completed, {"return_code": 1})
    assert len(listed(places.completed)) == 2
    assert record(places.completed, "a")["return_code"] == 0


def test_a_job_its_client_took_away_is_not_put_back(places: Places) -> None:
    one = held(places)
    one.path.unlink()
    assert not one.put_back(counted=True)
    assert listed(places.queue) + listed(places.processing) == []


def test_runs_of_one_second_have_folders_of_their_own(places: Places) -> None:
    one, two = held(places, "a"), held(places, "b")
    assert one.make_out("20250730_101500").name == "run_20250730_101500"
    assert two.make_out("20250730_101500").name == "run_20250730_101500_2"


def test_half_a_result_is_not_taken_for_one(places: Places) -> None:
    one = held(places)
    (one.make_out("1") / "half.txt").touch()
    one.set_aside()
    assert listed(places.output) == ["run_1.unfinished"]
    two = held(places, "b")
    two.make_out("2")
    two.set_aside()
    assert listed(places.output) == ["run_1.unfinished"]


def test_the_results_of_an_attempt_are_found_by_who_comes_after(places: Places) -> None:
    one = held(places)
    out = one.make_out("1")
    one.attempt()
    other = Held(places, one.key, one.claim)
    other.read()
    other.find_out()
    assert other.out == out


@pytest.mark.parametrize("told", ["output/../input", "input/run_1", "/run_1", "output/run_2", 5])
def test_only_a_run_of_the_output_folder_is_one(places: Places, told: object) -> None:
    one = held(places)
    (places.output / "run_2").symlink_to(places.input)
    one.document["output_dir"] = told
    one.find_out()
    assert one.out is None


def test_what_was_set_aside_keeps_its_name_from_the_next(places: Places) -> None:
    one, two = held(places, "a"), held(places, "b")
    for run in (one, two):
        (run.make_out("1") / "half.txt").touch()
        run.set_aside()
        run.set_aside()
    assert listed(places.output) == ["run_1.unfinished", "run_1_2.unfinished"]


def test_a_link_is_not_read(places: Places) -> None:
    (places.queue / "a.json").symlink_to(drop(places, "b"))
    one = begin(places, "a.json", me())
    assert one is not None
    with pytest.raises(Refused, match="symbolic link"):
        one.read()
    one.end(places.failed, {"error": "x"})
    assert not (places.failed / "a.json").is_symlink()
    assert listed(places.queue) == ["b.json"]


@pytest.mark.parametrize("name", [b"a\nb.json", b"\xff.json", b"x" * 250 + b".json"])
def test_a_name_that_cannot_be_one_gets_another(places: Places, name: bytes) -> None:
    path = Path(os.fsdecode(os.fsencode(places.queue) + b"/" + name))
    path.write_text("{}")
    one = begin(places, path.name, me())
    assert one is not None
    assert one.key.isprintable()
    one.read()
    one.end(places.failed, {"error": "x"})
    assert listed(places.failed) == [f"{one.key}.json"]
    assert listed(places.queue) + listed(places.processing) == []
