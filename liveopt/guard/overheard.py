"""What a process writes on stderr, read by the guard: kept a little, and passed on or not."""

import asyncio
import codecs
import os
import sys
from contextlib import suppress
from typing import Final

from liveopt.logs import clean_text

KEPT_MAX: Final = 1 << 14
LINE_MAX: Final = 200


class Overheard:
    """One process's stderr from its start to its end; `theirs` is the end that it writes into."""

    def __init__(self, *, aloud: bool) -> None:
        self._ours, self.theirs = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._ours, False)
        self._aloud = aloud
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self.text = ""
        """The end of all that was said."""
        asyncio.get_running_loop().add_reader(self._ours, self._hear)

    def let_go(self) -> None:
        """The process has its end; ours of it is not needed any more."""
        if self.theirs >= 0:
            os.close(self.theirs)
            self.theirs = -1

    def aloud(self) -> None:
        """Pass on what was kept, and from here on everything."""
        if not self._aloud:
            self._aloud = True
            sys.stderr.write(clean_text(self.text))

    def close(self) -> None:
        """The process is gone: what it said last is heard, and no more."""
        asyncio.get_running_loop().remove_reader(self._ours)
        with suppress(OSError):
            while self._take():
                pass
        self.let_go()
        os.close(self._ours)

    @property
    def last(self) -> str:
        """Its last line, without secrets and without what moves a terminal's cursor."""
        lines = [line.strip() for line in self.text.splitlines() if line.strip()]
        text = lines[-1] if lines else ""
        return clean_text("".join(sign for sign in text if sign.isprintable()))[:LINE_MAX]

    def _hear(self) -> None:
        with suppress(BlockingIOError):
            if not self._take():
                asyncio.get_running_loop().remove_reader(self._ours)

    def _take(self) -> bool:
        """Whether there may be more."""
        said = os.read(self._ours, KEPT_MAX)
        text = self._decode(said)
        self.text = (self.text + text)[-KEPT_MAX:]
        if self._aloud and text:
            sys.stderr.write(text)  # which is patient in a guard
        return bool(said)
