"""Where sockets come in: bullets give tokens, and the upgrade takes them."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from aiohttp import web

from liveopt.exchange_sim.api import Call, Route
from liveopt.exchange_sim.frames import encode
from liveopt.exchange_sim.limits import Visits
from liveopt.exchange_sim.session import GRACE_S, MESSAGE_MAX, House, Session
from liveopt.exchange_sim.specs import Venue
from liveopt.exchange_sim.tokens import Token, Tokens

PATH: Final = "/endpoint"


class Door:
    """One host's bullets and upgrades."""

    def __init__(
        self, venue: Venue, house: House, tokens: Tokens, visits: Visits, url: Callable[[], str]
    ) -> None:
        self.venue = venue
        self._house = house
        self._tokens = tokens
        self._visits = visits
        self._url = url
        """Where the sockets are, known once the port is."""

    def routes(self) -> list[Route]:
        """The bullets, public and private."""
        return [
            Route("POST", "/api/v1/bullet-public", self._bullet, 10),
            Route("POST", "/api/v1/bullet-private", self._bullet, 10, self.venue, signed=True),
        ]

    async def open(self, request: web.Request) -> web.StreamResponse:
        """A connection from the upgrade to its end."""
        faults, now_s = self._house.faults, asyncio.get_running_loop().time()
        refused = faults.strike("connect-http", venue=self.venue)
        if refused is not None:
            return web.Response(status=int(refused["status"]))
        socket = web.WebSocketResponse(
            timeout=GRACE_S, autoping=False, max_msg_size=MESSAGE_MAX, compress=True
        )
        if not socket.can_prepare(request):
            return web.Response(status=400, text="a WebSocket upgrade is needed here")
        found = self._tokens.check(self.venue, request.query.get("token", ""), now_s)
        expired = faults.strike("token-expired", venue=self.venue)
        if expired is not None:
            found = "token is expired"
            if expired["as"] == "http":
                return web.Response(status=401)
        await asyncio.wait_for(socket.prepare(request), GRACE_S)
        connect_id = request.query.get("connectId") or f"{int(now_s * 1e6):x}"
        if not isinstance(found, Token):
            return await _turned_away(socket, connect_id, 401, found)
        who = found.user or request.remote or ""
        return await self._admitted(request, socket, (found, connect_id, who))

    async def _admitted(
        self,
        request: web.Request,
        socket: web.WebSocketResponse,
        ticket: tuple[Token, str, str],
    ) -> web.StreamResponse:
        token, connect_id, who = ticket
        busy = self._house.faults.strike("connect-509", venue=self.venue)
        if busy is not None:
            return await _turned_away(socket, connect_id, 509, str(busy["text"]))
        refusal = self._visits.enter(who, asyncio.get_running_loop().time())
        if refusal:
            return await _turned_away(socket, connect_id, 509, refusal)
        try:
            transport = request.transport
            if isinstance(transport, asyncio.Transport):
                session = Session(self._house, self.venue, token.user, socket, connect_id)
                await session.serve(transport)
        finally:
            self._visits.leave(who)
        return socket

    def _bullet(self, call: Call) -> dict[str, Any]:
        faults, limits = self._house.faults, self._house.limits
        short = faults.strike("token-life", venue=self.venue)
        life_s = limits.token_s if short is None else float(short["seconds"])
        unsafe = faults.strike("token-unsafe", venue=self.venue) is not None
        now_s = asyncio.get_running_loop().time()
        token = self._tokens.give(self.venue, call.user, (now_s, life_s), unsafe=unsafe)
        server = {
            "endpoint": self._url(),
            "encrypt": False,
            "protocol": "websocket",
            "pingInterval": limits.ping_interval_ms,
            "pingTimeout": limits.ping_timeout_ms,
        }
        return {"token": token.text, "instanceServers": [server]}


async def _turned_away(
    socket: web.WebSocketResponse, connect_id: str, code: int, text: str
) -> web.StreamResponse:
    """An error frame instead of a welcome, then a close."""
    error = {"id": connect_id, "type": "error", "code": code, "data": text}
    async with asyncio.timeout(2 * GRACE_S):
        await socket.send_str(encode(error).decode())
        await socket.close(code=1000)
    return socket
