"""People at the dashboard: a word used once becomes a session, a ticket opens one socket."""

import hashlib
import os
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
import structlog

log = structlog.get_logger()

COOKIE: Final = "liveopt_session"
FILE: Final = "sessions"
SESSION_S: Final = 12 * 3600.0
"""Without a request for so long a session is over."""
TOKEN_S: Final = 24 * 3600.0
TICKET_S: Final = 30.0
SESSIONS_MAX: Final = 256
TOKENS_MAX: Final = 64
TICKETS_MAX: Final = 4_096
KEPT_EVERY_S: Final = 600.0
"""How old the disk's knowledge of a session's last use may be."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """Opens one socket for whoever asked for it."""

    who: str
    until_s: float


class _File(msgspec.Struct, frozen=True):
    """What the disk remembers: hashes, and seconds since 1970."""

    sessions: dict[str, float]
    used: dict[str, float]


@dataclass(slots=True)
class Sessions:
    """Known by their hashes: what lies in memory and on the disk opens nothing.

    The disk remembers them because the web process is started again when it dies, and a person who
    watches must not be thrown out by that. Seconds are those of the wall clock.
    """

    folder: Path
    _tokens: OrderedDict[str, float] = field(default_factory=OrderedDict)
    _until: OrderedDict[str, float] = field(default_factory=OrderedDict)
    _tickets: OrderedDict[str, Ticket] = field(default_factory=OrderedDict)
    _used: OrderedDict[str, float] = field(default_factory=OrderedDict)
    _kept: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        try:
            found = msgspec.json.decode((self.folder / FILE).read_bytes(), type=_File)
        except (OSError, msgspec.DecodeError):
            found = _File({}, {})
        self._until.update(found.sessions)
        self._used.update(found.used)
        self._kept = dict(found.sessions)

    def admit(self, token: str, now_s: float) -> None:
        """A word that makes one session; one that was used is not good again after a restart."""
        if _hash(token) not in self._used:
            self._tokens[_hash(token)] = now_s + TOKEN_S
            while len(self._tokens) > TOKENS_MAX:
                self._tokens.popitem(last=False)

    def open(self, token: str, now_s: float) -> str | None:
        """The session's cookie for a token; None for a wrong, old or used one."""
        until_s = self._tokens.pop(_hash(token), 0.0)
        if until_s <= now_s:
            return None
        self._used[_hash(token)] = now_s
        while len(self._used) > TOKENS_MAX:
            self._used.popitem(last=False)
        cookie = secrets.token_urlsafe(32)
        self._until[_hash(cookie)] = now_s + SESSION_S
        while len(self._until) > SESSIONS_MAX:
            self._until.popitem(last=False)
        self._keep()
        return cookie

    def find(self, cookie: str, now_s: float) -> str | None:
        """Whose cookie this is, as a name that opens nothing; being used keeps a session alive."""
        name = _hash(cookie)
        if self._until.get(name, 0.0) <= now_s:
            self._until.pop(name, None)
            return None
        self._until[name] = now_s + SESSION_S
        self._until.move_to_end(name)
        if self._until[name] - self._kept.get(name, 0.0) > KEPT_EVERY_S:
            self._keep()
        return f"session {name[:8]}"

    def close(self, cookie: str) -> None:
        """Over."""
        if self._until.pop(_hash(cookie), None) is not None:
            self._keep()

    def ticket(self, who: str, now_s: float) -> str:
        """For one socket, soon."""
        word = secrets.token_urlsafe(24)
        self._tickets[_hash(word)] = Ticket(who, now_s + TICKET_S)
        while len(self._tickets) > TICKETS_MAX:
            self._tickets.popitem(last=False)
        return word

    def redeem(self, word: str, now_s: float) -> str | None:
        """Whose ticket this was; None for a wrong, old or used one."""
        found = self._tickets.pop(_hash(word), None)
        return None if found is None or found.until_s <= now_s else found.who

    def _keep(self) -> None:
        """A disk that is full costs the memory of a restart, and nobody's session now."""
        self._kept = dict(self._until)
        try:
            self._write()
        except OSError as error:
            log.warning("sessions could not be kept", error=str(error))

    def _write(self) -> None:
        beside = self.folder / f"{FILE}.new-{os.getpid()}"
        beside.unlink(missing_ok=True)
        file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.write(file, msgspec.json.encode(_File(self._kept, dict(self._used))))
        finally:
            os.close(file)
        beside.rename(self.folder / FILE)


def _hash(word: str) -> str:
    return hashlib.sha256(word.encode("utf-8", "surrogateescape")).hexdigest()
