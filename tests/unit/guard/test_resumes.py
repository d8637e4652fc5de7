"""Keys of resumes: there again after a kill, bounded, and no reason not to start."""

from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path, PosixPath
from threading import Event

import pytest

from liveopt.guard.resumes import KEPT_MAX, NAME, Asked, Resumes, digest


def asked(key: str, number: int = 1) -> Asked:
    return Asked(digest(key), digest("over"), number)


def test_what_was_kept_is_there_in_the_next_life(tmp_path: Path) -> None:
    path = tmp_path / NAME
    Resumes(path).keep(asked("a", 7))
    again = Resumes(path)
    assert again.find("a") == asked("a", 7)
    assert again.find("b") is None
    assert path.stat().st_mode & 0o777 == 0o600
    assert b'"a"' not in path.read_bytes(), "the word itself is not kept"


def test_of_too_many_the_oldest_is_forgotten() -> None:
    resumes = Resumes()
    for number in range(KEPT_MAX + 1):
        resumes.keep(asked(str(number), number))
    assert resumes.find("0") is None
    assert resumes.find(str(KEPT_MAX)) == asked(str(KEPT_MAX), KEPT_MAX)


@pytest.mark.parametrize("text", [b"", b"{", b"[1]", b"\xff\xff"])
def test_a_file_that_is_no_such_file_keeps_nobody_from_starting(
    tmp_path: Path, text: bytes
) -> None:
    path = tmp_path / NAME
    path.write_bytes(text)
    resumes = Resumes(path)
    resumes.keep(asked("a"))
    assert Resumes(path).find("a") == asked("a")


def test_what_the_disk_refuses_is_not_taken_for_kept(tmp_path: Path) -> None:
    resumes = Resumes(tmp_path / "nowhere" / NAME)
    with pytest.raises(FileNotFoundError):
        resumes.keep(asked("a"))
    assert resumes.find("a") is None


class Slow(PosixPath):
    """On a disk that holds up the first who writes until the second is done, or a while."""

    begun, second = Event(), Event()

    def with_name(self, name: str) -> "Slow":
        if not self.begun.is_set():
            self.begun.set()
            self.second.wait(0.3)
        return super().with_name(name)


def test_a_key_that_is_kept_while_a_slow_disk_keeps_another_is_not_forgotten(
    tmp_path: Path,
) -> None:
    resumes = Resumes(Slow(tmp_path / NAME))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(resumes.keep, asked("a"))
        assert Slow.begun.wait(10)
        second = pool.submit(resumes.keep, asked("b"))
        second.add_done_callback(lambda _: Slow.second.set())
        done: list[Future[None]] = [*wait([first, second]).done]
    assert [one.exception() for one in done] == [None, None]
    for there in (resumes, Resumes(tmp_path / NAME)):
        assert (there.find("a"), there.find("b")) == (asked("a"), asked("b"))
