"""People at the dashboard: a word used once becomes a session, a ticket opens one socket.

A session is two secrets. The cookie goes to every service of this machine's name, whatever its
port; the other, which the page keeps for its own origin and shows with each request, goes to
none of them. The one without the other opens nothing.
"""

import hashlib
import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import structlog

from liveopt import logs, whole

log = structlog.get_logger()

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


class Opened(NamedTuple):
    """A new session: its name opens nothing, the other two together everything."""

    who: str
    cookie: str
    secret: str


class _Session(msgspec.Struct):
    """Until when it goes on, and the hash of what its page keeps."""

    until_s: float
    secret: str


class _File(msgspec.Struct, frozen=True):
    """What the disk remembers: hashes, and seconds since 1970."""

    sessions: dict[str, _Session]
    used: dict[str, float]


@dataclass(slots=True)
class Sessions:
    """Known by their hashes: what lies in memory and on the disk opens nothing.

    The disk remembers them because the web process is started again when it dies, and a person who
    watches must not be thrown out by that. Seconds are those of the wall clock.
    """

    folder: Path
    _tokens: OrderedDict[str, float] = field(default_factory=OrderedDict)
    _open: OrderedDict[str, _Session] = field(default_factory=OrderedDict)
    _tickets: OrderedDict[str, Ticket] = field(default_factory=OrderedDict)
    _used: OrderedDict[str, float] = field(default_factory=OrderedDict)
    _kept: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        try:
            found = msgspec.json.decode((self.folder / FILE).read_bytes(), type=_File)
        except (OSError, msgspec.DecodeError):
            found = _File({}, {})
        self._open.update(found.sessions)
        self._used.update(found.used)
        self._kept = {name: one.until_s for name, one in found.sessions.items()}

    def admit(self, token: str, now_s: float) -> None:
        """A word that makes one session; one that was used is not good again after a restart."""
        logs.hide(token)
        if _hash(token) not in self._used:
            self._tokens[_hash(token)] = now_s + TOKEN_S
            while len(self._tokens) > TOKENS_MAX:
                self._tokens.popitem(last=False)

    def open(self, token: str, now_s: float) -> Opened | None:
        """A session for a token; None for a wrong, old or used one."""
        until_s = self._tokens.pop(_hash(token), 0.0)
        if until_s <= now_s:
            return None
        self._used[_hash(token)] = now_s
        while len(self._used) > TOKENS_MAX:
            self._used.popitem(last=False)
        cookie, secret = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        name = _hash(cookie)
        self._open[name] = _Session(now_s + SESSION_S, _hash(secret))
        while len(self._open) > SESSIONS_MAX:
            self._open.popitem(last=False)
        self._keep()
        for word in (cookie, secret):
            logs.hide(word)
        return Opened(_called(name), cookie, secret)

    def find(self, cookie: str, secret: str, now_s: float) -> str | None:
        """Whose these are, as a name that opens nothing; being used keeps a session alive."""
        name = _hash(cookie)
        found = self._known(name, now_s)
        if found is None or not hmac.compare_digest(found.secret, _hash(secret)):
            return None
        logs.hide(cookie)
        logs.hide(secret)
        self._use(name, now_s)
        return _called(name)

    def seen(self, cookie: str, now_s: float) -> str | None:
        """Whose cookie this is: enough for what anybody with a session may read, and no more."""
        name = _hash(cookie)
        if self._known(name, now_s) is None:
            return None
        logs.hide(cookie)
        return _called(name)

    def alive(self, who: str, now_s: float) -> bool:
        """Whether a session of this name goes on; one whose socket is open is in use."""
        found = [n for n in self._open if _called(n) == who and self._known(n, now_s) is not None]
        for name in found:
            self._use(name, now_s)
        return bool(found)

    def close(self, who: str) -> None:
        """Over."""
        found = [name for name in self._open if _called(name) == who]
        for name in found:
            del self._open[name]
        if found:
            self._keep()

    def _known(self, name: str, now_s: float) -> _Session | None:
        found = self._open.get(name)
        return None if found is None or found.until_s <= now_s else found

    def _use(self, name: str, now_s: float) -> None:
        self._open[name].until_s = now_s + SESSION_S
        self._open.move_to_end(name)
        if self._open[name].until_s - self._kept.get(name, 0.0) > KEPT_EVERY_S:
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
        self._kept = {name: one.until_s for name, one in self._open.items()}
        try:
            kept = msgspec.json.encode(_File(dict(self._open), dict(self._used)))
            whole.write(self.folder / FILE, kept, synced=False)
        except OSError as error:
            log.warning("sessions could not be kept", error=str(error))


def cookie_name(port: int, *, encrypted: bool) -> str:
    """Of the service at this port: cookies do not know of ports, and one would sign out another.

    `__Host-`: no other name of the same domain can have set it (RFC 6265bis, section 4.1.3.2).
    """
    return f"{'__Host-' if encrypted else ''}liveopt_{port}"


def _called(name: str) -> str:
    return f"session {name[:8]}"


def _hash(word: str) -> str:
    return hashlib.sha256(word.encode("utf-8", "surrogateescape")).hexdigest()
