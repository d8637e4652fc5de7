"""A share on this disk, a small program that its jobs run, and a worker for as long as needed."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from liveopt.portfolio.queue.job import Job
from liveopt.portfolio.queue.places import Places
from liveopt.portfolio.queue.settings import Settings
from liveopt.portfolio.queue.worker import Worker

QUICK = Settings(
    poll_s=0.05, limit_s=20.0, auto=False, input_wait_s=0.5, auto_wait_s=0.2, held_s=0.5,
    beat_s=0.2, stale_s=1.0, free_mib=1,
)  # fmt: skip
WAIT_S = 30.0

PROGRAM = """
import json, os, pathlib, subprocess, sys, time

def say(**line):
    print(json.dumps(line), flush=True)

table, size, out = pathlib.Path(sys.argv[1]), int(sys.argv[2]), pathlib.Path(sys.argv[3])
rows = table.read_text().splitlines()
say(step="load", share=0.1, words=f"Reading {table.name}")
for row in rows:
    match row.split():
        case ["sleep", seconds]:
            time.sleep(float(seconds))
        case ["step", share]:
            say(step="race", share=float(share), words="Running Genetic Algorithm")
        case ["fail", *words]:
            (out / "half.txt").write_text("half")
            sys.exit(" ".join(words))
        case ["half"]:
            (out / "half.txt").write_text("half")
        case ["say", *words]:
            print(" ".join(words), file=sys.stderr)
        case ["die"]:
            os.kill(os.getpid(), 9)
        case ["stray", file]:
            code = f"import time; open({file!r}, 'w').write('here'); time.sleep(60)"
            subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
            while not pathlib.Path(file).exists():
                time.sleep(0.01)
        case ["print", count]:
            print("x" * int(count))
        case ["hurt"]:
            print("a warning", file=sys.stderr)
        case ["count", file]:
            with open(file, "a") as log:
                log.write(f"{table.name}\\n")
(out / "result.txt").write_text(f"{table.name} {size} {len(rows)}")
say(done={"rows": len(rows)})
"""


def command(job: Job) -> list[str]:
    return [sys.executable, "-c", PROGRAM, str(job.input), str(job.size), str(job.out)]


def share(root: Path) -> Places:
    places = Places(root)
    root.mkdir(exist_ok=True)
    places.prepare()
    return places


def put(places: Places, name: str, *rows: str) -> Path:
    path = places.input / name
    path.write_text("\n".join(rows))
    return path


def drop(places: Places, name: str, **keys: Any) -> Path:
    """A client's job; what is not said is as usual, None leaves a key out."""
    usual = {"job_id": name, "input_file": f"{name}.csv", "timestamp": "2025-07-30T10:15:00"}
    path = places.queue / f"{name}.json"
    path.write_text(json.dumps({k: v for k, v in (usual | keys).items() if v is not None}))
    return path


def record(folder: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / f"{name}.json").read_text())
    return found


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def aged(path: Path, seconds: float) -> Path:
    """As if it had been dropped so much earlier."""
    about = path.stat()
    os.utime(path, (about.st_atime - seconds, about.st_mtime - seconds))
    return path


async def until(what: Callable[[], Any], wait_s: float = WAIT_S) -> None:
    """Until it is so; files that are not there yet are not so."""
    async with asyncio.timeout(wait_s):
        while True:
            with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
                if what():
                    return
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def working(places: Places, **settings: Any) -> AsyncIterator[Worker]:
    """A worker at work; it is stopped at the end, and what ended it before is raised."""
    worker = Worker(places.root, command, replace(QUICK, **settings))
    async with asyncio.TaskGroup() as tasks:
        run = tasks.create_task(worker.run())
        yield worker
        run.cancel()
