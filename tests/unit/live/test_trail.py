"""Recorded outputs, compared one by one with what is made again."""

from pathlib import Path
from typing import Any

import pytest

from liveopt.live.recover import JOURNALS
from liveopt.live.trail import Diverged, Trail
from liveopt.walk.lines import written
from liveopt.walk.records import DECISIONS, EXPERIMENTAL, Out, Refusal
from tests.run import Live


def refusal(number: int) -> Refusal:
    return Refusal(number, "v", "no")


def made(count: int) -> list[Out]:
    return [(DECISIONS, refusal(n)) for n in range(count)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five decisions, and nothing else."""
    live = Live(tmp_path)
    for journal, record in made(5):
        live.writer.append(journal, written(record))
    live.close()
    return live.folder


def test_what_is_the_same_is_counted(folder: Path) -> None:
    trail = Trail(folder, {})
    for number, out in enumerate(made(5), 1):
        trail.follow([out], number)
    trail.end(5)
    assert (trail.compared, trail.missing, trail.damage()) == (5, [], "")


def test_what_no_disk_has_is_missing_in_order(folder: Path) -> None:
    trail = Trail(folder, {})
    trail.follow([*made(7), (EXPERIMENTAL, refusal(8))], 1)
    trail.end(1)
    assert trail.compared == 5
    assert trail.missing == [
        (DECISIONS, written(refusal(5))), (DECISIONS, written(refusal(6))),
        (EXPERIMENTAL, written(refusal(8))),
    ]  # fmt: skip


def test_the_first_that_differs_is_named(folder: Path) -> None:
    trail = Trail(folder, {})
    trail.follow(made(2), 1)
    with pytest.raises(Diverged, match="record 3 of decisions does not follow") as found:
        trail.follow([(DECISIONS, refusal(99))], 2)
    different = found.value.difference
    assert (different.journal, different.seq, different.input) == (DECISIONS, 3, 2)
    assert different.recorded == written(refusal(2))
    assert different.replayed == written(refusal(99))


def test_what_is_recorded_and_was_never_made_differs_too(folder: Path) -> None:
    trail = Trail(folder, {})
    trail.follow(made(4), 1)
    with pytest.raises(Diverged) as found:
        trail.end(1)
    assert (found.value.difference.seq, found.value.difference.replayed) == (5, None)


def test_it_goes_on_behind_a_position(tmp_path: Path) -> None:
    live = Live(tmp_path)
    places: list[Any] = []
    for number, (journal, record) in enumerate(made(5)):
        live.writer.append(journal, written(record))
        if number == 2:
            live.writer.mark(places.append)
    live.close()
    since: dict[str, Any] = places[0]
    assert since.keys() == set(JOURNALS)
    trail = Trail(live.folder, since)
    trail.follow(made(6)[3:], 1)
    assert trail.compared == 2
    assert trail.missing == [(DECISIONS, written(refusal(5)))]


def test_the_digest_is_of_all_that_was_made_recorded_or_not(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    digests = set()
    for there in (folder, tmp_path / "empty"):
        trail = Trail(there, {})
        trail.follow(made(5), 1)
        digests.add(trail.digest.hexdigest())
    assert len(digests) == 1
