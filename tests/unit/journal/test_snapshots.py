"""Snapshots: whole or not there, the newest first, three kept."""

import errno
from pathlib import Path

import pytest

from liveopt.journal.disk import Disk
from liveopt.journal.places import Position
from liveopt.journal.snapshots import FOLDER, KEPT, load_all, save

HEAD = "ab" * 32


def _places(seq: int) -> dict[str, Position]:
    return {"inputs": Position(seq, HEAD, 1, seq * 10, seq), "trades": Position(1, HEAD, 1, 9, 1)}


def test_what_was_saved_is_loaded_newest_first_and_three_are_kept(tmp_path: Path) -> None:
    for seq in (1, 5, 20, 100):
        save(tmp_path, _places(seq), b"state\n\0 of %d" % seq)
    found = list(load_all(tmp_path))
    assert [one.positions["inputs"].seq for one in found] == [100, 20, 5]
    assert found[0].state == b"state\n\0 of 100"
    assert found[0].positions == _places(100)
    assert len(list((tmp_path / FOLDER).iterdir())) == KEPT


def test_saving_the_same_twice_is_saving_it(tmp_path: Path) -> None:
    assert save(tmp_path, _places(1), b"s") == save(tmp_path, _places(1), b"s")
    assert len(list(load_all(tmp_path))) == 1


@pytest.mark.parametrize(
    "damage", [lambda d: d[:-1], lambda d: b"x" + d[1:], lambda d: b"", lambda d: d + b"\0"]
)
def test_a_damaged_one_is_passed_over(tmp_path: Path, damage: object) -> None:
    save(tmp_path, _places(1), b"old")
    path = save(tmp_path, _places(2), b"new")
    assert callable(damage)
    path.write_bytes(damage(path.read_bytes()))
    assert [one.state for one in load_all(tmp_path)] == [b"old"]


def test_a_whole_file_without_positions_is_passed_over(tmp_path: Path) -> None:
    from hashlib import sha256

    (tmp_path / FOLDER).mkdir()
    name = f"{7:012d}-{sha256(b'what').hexdigest()[:16]}.snap"
    (tmp_path / FOLDER / name).write_bytes(b"what")
    assert list(load_all(tmp_path)) == []


def test_there_are_none_before_the_first(tmp_path: Path) -> None:
    assert list(load_all(tmp_path)) == []


class Failing(Disk):
    """Fails at the call that is named."""

    def __init__(self, what: str) -> None:
        self.what = what

    def _try(self, what: str) -> None:
        if what == self.what:
            raise OSError(errno.EIO, what)

    def write(self, fd: int, data: memoryview) -> int:
        self._try("write")
        return super().write(fd, data)

    def fsync(self, fd: int) -> None:
        self._try("fsync")
        super().fsync(fd)

    def rename(self, path: Path, to: Path) -> None:
        self._try("rename")
        super().rename(path, to)


@pytest.mark.parametrize("what", ["write", "fsync", "rename"])
def test_one_that_fails_leaves_those_before_and_the_next_succeeds(
    tmp_path: Path, what: str
) -> None:
    save(tmp_path, _places(1), b"old")
    with pytest.raises(OSError, match=what):
        save(tmp_path, _places(2), b"new", Failing(what))
    assert [one.state for one in load_all(tmp_path)] == [b"old"]
    save(tmp_path, _places(2), b"new")
    assert [one.state for one in load_all(tmp_path)] == [b"new", b"old"]
