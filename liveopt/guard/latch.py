"""The latch: the truth on disk about being halted. What cannot be read is halted.

A file of one page, allocated once and overwritten in place, so that a full disk cannot refuse it.
Two slots are written in turn, each with its checksum: a write torn by a power cut damages only the
slot it was for, and a damaged slot counts as halted.
"""

import fcntl
import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec

from liveopt.guard.gate import Mode

NAME: Final = "latch"
HALT_FILE: Final = "HALT"
"""Beside the latch; whoever can write there can halt with `touch`."""
SIZE: Final = 4096
SLOT: Final = SIZE // 2
DIGEST: Final = 64
REASON_MAX: Final = 500
LOCK_TRIES: Final = 20
LOCK_TRY_S: Final = 0.005


class State(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether the service is halted, since when, by whom and why."""

    halted: bool
    mode: Mode
    number: int
    """Counts the writes of this file."""
    reason: str
    by: str
    at_ns: int


@dataclass(frozen=True, slots=True)
class Change:
    """Who wants it how, and when."""

    reason: str
    by: str
    at_ns: int
    mode: Mode = "halt"
    guessed: bool = False
    """Only the gate or a signal was seen: the words of whoever wrote here meanwhile are better."""
    ends: int | None = None
    """Of a resume: the number it has read. What another process has written since stays."""


NEVER: Final = State(halted=False, mode="halt", number=0, reason="", by="", at_ns=0)


def unreadable(why: str) -> State:
    """What a damaged latch says."""
    reason = f"the latch is unreadable ({why}): taken as halted"
    return State(halted=True, mode="halt", number=0, reason=reason, by="latch", at_ns=0)


class Latch:
    """One file; `open` allocates it, `set` and `clear` are on disk when they return."""

    def __init__(
        self,
        path: Path,
        write: Callable[[int, bytes, int], int] = os.pwrite,
        sync: Callable[[int], None] = os.fdatasync,
    ) -> None:
        self.path = path
        self._write, self._sync = write, sync
        self._fd = -1

    def open(self) -> None:
        """Make the file if there is none, and keep it open: later no descriptor may be left."""
        if self._fd >= 0:
            return
        if not self.path.exists():
            _make(self.path)
        self._fd = os.open(self.path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)

    def close(self) -> None:
        """Let the file go."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def set(self, change: Change) -> State:
        """Halted from now on, through every restart. A weaker mode does not replace a stronger."""
        before = self.read(with_file=False)
        if before.halted and change.guessed:
            change = replace(change, reason=before.reason, by=before.by)
        strong = before.halted and before.mode == "halt_and_flatten"
        mode: Mode = "halt_and_flatten" if strong else change.mode
        return self._overwrite(change, mode, halted=True)

    def clear(self, change: Change) -> State:
        """No longer halted, unless another halt than was read stands; what is there now.

        The reason is kept. A HALT file still halts: remove it first.
        """
        return self._overwrite(change, change.mode, halted=False)

    def read(self, *, with_file: bool = True) -> State:
        """What is in force; a HALT file beside the latch halts whatever the latch says."""
        found = self._read()
        if found.halted or not with_file or not os.path.lexists(self.path.with_name(HALT_FILE)):
            return found
        reason = f"a file {HALT_FILE} is in {self.path.parent}"
        return msgspec.structs.replace(found, halted=True, reason=reason, by=HALT_FILE)

    def _read(self) -> State:
        try:
            page = self._page()
        except FileNotFoundError:
            return NEVER
        except OSError as error:
            return unreadable(str(error.strerror))
        first, second = (_parse(slot) for slot in _slots(page))
        if first is None or second is None:
            return unreadable("a slot is damaged")
        return max(first, second, key=lambda state: state.number)

    def _page(self) -> bytes:
        if self._fd >= 0:
            return os.pread(self._fd, SIZE + 1, 0)
        return self.path.read_bytes()

    def _overwrite(self, change: Change, mode: Mode, *, halted: bool) -> State:
        """The older slot, or a damaged one; a second time if the other was damaged too."""
        self.open()
        locked = _lock(self._fd)
        try:
            states = [_parse(slot) for slot in _slots(os.pread(self._fd, SIZE, 0))]
            whole = [state for state in states if state is not None]
            newest = max(whole, key=lambda state: state.number, default=NEVER)
            if change.ends not in {None, newest.number} and len(whole) == len(states):
                return newest
            number = 1 + newest.number
            state = State(
                halted=halted,
                mode=mode,
                number=number,
                reason=change.reason[:REASON_MAX],
                by=change.by[:REASON_MAX],
                at_ns=change.at_ns,
            )
            numbers = [state.number if state else -1 for state in states]
            order = sorted(range(2), key=numbers.__getitem__)
            for index in order if -1 in numbers else order[:1]:
                self._put(index, state)
            return state
        finally:
            if locked:
                fcntl.flock(self._fd, fcntl.LOCK_UN)

    def _put(self, index: int, state: State) -> None:
        slot = _slot(state)
        written = self._write(self._fd, slot, index * SLOT)
        if written != SLOT:
            raise OSError(f"{self.path}: {written} of {SLOT} bytes written")
        self._sync(self._fd)


def _make(path: Path) -> None:
    """Whole or not at all: written beside, then renamed."""
    beside = path.with_name(f"{path.name}.new-{os.getpid()}")
    found = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(found, 0, SIZE)
        os.pwrite(found, _slot(NEVER) * 2, 0)
        os.fsync(found)
        beside.rename(path)
    finally:
        os.close(found)
        beside.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _slot(state: State) -> bytes:
    text = msgspec.json.encode(state)
    room = SLOT - DIGEST - 2
    if len(text) > room:  # escapes of strange characters may take six bytes for one
        text = msgspec.json.encode(msgspec.structs.replace(state, reason="(too long)", by="?"))
    body = text.ljust(room) + b"\n"
    return hashlib.sha256(body).hexdigest().encode() + b" " + body


def _slots(page: bytes) -> tuple[bytes, bytes]:
    return page[:SLOT], page[SLOT:]


def _parse(slot: bytes) -> State | None:
    """None if one bit of it is not as it was written."""
    if len(slot) != SLOT:
        return None
    said, gap, body = slot[:DIGEST], slot[DIGEST : DIGEST + 1], slot[DIGEST + 1 :]
    if gap != b" " or said != hashlib.sha256(body).hexdigest().encode():
        return None
    try:
        return msgspec.json.decode(body, type=State)
    except msgspec.DecodeError:
        return None


def _lock(found: int) -> bool:
    """The guard and a caller that found it hanging may write at once; nobody waits for long."""
    for _ in range(LOCK_TRIES):
        try:
            fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(LOCK_TRY_S)
        else:
            return True
    return False
