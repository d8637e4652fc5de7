"""Links made beside a run: each opens once, within ten minutes, and its word lies nowhere."""

from pathlib import Path
from threading import Barrier, Thread

import pytest

from liveopt.web.links import FOLDER, LINK_S, LINKS_MAX, Links
from tests.unit.web.house import house

pytestmark = pytest.mark.timeout(60)


def test_a_word_is_taken_once_and_by_nobody_else(tmp_path: Path) -> None:
    word = Links(tmp_path).make(1.0)
    assert not Links(tmp_path).take(word + "x", 2.0)
    assert Links(tmp_path).take(word, 2.0)
    assert not Links(tmp_path).take(word, 2.0)


def test_of_many_who_ask_at_once_one_is_let_in(tmp_path: Path) -> None:
    links, barrier, said = Links(tmp_path), Barrier(8), []
    word = links.make(1.0)

    def ask() -> None:
        barrier.wait()
        said.append(links.take(word, 2.0))

    threads = [Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == [False] * 7 + [True]


@pytest.mark.parametrize("now_s", [1.0 + LINK_S, 0.5])
def test_none_is_good_when_it_is_old_or_from_a_clock_ahead(tmp_path: Path, now_s: float) -> None:
    links = Links(tmp_path)
    assert not links.take(links.make(1.0), now_s)


def test_the_word_is_not_on_the_disk_and_its_file_is_for_the_owner(tmp_path: Path) -> None:
    word = Links(tmp_path).make(1.0)
    (file,) = (tmp_path / FOLDER).iterdir()
    assert word not in file.name + file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / FOLDER).stat().st_mode & 0o777 == 0o700


def test_there_are_never_too_many_and_the_newest_stays(tmp_path: Path) -> None:
    links = Links(tmp_path)
    words = [links.make(float(number)) for number in range(LINKS_MAX + 10)]
    assert len(list((tmp_path / FOLDER).iterdir())) == LINKS_MAX
    assert not links.take(words[0], 80.0)
    assert links.take(words[-1], 80.0)
    links.make(1e6)
    assert len(list((tmp_path / FOLDER).iterdir())) == 1


def test_a_file_that_is_damaged_opens_nothing(tmp_path: Path) -> None:
    links = Links(tmp_path)
    word = links.make(1.0)
    (file,) = (tmp_path / FOLDER).iterdir()
    for text in ("", "nan", "inf", "1e400", "word"):
        file.write_text(text)
        assert not links.take(word, 2.0)


async def test_it_opens_a_session_of_the_running_service_once(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        now_s = h.service.wall() / 1e9
        word, old = Links(tmp_path).make(now_s), Links(tmp_path).make(now_s - LINK_S - 1)
        said = [
            (await h.ask("POST", "/api/session", {"token": one}, "")).status
            for one in (word, word, old)
        ]
        assert said == [201, 401, 401]
