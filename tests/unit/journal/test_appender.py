"""One open end: batches in their places, segments that end with a seal, a full disk once."""

import errno
from pathlib import Path
from typing import Any

import msgspec
import pytest

from liveopt.journal.appender import Appender, Ground, Limits, NotAtEnd
from liveopt.journal.disk import Disk
from liveopt.journal.places import DAY_NS, journals, segment_path
from liveopt.journal.recovery import FRESH, recover
from tests.unit.journal.journals_made import (
    LARGE,
    NAME,
    SMALL,
    content,
    ground,
    made,
    no_trouble,
    opened,
)


def _lines(folder: Path, segment: int) -> list[dict[str, Any]]:
    data = segment_path(folder, NAME, segment).read_bytes()
    return [msgspec.json.decode(line) for line in data.splitlines()]


def test_a_journal_begins_with_what_the_run_is(tmp_path: Path) -> None:
    opened(tmp_path).close()
    first = _lines(tmp_path, 1)[0]
    del first["~crc"], first["~h"]
    assert first == {
        "at_ns": 1, "format": 1, "journal": NAME, "previous": "00" * 32, "run": "r1", "seed": 7,
        "type": "Genesis", "~b": [1, 0, 1], "~n": 0,
    }  # fmt: skip


def test_batches_count_through_and_numbers_too(tmp_path: Path) -> None:
    made(tmp_path, (2, 1))
    places = [(line["~b"], line["~n"]) for line in _lines(tmp_path, 1)]
    assert places == [([1, 0, 1], 0), ([2, 0, 2], 1), ([2, 1, 2], 2), ([3, 0, 1], 3)]


def test_the_same_records_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        made(tmp_path / name, (2, 7, 1, 9), SMALL)
    files = [
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in "ab"
    ]
    assert files[0] == files[1]


def test_a_full_segment_is_sealed_and_read_only_and_the_next_names_its_head(tmp_path: Path) -> None:
    made(tmp_path, (4,) * 12, SMALL)
    segments = journals(tmp_path)[NAME]
    assert len(segments) > 3
    for segment in segments[:-1]:
        seal = _lines(tmp_path, segment)[-1]
        assert seal["type"] == "Seal"
        assert seal["count"] == seal["~n"] == _lines(tmp_path, segment)[-2]["~n"]
        assert seal["head"] == _lines(tmp_path, segment)[-2]["~h"]
        assert _lines(tmp_path, segment + 1)[0]["previous"] == seal["~h"]
        path = segment_path(tmp_path, NAME, segment)
        assert path.stat().st_mode & 0o777 == 0o440
        assert SMALL.segment_bytes <= path.stat().st_size < 2 * SMALL.segment_bytes


def test_a_new_day_turns_the_segment_also_after_a_restart(tmp_path: Path) -> None:
    now = [5 * DAY_NS - 1]
    there = Ground(tmp_path, {}, lambda: now[0], LARGE)

    def put() -> None:
        appender = Appender(there, NAME, recover(tmp_path, NAME), lambda _: None)
        appender.put([content(1)])
        appender.sync()
        appender.close()

    put()
    put()
    assert journals(tmp_path)[NAME] == [1]
    now[0] += 1
    put()
    assert journals(tmp_path)[NAME] == [1, 2]
    now[0] -= 1  # the clock is set back: no day begins
    put()
    assert journals(tmp_path)[NAME] == [1, 2]


def test_a_file_of_another_length_than_recovered_is_not_written_to(tmp_path: Path) -> None:
    end = made(tmp_path, (1, 1))
    path = segment_path(tmp_path, NAME, 1)
    path.write_bytes(path.read_bytes() + b"{")
    with pytest.raises(NotAtEnd, match=f"has {end.position.offset + 1} bytes"):
        opened(tmp_path, start=end)
    with pytest.raises(NotAtEnd):
        opened(tmp_path)


def test_a_seal_that_nobody_came_to_protect_is_protected_at_the_start(tmp_path: Path) -> None:
    made(tmp_path, (4,) * 5, SMALL)
    last = journals(tmp_path)[NAME][-1]
    for segment in range(2, last + 1):
        segment_path(tmp_path, NAME, segment).unlink()  # a crash, just after the seal
    first = segment_path(tmp_path, NAME, 1)
    first.chmod(0o600)
    found = recover(tmp_path, NAME)
    assert (found.verdict, found.position.segment, found.position.offset) == ("clean", 2, 0)
    opened(tmp_path, SMALL, found).close()
    assert first.stat().st_mode & 0o777 == 0o440
    assert recover(tmp_path, NAME).verdict == "clean"


def test_a_batch_that_could_not_be_known_as_a_tear_is_no_limit() -> None:
    with pytest.raises(AssertionError, match="small enough"):
        Limits(batch_bytes=16 << 20)


class NoRoom(Disk):
    """Writes a few bytes and then has no room, so many times."""

    def __init__(self, times: int, *, at_opening: bool = False) -> None:
        self.times = times
        self.at_opening = at_opening

    def _refuse(self) -> None:
        if self.times:
            self.times -= 1
            raise OSError(errno.ENOSPC, "no room")

    def open_append(self, path: Path) -> int:
        if self.at_opening:
            self._refuse()
        return super().open_append(path)

    def write(self, fd: int, data: memoryview) -> int:
        if self.times and not self.at_opening and len(data) > 5:
            return super().write(fd, data[:5])
        if not self.at_opening:
            self._refuse()
        return super().write(fd, data)


def test_a_batch_that_finds_no_room_is_taken_back_and_tried_once_more(tmp_path: Path) -> None:
    disk = NoRoom(0)
    full: list[OSError] = []
    appender = Appender(ground(tmp_path, LARGE, disk), NAME, FRESH, full.append)
    (tmp_path / "ballast").write_bytes(b"x")
    disk.times = 1
    appender.put([content(1), content(2)])
    appender.sync()
    appender.close()
    assert [error.errno for error in full] == [errno.ENOSPC]
    assert not (tmp_path / "ballast").exists()
    assert recover(tmp_path, NAME).records == 2


def test_another_error_than_no_room_is_tried_once_only(tmp_path: Path) -> None:
    class Broken(Disk):
        calls = 0

        def write(self, fd: int, data: memoryview) -> int:
            self.calls += 1
            raise OSError(errno.EIO, "gone")

    disk = Broken()
    with pytest.raises(OSError, match="gone"):
        Appender(ground(tmp_path, LARGE, disk), NAME, FRESH, no_trouble)
    assert disk.calls == 1


def test_no_room_for_the_name_of_a_segment_is_no_room(tmp_path: Path) -> None:
    full: list[OSError] = []
    disk = NoRoom(1, at_opening=True)
    Appender(ground(tmp_path, LARGE, disk), NAME, FRESH, full.append).close()
    assert len(full) == 1
    disk.times = 2
    with pytest.raises(OSError, match="no room"):
        Appender(ground(tmp_path, LARGE, disk), NAME, recover(tmp_path, NAME), full.append)
