"""Looks at the share: one at a time, and none that keeps this process from its end."""

import asyncio
import subprocess
import sys
from pathlib import Path

from liveopt.guard.clock import WALL
from liveopt.web.share import FRESH_S, Share
from tests.unit.portfolio.queue.share import share

ROOT = Path(__file__).parents[3]
HANGING = """
import asyncio, sys, time
from liveopt.web.share import Share

async def ask():
    found = Share(sys.argv[1], lambda: time.sleep(600) or 0)  # its look never comes back
    await found.look()
    print(found.away())

asyncio.run(ask())
"""


async def test_all_who_ask_at_once_share_one_look_and_soon_after_none_is_due(
    tmp_path: Path,
) -> None:
    asked: list[int] = []

    def counted() -> int:
        asked.append(1)
        return WALL()

    found = Share(str(share(tmp_path / "desk").root), counted)
    await asyncio.gather(*(found.look() for _ in range(20)))
    assert found.seen is not None
    assert found.seen.status.status == "stopped"
    await found.look()
    assert len(asked) == 1
    await asyncio.sleep(FRESH_S)
    await found.look()
    assert len(asked) == 2


async def test_who_asks_and_goes_away_ends_no_look(tmp_path: Path) -> None:
    found = Share(str(share(tmp_path / "desk").root), WALL)
    task = asyncio.create_task(found.look())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await found.look()
    assert found.seen is not None
    assert not found.is_stale()


def test_a_hanging_share_does_not_keep_the_process_from_its_end(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANGING, str(share(tmp_path / "desk").root)],
        cwd=ROOT, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "the share does not answer\n"), done.stderr
