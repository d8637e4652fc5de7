"""Who may knock at the door: this machine's own programs that hold the token, nobody's web page."""

import asyncio
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from multidict import MultiMapping

CONNECTIONS_MAX: Final = 64
LIFE_S: Final = 10.0
"""A connection serves one request; one that has sent half of it by then is cut."""
FETCH_SITES: Final = frozenset({"same-origin", "none"})


@dataclass(frozen=True, slots=True)
class Denied:
    """Why a request is not heard."""

    status: int
    why: str


@dataclass(frozen=True, slots=True)
class Fence:
    """Judges the head of a request, before it is routed and before its body is read."""

    port: int
    token: str

    def judge(self, target: str, headers: MultiMapping[str]) -> Denied | None:
        """None if it may pass. A page cannot forge Origin and Sec-Fetch-Site."""
        hosts = headers.getall("Host", [])
        if not target.startswith("/") or len(hosts) != 1 or hosts[0].lower() not in self._names():
            return Denied(403, "this door is for programs on this machine: ask 127.0.0.1")
        origins = headers.getall("Origin", [])
        if any(origin != f"http://{hosts[0]}" for origin in origins):
            return Denied(403, "a page of another origin may not ask here")
        if not FETCH_SITES.issuperset(headers.getall("Sec-Fetch-Site", [])):
            return Denied(403, "a page of another site may not ask here")
        if "Content-Encoding" in headers:
            return Denied(415, "send the body as it is, not compressed")
        if not self._known(headers.getall("Authorization", [])):
            return Denied(401, "Authorization: Bearer <token of control.json> is missing or wrong")
        return None

    def _names(self) -> tuple[str, ...]:
        return tuple(f"{name}:{self.port}" for name in ("127.0.0.1", "localhost", "[::1]"))

    def _known(self, said: list[str]) -> bool:
        kind, _, token = said[0].partition(" ") if len(said) == 1 else ("", "", "")
        given = token.strip().encode("utf-8", "surrogateescape")
        return hmac.compare_digest(given, self.token.encode()) and kind.lower() == "bearer"


class _Refusal(asyncio.Protocol):
    """Hangs up at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.abort()


@dataclass(frozen=True, slots=True)
class Connections:
    """Makes the protocol of each connection: so many at a time, each for so long."""

    make: Callable[[], asyncio.Protocol]
    count: Callable[[], int]
    cut: Callable[[asyncio.Protocol], None]

    def __call__(self) -> asyncio.Protocol:
        """For `loop.create_server`."""
        if self.count() >= CONNECTIONS_MAX:
            return _Refusal()
        protocol = self.make()
        asyncio.get_running_loop().call_later(LIFE_S, self.cut, protocol)
        return protocol
