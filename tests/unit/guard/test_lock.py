"""The lock: one holder, who is named, and none once it is gone."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from liveopt.guard.lock import Lock, Locked, holder

HOLD = (
    "import sys; from pathlib import Path; from liveopt.guard.lock import Lock;"
    "lock = Lock(Path(sys.argv[1])).take(); print('held', flush=True); input()"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


def holding(path: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_nobody_holds_what_was_never_taken(path: Path) -> None:
    assert holder(path) is None


def test_the_second_is_told_who_holds_it(path: Path) -> None:
    with Lock(path):
        assert holder(path) == os.getpid()
        with pytest.raises(Locked, match=f"process {os.getpid()}") as refused:
            Lock(path).take()
    assert refused.value.pid == os.getpid()
    assert holder(path) is None
    with Lock(path):
        assert holder(path) == os.getpid()


def test_it_falls_with_the_process_that_was_killed(path: Path) -> None:
    with holding(path) as other:
        assert holder(path) == other.pid
        other.send_signal(signal.SIGKILL)
        other.wait()
    with Lock(path):
        assert holder(path) == os.getpid()


def test_a_child_that_inherits_it_holds_it_too(path: Path) -> None:
    lock = Lock(path).take()
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=[lock.fd]) as child:
        lock.drop()
        assert holder(path) == os.getpid()
        with pytest.raises(Locked):
            Lock(path).take()
        child.communicate()
    with Lock(path):
        pass


def test_who_only_looks_does_not_keep_anybody_out(path: Path) -> None:
    with Lock(path):
        pass
    looking = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path; from liveopt.guard.lock import holder\n"
            "print('looks', flush=True)\nwhile True: holder(Path(sys.argv[1]))",
            path,
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    with looking:
        assert looking.stdout is not None
        looking.stdout.readline()
        for _ in range(100):
            with Lock(path):
                pass
        looking.kill()


def test_a_pid_that_cannot_be_read_is_nobody_in_particular(path: Path) -> None:
    with Lock(path):
        path.write_text("someone")
        with pytest.raises(Locked, match="another process") as refused:
            Lock(path).take()
        assert refused.value.pid == 0
        assert holder(path) == 0
