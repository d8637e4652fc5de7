"""Log events by the million, each with a secret in it somehow, through the real pipeline."""

import base64
import io
import logging
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from liveopt import logs
from liveopt.logs.redaction import HIDDEN
from tests.attack.secrets_canaries import Canary, Search, exchange, spellings, word

BLOCK: Final = 1 << 20
OVERLAP: Final = 1 << 12
log = structlog.get_logger()
NOBODY: Final[dict[str, str]] = {}
Say = Callable[[random.Random, str], None]


class Sink(io.StringIO):
    """Where lines leave: searched block by block, and not kept."""

    def __init__(self, search: Search) -> None:
        super().__init__()
        self.search, self.lines, self.redacted = search, 0, 0
        self._block: list[str] = []
        self._size, self._tail = 0, b""

    def write(self, text: str) -> int:
        """One line, or a part of one."""
        self.lines += text.count("\n")
        self._block.append(text)
        self._size += len(text)
        if self._size >= BLOCK:
            self.settle()
        return len(text)

    def settle(self) -> None:
        """Search what has come; the end of the block before belongs to it."""
        data = "".join(self._block).encode("utf-8", "surrogateescape")
        self.redacted += data.count(b"[redacted]")
        self.search.look("a log line", self._tail + data)
        self._block, self._size, self._tail = [], 0, data[-OVERLAP:]


class Holder:
    """Something that says its secret when it is printed."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return f"<holder of {self.text}>"


def _reach(text: str) -> None:
    try:
        NOBODY[text]
    except KeyError as error:
        raise ConnectionError(f"no answer from https://host/v1?with={text}&id=7") from error


def _raised(text: str) -> Exception:
    try:
        _reach(text)
    except ConnectionError as error:
        return error
    raise AssertionError("it ends in an error")


def _in_the_log_of_others(luck: random.Random, text: str) -> None:
    logging.getLogger("aiohttp.client").warning("connection lost: %s", text)


def _bound(luck: random.Random, text: str) -> None:
    log.bind(peer=f"p{text}").warning("bound")


WAYS: Final[tuple[Say, ...]] = (
    lambda luck, text: log.info(" ".join(("refused", text, "of", str(luck.randrange(99))))),
    lambda luck, text: log.info("value", note=text),
    lambda luck, text: log.info("nested", body={"rows": [{"a": [1, text]}, (text, 2.5)]}),
    lambda luck, text: log.info("bytes", raw=text.encode("utf-8", "surrogateescape")),
    lambda luck, text: log.info("names", body={text: luck.randrange(9)}),
    lambda luck, text: log.error("failed", exc_info=_raised(text)),
    lambda luck, text: log.error("failed", error=repr(_raised(text))),
    lambda luck, text: log.warning("group", exc_info=ExceptionGroup("two", [_raised(text)])),
    lambda luck, text: log.info("held", holder=Holder(text), more=[Holder(text)]),
    lambda luck, text: log.info("set", names={text}, pairs=[("peer", text)]),
    lambda luck, text: log.info(text.center(luck.randrange(2_000), "x")),
    lambda luck, text: log.info("headers", headers={"X-API-Key": text, "Cookie": f"a={text}"}),
    lambda luck, text: log.info("text of headers", text=f"Authorization: Bearer {text}"),
    _in_the_log_of_others,
    _bound,
)


def canaries(luck: random.Random) -> tuple[list[Canary], dict[str, str]]:
    """Secrets of every kind that the product has, and the environment that holds some of them."""
    environ = exchange(luck) | {"LIVEOPT_WEB_TOKEN": word(luck)}
    hook = f"services/T{word(luck, 10)}/{word(luck, 24)}"
    found = [Canary(name, text.encode()) for name, text in environ.items()]
    environ["LIVEOPT__WEB__WEBHOOKS"] = f"https://hooks.example/{hook}"
    found += [
        Canary("webhook", hook.encode()),
        Canary("API key", f"lo_{luck.randbytes(4).hex()}_{word(luck)}".encode()),
        Canary("session", word(luck).encode()),
        Canary("token of the door", word(luck).encode()),
        Canary("pepper", luck.randbytes(32)),
    ]
    return found, environ


def register(found: list[Canary], environ: dict[str, str], stream: io.StringIO) -> None:
    """As the product does: the environment with the set-up, the rest when it comes to know them."""
    before = dict(os.environ)
    os.environ.update(environ)
    try:
        logs.setup(level="debug", stream=stream)
    finally:
        for name in environ:
            os.environ.pop(name)
        os.environ.update({name: before[name] for name in environ if name in before})
    for one in found:
        if one.kind in {"API key", "session", "token of the door", "pepper"}:
            logs.hide(one.raw if one.kind == "pepper" else one.text)


@dataclass(frozen=True)
class Played:
    """What one run came to."""

    events: int
    lines: int
    redacted: int
    bytes_seen: int
    hits: list[tuple[str, str, str]]
    seconds: float


def say(luck: random.Random, found: list[Canary]) -> None:
    """One event, with one secret in it, spelled somehow."""
    canary = luck.choice(found)
    before, after = luck.randbytes(luck.randrange(4)), luck.randbytes(luck.randrange(4))
    _, text = luck.choice(list(spellings(canary.raw, before, after)))
    if luck.random() < 0.05:
        text = base64.b64encode(b"someone:" + canary.raw).decode()
    luck.choice(WAYS)(luck, text)


def play(events: int, seed: int) -> Played:
    """So many, in this process."""
    luck = random.Random(seed)
    found, environ = canaries(luck)
    sink = Sink(Search(found))
    register(found, environ, sink)
    began_s = time.perf_counter()
    try:
        for _ in range(events):
            say(luck, found)
        sink.settle()
    finally:
        structlog.reset_defaults()
    seconds = time.perf_counter() - began_s
    assert len(HIDDEN) >= len(found)
    return Played(
        events, sink.lines, sink.redacted, sink.search.bytes_seen, sink.search.hits, seconds
    )
