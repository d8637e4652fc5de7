"""A demo beside the run: `liveopt demo` as a child, with folder, settings and ports of its own.

It shares nothing with the run: not its market, its latch, its settings or its environment. It
ends with this process, or by itself after an hour.
"""

import asyncio
import os
import re
import shutil
import signal
import sys
import tempfile
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog

from liveopt.guard import child, lock
from liveopt.web.errors import Problem

log = structlog.get_logger()

PREFIX: Final = "demo-"
SAID: Final = "said"
ERRORS: Final = "errors.log"
SETTINGS: Final = "liveopt.toml"
LINK: Final = re.compile(r"dashboard http://[^/\s]+:(\d+)/#t=(\S+)")
LINK_S: Final = 30.0
"""For the child to say where it is; most of it is Python that starts."""
LOOK_S: Final = 0.05
LIFE_S: Final = 3600
POLITE_S: Final = 1.0
"""This process has two seconds to end itself."""
BURY_S: Final = 0.5
NICE: Final = 10
PASSED: Final = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH",
    "XDG_CACHE_HOME", "LIVEOPT_CACHE", "VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME",
    "NUMBA_CACHE_DIR", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES",
})  # fmt: skip
"""What the child is given of this process's environment: no secret of an exchange has such a name,
and no setting."""


@dataclass(frozen=True, slots=True)
class Link:
    """Where the demo is, with a word that opens one session there."""

    port: int
    word: str


@dataclass(slots=True)
class Demo:
    """One at a time."""

    state: Path
    """The run's folder; the demo's is made in it."""
    port: int = 0
    """Of the one that runs."""
    _process: Process | None = None
    _folder: Path | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def alive(self) -> bool:
        """Whether one runs."""
        return self._process is not None and self._process.returncode is None

    async def begin(self) -> Link:
        """A new one; refused while one runs."""
        async with self._turn:
            if self.alive:
                raise Problem(
                    409, "DEMO_RUNNING", "a demo runs already, and its link worked once; end it"
                    " with DELETE /api/v1/demo, or go on in the browser that has opened it",
                    {"port": self.port},
                )  # fmt: skip
            self._folder = await asyncio.to_thread(_made, self.state)
            found: Link | None = None
            try:
                self._process = await _started(self._folder)
                found = await self._link(self._folder)
            finally:
                if found is None:
                    await self._end()
            self.port = found.port
            log.info("a demo runs", port=found.port, pid=self._process.pid)
            return found

    async def end(self) -> bool:
        """Over, with all that it kept; False if none ran."""
        async with self._turn:
            ran = self.alive
            await self._end()
            return ran

    async def close(self) -> None:
        """The same at the end of this process, also of one that is just beginning."""
        await self._end()

    async def _link(self, folder: Path) -> Link:
        """Once it has said it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LINK_S):
                while self.alive:
                    if found := LINK.search(_text(folder / SAID)):
                        return Link(int(found[1]), found[2])
                    await asyncio.sleep(LOOK_S)
        lines = _text(folder / ERRORS).strip().splitlines()
        why = lines[-1].removeprefix("liveopt: ") if lines else "it said nothing of a dashboard"
        raise Problem(503, "DEMO_FAILED", f"the demo did not begin: {why}")

    async def _end(self) -> None:
        """Politely, and soon for certain: whatever it started ends with it."""
        process, folder = self._process, self._folder
        self._process = self._folder = None
        self.port = 0
        if process is not None:
            for number, wait_s in ((signal.SIGTERM, POLITE_S), (signal.SIGKILL, BURY_S)):
                with suppress(ProcessLookupError, TimeoutError):
                    if process.returncode is None:
                        os.killpg(process.pid, number)
                    async with asyncio.timeout(wait_s):
                        await process.wait()
        if folder is not None:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _made(state: Path) -> Path:
    """A folder for one; those go whose demo ended by itself, or with a process that was killed."""
    for old in state.glob(f"{PREFIX}*"):
        if (old / SAID).is_file() and lock.holder(old / lock.NAME) is None:
            shutil.rmtree(old, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=state)).resolve()
    (folder / SETTINGS).touch()  # empty, so that none of another folder is read
    return folder


async def _started(folder: Path) -> Process:
    nice = shutil.which("nice")
    words = [nice, "-n", str(NICE)] if nice else []
    words += [sys.executable, "-m", "liveopt", "demo", "--for", str(LIFE_S)]
    launcher = [sys.executable, "-I", "-S", str(Path(child.__file__)), str(os.getpid())]
    with (folder / SAID).open("wb") as said, (folder / ERRORS).open("wb") as errors:
        return await asyncio.create_subprocess_exec(
            *launcher, *words, stdin=DEVNULL, stdout=said, stderr=errors,
            env=environment(os.environ, folder), process_group=0,
        )  # fmt: skip


def environment(own: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Of the child: the machine's, and nothing of the run's."""
    kept = {name: own[name] for name in own if name in PASSED or name.startswith("LC_")}
    return kept | {
        "LIVEOPT_CONFIG": str(folder / SETTINGS),
        "LIVEOPT__JOURNAL__FOLDER": str(folder),
        "LIVEOPT__WEB__PORT": "0",
        "LIVEOPT__CONTROL__PORT": "0",
    }


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")
