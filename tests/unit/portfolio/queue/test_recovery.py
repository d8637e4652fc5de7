"""What the dead left."""

from pathlib import Path

import pytest

from liveopt.portfolio.queue.books import Books
from liveopt.portfolio.queue.places import Places
from liveopt.portfolio.queue.processes import me
from liveopt.portfolio.queue.recovery import Recovery
from tests.unit.portfolio.queue.share import QUICK, drop, listed, share


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return share(tmp_path / "share")


@pytest.fixture
def recovery(places: Places) -> Recovery:
    return Recovery(places, me(), QUICK, Books(places, me(), lambda: "now"))


def test_what_killed_writers_left_is_swept_when_it_is_old(
    places: Places, recovery: Recovery
) -> None:
    ours = (".a.json.0123abcd.part", ".a.0123abcd.grave")
    others = (".a.json.part", "a.json.0123abcd.part", ".a.grave", ".hidden")
    for name in (*ours, *others):
        (places.completed / name).touch()
    recovery.look(0.0)
    assert set(ours) <= set(listed(places.completed))
    recovery.look(QUICK.stale_s + 0.1)
    assert listed(places.completed) == sorted(others)


def test_a_writers_file_that_still_changes_is_left(places: Places, recovery: Recovery) -> None:
    part = places.status / ".a.json.0123abcd.part"
    part.touch()
    recovery.look(0.0)
    part.write_text("more")
    recovery.look(QUICK.stale_s + 0.1)
    assert part.exists()


def test_a_file_that_cannot_be_taken_up_is_said_and_holds_up_no_other(
    places: Places, recovery: Recovery
) -> None:
    """Its name is too long for what is added to it."""
    (places.processing / f"{'x' * 250}.json").mkdir()
    (places.processing / "b.claim").symlink_to("b.claim")
    drop(places, "c").rename(places.processing / "c.json")
    for now_s in (0.0, QUICK.stale_s + 0.1):
        recovery.look(now_s)
    assert listed(places.queue)[0].startswith("c.again-")
    assert list(recovery.waits) == ["processing/b.claim"]
