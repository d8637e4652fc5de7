"""A job in a worker's hands: taken from the queue, and given up in one of three ways.

The order of the steps is such that a kill between any two of them loses nothing and does nothing
twice: first the claim, then the move; at the end the record, then the removal, then the claim.
"""

import contextlib
import hashlib
import os
import re
import threading
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from liveopt.portfolio.queue import claims, files
from liveopt.portfolio.queue.claims import Claim
from liveopt.portfolio.queue.inputs import Refused
from liveopt.portfolio.queue.job import BYTES_MAX, Document, NotADocument, content_of, document_of
from liveopt.portfolio.queue.places import Places
from liveopt.portfolio.queue.processes import Owner

AGAIN: Final = re.compile(r"\.again-[0-9a-f]{8}$")
"""What the name of a job that was put back has at its end."""
KEY_BYTES_MAX: Final = 180
"""Endings are added to it, and a name has 255."""
EXCERPT: Final = 4_000
UNFINISHED: Final = ".unfinished"
RUN: Final = re.compile(r"^run_[0-9_]+$")
CLAIM: Final = "claim"
ATTEMPTS: Final = "attempts"
OUT: Final = "output_dir"
OURS: Final = frozenset({OUT, "error", "warning", "ignored"})
"""Keys of a record that not every record has: those of an old one that is dropped again go."""


def key_of(name: str) -> str:
    """Of a job's file: its name without what was added here, or one that can be a name."""
    stem = AGAIN.sub("", name[: -len(".json")])
    if files.is_printable(stem) and len(os.fsencode(stem)) <= KEY_BYTES_MAX:
        return stem
    return f"{files.shown(stem)[:40]}_{hashlib.sha256(os.fsencode(stem)).hexdigest()[:8]}"


@dataclass(slots=True)
class Held:
    """A job that is this worker's, for as long as the claim is."""

    places: Places
    key: str
    claim: Claim
    document: Document = field(default_factory=dict)
    out: Path | None = None
    """The folder of its results, once there is one."""
    over: bool = False
    """Its record is written: nothing else may become of it."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Of whoever changes what it is: a thread that hangs may still come back to it."""

    @property
    def path(self) -> Path:
        """Its file while it is worked on."""
        return self.places.processing / f"{self.key}.json"

    @property
    def job_id(self) -> str:
        """As the client calls it, or its file."""
        return files.shown(str(self.document.get("job_id") or self.key))[:200]

    def read(self) -> None:
        """Its document; raises `Refused`, with what can be shown of the file kept."""
        for pause_s in (*claims.PAUSES_S, None):
            try:
                content = files.read(self.path, BYTES_MAX)
            except files.NotPlain as error:
                raise Refused(f"the job file cannot be read: {error}") from None
            try:
                self.document = document_of(content)
            except NotADocument:
                if pause_s is None:
                    self.document = {"content": content[:EXCERPT].decode(errors="replace")}
                    raise
                time.sleep(pause_s)  # a mounted share may show half of it for a moment
            else:
                return

    def attempt(self) -> int:
        """Counts this attempt in the file itself, which keeps its place by age; which one it is.

        With it the folder that its results go into, for whoever has to clear up after a kill.
        """
        number = attempts_of(self.document) + 1
        self.document |= {ATTEMPTS: number, CLAIM: self.claim.token}
        if self.out is not None:
            self.document[OUT] = self.places.told(self.out)
        about = self.path.lstat()
        files.write(self.path, content_of(self.document))
        os.utime(self.path, ns=(about.st_atime_ns, about.st_mtime_ns))
        return number

    def make_out(self, stamp: str) -> Path:
        """A new empty folder in output/."""
        for number in range(1, 10_000):
            name = f"run_{stamp}" if number == 1 else f"run_{stamp}_{number}"
            if os.path.lexists(self.places.output / f"{name}{UNFINISHED}"):
                continue  # it could not be set aside under that name
            with contextlib.suppress(FileExistsError):
                (self.places.output / name).mkdir()
                self.out = self.places.output / name
                return self.out
        raise FileExistsError(f"output/run_{stamp} and 9998 more")

    def is_ours(self) -> bool:
        """Nobody thought this worker dead meanwhile."""
        return claims.holds(self.places.processing, self.key, self.claim)

    def end(self, folder: Path, added: dict[str, Any]) -> None:
        """Into `completed` or `failed`; done twice it is as done once."""
        kept = {key: value for key, value in self.document.items() if key not in OURS}
        record = kept | added | {CLAIM: self.claim.token}
        files.write(_end_of(folder, self.key, self.claim.token), content_of(record))
        self.over = True
        self._leave()

    def put_back(self, *, counted: bool) -> bool:
        """Into the queue, under a name that no client has, with its age and place.

        False if its client has taken it away.
        """
        self.set_aside()
        path = self._where()
        if path is not None:
            if not counted and CLAIM in self.document:
                uncount(path, self.document)
            path.rename(again(self.places, self.key, self.claim.token))
        self._release()
        return path is not None

    def set_aside(self) -> None:
        """Half a result is not to be taken for one."""
        out = self.out
        if out is None or out.name.endswith(UNFINISHED):
            return
        self.out = None
        with contextlib.suppress(FileNotFoundError):  # who took the job over was faster
            try:
                out.rmdir()
            except FileNotFoundError:
                raise
            except OSError:
                self.out = out  # until it is done
                self.out = files.patiently(partial(out.rename, f"{out}{UNFINISHED}"))

    def find_out(self) -> None:
        """The folder of a dead worker's attempt, as `attempt` wrote it."""
        folder, _, name = str(self.document.get(OUT) or "").partition("/")
        path = self.places.output / name
        if folder == self.places.output.name and RUN.match(name) and not path.is_symlink():
            self.out = path if path.is_dir() else None

    def _leave(self) -> None:
        path = self._where()
        if path is not None:
            files.remove(path)
        self._release()

    def _release(self) -> None:
        files.remove(self.places.processing / f"{self.key}.progress")
        claims.release(self.places.processing, self.key, self.claim)

    def _where(self) -> Path | None:
        """A client may have renamed it meanwhile: then it is known by its claim."""
        if os.path.lexists(self.path):
            return self.path
        for name in files.names(self.places.processing, ".json"):
            path = self.places.processing / name
            if token_of(path) == self.claim.token:
                return path
        return None


