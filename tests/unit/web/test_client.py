"""Who still reads is told from who does not, and from who only seems not to."""

import asyncio
from typing import cast

import pytest

from liveopt.web.client import BEHIND_S, MESSAGES_PER_S, PONG_S, STUCK_S, Client


class Pipe(asyncio.Transport):
    """A transport whose reader takes what the test says."""

    def __init__(self) -> None:
        super().__init__()
        self.size = 0
        self.ended = False
        self.half = True
        """Whether it can be closed in one direction."""
        self.last: list[str] = []

    def get_write_buffer_size(self) -> int:
        return self.size

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.size += len(data)

    def is_closing(self) -> bool:
        return self.ended

    def can_write_eof(self) -> bool:
        return self.half

    def write_eof(self) -> None:
        self.last.append("eof")

    def close(self) -> None:
        self.last.append("close")


def client_of(pipe: Pipe) -> Client:
    return Client(cast(asyncio.Transport, pipe), is_seed=False, heard_s=0.0)


def stuck_at(taken_per_s: float, first: int = 100_000) -> float | None:
    """When one that takes so many bytes a second is to go; None if it gets through."""
    pipe = Pipe()
    client = client_of(pipe)
    client.write(b"x" * first)
    for number in range(400):
        now_s = 0.25 * number
        client.look(now_s)
        if client.why_stuck(now_s):
            return now_s
        if not pipe.size:
            return None
        pipe.size = max(0, int(first - taken_per_s * (now_s + 0.25)))
    raise AssertionError("neither the one nor the other")


@pytest.mark.parametrize(
    ("taken_per_s", "gone_s"),
    [(0.0, STUCK_S + 0.25), (100_000.0, None), (5_000.0, None), (1_000.0, BEHIND_S + 0.25)],
    ids=["nothing", "fast", "slow", "never all of it"],
)
def test_who_takes_nothing_goes_soon_and_who_takes_too_little_goes_later(
    taken_per_s: float, gone_s: float | None
) -> None:
    assert stuck_at(taken_per_s) == gone_s


def test_a_ping_has_to_be_answered_in_time_by_anything() -> None:
    client = client_of(Pipe())
    assert client.beat(0.0)
    assert not client.beat(1.0)  # one at a time
    assert client.why_stuck(PONG_S) == ""
    assert client.why_stuck(PONG_S + 0.1) == "no answer to a ping"
    assert client.hear(PONG_S + 0.1)
    assert client.why_stuck(PONG_S + 0.2) == ""
    assert client.beat(4.0)


def test_a_ping_behind_much_else_is_not_late_before_it_was_sent() -> None:
    pipe = Pipe()
    client = client_of(pipe)
    client.beat(0.0)
    pipe.size = 9_000
    for number in range(1, 40):
        pipe.size -= 200
        client.look(0.25 * number)
        assert client.why_stuck(0.25 * number) == ""
    pipe.size = 0
    client.look(10.0)
    assert client.why_stuck(10.0) == ""
    assert client.why_stuck(9.75 + PONG_S + 0.1) == "no answer to a ping"


def test_what_is_missed_while_we_were_away_is_forgiven() -> None:
    pipe = Pipe()
    silent, slow = client_of(Pipe()), client_of(pipe)
    silent.beat(0.0)
    pipe.size = 10
    slow.look(0.0)
    for client in (silent, slow):
        assert client.why_stuck(9.0)
        client.forgive(9.0)
        assert not client.why_stuck(9.0)


def test_as_many_messages_as_it_may_and_no_more() -> None:
    client = client_of(Pipe())
    burst = [client.hear(0.0) for _ in range(int(MESSAGES_PER_S) + 1)]
    assert burst == [True] * int(MESSAGES_PER_S) + [False]
    steady = client_of(Pipe())
    assert all(steady.hear(number / MESSAGES_PER_S) for number in range(200))


def test_nothing_is_written_to_who_is_going() -> None:
    pipe = Pipe()
    pipe.ended = True
    client_of(pipe).write(b"x")
    assert pipe.size == 0


@pytest.mark.parametrize(("half", "how"), [(True, "eof"), (False, "close")], ids=["plain", "TLS"])
def test_who_goes_hears_one_last_word_and_is_let_finish_his(half: bool, how: str) -> None:
    pipe = Pipe()
    pipe.half = half
    client = client_of(pipe)
    client.leave(b"good")
    client.leave(b"once more")
    assert client.leaving
    assert pipe.size == 4
    assert pipe.last == [how]


def test_who_is_gone_is_not_told_to_go() -> None:
    pipe = Pipe()
    pipe.ended = True
    client = client_of(pipe)
    client.leave(b"x")
    assert (client.leaving, pipe.size, pipe.last) == (True, 0, [])
