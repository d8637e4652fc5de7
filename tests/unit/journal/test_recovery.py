"""Torn or corrupt: told apart by batches; the first is mended and told of, the second untouched."""

import errno
import hashlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from liveopt.journal.disk import Disk
from liveopt.journal.places import START, journals, segment_path
from liveopt.journal.reader import Reader
from liveopt.journal.recovery import FRESH, TEAR_MAX, inspect, recover
from tests.unit.journal.journals_made import NAME, SMALL, content, made, opened

SIZES = (2, 3, 1, 4)


def _file(folder: Path, segment: int = 1) -> Path:
    return segment_path(folder, NAME, segment)


def _ends(folder: Path) -> list[int]:
    """Where the lines of the first segment end."""
    reader = Reader(folder, NAME)
    return [reader.position.offset for _ in reader]


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_there_is_nothing_wrong_with_nothing(tmp_path: Path) -> None:
    assert recover(tmp_path, NAME) == recover(tmp_path / "none", NAME) == FRESH


def test_a_whole_journal_is_clean_and_knows_its_end(tmp_path: Path) -> None:
    found = made(tmp_path, SIZES)
    assert (found.verdict, found.records, found.position.seq) == ("clean", 10, 10)
    assert found.position.offset == _file(tmp_path).stat().st_size
    assert not found.torn


def test_the_sound_part_of_the_last_batch_is_kept(tmp_path: Path) -> None:
    made(tmp_path, SIZES)
    ends = _ends(tmp_path)
    data = _file(tmp_path).read_bytes()
    _file(tmp_path).write_bytes(data[: ends[-2] + 30])
    found = recover(tmp_path, NAME, repair=True)
    assert (found.verdict, found.records, found.cut_bytes) == ("torn", 9, 30)
    assert found.cut_sha256 == hashlib.sha256(data[ends[-2] : ends[-2] + 30]).hexdigest()
    aside = tmp_path / f"{_file(tmp_path).name}.torn-{ends[-2]}"
    assert aside.read_bytes() == data[ends[-2] : ends[-2] + 30]
    assert _file(tmp_path).read_bytes() == data[: ends[-2]]


def test_a_tear_is_told_of_once_even_if_the_mender_died(tmp_path: Path) -> None:
    made(tmp_path, (*SIZES, 1))
    _file(tmp_path).write_bytes(_file(tmp_path).read_bytes()[:-5])
    first = recover(tmp_path, NAME, repair=True)
    again = recover(tmp_path, NAME, repair=True)  # nobody wrote in between
    assert (again.verdict, again.torn) == ("clean", True)
    assert (again.position, again.cut_bytes) == (first.position, first.cut_bytes)
    assert again.cut_sha256 == first.cut_sha256
    appender = opened(tmp_path, start=again)
    appender.put([content(1)])
    appender.sync()
    appender.close()
    told = [m for m in map(msgspec.json.decode, _file(tmp_path).read_bytes().splitlines())
            if m.get("type") == "Recovered"]  # fmt: skip
    assert [(m["cut_bytes"], m["cut_sha256"]) for m in told] == [
        (first.cut_bytes, first.cut_sha256)
    ]
    after = recover(tmp_path, NAME)
    assert (after.verdict, after.torn, after.records) == ("clean", False, 11)


def test_what_tells_of_a_tear_may_be_torn_itself(tmp_path: Path) -> None:
    made(tmp_path, SIZES)
    ends = _ends(tmp_path)
    _file(tmp_path).write_bytes(_file(tmp_path).read_bytes()[: ends[-3] + 7])
    opened(tmp_path, start=recover(tmp_path, NAME, repair=True)).close()
    data = bytearray(_file(tmp_path).read_bytes())
    data[ends[-3] : ends[-3] + 9] = bytes(9)  # one sector of the line did not come to the disk
    _file(tmp_path).write_bytes(data)
    found = recover(tmp_path, NAME, repair=True)
    assert (found.verdict, found.position.offset) == ("torn", ends[-3])
    assert len(list(tmp_path.glob("*.torn-*"))) == 2
    opened(tmp_path, start=found).close()
    assert recover(tmp_path, NAME).verdict == "clean"


def test_half_a_batch_without_a_broken_line_is_torn_too(tmp_path: Path) -> None:
    made(tmp_path, SIZES)
    ends = _ends(tmp_path)
    _file(tmp_path).write_bytes(_file(tmp_path).read_bytes()[: ends[-2]])
    found = recover(tmp_path, NAME)
    assert (found.verdict, found.records, found.cut_bytes) == ("torn", 9, 0)
    opened(tmp_path, start=found).close()
    assert recover(tmp_path, NAME).verdict == "clean"


class NoRoom(Disk):
    """Has no room before the ballast is gone."""

    def __init__(self, code: int) -> None:
        self.code = code

    def write(self, fd: int, data: memoryview) -> int:
        if self.code:
            raise OSError(self.code, "no")
        return super().write(fd, data)

    def unlink(self, path: Path) -> None:
        if path.name == "ballast" and self.code == errno.ENOSPC:
            self.code = 0
        super().unlink(path)


