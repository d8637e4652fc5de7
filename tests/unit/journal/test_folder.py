"""Folders of runs: a new one each time, the latest, and what a path means."""

from pathlib import Path

import pytest

from liveopt.journal.folder import NoRun, find, latest, new_run, point

STAMP = "20261121-083000"


def test_two_runs_of_one_second_are_two_folders(tmp_path: Path) -> None:
    state = tmp_path / "logs"
    runs = [new_run(state, STAMP) for _ in range(11)]
    assert [run.name for run in runs][:3] == [STAMP, f"{STAMP}-2", f"{STAMP}-3"]
    assert (state / "latest").is_symlink()
    assert latest(state) == runs[-1]
    assert (state / "latest").readlink() == Path(runs[-1].name)  # moves with the folder


def test_the_latest_is_found_without_the_link(tmp_path: Path) -> None:
    runs = [new_run(tmp_path, STAMP) for _ in range(11)]
    (tmp_path / "latest").unlink()
    (tmp_path / "99999999-notes").mkdir()
    assert latest(tmp_path) == runs[-1]  # the eleventh, not the ninth
    point(tmp_path, tmp_path / "20270101-000000")  # leads nowhere
    assert latest(tmp_path) == runs[-1]


def test_there_is_no_latest_of_nothing(tmp_path: Path) -> None:
    assert latest(tmp_path) is None
    assert latest(tmp_path / "none") is None


def test_a_folder_called_latest_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "latest").mkdir()
    run = new_run(tmp_path, STAMP)
    assert (tmp_path / "latest").is_dir()
    assert not (tmp_path / "latest").is_symlink()
    assert latest(tmp_path) == run


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    state = tmp_path / "logs"
    run = new_run(state, STAMP)
    (tmp_path / "elsewhere").mkdir()
    (state / "latest").unlink()
    (state / "latest").symlink_to("../elsewhere")
    assert latest(state) == run


def test_a_path_means_a_run_and_perhaps_a_journal(tmp_path: Path) -> None:
    run = new_run(tmp_path, STAMP)
    file = run / "trades-000002.jsonl"
    file.touch()
    assert find(run) == (run, None)
    assert find(tmp_path) == (run, None)
    assert find(tmp_path / "latest") == (tmp_path / "latest", None)
    assert find(file) == (run, "trades")


@pytest.mark.parametrize("name", ["", "no", "notes.txt", "trades-000001.jsonl"])
def test_another_path_is_told_what_would_be_one(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(NoRun, match="name a run's folder"):
        find(tmp_path / name)
