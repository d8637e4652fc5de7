"""Workers: each side of the comparison in a process of its own, asked by lines of JSON.

The peers and liveopt live in different virtual environments, and rounds are interleaved; so every
worker stays alive, keeps what it has compiled, and runs only when it is asked.
"""

import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

ROOT = Path(__file__).parents[2]
LIBRARIES = ("NUMBA", "OMP", "OPENBLAS", "RAYON")
ENVIRONMENT = {f"{name}_NUM_THREADS": "1" for name in LIBRARIES} | {"PYTHONWARNINGS": "ignore"}

Handlers = Mapping[str, Callable[..., dict[str, Any]]]
T = TypeVar("T")


class Worker:
    """One long-lived process that answers one question at a time."""

    def __init__(self, python: str | Path, module: str) -> None:
        self.module = module
        self.process = subprocess.Popen(
            [str(python), "-m", module],
            cwd=ROOT,
            env=os.environ | ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, do: str, **given: Any) -> dict[str, Any]:
        """Let the worker do one thing and wait for what it found."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"do": do} | given) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.module} ended with status {self.process.wait()} in {do!r}")
        found: dict[str, Any] = json.loads(answer)
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """No more questions is the sign to leave."""
        self.process.communicate()


def serve(handlers: Handlers) -> None:
    """Answer on stdout until stdin ends; whatever a library prints goes to stderr instead."""
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        for line in sys.stdin:
            asked = json.loads(line)
            answers.write(json.dumps(handlers[asked.pop("do")](**asked)) + "\n")
            answers.flush()


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """CPU seconds of the whole process (all threads it may have started), and the result."""
    gc.collect()
    began_s = time.process_time()
    found = work()
    return time.process_time() - began_s, found
