"""A job's process, with real ones."""

import asyncio
import json
import secrets
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.portfolio.queue import processes
from liveopt.portfolio.queue.child import LINE_MAX, Ears, Ended, Limits, Progress, Tail, run
from tests.unit.portfolio.queue.share import until

LIMITS = Limits(20.0, 1_000)
TOKEN = secrets.token_hex(8)
"""Nobody else's: who ends what has a mark ends it on the whole machine."""


async def ran(code: str, limits: Limits = LIMITS) -> tuple[Ended, list[Progress]]:
    told: list[Progress] = []
    ended = await run([sys.executable, "-c", code], TOKEN, limits, told.append)
    return ended, told


async def test_progress_is_told_and_all_else_is_kept() -> None:
    ended, told = await ran(
        """
import json, sys
print("hello")
print(json.dumps({"step": "race", "share": 0.5, "words": "Running"}))
print('{"step": 1, "share": "x"}')
print(json.dumps({"done": {"fitness": 1.5}}), end="")
print("oh", file=sys.stderr)
sys.exit(3)
"""
    )
    assert told == [Progress("race", 0.5, "Running")]
    assert ended.stdout.splitlines() == ["hello", '{"step": 1, "share": "x"}']
    assert ended == Ended(3, False, ended.stdout, "oh\n", {"fitness": 1.5})


async def test_only_the_last_of_much_output_is_kept() -> None:
    ended, _ = await ran("import sys\nfor n in range(200_000): print(n)\nprint('end')")
    assert len(ended.stdout) < 1_100
    assert ended.stdout.startswith("(")
    assert ended.stdout.endswith("end\n")


async def test_one_that_takes_too_long_is_asked_and_may_clear_up() -> None:
    ended, _ = await ran(
        """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(print("cleared") or 0))
time.sleep(60)
""",
        Limits(1.0, 1_000),
    )
    assert ended.timed_out
    assert ended.stdout == "cleared\n"


async def test_one_that_does_not_heed_is_ended() -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    ended, _ = await ran(code, Limits(0.5, 1_000))
    assert (ended.timed_out, ended.code) == (True, -9)


async def test_a_stray_grandchild_neither_holds_the_job_nor_outlives_it() -> None:
    began_s = time.monotonic()
    ended, _ = await ran(
        """
import subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
"""
    )
    assert ended.code == 0
    assert time.monotonic() - began_s < 10
    assert processes.end(TOKEN) == 0


async def test_cancelled_it_leaves_nothing_behind(tmp_path: Path) -> None:
    code = f"open({str(tmp_path / 'here')!r}, 'w'); import time; time.sleep(60)"
    job = asyncio.create_task(ran(code))
    await until((tmp_path / "here").exists)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert processes.end(TOKEN) == 0


async def test_a_program_that_is_not_there_is_told() -> None:
    with pytest.raises(FileNotFoundError):
        await run(["no-such-program"], TOKEN, LIMITS, lambda _: None)


async def test_a_large_result_is_heard() -> None:
    ended, _ = await ran("import json; print(json.dumps({'done': 'x' * 300_000}))")
    assert (len(ended.done), ended.stdout) == (300_000, "")


LINES = st.lists(
    st.one_of(
        st.text(max_size=20).map(lambda s: s.replace("\n", "")),
        st.floats(0, 1).map(lambda share: json.dumps({"step": "a", "share": share})),
        st.integers().map(lambda n: json.dumps({"done": n})),
    )
)


@given(LINES, st.data())
def test_where_the_stream_is_cut_changes_nothing(lines: list[str], data: st.DataObject) -> None:
    content = "\n".join(lines).encode()

    def heard(parts: list[bytes]) -> tuple[bytes, object, list[Progress]]:
        told: list[Progress] = []
        tail = Tail(10_000)
        ears = Ears(tail, told.append)
        for part in parts:
            ears.hear(part)
        ears.end()
        return bytes(tail.kept), ears.done, told

    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=5)))
    parts = [content[a:b] for a, b in zip([0, *cuts], [*cuts, len(content)], strict=True)]
    assert heard(parts) == heard([content])


def test_a_line_without_end_takes_no_memory_without_end() -> None:
    tail = Tail(100)
    ears = Ears(tail, lambda _: None)
    for _ in range(50):
        ears.hear(b"x" * LINE_MAX)
    ears.end()
    assert len(tail.kept) <= 100
