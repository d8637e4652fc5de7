"""WebSocket frames and messages."""

import json

import pytest

from liveopt.exchange_sim.frames import BINARY, frame, message


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_a_frame_says_its_length_as_the_protocol_wants(size: int, head: bytes) -> None:
    payload = b"x" * size
    assert frame(payload) == head + payload


def test_a_frame_may_be_binary() -> None:
    assert frame(b"x", BINARY) == b"\x82\x01x"


def test_a_message_has_a_number_only_where_it_is_given() -> None:
    assert json.loads(message("/t", "s", {"a": 1}, 7)) == {
        "topic": "/t", "type": "message", "subject": "s", "sn": 7, "data": {"a": 1},
    }  # fmt: skip
    assert "sn" not in json.loads(message("/t", "s", {}))
