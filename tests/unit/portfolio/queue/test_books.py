"""The history and the tables that had their job."""

import json
from pathlib import Path

import pytest

from liveopt.portfolio.queue import claims
from liveopt.portfolio.queue.books import Books, Tables, history, table_key
from liveopt.portfolio.queue.places import Places
from liveopt.portfolio.queue.processes import me
from tests.unit.portfolio.queue.share import listed, share


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return share(tmp_path / "share")


@pytest.fixture
def books(places: Places) -> Books:
    return Books(places, me(), lambda: "now")


def test_an_entry_has_the_keys_that_clients_know(places: Places, books: Books) -> None:
    books.note("a", "failed", error="why")
    assert books.write()
    assert history(places) == [
        {"job_id": "a", "status": "failed", "timestamp": "now", "details": {"error": "why"}}
    ]
    assert listed(places.status) == ["job_history.json"]


def test_the_last_thousand_are_kept(places: Places, books: Books) -> None:
    for part in range(3):
        for number in range(500):
            books.note(f"{part * 500 + number}", "completed")
        books.write()
    assert [one["job_id"] for one in history(places)] == [str(n) for n in range(500, 1500)]


def test_while_another_writes_entries_wait(places: Places, books: Books) -> None:
    claim = claims.take(places.status, "books", me())
    assert claim is not None
    books.note("a", "completed")
    assert not books.write()
    assert history(places) == []
    claims.release(places.status, "books", claim)
    assert books.write()
    assert len(history(places)) == 1


def test_what_cannot_be_written_now_is_written_later(places: Places, books: Books) -> None:
    books.note("a", "completed")
    places.status.rename(places.root / "away")
    with pytest.raises(FileNotFoundError):
        books.write()
    (places.root / "away").rename(places.status)
    assert books.write()
    assert len(history(places)) == 1


def test_a_table_that_had_its_job_is_known_to_all(places: Places, books: Books) -> None:
    key = table_key("a.csv", 1, 5_000_000)
    books.mark(key, "a")
    books.write()
    assert Books(places, me(), lambda: "now").had() == {key}

    def more(had: Tables) -> Tables:
        assert had == {key: "a"}
        return {"other": "b"}

    books.write(more)
    assert books.had() == {key, "other"}


@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 200_000])
def test_a_history_that_cannot_be_read_is_set_aside(
    places: Places, books: Books, content: bytes
) -> None:
    (places.status / "job_history.json").write_bytes(content)
    books.note("a", "completed")
    assert books.write()
    assert len(history(places)) == 1
    assert (places.status / "job_history.bad").read_bytes() == content


def test_who_only_reads_a_history_that_is_being_replaced_leaves_it(places: Places) -> None:
    (places.status / "job_history.json").write_bytes(b"[")
    assert history(places) == []
    assert listed(places.status) == ["job_history.json"]


def test_the_history_is_an_entry_a_line(places: Places, books: Books) -> None:
    books.note("a", "x")
    books.note("b", "y")
    books.write()
    lines = (places.status / "job_history.json").read_text().splitlines()
    assert json.loads(lines[1].rstrip(","))["job_id"] == "a"
    assert len(lines) == 4
