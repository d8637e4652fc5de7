"""The gate: a page of shared memory that says whether entries are wanted, read before every tick.

Every field is one aligned word of eight bytes, so that a store is seen whole or not at all and
nobody waits for anybody. What is wanted and its number share one word. A word has one writer, but
for what is written from outside: those stops are rare, and the guard shuts its own word after each.
"""

import mmap
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Self

NAME: Final = "gate"
SIZE: Final = 4096
MAGIC: Final = int.from_bytes(b"liveopt1", "little")

OPEN: Final = 0
HALT: Final = 1
"""No new positions; exits are allowed."""
FLATTEN: Final = 2
"""No new positions, and those open are closed at the market."""
Mode = Literal["halt", "halt_and_flatten"]
MODES: Final[dict[int, Mode]] = {HALT: "halt", FLATTEN: "halt_and_flatten"}
BY_NAME: Final[dict[Mode, int]] = {name: mode for mode, name in MODES.items()}
UNSAID: Final = 0
DISK_FULL: Final = 1
JOURNAL_BROKEN: Final = 2
"""Why somebody other than the guard shut it; who has a disk to say it on, says it in the latch."""

# Words. The guard's lie in the page's first half, the engine's in its second.
_MAGIC, _GUARD, _OUTSIDE, _WHY = 0, 8, 16, 17
_HEARD, _SEQ, _STOPPED, _POSITIONS, _SLOW, _BEAT = 256, 257, 258, 259, 260, 264
_ENGINE: Final = range(256, 512)

# A word of who may shut is (count << 2 | mode); both modes or-ed, 3 is the stronger of 1 and 2.
_STRONGER: Final = (OPEN, HALT, FLATTEN, FLATTEN)
_MASK: Final = 3
_SHIFT: Final = 2


class BadGate(Exception):
    """The file is no gate."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the engine last said about the gate."""

    number: int
    """The newest change it has acted upon."""
    seq: int
    """The input at which that change took effect."""
    variants_stopped: int
    positions_open: int
    slow_waiting: int
    """Workers of the slow lane that have not confirmed."""


class Gate:
    """Shared between the guard, which shuts it, and the engine, which acknowledges.

    The engine reads `wanted` before every tick; when `number` is not what it last acknowledged,
    it acts, journals the change as an input and calls `acknowledge` with that input's number.
    """

    def __init__(self, page: mmap.mmap) -> None:
        self._page = page
        self._words = memoryview(page).cast("Q")

    @classmethod
    def create(cls, path: Path, mode: int = OPEN, number: int = 1) -> Self:
        """Make the file, or make it anew; what an engine of an earlier life said is forgotten."""
        found = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(found, 0, SIZE)  # or a full disk would kill at the first store
            os.ftruncate(found, SIZE)
            gate = cls(mmap.mmap(found, SIZE))
        finally:
            os.close(found)
        if gate._words[_MAGIC] == MAGIC:  # numbers count on through the guard's lives
            number = max(number, gate.number + 1)
        gate.forget_engine()
        gate._words[_OUTSIDE] = gate._words[_WHY] = 0
        gate._words[_GUARD] = number << _SHIFT | mode
        gate._words[_MAGIC] = MAGIC
        return gate

    @classmethod
    def open(cls, path: Path) -> Self:
        """The gate that the guard made, to read and to acknowledge."""
        found = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            about = os.fstat(found)
            if not stat.S_ISREG(about.st_mode) or about.st_size != SIZE:
                raise BadGate(f"{path} is no gate: {about.st_size} bytes")
            gate = cls(mmap.mmap(found, SIZE))
        finally:
            os.close(found)
        if gate._words[_MAGIC] != MAGIC:
            gate.close()
            raise BadGate(f"{path} is no gate: it begins with other bytes")
        return gate

    def close(self) -> None:
        """Let the memory go; the file stays."""
        self._words.release()
        self._page.close()

    # What everybody reads

    @property
    def wanted(self) -> int:
        """OPEN, HALT or FLATTEN: read it before every tick."""
        words = self._words
        return _STRONGER[(words[_GUARD] | words[_OUTSIDE]) & _MASK]

    @property
    def number(self) -> int:
        """Counts up at every change: the value to acknowledge, read before `wanted`."""
        return (self._words[_GUARD] >> _SHIFT) + (self._words[_OUTSIDE] >> _SHIFT)

    @property
    def heard(self) -> Heard:
        """The engine's last acknowledgement."""
        words = self._words
        number = words[_HEARD]  # first: what is read after it is of this number or a later one
        return Heard(number, words[_SEQ], words[_STOPPED], words[_POSITIONS], words[_SLOW])

    @property
    def beats(self) -> int:
        """The engine's heartbeat; 0 until it has started."""
        return self._words[_BEAT]

    @property
    def own(self) -> int:
        """The mode that the guard has set, without what was set beside it."""
        return self._words[_GUARD] & _MASK

    @property
    def outside(self) -> tuple[int, int]:
        """How often it was shut beside the guard, and the mode that stands there."""
        word = self._words[_OUTSIDE]
        return word >> _SHIFT, word & _MASK

    @property
    def why(self) -> int:
        """Why it was shut from outside: UNSAID, DISK_FULL or JOURNAL_BROKEN."""
        return self._words[_WHY]

    # What the guard writes

    def shut(self, mode: int) -> int:
        """Let no entry pass from now on; a weaker mode never replaces a stronger. Its number."""
        word = self._words[_GUARD]
        stronger = max(mode, _STRONGER[word & _MASK])
        self._words[_GUARD] = ((word >> _SHIFT) + 1) << _SHIFT | stronger
        return self.number

    def open_again(self) -> int:
        """Let entries pass, whoever had shut it; its number."""
        words = self._words
        if words[_OUTSIDE] & _MASK:
            words[_OUTSIDE] = words[_OUTSIDE] >> _SHIFT << _SHIFT
            words[_WHY] = UNSAID
        words[_GUARD] = ((words[_GUARD] >> _SHIFT) + 1) << _SHIFT
        return self.number

    def forget_engine(self) -> None:
        """Blank what an engine wrote; only while none runs."""
        for word in _ENGINE:
            self._words[word] = 0

    # What others write: a caller whom the guard does not answer, an engine whose disk fails

    def shut_from_outside(self, mode: int, why: int = UNSAID) -> int:
        """The same as `shut` in a word of its own: works beside a guard that hangs."""
        word = self._words[_OUTSIDE]
        self._words[_WHY] = why  # first: who finds the gate shut looks why
        stronger = max(mode, _STRONGER[word & _MASK])
        self._words[_OUTSIDE] = ((word >> _SHIFT) + 1) << _SHIFT | stronger
        return self.number

    # What the engine writes

    def acknowledge(
        self, number: int, seq: int, stopped: int, positions: int, slow_waiting: int = 0
    ) -> None:
        """The change of that number is in effect from the input `seq` on."""
        words = self._words
        words[_SEQ] = seq
        words[_STOPPED] = stopped
        words[_POSITIONS] = positions
        words[_SLOW] = slow_waiting
        words[_HEARD] = number  # last: it says that the others are there

    def beat(self) -> None:
        """One more turn of the engine's loop, several a second."""
        self._words[_BEAT] = (self._words[_BEAT] + 1) & 0xFFFF_FFFF_FFFF_FFFF
