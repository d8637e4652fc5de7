"""Messages come out of the link as they went in; the board says what the worker does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.core.events import Bar
from liveopt.core.strategy import Choice, Knob
from liveopt.slow import words
from liveopt.walk.variant import Variant

BAR = Bar(60, 1.0, 2.0, 0.5, 1.5, 7.0)
VARIANT = Variant("ab", "mine", "XBTUSDTM", {"window": 3.0, "kind": "ema"}, lane="slow")
ORDERS: list[words.Order] = [
    words.Load(1, "mine.py", "00", 1),
    words.History("XBTUSDTM", (BAR, BAR), 2),
    words.Join(1, VARIANT, "both", told=True, serial=3),
    words.Leave(1, 4),
    words.Feed("XBTUSDTM", BAR, 17, 5),
    words.Ping(6),
]
WORDS: list[words.Word] = [
    words.Loaded(
        1, "mine", "00", "Long.", {"window": Knob(1, 9, 3, "bars", whole=True)},
        {"kind": Choice(("ema", "sma"), "ema", "how")}, "",
    ),
    words.Unloadable(1, "no"),
    words.Said(1, -1, 0.25),
    words.Fault(1, "raised", "ValueError"),
    words.Done(5),
    words.Pong(6),
]  # fmt: skip


def body(frame: bytes) -> bytes:
    head, rest = frame[: words.LENGTH.size], frame[words.LENGTH.size :]
    assert words.length_of(head) == len(rest)
    return rest


@pytest.mark.parametrize("order", ORDERS)
def test_an_order_arrives_as_it_was_sent(order: words.Order) -> None:
    assert words.order_of(body(words.framed(order))) == order


@pytest.mark.parametrize("word", WORDS)
def test_a_word_arrives_as_it_was_said(word: words.Word) -> None:
    assert words.word_of(body(words.framed(word))) == word


@given(st.binary(max_size=80))
def test_bytes_are_a_word_or_are_refused(garbage: bytes) -> None:
    try:
        word = words.word_of(garbage)
    except words.BadFrame:
        return
    assert isinstance(word, words.Word)


def test_a_length_that_no_message_has_is_refused() -> None:
    with pytest.raises(words.BadFrame, match="4,294,967,295 bytes"):
        words.length_of(b"\xff\xff\xff\xff")


def test_the_board_counts_what_the_worker_begins() -> None:
    memory = bytearray(words.Board.BYTES)
    worker, service = words.Board(memoryview(memory)), words.Board(memoryview(memory))
    assert service.read() == words.Doing(0, words.IDLE, 0)
    worker.write(words.STEPPING, 12)
    worker.write(words.STEPPING, 13)
    assert service.read() == words.Doing(2, words.STEPPING, 13)
