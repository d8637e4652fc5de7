"""Files on a share."""

import os
from pathlib import Path

import pytest

from liveopt.portfolio.queue import files


def test_a_file_is_the_old_or_the_new_and_no_part_is_left(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    files.write(path, b"1")
    files.write(path, b"2", synced=False)
    assert path.read_bytes() == b"2"
    assert list(tmp_path.iterdir()) == [path]


def test_other_users_of_the_share_may_read_what_the_umask_lets_them(tmp_path: Path) -> None:
    before = os.umask(0o002)
    try:
        files.write(tmp_path / "a.json", b"1")
    finally:
        os.umask(before)
    assert (tmp_path / "a.json").stat().st_mode & 0o777 == 0o664


def test_what_cannot_be_written_leaves_no_part(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        files.write(tmp_path / "a", b"1")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_busy_file_is_tried_again_and_not_for_long() -> None:
    calls: list[int] = []

    def act() -> str:
        calls.append(1)
        if len(calls) < 3:
            raise PermissionError(13, "a client holds it")
        return "done"

    assert files.patiently(act) == "done"
    with pytest.raises(PermissionError):
        files.patiently(_never)


def _never() -> None:
    raise PermissionError(13, "a client holds it")


def test_another_trouble_is_told_at_once() -> None:
    calls: list[int] = []

    def act() -> None:
        calls.append(1)
        raise FileNotFoundError(2, "gone")

    with pytest.raises(FileNotFoundError):
        files.patiently(act)
    assert len(calls) == 1


def test_only_a_regular_file_of_bounded_size_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    os.mkfifo(tmp_path / "pipe")
    assert files.read(tmp_path / "a", 5) == b"12345"
    for name, most in (("a", 4), ("link", 5), ("pipe", 5), (".", 5)):
        with pytest.raises(files.NotPlain):
            files.read(tmp_path / name, most)


def test_what_is_hidden_or_under_way_is_not_listed(tmp_path: Path) -> None:
    for name in ("a.csv", "B.CSV", ".c.csv", "~$d.csv", "e.csv.part", "f.txt"):
        (tmp_path / name).touch()
    assert files.names(tmp_path, ".csv") == ["B.CSV", "a.csv"]
