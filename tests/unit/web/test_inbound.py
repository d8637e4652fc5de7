"""A client's frames are read to the letter; tests/attack has every case over a real socket."""

import base64
from collections.abc import Iterable

import pytest
from aiohttp import HttpVersion, HttpVersion10, HttpVersion11
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from liveopt.web.errors import Problem
from liveopt.web.inbound import (
    BINARY,
    CLOSE,
    CODES,
    MORE,
    PING,
    PONG,
    TEXT,
    Broken,
    Inbound,
    code_of,
    shaken,
)
from tests.attack.cases import table
from tests.attack.frames import chops, close, fragments, frame

LIMIT = 4_096
Message = tuple[int, bytes]
SHAKE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
"""Of section 1.3, with the answer that it has there."""


def read(parts: Iterable[bytes], limit: int = LIMIT) -> tuple[list[Message], int]:
    """What was understood, and the code that it ended with; 0 if it goes on."""
    inbound, found = Inbound(limit), []
    try:
        for part in parts:
            found += list(inbound.take(part))
    except Broken as broken:
        return found, broken.code
    return found, 0


messages = st.one_of(
    st.tuples(st.just(TEXT), st.text(max_size=300).map(str.encode)),
    st.tuples(st.just(BINARY), st.binary(max_size=300)),
    st.tuples(st.sampled_from([PING, PONG]), st.binary(max_size=125)),
    st.tuples(st.just(CLOSE), st.sampled_from(sorted(CODES)).map(lambda c: c.to_bytes(2, "big"))),
)


@given(st.lists(messages, max_size=8), st.integers(1, 50), st.data())
def test_whatever_is_said_is_understood_however_it_is_cut(
    said: list[Message], size: int, data: st.DataObject
) -> None:
    wire = b""
    for opcode, payload in said:
        if opcode in {TEXT, BINARY} and data.draw(st.booleans()):
            parts = fragments(opcode, payload, size)
            parts.insert(1, frame(PING, b"between"))
            wire += b"".join(parts)
        else:
            wire += frame(opcode, payload)
    found, code = read(chops(wire, data.draw(st.integers(1, 100))))
    assert code == 0
    assert [one for one in found if one != (PING, b"between")] == said


@given(st.binary(max_size=400), st.integers(1, 40))
def test_any_bytes_are_understood_or_refused_and_the_same_however_they_are_cut(
    data: bytes, size: int
) -> None:
    found, code = read([data])
    assert code in {0, 1002, 1007, 1009}
    again = read(chops(data, size))
    assert again == (found, code)


@given(st.binary(max_size=300))
def test_text_is_taken_if_it_is_utf8_in_whatever_pieces(said: bytes) -> None:
    try:
        said.decode()
        wanted = 0
    except UnicodeDecodeError:
        wanted = 1007
    for size in (1, 2, 3, 301):
        assert read([b"".join(fragments(TEXT, said, size))])[1] == wanted


def test_what_is_wrong_in_a_frame_is_told_before_the_message_is_whole() -> None:
    assert read([frame(TEXT, b"a\xff", fin=False)])[1] == 1007
    assert read([frame(TEXT, b"a\xe2\x82", fin=False)])[1] == 0
    assert read([frame(TEXT, b"x" * LIMIT)[:4]])[1] == 1009  # nothing of it has come
    assert read([frame(PING, masked=False)[:2]])[1] == 1002


def test_nothing_is_kept_but_a_part_of_one_frame() -> None:
    inbound = Inbound(LIMIT)
    for _ in range(20):
        assert len(list(inbound.take(b"".join([frame(TEXT, b"x" * 4_000)] * 10)))) == 10
    assert len(inbound._kept) == 0
    assert list(inbound.take(frame(TEXT, b"x" * 4_000)[:-1])) == []
    assert len(inbound._kept) < LIMIT + 14


def test_so_many_empty_fragments_are_one_too_many() -> None:
    wire = frame(TEXT, fin=False) + frame(MORE, fin=False) * LIMIT
    assert read([wire]) == ([], 1009)


def test_who_stops_listening_reads_no_further() -> None:
    inbound = Inbound(LIMIT)
    for opcode, payload in inbound.take(frame(PING, b"1") + frame(PING, masked=False)):
        assert (opcode, payload) == (PING, b"1")
        break


def test_a_close_has_a_code_that_a_client_may_give() -> None:
    good = {1000, 1001, 1002, 1003, *range(1007, 1015), *range(3_000, 5_000)}
    for code in [*range(6_000), 65_535]:
        found, wrong = read([close(code)])
        assert wrong == (0 if code in good else 1002)
        assert [code_of(payload) for _, payload in found] == [code] * (code in good)


def test_a_close_without_a_code_is_answered_as_a_normal_one() -> None:
    ((opcode, payload),), _ = read([close()])
    assert (opcode, code_of(payload)) == (CLOSE, 1000)


def test_every_case_of_the_table_breaks_here_if_it_is_the_protocols() -> None:
    for case in table():
        _, code = read(part for part in case.said if isinstance(part, bytes))
        ours = case.ends in {1002, 1007, 1009} and not case.name.startswith("7.7.")  # its echo
        assert (case.name, code) == (case.name, case.ends if ours else 0)


# The handshake.


def test_the_handshake_of_the_rfc_is_answered_as_it_says() -> None:
    said = shaken(HttpVersion11, CIMultiDict(SHAKE), "liveopt")
    assert said == {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    }


def test_our_protocol_is_chosen_where_it_is_offered() -> None:
    offered = CIMultiDict(SHAKE | {"Sec-WebSocket-Protocol": "ticket.x, liveopt"})
    assert shaken(HttpVersion11, offered, "liveopt")["Sec-WebSocket-Protocol"] == "liveopt"


@pytest.mark.parametrize(
    ("changed", "version", "status"),
    [
        ({"Upgrade": "h2c"}, HttpVersion11, 400),
        ({"Connection": "close"}, HttpVersion11, 400),
        ({}, HttpVersion10, 400),
        ({"Sec-WebSocket-Version": "8"}, HttpVersion11, 426),
        ({"Sec-WebSocket-Key": ""}, HttpVersion11, 400),
        ({"Sec-WebSocket-Key": "µ" * 24}, HttpVersion11, 400),
        ({"Sec-WebSocket-Key": base64.b64encode(bytes(15)).decode()}, HttpVersion11, 400),
    ],
)
def test_what_is_no_handshake_is_refused(
    changed: dict[str, str], version: HttpVersion, status: int
) -> None:
    with pytest.raises(Problem) as refused:
        shaken(version, CIMultiDict(SHAKE | changed), "liveopt")
    assert refused.value.status == status
    assert ("Sec-WebSocket-Version" in refused.value.headers) is (status == 426)
