"""A file is there whole or not at all, whatever happens meanwhile."""

import errno
import os
import resource
import signal
import stat
from pathlib import Path
from typing import Any

import pytest

from liveopt import whole


def test_a_file_is_written_and_written_over_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "task.json"
    for content in (b"one", b"", b"another" * 100_000):
        whole.write(file, content)
        assert file.read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["task.json"]


def test_it_is_the_owners_alone_whatever_it_was(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_bytes(b"old")
    file.chmod(0o666)
    whole.write(file, b"new")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_a_killed_writer_has_left_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "task.json.part").write_bytes(b"half a")
    whole.write(tmp_path / "task.json", b"whole")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"task.json": b"whole"}


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_disk_that_refuses_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def refused(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    file = tmp_path / "task.json"
    whole.write(file, b"old")
    monkeypatch.setattr(os if call == "fsync" else Path, call, refused)
    with pytest.raises(OSError, match="No space left"):
        whole.write(file, b"new")
    monkeypatch.undo()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"task.json": b"old"}


def test_a_link_beside_it_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"mine")
    (tmp_path / "task.json.part").symlink_to(elsewhere)
    whole.write(tmp_path / "task.json", b"whole")
    assert elsewhere.read_bytes() == b"mine"
    assert not (tmp_path / "task.json").is_symlink()


@pytest.mark.parametrize("synced", [True, False])
def test_a_full_disk_takes_it_whole_or_not_at_all(tmp_path: Path, synced: bool) -> None:
    file = tmp_path / "keys.json"
    whole.write(file, b"old", synced=synced)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    heard = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, before[1]))  # half of it would find room
    try:
        with pytest.raises(OSError, match="too large"):
            whole.write(file, b"n" * 8_192, synced=synced)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, heard)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"keys.json": b"old"}
