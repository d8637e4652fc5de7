"""A child ends with its guard, and leaves no core file."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from liveopt.guard import child
from tests.guard.harness import alive, wait_for

LAUNCH = [sys.executable, "-I", "-S", str(Path(child.__file__))]


def test_it_becomes_the_program() -> None:
    words = [*LAUNCH, str(os.getpid()), "sh", "-c", "ulimit -c; echo $PPID"]
    ended = subprocess.run(words, capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["0", str(os.getpid())]


def test_it_is_killed_with_its_parent() -> None:
    parent = (
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen([*sys.argv[1:], str(os.getpid()), 'sleep', '600'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent, *LAUNCH], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        wait_for(lambda: Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"sleep"))
        began = time.monotonic()
        process.send_signal(signal.SIGKILL)
        wait_for(lambda: not alive(pid), 2.0)
        assert time.monotonic() - began < 1.0


def test_one_whose_parent_is_gone_already_does_not_start() -> None:
    ended = subprocess.run([*LAUNCH, "1", "echo", "x"], capture_output=True, check=False)
    assert ended.returncode == 1
    assert ended.stdout == b""