def begin(places: Places, name: str, owner: Owner) -> Held | None:
    """Takes a job of the queue; None if another was faster, or has one of that name."""
    key = key_of(name)
    claim = claims.take(places.processing, key, owner)
    if claim is None:
        return None
    held = Held(places, key, claim)
    moved = False
    try:
        if not os.path.lexists(held.path):
            with contextlib.suppress(FileNotFoundError):
                files.patiently(lambda: (places.queue / name).rename(held.path))
                moved = True
    finally:
        if not moved:
            claims.release(places.processing, key, claim)
    return held if moved else None


def attempts_of(document: Document) -> int:
    """How often it was begun; what a client wrote there does not make it run forever."""
    found = document.get(ATTEMPTS)
    return found if isinstance(found, int) and 0 <= found < 1_000 else 0


def token_of(path: Path) -> str:
    """The claim that a file in `processing` was worked on under; empty if none."""
    try:
        return str(document_of(files.read(path, BYTES_MAX)).get(CLAIM) or "")
    except (Refused, files.NotPlain, FileNotFoundError):
        return ""


def has_ended(places: Places, key: str, token: str) -> bool:
    """Its record is written already: only the rest was not cleared away."""
    ends = [f / name for f in (places.completed, places.failed) for name in _names(key, token)]
    return bool(token) and any(token_of(path) == token for path in ends)


def again(places: Places, key: str, token: str) -> Path:
    """Where a job is put back to."""
    return places.queue / f"{key}.again-{token[:8]}.json"


def uncount(path: Path, document: Document) -> None:
    """An attempt that was not the job's fault."""
    about = path.lstat()
    kept = {k: v for k, v in document.items() if k != CLAIM}
    with contextlib.suppress(OSError):  # no room to say so: then it counts
        files.write(path, content_of(kept | {ATTEMPTS: max(0, attempts_of(document) - 1)}))
        os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))


def _names(key: str, token: str) -> tuple[str, str]:
    return f"{key}.json", f"{key}.{token[:8]}.json"


def _end_of(folder: Path, key: str, token: str) -> Path:
    """Its own name, unless a job of that name ended there before."""
    own, other = (folder / name for name in _names(key, token))
    return own if not os.path.lexists(own) or token_of(own) == token else other
