"""A demo for a dashboard that has nothing to show yet."""

from ipaddress import ip_address

import msgspec

from liveopt.web.call import Answered, Call
from liveopt.web.errors import Problem, missing
from liveopt.web.security import LOCAL


class Began(msgspec.Struct, frozen=True):
    """Its address works once, in a browser on this machine."""

    link: str


class Ended(msgspec.Struct, frozen=True):
    """Nothing is left of it."""

    ended: bool


async def begin(call: Call) -> Answered:
    """`liveopt demo` beside the run, on paper and on a market that is made up."""
    name = _asked_as(call)
    if call.service.mode == "demo":
        raise Problem(409, "REFUSED", "this is a demo already")
    found = await call.service.demo.begin()
    host = "127.0.0.1" if name.startswith("[") else name  # where it listens
    return Answered(Began(f"http://{host}:{found.port}/#t={found.word}"), 201)


async def end(call: Call) -> Ended:
    """End it, and throw away what it kept."""
    if not await call.service.demo.end():
        raise missing("no demo runs")
    return Ended(True)


def _asked_as(call: Call) -> str:
    """By which name of this machine; refused where the browser may be on another."""
    name, _, _ = call.request.headers["Host"].lower().rpartition(":")
    if name in LOCAL and ip_address(call.request.remote or "0.0.0.0").is_loopback:  # noqa: S104
        return name
    why = "a demo can be seen on its own machine only; run `liveopt demo` where your browser is"
    raise Problem(409, "REFUSED", why)
