"""Who lives, and ending what somebody left."""

import os
import subprocess
import sys
import time

import msgspec

from liveopt.portfolio.queue import processes

SLEEP = "import time; time.sleep(60)"
FAMILY = f"""
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", {SLEEP!r}], start_new_session=True)
print("ready", flush=True)
time.sleep(60)
"""


def test_this_process_lives_and_one_with_its_number_of_another_time_does_not() -> None:
    me = processes.me()
    assert processes.is_here(me)
    assert processes.lives(me)
    assert not processes.lives(msgspec.structs.replace(me, born=me.born + 1))
    for other in ({"host": "x"}, {"boot": "x"}, {"space": "x"}):
        assert not processes.is_here(msgspec.structs.replace(me, **other))


def test_one_that_has_ended_and_is_not_buried_does_not_live() -> None:
    code = (
        "import msgspec; from liveopt.portfolio.queue.processes import me;"
        "print(msgspec.json.encode(me()).decode(), flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        owner = msgspec.json.decode(child.stdout.readline(), type=processes.Owner)
        assert processes.lives(owner)
        child.stdin.write(b"\n")
        child.stdin.flush()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert not processes.lives(owner)


def test_all_of_a_job_are_ended_whatever_their_session_and_nobody_else() -> None:
    def family(token: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-c", FAMILY],
            env=os.environ | {processes.MARK: token},
            stdout=subprocess.PIPE,
        )

    with family("one") as ours, family("other") as other:
        for child in (ours, other):
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
        time.sleep(0.2)  # the grandchild's exec
        assert processes.end("one") == 2
        assert processes.end("one") == 0
        assert other.poll() is None
        assert processes.end("other") == 2
