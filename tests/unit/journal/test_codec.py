"""A line says one thing in one way: whatever else the bytes are, they are refused."""

import json
from hashlib import sha256
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.journal.codec import (
    CONTENT_MAX,
    FIRST_HEAD,
    FRAMES,
    LINE_MAX,
    BadLine,
    Line,
    check_content,
    claimed,
    frame,
    parse,
)

CONTENT = b'{"price":"67123.1","type":"Fill"}'
HEAD = bytes(range(32))
numbers = st.integers(0, 10**17)
contents = st.dictionaries(
    st.text(min_size=1).filter(lambda key: not key.startswith("~")),
    st.none() | st.integers() | st.text() | st.lists(st.text(), max_size=3),
    min_size=1,
    max_size=5,
).map(lambda facts: json.dumps(facts, sort_keys=True, separators=(",", ":")).encode())


def test_a_line_is_an_object_with_its_place_and_two_checks_last() -> None:
    line, head = frame(CONTENT, 812, 0, 3, 4711, HEAD)
    body = b'{"price":"67123.1","type":"Fill","~b":[812,0,3],"~n":4711}'
    assert head == sha256(HEAD + body).digest()
    assert line == body[:-1] + b',"~crc":"%08x","~h":"%b"}\n' % (
        crc32(body),
        head.hex().encode(),
    )
    assert json.loads(line)["~b"] == [812, 0, 3]


@given(
    contents,
    st.integers(1, 10**17),
    numbers,
    st.integers(0, 4095),
    st.binary(min_size=32, max_size=32),
)
def test_what_is_framed_is_parsed(
    content: bytes, count: int, seq: int, batch: int, head: bytes
) -> None:
    check_content(content)
    line, after = frame(content, batch, count - 1, count, seq, head)
    found = Line(content, batch, count - 1, count, seq, after)
    assert parse(line, seq, head) == found  # a record of the journal's own repeats the number
    assert claimed(line) == found
    assert len(FRAMES.findall(line)) == 1
    assert len(line) <= LINE_MAX


def test_the_longest_content_makes_a_line_no_longer_than_a_reader_takes() -> None:
    content = b'{"a":"%b"}' % (b"x" * (CONTENT_MAX - 8))
    check_content(content)
    big = 10**18 - 1
    assert len(frame(content, big, big - 1, big, big, HEAD)[0]) <= LINE_MAX
    with pytest.raises(ValueError, match="at most"):
        check_content(content + b" ")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b'{"a":1',
        b'{"a":\n1}',
        b'{"a":"\0"}',
        b'{"a":1,"~b":[1,0,1]}',
        b' {"a":1}',
    ],
)
def test_what_would_not_be_one_line_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"a record is one|keys that begin"):
        check_content(content)


@given(st.data())
def test_no_line_with_other_bytes_is_parsed(data: st.DataObject) -> None:
    line, _ = frame(CONTENT, 3, 1, 2, 7, HEAD)
    at = data.draw(st.integers(0, len(line) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda b: b != line[at]))
    with pytest.raises(BadLine):
        parse(line[:at] + bytes([byte]) + line[at + 1 :], 6, HEAD)


@pytest.mark.parametrize("part", ["~crc", "~h"])
def test_a_check_in_capital_letters_is_another_line(part: str) -> None:
    content, line, at = b"", b"", 0
    for number in range(99):
        content = b'{"number":%d}' % number
        line, _ = frame(content, 3, 1, 2, 7, HEAD)
        at = line.index(part.encode()) + len(part) + 3
        if line[at : at + 1] in b"abcdef":
            break
    spelt = line[:at] + line[at : at + 1].upper() + line[at + 1 :]
    assert spelt != line
    with pytest.raises(BadLine):
        parse(spelt, 6, HEAD)
    assert claimed(spelt) is None


def test_a_line_of_another_journal_is_whole_but_does_not_follow() -> None:
    line, _ = frame(CONTENT, 3, 1, 2, 7, FIRST_HEAD)
    with pytest.raises(BadLine, match="chain is broken") as bad:
        parse(line, 6, HEAD)
    assert bad.value.intact
    assert claimed(line) is not None


@pytest.mark.parametrize(("before", "follows"), [(6, True), (7, True), (5, False), (8, False)])
def test_a_line_has_the_number_before_or_the_next(before: int, *, follows: bool) -> None:
    line, _ = frame(CONTENT, 3, 1, 2, 7, HEAD)
    if follows:
        assert parse(line, before, HEAD).seq == 7
    else:
        with pytest.raises(BadLine, match=f"is number 7 and follows number {before}") as bad:
            parse(line, before, HEAD)
        assert bad.value.intact


@pytest.mark.parametrize("cut", [0, 1, 50, 92, 93])
def test_a_part_of_a_line_is_none(cut: int) -> None:
    line, _ = frame(CONTENT, 3, 1, 2, 7, HEAD)
    with pytest.raises(BadLine) as bad:
        parse(line[:cut], 6, HEAD)
    assert not bad.value.intact
    assert claimed(line[:cut]) is None


def _line_of(body: bytes) -> bytes:
    head = sha256(HEAD + body).hexdigest().encode()
    return body[:-1] + b',"~crc":"%08x","~h":"%b"}\n' % (crc32(body), head)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1}',
        b'{"a":1,"~b":[3,1,2],"~n":07}',
        b'{"a":1,"~b":[3,2,2],"~n":7}',
        b'{"a":1,"~b":[3,1,2],"~n":-7}',
        b'{"a":1,"~b":[3, 1,2],"~n":7}',
        b'{"a":1,"~n":7,"~b":[3,1,2]}',
        b'{"a":1,"~b":[3,1,2],"~n":7,"b":2}',
        b',"~b":[3,1,2],"~n":7}',
        b'{"a":1,"~b":[3,1,2],"~n":1000000000000000000}',
    ],
)
def test_good_checks_do_not_excuse_a_bad_place(body: bytes) -> None:
    with pytest.raises(BadLine) as bad:
        parse(_line_of(body), 6, HEAD)
    assert bad.value.intact
    assert claimed(_line_of(body)) is None
