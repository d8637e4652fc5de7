"""Reading goes on over segments and stops at the first thing that is not as it was written."""

from pathlib import Path

import msgspec
import pytest

from liveopt.journal.codec import FIRST_HEAD, frame
from liveopt.journal.places import START, own, segment_path
from liveopt.journal.reader import Reader, Record, holds, last_line, records
from tests.unit.journal.journals_made import NAME, SMALL, content, made, opened

SIZES = (1, 3, 2, 4, 1, 5, 2, 2)


def _all(reader: Reader) -> list[bytes]:
    return [line.content for line in reader]


def test_what_was_put_is_read_over_all_segments(tmp_path: Path) -> None:
    made(tmp_path, SIZES, SMALL)
    assert segment_path(tmp_path, NAME, 3).exists()
    assert list(records(tmp_path, NAME)) == [
        Record(number, content(number)) for number in range(1, sum(SIZES) + 1)
    ]


def test_reading_from_any_place_gives_the_rest(tmp_path: Path) -> None:
    made(tmp_path, SIZES, SMALL)
    whole = list(records(tmp_path, NAME))
    reader = Reader(tmp_path, NAME)
    places = [START] + [reader.position for _ in reader if reader.complete]
    for place in places:
        assert holds(tmp_path, NAME, place)
        assert list(records(tmp_path, NAME, place)) == whole[place.seq :]
        again = Reader(tmp_path, NAME, place)
        assert len(_all(again)) >= len(whole) - place.seq
        assert again.position == reader.position


def test_a_journal_that_grows_is_read_on(tmp_path: Path) -> None:
    appender = opened(tmp_path, SMALL)
    reader = Reader(tmp_path, NAME)
    for number in range(1, 30):
        assert all(reader.own or line.content == content(number - 1) for line in reader)
        appender.put([content(number)])
        appender.sync()
    assert not reader.own
    appender.close()


def test_half_a_line_is_damage_until_the_other_half_comes(tmp_path: Path) -> None:
    made(tmp_path, (1, 1))
    path = segment_path(tmp_path, NAME, 1)
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    reader = Reader(tmp_path, NAME)
    assert len(_all(reader)) == 2
    assert reader.damage is not None
    assert (reader.damage.line, reader.damage.why) == (3, "does not end")
    assert str(reader.damage).startswith(f"{path}: line 3, byte ")
    path.write_bytes(whole)
    assert _all(reader) == [content(2)]
    assert reader.damage is None


def test_line_numbers_are_known_only_where_a_segment_was_read_whole(tmp_path: Path) -> None:
    made(tmp_path, (1, 1, 1))
    reader = Reader(tmp_path, NAME)
    place = [reader.position for _ in reader][1]
    path = segment_path(tmp_path, NAME, 1)
    path.write_bytes(path.read_bytes()[:-2])
    later = Reader(tmp_path, NAME, place)
    _all(later)
    assert later.damage is not None
    assert later.damage.line is None
    assert ": line" not in str(later.damage)


def _written(folder: Path, *lines: tuple[bytes, int, int, int, int]) -> Reader:
    """A file of sound lines with these contents and places, read."""
    data, head = b"", FIRST_HEAD
    for line in lines:
        text, head = frame(*line, head)
        data += text
    segment_path(folder, NAME, 1).write_bytes(data)
    reader = Reader(folder, NAME)
    _all(reader)
    return reader


GENESIS = (own("Genesis", 1, {"journal": NAME}), 1, 0, 1, 0)
STILL, SEAL = own("Still", 1, {}), own("Seal", 1, {})
X = b'{"x":1}'


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([(X, 1, 0, 1, 1)], "none that can stand here"),
        ([(STILL, 1, 0, 1, 0)], "a Still cannot stand here"),
        ([(own("Genesis", 1, {"journal": "inputs"}), 1, 0, 1, 0)], "begins a journal of inputs"),
        ([GENESIS, (*GENESIS[:1], 2, 0, 1, 0)], "a Genesis cannot stand here"),
        ([GENESIS, (X, 2, 0, 1, 0)], "none that can stand here"),
        ([GENESIS, (X, 3, 0, 1, 1)], "not the next in batch 1"),
        ([GENESIS, (X, 1, 0, 1, 1)], "not the next in batch 1"),
        ([GENESIS, (X, 2, 1, 2, 1)], "not the next in batch 1"),
        ([GENESIS, (X, 2, 0, 2, 1), (X, 3, 0, 1, 2)], "not the next in batch 2"),
        ([GENESIS, (X, 2, 0, 3, 1), (X, 2, 1, 2, 2)], "not the next in batch 2"),
        ([GENESIS, (X, 2, 0, 3, 1), (X, 2, 2, 3, 2)], "not the next in batch 2"),
        ([GENESIS, (SEAL, 2, 0, 1, 0), (STILL, 3, 0, 1, 0)], "follows the seal"),
        ([GENESIS, (X, 2, 0, 1, 2)], "is number 2 and follows number 0"),
    ],
)
def test_a_line_that_follows_by_its_hash_must_also_belong_there(
    tmp_path: Path, lines: list[tuple[bytes, int, int, int, int]], why: str
) -> None:
    reader = _written(tmp_path, *lines)
    assert reader.damage is not None
    assert why in reader.damage.why
    assert reader.damage.final
    assert reader.damage.line == len(lines)


def test_only_a_record_of_the_journals_own_may_follow_half_a_batch(tmp_path: Path) -> None:
    recovered = (own("Recovered", 1, {"cut_bytes": 5}), 3, 0, 1, 1)
    reader = _written(tmp_path, GENESIS, (X, 2, 0, 2, 1), recovered, (X, 4, 0, 1, 2))
    assert reader.damage is None
    assert reader.records == 2


def test_only_the_very_place_holds(tmp_path: Path) -> None:
    end = made(tmp_path, SIZES, SMALL).position
    for change in (
        {"seq": end.seq - 1},
        {"head": "00" * 32},
        {"batch": end.batch - 1},
        {"offset": end.offset - 1},
        {"offset": end.offset + 1},
        {"offset": 10**9},
        {"offset": 0},
        {"segment": end.segment + 1},
        {"segment": end.segment - 1},
    ):
        assert not holds(tmp_path, NAME, msgspec.structs.replace(end, **change)), change
    assert not holds(tmp_path, "inputs", end)
    assert not holds(tmp_path, NAME, msgspec.structs.replace(START, seq=1))


def test_the_beginning_of_the_next_segment_holds_only_after_a_seal(tmp_path: Path) -> None:
    made(tmp_path, SIZES, SMALL)
    seal = last_line(segment_path(tmp_path, NAME, 1))
    assert seal is not None
    place = msgspec.structs.replace(
        START, seq=seal.seq, head=seal.head.hex(), segment=2, batch=seal.batch
    )
    assert holds(tmp_path, NAME, place)
    assert not holds(tmp_path, NAME, msgspec.structs.replace(place, segment=3))


def test_the_last_line_is_found_however_long_it_is(tmp_path: Path) -> None:
    appender = opened(tmp_path)
    long = b'{"a":"%b"}' % (b"x" * 300_000)
    appender.put([X, long])
    appender.sync()
    appender.close()
    path = segment_path(tmp_path, NAME, 1)
    found = last_line(path)
    assert found is not None
    assert found.content == long
    assert last_line(tmp_path / "none") is None
    assert last_line(path, 0) is None
