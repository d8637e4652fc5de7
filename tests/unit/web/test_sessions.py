"""Words, sessions and tickets: each good for what it is for, and no longer."""

from pathlib import Path

from liveopt.web.sessions import (
    KEPT_EVERY_S,
    SESSION_S,
    SESSIONS_MAX,
    TICKET_S,
    TOKEN_S,
    Sessions,
)


def opened(folder: Path, word: str = "word", now_s: float = 0.0) -> tuple[Sessions, str]:
    sessions = Sessions(folder)
    sessions.admit(word, now_s)
    cookie = sessions.open(word, now_s)
    assert cookie is not None
    return sessions, cookie


def test_a_word_is_good_once_even_after_a_restart(tmp_path: Path) -> None:
    sessions, _ = opened(tmp_path)
    assert sessions.open("word", 0.0) is None
    again = Sessions(tmp_path)
    again.admit("word", 1.0)
    assert again.open("word", 1.0) is None
    again.admit("late", 0.0)
    assert again.open("late", TOKEN_S) is None


def test_a_session_lives_as_long_as_it_is_used_and_through_a_restart(tmp_path: Path) -> None:
    sessions, cookie = opened(tmp_path)
    who = sessions.find(cookie, SESSION_S - 1)
    assert who is not None
    assert who.startswith("session ")
    assert Sessions(tmp_path).find(cookie, 2 * SESSION_S - 2) == who
    assert sessions.find("another", 1.0) is None
    assert sessions.find(cookie, 3 * SESSION_S) is None


def test_a_closed_session_is_over_also_on_the_disk(tmp_path: Path) -> None:
    sessions, cookie = opened(tmp_path)
    sessions.close(cookie)
    assert sessions.find(cookie, 1.0) is None
    assert Sessions(tmp_path).find(cookie, 1.0) is None


def test_the_disk_is_not_written_with_each_request(tmp_path: Path) -> None:
    sessions, cookie = opened(tmp_path)
    before = (tmp_path / "sessions").stat().st_ino
    for second in range(int(KEPT_EVERY_S)):
        sessions.find(cookie, float(second))
    assert (tmp_path / "sessions").stat().st_ino == before


def test_a_ticket_opens_one_thing_soon(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path)
    ticket = sessions.ticket("key 1", 0.0)
    assert sessions.redeem(ticket, TICKET_S - 1) == "key 1"
    assert sessions.redeem(ticket, TICKET_S - 1) is None
    late = sessions.ticket("key 1", 0.0)
    assert sessions.redeem(late, TICKET_S) is None


def test_of_too_many_sessions_the_oldest_goes(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path)
    cookies = []
    for number in range(SESSIONS_MAX + 1):
        sessions.admit(f"w{number}", 0.0)
        cookies.append(sessions.open(f"w{number}", 0.0))
    assert sessions.find(cookies[0] or "", 1.0) is None
    assert sessions.find(cookies[-1] or "", 1.0) is not None
