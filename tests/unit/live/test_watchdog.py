"""A loop that stands still is seen by a thread: it says where, and ends the process."""

import subprocess
import sys
import time

import pytest

from liveopt.live.watchdog import EXIT, Watchdog

PROGRAM = """
import time
from liveopt.live.watchdog import Watchdog
dog = Watchdog(dump_s={dump}, end_s={end})
dog.start()
def stand_still(s):
    time.sleep(s)
for life in {lives}:
    until = time.monotonic() + 0.15
    while time.monotonic() < until:
        dog.beat()
        time.sleep(0.01)
    stand_still(life)
dog.beat()
dog.stop()
print("ended", dog.standstills)
"""


def run(dump: float, end: float, lives: list[float]) -> "subprocess.CompletedProcess[str]":
    text = PROGRAM.format(dump=dump, end=end, lives=lives)
    return subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, timeout=30, check=False
    )


def test_a_short_standstill_is_dumped_once_with_its_place_and_survived() -> None:
    found = run(0.2, 5.0, [0.7, 0.01])
    assert found.returncode == 0
    assert found.stdout == "ended 1\n"
    assert found.stderr.count("stand_still") == 1


def test_a_long_standstill_ends_the_process() -> None:
    began_s = time.monotonic()
    found = run(0.2, 0.6, [20.0])
    assert found.returncode == EXIT == 70
    assert found.stdout == ""
    assert "stand_still" in found.stderr
    assert time.monotonic() - began_s < 10.0


def test_three_short_ones_within_a_minute_end_it_too() -> None:
    found = run(0.2, 5.0, [0.5, 0.5, 3.0])
    assert found.returncode == EXIT
    assert found.stderr.count("Current thread") + found.stderr.count("Thread 0x") >= 3


def test_a_loop_that_beats_is_left_alone() -> None:
    dog = Watchdog(dump_s=0.2, end_s=0.4)
    dog.start()
    until_s = time.monotonic() + 0.8
    while time.monotonic() < until_s:
        dog.beat()
        time.sleep(0.01)
    dog.stop()
    assert dog.standstills == 0


def test_once_told_to_stop_it_watches_no_more(capfd: pytest.CaptureFixture[str]) -> None:
    dog = Watchdog(dump_s=0.05, end_s=0.1)
    dog.start()
    dog.stop()
    time.sleep(0.4)
    assert dog.standstills == 0
    assert capfd.readouterr().err == ""
