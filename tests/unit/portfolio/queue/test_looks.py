"""A file is whole when it holds still and nobody writes it."""

import subprocess
import sys
from pathlib import Path

from liveopt.portfolio.queue.looks import Looks, is_written

PAUSE_S = 2.0
HELD_S = 60.0


def test_it_takes_two_looks_a_pause_apart(tmp_path: Path) -> None:
    looks, path = Looks(PAUSE_S, HELD_S), tmp_path / "a"
    path.write_text("1")
    assert not looks.is_whole(path, 0.0)
    assert not looks.is_whole(path, 1.9)
    assert looks.is_whole(path, 2.0)


def test_a_change_begins_anew(tmp_path: Path) -> None:
    looks, path = Looks(PAUSE_S, HELD_S), tmp_path / "a"
    path.write_text("1")
    assert not looks.is_whole(path, 0.0)
    path.write_text("12")
    assert not looks.is_whole(path, 2.0)
    assert not looks.is_whole(path, 3.9)
    assert looks.is_whole(path, 4.0)


def test_a_file_that_is_open_for_writing_is_not_whole_until_patience_ends(tmp_path: Path) -> None:
    looks, path = Looks(PAUSE_S, HELD_S), tmp_path / "a"
    code = f"f = open({str(path)!r}, 'w'); f.write('1'); f.flush(); print(1, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        assert is_written(path)
        assert not any(looks.is_whole(path, at) for at in (0.0, 10.0, 59.9))
        assert looks.is_whole(path, 60.0)
        writer.communicate(b"\n")
    assert not is_written(path)


def test_an_empty_one_that_is_open_is_never_whole(tmp_path: Path) -> None:
    """A server shows a slow copy so: the size comes at its end."""
    looks, path = Looks(PAUSE_S, HELD_S), tmp_path / "a"
    with path.open("w"):
        assert not any(looks.is_whole(path, at) for at in (0.0, 100.0, 1e6))
    assert looks.is_whole(path, 1e6)


def test_who_reads_it_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    with (tmp_path / "a").open():
        assert not is_written(tmp_path / "a")


def test_what_is_not_there_is_not_whole_and_forgotten(tmp_path: Path) -> None:
    looks, path = Looks(PAUSE_S, HELD_S), tmp_path / "a"
    path.write_text("1")
    looks.is_whole(path, 0.0)
    path.rename(tmp_path / "b")
    assert not looks.is_whole(path, 2.0)
    (tmp_path / "b").rename(path)
    assert not looks.is_whole(path, 4.0)
    looks.forget(set())
    assert not looks.is_whole(path, 100.0)
