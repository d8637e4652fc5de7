"""API keys: made here, shown once, kept as a keyed hash; who shows one may do what its scopes say.

`lo_<8 hexadecimal digits>_<43 letters>`: 256 bits. On the disk is HMAC-SHA256 with a pepper that
lies in a file of its own, so that the list of keys alone opens nothing.
"""

import fcntl
import hmac
import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal, NamedTuple, get_args

import msgspec

from liveopt import logs, whole
from liveopt.web.uses import Uses

Scope = Literal["read", "optimize", "trade", "stop", "admin"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
FILE: Final = "keys.json"
PEPPER: Final = "keys.pepper"
NAME_MAX: Final = 64
KEYS_MAX: Final = 1_000
PEPPER_BYTES: Final = 32
SECRET_BYTES: Final = 32
FRESH_S: Final = 0.2
"""How long the list is believed without a look at its file: a revoked key soon opens nothing."""
MEND: Final = (
    f"Put back copies of {FILE} and {PEPPER} that belong together; or remove both, make new keys"
    " with `liveopt keys create`: then no older one opens anything. What runs goes by the list it"
    " has read last"
)
_FORM: Final = re.compile(rb"lo_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")


class NoKey(Exception):
    """There is no such key, or it cannot be made; the message says why."""


class Unreadable(Exception):
    """The list is there and cannot be read; the message says why and what to do."""

    def __init__(self, path: Path, why: str, mend: str = MEND) -> None:
        super().__init__(f"{path} cannot be read: {why}. {mend}")
        self.why = why


class Key(msgspec.Struct, frozen=True):
    """One key as it is kept; the key itself is nowhere."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    digest: str
    created_ns: int
    expires_ns: int = 0
    """0 for never."""
    revoked_ns: int = 0

    def alive(self, wall_ns: int) -> bool:
        """Whether it opens anything."""
        return not self.revoked_ns and not 0 < self.expires_ns <= wall_ns


class _Known(NamedTuple):
    """A key, and the digest that is compared."""

    key: Key
    digest: bytes


NOBODY: Final = _Known(Key("", "", (), "", 0), bytes(32))
"""Whom an unknown key is compared with: nothing hashes to it."""


class Keys:
    """The keys of one state folder."""

    def __init__(self, folder: Path, told: Callable[[Key], None] = lambda _: None) -> None:
        """`told` hears of every key that is new here or has changed, before it is heeded."""
        self._folder, self._path, self._told = folder, folder / FILE, told
        self.uses = Uses(folder)
        self._known: dict[bytes, _Known] = {}
        self._seen: tuple[int, int, int] | None = None
        self._looked_s = float("-inf")
        self._pepper = b""
        self.trouble = ""
        """Why the list cannot be read now: who was on it before still is, as far as it is known."""

    def create(self, name: str, scopes: Iterable[str], now_ns: int, days: float = 0.0) -> str:
        """A new key: the only time that it can be read."""
        asked = tuple(dict.fromkeys(scopes))
        wanted = tuple(scope for scope in SCOPES if scope in asked)
        if not 0 < len(name) <= NAME_MAX or not name.isprintable():
            raise NoKey(f"a key has a name of 1 to {NAME_MAX} characters")
        if not wanted or len(wanted) < len(asked):
            raise NoKey(f"scopes are one or more of {', '.join(SCOPES)}")
        with self._writing() as known:
            if len(known) >= KEYS_MAX:
                raise NoKey(f"there are {KEYS_MAX} keys already")
            id_ = secrets.token_hex(4)
            text = f"lo_{id_}_{secrets.token_urlsafe(SECRET_BYTES)}"
            digest = _digest(self._own_pepper(new=not known), text.encode()).hex()
            ends_ns = now_ns + int(days * 86_400e9) if days else 0
            known.append(Key(id_, name, wanted, digest, now_ns, ends_ns))
        return text

    def revoke(self, id_: str, now_ns: int) -> Key:
        """It opens nothing any more, within a second also where a service runs."""
        with self._writing() as known:
            for place, key in enumerate(known):
                if key.id == id_:
                    if not key.revoked_ns:
                        known[place] = msgspec.structs.replace(key, revoked_ns=now_ns)
                    return known[place]
        raise NoKey(f"there is no key {id_!r}; `liveopt keys list` has those there are")

    def all(self) -> list[Key]:
        """Every key that was made, in that order; `Unreadable` if nobody can say."""
        try:
            return self._listed()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _refused(self._path, error) from error

    def find(self, given: bytes, now_s: float, wall_ns: int) -> Key | None:
        """Whose this is; it takes as long for one that is not known."""
        self.look(now_s)
        form = _FORM.fullmatch(given)
        known = self._known.get(form[1] if form else b"", NOBODY)
        same = hmac.compare_digest(_digest(self._pepper, given), known.digest)
        if not same or not known.key.alive(wall_ns):
            return None
        logs.hide(given)
        self.uses.note(known.key.id, wall_ns)
        return known.key

    def alive(self, id_: str, now_s: float, wall_ns: int) -> bool:
        """Whether this key still opens anything."""
        self.look(now_s)
        known = self._known.get(id_.encode())
        return known is not None and known.key.alive(wall_ns)

    def look(self, now_s: float) -> None:
        """Read the file again if it is another one and the last look is not of just now.

        One that cannot be read changes nothing: whom the last good one let in, those come in, and
        `trouble` says it. A list that somebody has removed lets nobody in.
        """
        if now_s - self._looked_s <= FRESH_S:
            return
        self._looked_s = now_s
        try:
            found = self._path.stat()
            seen = (found.st_ino, found.st_mtime_ns, found.st_size)
            if seen != self._seen:
                self._read()
                self._seen = seen
            self.trouble = ""
        except FileNotFoundError:
            self._known, self._seen, self.trouble = {}, None, ""
        except OSError as error:
            self._seen, self.trouble = None, _refused(self._path, error).why
        except Unreadable as error:
            self._seen, self.trouble = None, error.why

    def _read(self) -> None:
        found = self._listed()
        pepper = self._own_pepper(new=False) if found else b""
        logs.pin(pepper)
        known = {k.id.encode(): _Known(k, bytes.fromhex(k.digest)) for k in found}
        for id_, one in known.items():
            if self._known.get(id_) != one:
                self._told(one.key)
        self._known, self._pepper = known, pepper

    def _own_pepper(self, *, new: bool) -> bytes:
        """Made with the first key; readable for its owner alone."""
        path = self._folder / PEPPER
        if new and not path.exists():
            whole.write(path, secrets.token_bytes(PEPPER_BYTES))
        try:
            found = path.read_bytes()
        except OSError as error:
            raise _refused(path, error) from error
        if len(found) != PEPPER_BYTES:
            raise Unreadable(path, f"it has {len(found)} bytes, not {PEPPER_BYTES}")
        return found

    def _listed(self) -> list[Key]:
        content = self._path.read_bytes()
        try:
            found = msgspec.json.decode(content, type=list[Key])
            for key in found:
                bytes.fromhex(key.digest)
        except ValueError as error:
            raise Unreadable(self._path, str(error)) from error
        return found

    @contextmanager
    def _writing(self) -> Iterator[list[Key]]:
        """One at a time."""
        self._folder.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        lock = os.open(self._folder / f"{FILE}.lock", flags, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = self.all()
            yield known
            whole.write(self._path, msgspec.json.encode(known))
        finally:
            os.close(lock)


def _digest(pepper: bytes, given: bytes) -> bytes:
    return hmac.digest(pepper, given, "sha256")


def _refused(path: Path, error: OSError) -> Unreadable:
    why = error.strerror or type(error).__name__
    if isinstance(error, FileNotFoundError):
        return Unreadable(path, why)
    return Unreadable(path, why, "Let the user that liveopt runs as read it")
