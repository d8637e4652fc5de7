"""A frame comes out as it went in, or it is refused whole."""

import socket
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.live.frames import (
    COLUMNS,
    FRAME_MAX,
    LENGTH,
    STATUSES,
    BadFrame,
    Frame,
    Who,
    columns_of,
    length_of,
    packed,
    short,
    unpacked,
)

WORDS = st.text(max_size=8)
PEOPLE = st.builds(Who, WORDS, WORDS, WORDS, WORDS, WORDS, st.booleans())


def frame(count: int, **changed: object) -> Frame:
    columns = {name: np.arange(count).astype(kind).tobytes() for name, kind in COLUMNS.items()}
    found = Frame("boot", 1, 2, 3, "run", 1, None, columns, {"ticks": 4})
    return msgspec.structs.replace(found, **changed)


@given(st.lists(PEOPLE, max_size=5) | st.none(), st.integers(0, 70))
def test_what_is_packed_is_unpacked(people: list[Who] | None, count: int) -> None:
    sent = frame(count, who=None if people is None else tuple(people))
    data = packed(sent)
    assert length_of(data[:LENGTH]) == len(data) - LENGTH
    assert unpacked(data[LENGTH:]) == sent
    found = columns_of(sent, count)
    assert list(found) == list(COLUMNS)
    for name, column in found.items():
        assert column.dtype == np.dtype(COLUMNS[name])
        assert np.array_equal(column, np.arange(count).astype(COLUMNS[name]))


@given(st.binary(max_size=200))
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    with pytest.raises(BadFrame):
        unpacked(data)


@given(st.data())
def test_a_frame_with_one_byte_missing_is_refused(data: st.DataObject) -> None:
    body = packed(frame(3))[LENGTH:]
    with pytest.raises(BadFrame):
        unpacked(body[: data.draw(st.integers(0, len(body) - 1))])


def test_a_length_beyond_the_most_is_refused() -> None:
    assert length_of(FRAME_MAX.to_bytes(LENGTH, "big")) == FRAME_MAX
    with pytest.raises(BadFrame):
        length_of((FRAME_MAX + 1).to_bytes(LENGTH, "big"))


@pytest.mark.parametrize("name", list(COLUMNS))
def test_a_column_of_another_length_is_refused(name: str) -> None:
    sent = frame(3)
    for wrong in (sent.columns[name][:-1], sent.columns[name] * 2, b""):
        with pytest.raises(BadFrame, match=name):
            columns_of(frame(3, columns=sent.columns | {name: wrong}), 3)
    less = {key: column for key, column in sent.columns.items() if key != name}
    with pytest.raises(BadFrame, match=name):
        columns_of(frame(3, columns=less), 3)


def test_a_status_fits_into_its_column() -> None:
    assert len(set(STATUSES)) == len(STATUSES) < 256


def test_a_socket_may_lie_deeper_than_its_address_is_long(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 90) / ("e" * 90)
    deep.mkdir(parents=True)
    path = deep / "one.sock"
    with socket.socket(socket.AF_UNIX) as end, pytest.raises(OSError, match="too long"):
        end.bind(str(path))
    with socket.socket(socket.AF_UNIX) as end, socket.socket(socket.AF_UNIX) as other:
        with short(path) as name:
            end.bind(name)
            end.listen()
        assert path.is_socket()
        with short(path) as name:
            other.connect(name)
