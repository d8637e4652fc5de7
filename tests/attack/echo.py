"""An echo behind the product's own reader of frames, for the fuzzing client of others.

`python -m tests.attack.echo 9001` is it. Where Autobahn's suite is (it needs Python 2.7),
`wstest -m fuzzingclient -s spec.json` then plays all its cases, with the server's address
`ws://127.0.0.1:9001/ws` in that file, and without 12 and 13: there is no compression here.
"""

import asyncio
import sys
from dataclasses import dataclass, field
from typing import Any, Final, cast

from aiohttp import web

from liveopt.web import inbound
from liveopt.web.client import Client
from liveopt.web.inbound import Broken, Inbound
from liveopt.web.messages import framed, goodbye

MESSAGE_MAX: Final = 32 << 20
ANSWERS: Final = {
    inbound.TEXT: inbound.TEXT,
    inbound.BINARY: inbound.BINARY,
    inbound.PING: inbound.PONG,
}


@dataclass(slots=True)
class Echo:
    """Says everything back."""

    client: Client
    inbound: Inbound = field(default_factory=lambda: Inbound(MESSAGE_MAX))
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """As the stream's ear does it, but for the echo."""
        try:
            for opcode, payload in self.inbound.take(data):
                if opcode == inbound.CLOSE:
                    self.client.leave(goodbye(inbound.code_of(payload), ""))
                    break
                if opcode in ANSWERS:
                    self.client.write(framed(ANSWERS[opcode], payload))
        except Broken as broken:
            self.client.leave(goodbye(broken.code, broken.why))
        return self.client.leaving, b""

    def feed_eof(self) -> None:
        """The connection is over."""
        self.gone.set()


async def _answer(request: web.Request) -> web.StreamResponse:
    headers = inbound.shaken(request.version, request.headers, "liveopt")
    answer = web.StreamResponse(status=101, headers=headers)
    await answer.prepare(request)
    assert request.transport is not None
    echo = Echo(Client(request.transport, is_seed=False, heard_s=0.0))
    request.protocol.set_parser(cast(Any, echo))
    await echo.gone.wait()
    return answer


def main() -> None:
    """Until it is interrupted."""
    app = web.Application()
    app.router.add_get("/ws", _answer)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)


if __name__ == "__main__":
    main()
