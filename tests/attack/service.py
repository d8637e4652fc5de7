"""A whole service for attackers: the product's app over real sockets, in a process of its own.

`with service(folder) as place` begins and ends it; `python -m tests.attack.service` is the process.
"""

import asyncio
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from tests.attack.peer import Place
from tests.attack.timing import note_lag
from tests.unit.web.house import house

HERE = Path(__file__).parents[2]


@contextmanager
def service(folder: Path) -> Iterator[Place]:
    """Until the end of the block."""
    command = [sys.executable, "-m", "tests.attack.service", str(folder)]
    with (folder / "service.log").open("wb") as errors:
        process = subprocess.Popen(
            command, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
        )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        line = process.stdout.readline()
        assert line, (folder / "service.log").read_text()
        yield Place(**json.loads(line))
    finally:
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(10.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def _serve(folder: Path) -> None:
    """Until whoever began it closes our standard input."""
    log = cast(io.StringIO, sys.stderr)  # else a million refusals would be kept in memory
    async with house(folder, lines=log) as home, asyncio.TaskGroup() as group:
        lag = group.create_task(note_lag(folder / "lag"))
        await asyncio.sleep(0)  # now there is a file
        place = {"port": home.port, "key": home.key("admin"), "pid": os.getpid()}
        print(json.dumps(place), flush=True)
        await asyncio.to_thread(sys.stdin.read)
        lag.cancel()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