def test_on_a_full_disk_the_ballast_makes_room_for_what_is_set_aside(tmp_path: Path) -> None:
    made(tmp_path, SIZES)
    _file(tmp_path).write_bytes(_file(tmp_path).read_bytes()[:-5])
    before = _files(tmp_path)
    with pytest.raises(OSError, match="no"):
        recover(tmp_path, NAME, repair=True, disk=NoRoom(errno.EIO))
    assert _files(tmp_path) == before
    assert recover(tmp_path, NAME, repair=True, disk=NoRoom(errno.ENOSPC)).verdict == "torn"
    assert len(list(tmp_path.glob("*.torn-*"))) == 1


def test_a_tear_that_was_set_aside_but_not_cut_is_not_set_aside_again(tmp_path: Path) -> None:
    class Dying(Disk):
        def truncate(self, fd: int, size: int) -> None:
            raise OSError(errno.EIO, "no")

    made(tmp_path, SIZES)
    _file(tmp_path).write_bytes(_file(tmp_path).read_bytes()[:-5])
    with pytest.raises(OSError, match="no"):
        recover(tmp_path, NAME, repair=True, disk=Dying())
    assert recover(tmp_path, NAME, repair=True).verdict == "torn"
    assert len(list(tmp_path.glob("*.torn-*"))) == 1


@pytest.mark.parametrize("zeros", [1, 50, 4_096])
def test_zeros_where_the_batch_should_be_are_a_tear(tmp_path: Path, zeros: int) -> None:
    end = made(tmp_path, SIZES).position
    with _file(tmp_path).open("ab") as file:
        file.write(bytes(zeros))
    found = recover(tmp_path, NAME, repair=True)
    assert (found.verdict, found.position, found.cut_bytes) == ("torn", end, zeros)


def test_a_later_line_of_the_same_batch_may_have_survived(tmp_path: Path) -> None:
    made(tmp_path, SIZES)
    ends = _ends(tmp_path)
    data = bytearray(_file(tmp_path).read_bytes())
    data[ends[-4] - 60 : ends[-4] + 5] = bytes(65)  # batch of 4: the first two lines are hurt
    _file(tmp_path).write_bytes(data)
    found = recover(tmp_path, NAME)
    assert (found.verdict, found.position.offset) == ("torn", ends[-5])


