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
_FORM: Final = re.compile(rb"lo_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")


class NoKey(Exception):
    """There is no such key, or it cannot be made; the message says why."""


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
        self._known: dict[bytes, _Known] = {}
        self._seen: tuple[int, int, int] | None = None
        self._looked_s = float("-inf")
        self._pepper = b""

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
            digest = _digest(self._own_pepper(), text.encode()).hex()
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
        """Every key that was made, in that order."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=list[Key])
        except FileNotFoundError:
            return []

    def find(self, given: bytes, now_s: float, wall_ns: int) -> Key | None:
        """Whose this is; it takes as long for one that is not known."""
        if now_s - self._looked_s > FRESH_S:
            self._look(now_s)
        form = _FORM.fullmatch(given)
        known = self._known.get(form[1] if form else b"", NOBODY)
        same = hmac.compare_digest(_digest(self._pepper, given), known.digest)
        return known.key if same and known.key.alive(wall_ns) else None

    def _look(self, now_s: float) -> None:
        """Read the file again if it is another one; one that cannot be read opens nothing."""
        self._looked_s = now_s
        try:
            found = self._path.stat()
            seen = (found.st_ino, found.st_mtime_ns, found.st_size)
            if seen != self._seen:
                self._pepper = (self._folder / PEPPER).read_bytes()
                known = {k.id.encode(): _Known(k, bytes.fromhex(k.digest)) for k in self.all()}
                for id_, one in known.items():
                    if self._known.get(id_) != one:
                        self._told(one.key)
                self._known, self._seen = known, seen
        except (OSError, ValueError):
            self._known, self._seen = {}, None

    def _own_pepper(self) -> bytes:
        """Made with the first key; readable for its owner alone."""
        path = self._folder / PEPPER
        try:
            return path.read_bytes()
        except FileNotFoundError:
            _write(path, secrets.token_bytes(PEPPER_BYTES))
            return path.read_bytes()

    @contextmanager
    def _writing(self) -> Iterator[list[Key]]:
        """One at a time; the list is written whole or not at all."""
        self._folder.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        lock = os.open(self._folder / f"{FILE}.lock", flags, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = self.all()
            yield known
            _write(self._path, msgspec.json.encode(known))
        finally:
            os.close(lock)


def _digest(pepper: bytes, given: bytes) -> bytes:
    return hmac.digest(pepper, given, "sha256")


def _write(path: Path, data: bytes) -> None:
    beside = path.with_name(f"{path.name}.new-{os.getpid()}")
    beside.unlink(missing_ok=True)
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, data)
        os.fsync(file)
    finally:
        os.close(file)
    beside.rename(path)
