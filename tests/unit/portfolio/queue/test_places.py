"""The folders of a share."""

from pathlib import Path

import pytest

from liveopt.portfolio.queue.places import Gone, Places
from tests.unit.portfolio.queue.share import share


def test_folders_are_made_below_a_root_that_is_there(tmp_path: Path) -> None:
    places = share(tmp_path)
    places.check()
    names = sorted(places.told(path) for path in tmp_path.rglob("*"))
    assert names == [
        "input", "jobs", "jobs/completed", "jobs/failed", "jobs/processing", "jobs/queue",
        "jobs/status", "output",
    ]  # fmt: skip


def test_a_root_that_is_not_there_is_never_made(tmp_path: Path) -> None:
    with pytest.raises(Gone, match="mount the share"):
        Places(tmp_path / "none").prepare()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_gone_is_named(tmp_path: Path) -> None:
    places = share(tmp_path)
    places.failed.rmdir()
    with pytest.raises(Gone, match="jobs/failed"):
        places.check()


def test_the_room_is_that_of_the_disk(tmp_path: Path) -> None:
    assert Places(tmp_path).free_mib() > 0


def test_a_mount_that_does_not_tell_its_room_is_not_full() -> None:
    """As /proc and shares over FUSE: they have no blocks at all."""
    assert Places(Path("/proc")).free_mib() == float("inf")
