"""One holder at a time, and nobody once it is gone, however it went."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from liveopt.journal.lock import EXIT, Lock, Locked, is_held

HOLD = """
import sys, time
from pathlib import Path
from liveopt.journal.lock import Lock
with Lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_second_is_told_who_is_first(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with Lock(path), pytest.raises(Locked, match=f"held by process {os.getpid()}") as refused:
        Lock(path)
    assert refused.value.pid == os.getpid()
    assert refused.value.exit_code == EXIT == 79
    Lock(path).release()


def test_without_a_number_in_it_the_holder_is_another_process(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with Lock(path):
        path.write_text("who knows")
        with pytest.raises(Locked, match="another process"):
            Lock(path)


def test_releasing_twice_is_releasing(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "lock")
    lock.release()
    other = os.open(tmp_path / "other", os.O_CREAT | os.O_RDWR)  # has the number again
    lock.release()
    os.close(other)


def test_a_killed_holder_holds_no_more(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        assert is_held(path)
        with pytest.raises(Locked, match=str(other.pid)):
            Lock(path)
        other.kill()
    assert not is_held(path)
    Lock(path).release()


def test_nobody_holds_what_is_not_there(tmp_path: Path) -> None:
    assert not is_held(tmp_path / "lock")


def test_who_only_looks_is_not_in_the_way(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    Lock(path).release()
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            is_held(path)
            time.sleep(0.0003)

    looking = threading.Thread(target=look)
    looking.start()
    for _ in range(200):
        Lock(path).release()
    over.set()
    looking.join()
