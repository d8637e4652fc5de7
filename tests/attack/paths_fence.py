"""Every file that this process opens, by Python's own audit hook: none may lie outside."""

import os
import sys
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from tests.attack.paths_ids import MARK

FILES: Final = frozenset({
    "open", "os.listdir", "os.scandir", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link",
    "os.symlink", "os.chmod", "os.chown", "os.truncate", "os.utime", "os.chdir", "os.walk",
    "shutil.copyfile", "shutil.move", "shutil.rmtree", "sqlite3.connect", "ctypes.dlopen",
})  # fmt: skip
PROGRAMS: Final = frozenset(
    {"subprocess.Popen", "os.exec", "os.posix_spawn", "os.system", "os.fork"}
)
FOUND_MAX: Final = 100
NOWHERE: Final = "/nowhere/of/ours"
"""Opened on purpose, to see that the fence sees."""


@dataclass(slots=True)
class Fence:
    """Stands once `raise_` was called, for as long as the process lives; notes while `armed`."""

    root: str
    """As the disk knows it: no part of it is a link."""
    known: Collection[str]
    """Files outside that the service reads of its own accord."""
    armed: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    outside: list[str] = field(default_factory=list)
    marked: list[str] = field(default_factory=list)

    def raise_(self) -> None:
        """From here on everything is seen; a hook cannot be taken away again."""
        sys.addaudithook(self._see)

    def sees(self) -> bool:
        """Whether an open outside is noticed, as it should be."""
        before, self.armed = self.armed, True
        with suppress(OSError):
            os.close(os.open(NOWHERE, os.O_RDONLY))
        self.armed, seen = before, f"open {NOWHERE}" in self.outside
        self.outside = [one for one in self.outside if not one.endswith(NOWHERE)]
        return seen

    def _see(self, event: str, words: tuple[Any, ...]) -> None:
        if not self.armed:
            return
        if event in FILES:
            for word in words[:2] if event in {"os.rename", "os.link", "os.symlink"} else words[:1]:
                self._judge(event, word)
        elif event in PROGRAMS:
            self._note(self.outside, f"{event} {words!r:.200}")

    def _judge(self, event: str, word: Any) -> None:
        if not isinstance(word, str | bytes | os.PathLike):
            return  # a descriptor that is open already
        path = os.fsdecode(word)
        self.counts[event] += 1
        if MARK in path:
            self._note(self.marked, f"{event} {path}")
        real = os.path.realpath(path)
        inside = real == self.root or real.startswith(f"{self.root}/")
        if not inside and path not in self.known:
            self._note(self.outside, f"{event} {path}")

    def _note(self, found: list[str], text: str) -> None:
        if len(found) < FOUND_MAX:
            found.append(text)
