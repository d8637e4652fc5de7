"""Words, sessions and tickets: each good for what it is for, and no longer."""

import resource
import signal
from pathlib import Path

import pytest

from liveopt.web.sessions import (
    KEPT_EVERY_S,
    SESSION_S,
    SESSIONS_MAX,
    TICKET_S,
    TOKEN_S,
    Opened,
    Sessions,
    cookie_name,
)


def begun(folder: Path, word: str = "word", now_s: float = 0.0) -> tuple[Sessions, Opened]:
    sessions = Sessions(folder)
    sessions.admit(word, now_s)
    opened = sessions.open(word, now_s)
    assert opened is not None
    return sessions, opened


def asks(sessions: Sessions, one: Opened, now_s: float) -> str | None:
    """With all that it was given."""
    return sessions.find(one.cookie, one.secret, now_s)


def test_a_word_is_good_once_even_after_a_restart(tmp_path: Path) -> None:
    sessions, _ = begun(tmp_path)
    assert sessions.open("word", 0.0) is None
    again = Sessions(tmp_path)
    again.admit("word", 1.0)
    assert again.open("word", 1.0) is None
    again.admit("late", 0.0)
    assert again.open("late", TOKEN_S) is None


def test_a_session_lives_as_long_as_it_is_used_and_through_a_restart(tmp_path: Path) -> None:
    sessions, one = begun(tmp_path)
    assert one.who.startswith("session ")
    assert asks(sessions, one, SESSION_S - 1) == one.who
    assert asks(Sessions(tmp_path), one, 2 * SESSION_S - 2) == one.who
    assert sessions.find("another", one.secret, 1.0) is None
    assert asks(sessions, one, 3 * SESSION_S) is None


def test_a_cookie_alone_opens_nothing_and_keeps_nothing_alive(tmp_path: Path) -> None:
    sessions, one = begun(tmp_path)
    _, other = begun(tmp_path, "another")
    for secret in ("", "1", one.cookie, one.secret[:-1], one.secret + "x", other.secret):
        assert sessions.find(one.cookie, secret, SESSION_S - 1) is None
    assert sessions.find(one.secret, one.cookie, 1.0) is None
    assert sessions.seen(one.cookie, SESSION_S - 1) == one.who
    assert sessions.seen(one.secret, 1.0) is None
    assert sessions.seen(one.cookie, SESSION_S) is None
    assert asks(sessions, one, SESSION_S) is None


def test_neither_of_the_two_is_on_the_disk(tmp_path: Path) -> None:
    _, one = begun(tmp_path)
    kept = (tmp_path / "sessions").read_text()
    assert one.cookie not in kept
    assert one.secret not in kept


def test_a_closed_session_is_over_also_on_the_disk(tmp_path: Path) -> None:
    sessions, one = begun(tmp_path)
    assert sessions.alive(one.who, 1.0)
    sessions.close(one.who)
    assert asks(sessions, one, 1.0) is None
    assert not sessions.alive(one.who, 1.0)
    assert asks(Sessions(tmp_path), one, 1.0) is None


def test_whose_socket_is_open_is_in_use(tmp_path: Path) -> None:
    sessions, one = begun(tmp_path)
    assert sessions.alive(one.who, SESSION_S - 1)
    assert asks(sessions, one, 2 * SESSION_S - 2) == one.who
    assert not sessions.alive(one.who, 4 * SESSION_S)
    assert not sessions.alive("session 00000000", 1.0)
    assert not sessions.alive("nobody", 1.0)


def test_the_disk_is_not_written_with_each_request(tmp_path: Path) -> None:
    sessions, one = begun(tmp_path)
    before = (tmp_path / "sessions").stat().st_ino
    for second in range(int(KEPT_EVERY_S)):
        asks(sessions, one, float(second))
    assert (tmp_path / "sessions").stat().st_ino == before


def test_a_ticket_opens_one_thing_soon(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path)
    ticket = sessions.ticket("key 1", 0.0)
    assert sessions.redeem(ticket, TICKET_S - 1) == "key 1"
    assert sessions.redeem(ticket, TICKET_S - 1) is None
    late = sessions.ticket("key 1", 0.0)
    assert sessions.redeem(late, TICKET_S) is None


def test_of_too_many_sessions_the_oldest_goes(tmp_path: Path) -> None:
    sessions, first = begun(tmp_path)
    others: list[Opened | None] = []
    for number in range(SESSIONS_MAX):
        sessions.admit(f"w{number}", 0.0)
        others.append(sessions.open(f"w{number}", 0.0))
    assert asks(sessions, first, 1.0) is None
    for one in others:
        assert one is not None
        assert asks(sessions, one, 1.0) == one.who


def test_what_is_kept_in_an_older_form_or_damaged_opens_nothing(tmp_path: Path) -> None:
    for kept in (b'{"sessions":{"aa":9e9},"used":{}}', b"{", b""):
        (tmp_path / "sessions").write_bytes(kept)
        sessions, one = begun(tmp_path, f"word {len(kept)}")
        assert asks(sessions, one, 1.0) == one.who


@pytest.mark.parametrize(
    ("port", "encrypted", "name"),
    [(8787, False, "liveopt_8787"), (8788, False, "liveopt_8788"), (1, True, "__Host-liveopt_1")],
)
def test_each_port_has_a_cookie_of_its_own(port: int, encrypted: bool, name: str) -> None:
    assert cookie_name(port, encrypted=encrypted) == name


def test_a_full_disk_costs_nobody_the_session_and_leaves_those_that_were_kept(
    tmp_path: Path,
) -> None:
    sessions, one = begun(tmp_path)
    before = (tmp_path / "sessions").read_bytes()
    sessions.admit("another", 0.0)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    heard = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20, limit[1]))
    try:
        two = sessions.open("another", 0.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, heard)
    assert two is not None
    assert asks(sessions, two, 1.0) == two.who
    assert (tmp_path / "sessions").read_bytes() == before
    assert asks(Sessions(tmp_path), one, 1.0) == one.who
