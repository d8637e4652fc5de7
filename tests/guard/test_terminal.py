"""What a terminal does to the guard: Ctrl-C at any moment, and streams that nobody reads."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from liveopt.guard import caller, latch
from liveopt.guard.spec import Limits, Spec
from tests.guard.harness import ENGINE, PATIENCE_S, ROOT, wait_for

BELL = """
import os, runpy, signal, sys

class Bell:
    def find_spec(self, name, path=None, target=None):
        if name == MODULE:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

MODULE = sys.argv.pop(1)
sys.meta_path.insert(0, Bell())
runpy.run_module("liveopt.guard", run_name="__main__", alter_sys=True)
sys.exit("it was never interrupted")
"""


def spec(state: Path, *engine: str) -> str:
    words = list(engine) or [*ENGINE, str(state)]
    return msgspec.json.encode(Spec(state=str(state), engine=words, limits=Limits())).decode()


@pytest.mark.parametrize(
    "module", ["asyncio", "msgspec", "aiohttp", "liveopt.guard.life", "liveopt.guard.service"]
)
def test_an_interrupt_amid_the_imports_is_a_quiet_end(tmp_path: Path, module: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", BELL, module, spec(tmp_path / "state")],
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")
    assert not (tmp_path / "state").exists()


def test_an_interrupt_held_back_from_before_the_interpreter_is_a_quiet_end(tmp_path: Path) -> None:
    """As `liveopt run` holds it back while it becomes the guard."""
    held = {signal.SIGINT}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "liveopt.guard", spec(tmp_path / "state")],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    try:
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
    assert (process.returncode, *said) == (130, b"", b"")


@pytest.fixture
def stuck() -> Iterator[int]:
    """The writing end of a pipe that is full, and that nobody reads."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writing, True)
    yield writing
    os.close(writing)
    os.close(reading)


CHATTERER = """
import sys, threading
def chatter():
    while True:
        sys.stderr.write("x" * 1000)
threading.Thread(target=chatter, daemon=True).start()
import asyncio
from pathlib import Path
from tests.guard.engine import Engine
asyncio.run(Engine(Path(sys.argv[1])).run(busy=False))
"""


@pytest.mark.parametrize("noisy", [False, True])
def test_a_stop_is_answered_though_nobody_reads_the_log(
    tmp_path: Path, stuck: int, noisy: bool
) -> None:
    state = tmp_path / "state"
    engine = [sys.executable, "-c", CHATTERER, str(state)] if noisy else []
    process = subprocess.Popen(
        [sys.executable, "-m", "liveopt.guard", spec(state, *engine)],
        cwd=ROOT, stdout=stuck, stderr=stuck,
    )  # fmt: skip
    try:
        wait_for(lambda: caller.runs(state) and (state / "control.json").exists())
        wait_for(lambda: caller.status(state)["engine"]["beat_age_ms"] is not None, every_s=0.05)
        for number in range(20):  # each is a line in the log, and so is each failure to log
            began_s = time.monotonic()
            said = caller.stop(state, "halt", f"stop {number}")
            assert time.monotonic() - began_s < 2.0
            assert (said["via"], said["latched"], said["not_acknowledged"]) == ("door", True, [])
        os.kill(process.pid, signal.SIGUSR1)  # this one is told in the log, from the loop's thread
        assert caller.status(state)["halted"]
        resumed = wait_for(lambda: caller.resume(state, "checked").body, every_s=0.1)
        assert resumed["resumed"], resumed
        assert caller.stop(state, "halt", "again")["via"] == "door"
        assert latch.Latch(state / latch.NAME).read().reason == "again"
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.wait()