Change = Callable[[bytes, list[int]], bytes]
CHANGES: dict[str, Change] = {
    "a bit in a batch that another one followed": lambda d, e: (
        d[: e[1] + 5] + bytes([d[e[1] + 5] ^ 1]) + d[e[1] + 6 :]
    ),
    "a line that is gone": lambda d, e: d[: e[2]] + d[e[3] :],
    "a batch that is gone": lambda d, e: d[: e[5]] + d[e[6] :],
    "lines in another order": lambda d, e: d[: e[2]] + d[e[3] : e[4]] + d[e[2] : e[3]] + d[e[4] :],
    "a line that is there twice": lambda d, e: d[: e[4]] + d[e[3] : e[4]] + d[e[4] :],
    "a line break that is gone": lambda d, e: d[: e[2] - 1] + d[e[2] :],
    "a break too many": lambda d, e: d[: e[2]] + b"\n" + d[e[2] :],
    "zeros over a whole batch": lambda d, e: d[: e[2]] + bytes(e[5] - e[2]) + d[e[5] :],
    "a last batch that contradicts itself": lambda d, e: (
        d[: e[6] + 9] + b"?" + d[e[6] + 10 : e[7]] + d[e[8] : e[9]] + d[e[7] : e[8]]
    ),
    "no beginning": lambda d, e: d[e[0] :],
    "the last batch without its first line": lambda d, e: d[: e[6]] + d[e[7] :],
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_no_crash_can_do_is_corruption_and_stays_as_it_is(tmp_path: Path, change: str) -> None:
    made(tmp_path, SIZES)
    data = _file(tmp_path).read_bytes()
    _file(tmp_path).write_bytes(CHANGES[change](data, _ends(tmp_path)))
    before = _files(tmp_path)
    found = recover(tmp_path, NAME, repair=True)
    assert found.verdict == "corrupt"
    assert found.where is not None
    assert found.where.path == _file(tmp_path)
    assert found.where.line is not None
    assert _files(tmp_path) == before


def test_more_than_a_batch_can_have_is_no_tear(tmp_path: Path) -> None:
    made(tmp_path, SIZES)
    with _file(tmp_path).open("r+b") as file:
        file.truncate(file.seek(0, 2) + TEAR_MAX + 1)
    found = recover(tmp_path, NAME)
    assert found.verdict == "corrupt"
    assert found.where is not None
    assert "more lies behind it" in found.where.why


def test_a_segment_that_is_missing_is_corruption(tmp_path: Path) -> None:
    made(tmp_path, (4,) * 12, SMALL)
    last = journals(tmp_path)[NAME][-1]
    assert last > 3
    for segment in (1, 2, last - 1):
        kept = _file(tmp_path, segment).read_bytes()
        _file(tmp_path, segment).unlink()
        found = recover(tmp_path, NAME, repair=True)
        assert found.verdict == "corrupt"
        assert found.where is not None
        assert _file(tmp_path, segment) == found.where.path
        assert f"{_file(tmp_path, segment + 1).name} is there" in found.where.why
        _file(tmp_path, segment).write_bytes(kept)
    assert recover(tmp_path, NAME).verdict == "clean"


@pytest.mark.parametrize("change", [lambda d: d[:-7], lambda d: b"", lambda d: d + b"x"])
def test_a_tear_before_another_segment_is_corruption(
    tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    made(tmp_path, (4,) * 12, SMALL)
    _file(tmp_path, 2).chmod(0o600)
    _file(tmp_path, 2).write_bytes(change(_file(tmp_path, 2).read_bytes()))
    before = _files(tmp_path)
    assert recover(tmp_path, NAME, repair=True).verdict == "corrupt"
    assert _files(tmp_path) == before


def test_a_segment_of_another_run_does_not_chain(tmp_path: Path) -> None:
    for name, sizes in (("a", (4,) * 9), ("b", (5,) * 9)):
        (tmp_path / name).mkdir()
        made(tmp_path / name, sizes, SMALL)
    _file(tmp_path / "a", 2).chmod(0o600)
    _file(tmp_path / "a", 2).write_bytes(_file(tmp_path / "b", 2).read_bytes())
    found = recover(tmp_path / "a", NAME)
    assert found.verdict == "corrupt"
    assert found.where is not None
    assert (found.where.path, found.where.line) == (_file(tmp_path / "a", 2), 1)
    assert "chain is broken" in found.where.why


def test_a_line_that_was_edited_with_good_checks_breaks_the_chain(tmp_path: Path) -> None:
    import zlib

    made(tmp_path, SIZES)
    ends = _ends(tmp_path)
    data = _file(tmp_path).read_bytes()
    line = data[ends[-2] : ends[-1]].replace(b'"number":10', b'"number":99')
    body = line[: line.rindex(b',"~crc"')] + b"}"
    head = hashlib.sha256(body).hexdigest().encode()
    forged = body[:-1] + b',"~crc":"%08x","~h":"%b"}\n' % (zlib.crc32(body), head)
    _file(tmp_path).write_bytes(data[: ends[-2]] + forged)
    assert recover(tmp_path, NAME).verdict == "corrupt"


def test_a_crash_while_a_segment_begins_leaves_a_place_to_begin_it(tmp_path: Path) -> None:
    made(tmp_path, (4,) * 5, SMALL)
    for segment in journals(tmp_path)[NAME][2:]:
        _file(tmp_path, segment).unlink()
    genesis = _file(tmp_path, 2).read_bytes().splitlines(keepends=True)[0]
    _file(tmp_path, 2).chmod(0o600)
    for left in (b"", b"{", genesis[:-1], bytes(len(genesis)), bytes(40) + genesis[40:]):
        _file(tmp_path, 2).write_bytes(left)
        found = recover(tmp_path, NAME, repair=True)
        assert found.verdict == ("torn" if left else "clean")
        assert (found.position.segment, found.position.offset) == (2, 0)
        assert _file(tmp_path, 2).read_bytes() == b""
        opened(tmp_path, SMALL, found).close()
        assert recover(tmp_path, NAME).verdict == "clean"


def test_from_a_place_only_what_lies_behind_is_looked_at(tmp_path: Path) -> None:
    made(tmp_path, (4,) * 12, SMALL)
    reader = Reader(tmp_path, NAME)
    places = [reader.position for _ in reader if reader.complete]
    _file(tmp_path, 1).unlink()
    found = recover(tmp_path, NAME, places[-2])
    assert (found.verdict, found.position, found.records) == ("clean", places[-1], 4)
    wrong = msgspec.structs.replace(places[-2], head="00" * 32)
    found = recover(tmp_path, NAME, wrong)
    assert (found.verdict, found.position) == ("corrupt", wrong)
    assert recover(tmp_path, NAME, START).verdict == "corrupt"


def test_a_look_at_a_journal_mends_nothing_and_waits_only_where_somebody_writes(
    tmp_path: Path,
) -> None:
    made(tmp_path, SIZES)
    ends = _ends(tmp_path)
    whole = _file(tmp_path).read_bytes()
    _file(tmp_path).write_bytes(whole[:-3])
    before = _files(tmp_path)
    assert inspect(tmp_path, NAME, live=False).verdict == "torn"
    assert inspect(tmp_path, NAME, live=True).verdict == "torn"
    assert _files(tmp_path) == before
    flipped = whole[: ends[1] + 5] + bytes([whole[ends[1] + 5] ^ 1]) + whole[ends[1] + 6 :]
    _file(tmp_path).write_bytes(flipped)
    assert inspect(tmp_path, NAME, live=True).verdict == "corrupt"
