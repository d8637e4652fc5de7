"""The other side of the door: a stop never raises, and says no more than is so."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from liveopt.guard import caller, control, latch
from liveopt.guard.latch import Change, Latch

NO_ROOM = 1 << 47
"""A stack larger than all addresses."""


@pytest.fixture
def _no_thread_can_be_started() -> Iterator[None]:
    before = threading.stack_size(NO_ROOM)
    yield
    threading.stack_size(before)


@pytest.mark.usefixtures("_no_thread_can_be_started")
def test_a_stop_for_which_no_thread_can_be_started_is_latched(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        threading.Thread(target=print).start()
    said = caller.stop(tmp_path, "halt", "no memory")
    assert (said["via"], said["latched"]) == ("files", True)
    assert said["errors"][0].startswith("knock: RuntimeError")
    assert Latch(tmp_path / latch.NAME).read().reason == "no memory"


def test_an_answer_that_nobody_can_read_is_none_at_once(tmp_path: Path) -> None:
    """Whatever it raises: nobody waits for a knock that is over."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        control.Control(door.getsockname()[1], "a-token-of-nobody", 1).write(
            tmp_path / control.NAME
        )
        knock = caller.Knock(tmp_path, "POST", "/", {})
        guard, _ = door.accept()
        with guard:
            guard.recv(4096)
            guard.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + b"[" * 100_000)
    assert knock._future.result(10) is None


def test_a_stop_whose_words_are_no_utf_8_is_latched(tmp_path: Path) -> None:
    said = caller.stop(tmp_path, "halt", "bad \udcff reason", "\udcff")
    assert (said["latched"], said["errors"]) == (True, [])
    assert Latch(tmp_path / latch.NAME).read(with_file=False).reason == "bad ? reason"


def test_a_latch_that_a_resume_has_cleared_and_nobody_can_write_is_not_called_latched(
    tmp_path: Path,
) -> None:
    path, change = tmp_path / latch.NAME, Change("news", "cli", 1)
    number = Latch(path).set(change).number
    Latch(path).clear(Change("over", "me", 2))
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")  # which is read, and never written through
    said: dict[str, Any] = {"latched": True, "halt": number}
    with pytest.raises(OSError, match="symbolic links"):
        caller._latched(tmp_path, change, said)
    assert said == {"latched": False, "halt": None}
