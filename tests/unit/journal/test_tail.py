"""The end of a journal, read backwards, equals the end of it read forwards."""

from pathlib import Path

import pytest

from liveopt.journal.places import START, segment_path
from liveopt.journal.reader import records
from liveopt.journal.tail import follow, tail
from tests.unit.journal.journals_made import LARGE, NAME, SMALL, content, made, opened

SIZES = (1, 3, 2, 4, 1, 5, 2, 2)


@pytest.mark.parametrize("limits", [SMALL, LARGE])
@pytest.mark.parametrize("most", [0, 1, 2, 7, 19, 20, 21, 1_000])
def test_the_last_records_are_those_a_reader_ends_with(
    tmp_path: Path, limits: object, most: int
) -> None:
    made(tmp_path, SIZES, SMALL if limits is SMALL else LARGE)
    whole = list(records(tmp_path, NAME))
    found, reader = tail(tmp_path, NAME, most)
    assert found == (whole[-most:] if most else [])
    assert list(follow(reader)) == []
    assert reader.damage is None


def test_lines_longer_than_a_block_are_whole(tmp_path: Path) -> None:
    appender = opened(tmp_path)
    long = [b'{"a":"%b"}' % (bytes([letter]) * 200_000) for letter in b"abc"]
    appender.put(long)
    appender.sync()
    found, _ = tail(tmp_path, NAME, 2)
    assert [record.content for record in found] == long[1:]
    appender.close()


def test_what_comes_later_is_followed_over_segments(tmp_path: Path) -> None:
    appender = opened(tmp_path, SMALL)
    appender.put([content(1), content(2), content(3)])
    appender.sync()
    path = segment_path(tmp_path, NAME, 1)
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])  # half of a batch is there, and half a line
    found, reader = tail(tmp_path, NAME, 1)
    assert [record.seq for record in found] == [2]
    assert list(follow(reader)) == []
    path.write_bytes(whole)
    assert [record.seq for record in follow(reader)] == [3]
    seqs = []
    for number in range(4, 30):
        appender.put([content(number)])
        appender.sync()
        seqs += [record.seq for record in follow(reader)]
    assert seqs == list(range(4, 30))
    appender.close()


def test_a_damaged_line_is_passed_over(tmp_path: Path) -> None:
    made(tmp_path, (1, 1, 1))
    path = segment_path(tmp_path, NAME, 1)
    path.write_bytes(path.read_bytes().replace(b'"number":2', b'"number":9'))
    assert [record.seq for record in tail(tmp_path, NAME, 5)[0]] == [1, 3]


def test_a_file_of_one_endless_line_is_not_held_in_memory(tmp_path: Path) -> None:
    path = segment_path(tmp_path, NAME, 1)
    path.write_bytes(b"x" * (5 << 20))
    found, reader = tail(tmp_path, NAME, 5)
    assert found == []
    assert reader.position == START


def test_a_journal_that_is_not_there_has_no_end(tmp_path: Path) -> None:
    found, reader = tail(tmp_path, NAME, 5)
    assert (found, reader.position) == ([], START)
    assert list(follow(reader)) == []
