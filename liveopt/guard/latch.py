"""The latch: the truth on disk about being halted. What cannot be read is halted.

A file of one page, allocated once and overwritten in place, so that a full disk cannot refuse it.
Two slots are written in turn, each with its checksum: a write torn by a power cut damages only the
slot it was for, and a damaged slot counts as halted.
"""

import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
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
DAMAGED: Final = "a slot is damaged"
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
        return self._overwrite(change, halted=True)

    def clear(self, change: Change) -> State:
        """No longer halted, unless another halt than was read stands; what is there now.

        The reason is kept. A HALT file still halts: remove it first.
        """
        return self._overwrite(change, halted=False)

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
            return unreadable(DAMAGED)
        return max(first, second, key=lambda state: state.number)

    def _page(self) -> bytes:
        if self._fd >= 0:
            return os.pread(self._fd, SIZE + 1, 0)
        return self.path.read_bytes()

    def _overwrite(self, change: Change, *, halted: bool) -> State:
        """The older slot, or a damaged one; a second time if the other was damaged too.

        What stood before is read under the lock, for another process may stop at the same moment.
        """
        self.open()
        locked = _lock(self._fd)
        try:
            found = [_parse(slot) for slot in _slots(os.pread(self._fd, SIZE, 0))]
            whole = [one for one in found if one is not None]
            newest = max(whole, key=lambda one: one.number, default=NEVER)
            is_whole = len(whole) == len(found)
            if change.ends not in {None, newest.number} and is_whole:
                return newest
            before = newest if is_whole else unreadable(DAMAGED)
            state = _after(before, change, 1 + newest.number, halted=halted)
            numbers = [one.number if one else -1 for one in found]
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


def _after(before: State, change: Change, number: int, *, halted: bool) -> State:
    """What is there once the change is made."""
    reason, by, mode = change.reason, change.by, change.mode
    if halted and before.halted:
        if change.guessed:
            reason, by = before.reason, before.by
        if before.mode == "halt_and_flatten":
            mode = before.mode
    return State(
        halted=halted,
        mode=mode,
        number=number,
        reason=_sayable(reason),
        by=_sayable(by),
        at_ns=change.at_ns,
    )


def _sayable(text: str) -> str:
    """Not too long; what a command line had that is no UTF-8 keeps no stop from being written."""
    return text[:REASON_MAX].encode("utf-8", "replace").decode()


def _make(path: Path) -> None:
    """Whole or not at all: written beside, then linked. Where two do, the first one's is it.

    A file put over another's would leave its writer with one that nobody reads any more.
    """
    beside = path.with_name(f"{path.name}.new-{secrets.token_hex(8)}")  # nobody else's, ever
    found = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(found, 0, SIZE)
        os.pwrite(found, _slot(NEVER) * 2, 0)
        os.fsync(found)
        _name(beside, path)
    finally:
        os.close(found)
        beside.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _name(beside: Path, path: Path) -> None:
    try:
        os.link(beside, path)
    except FileExistsError:
        return
    except OSError:  # a file system without links; there two may still be in each other's way
        beside.rename(path)


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
