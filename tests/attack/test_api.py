"""Odd words to every route: only statuses that are described, only bodies of the types they say.

A handful of what `make fuzz-api` does with schemathesis, which is no dependency.
"""

import random
from collections import Counter
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import msgspec
import pytest

from liveopt.web import openapi
from liveopt.web.call import Route
from liveopt.web.errors import ErrorBody
from liveopt.web.openapi import EXAMPLES, PARAMETER
from liveopt.web.routes import ROUTES
from tests.attack.api import Found, judged
from tests.attack.api_refusals import Asked, promised
from tests.attack.paths import PROGRAMS
from tests.unit.web.house import House, Said, house

EACH: Final = 12
VALUES: Final[tuple[Any, ...]] = (
    None, True, 0, -1, 1, 1.0, 1.5, 10**18, -(2**63), 1e308, "", "x", "0", "a" * 5_000, "\u0000",
    "é", "٣", "1.0", [], {}, [None], {"a": [{}]}, "2024-02-30", "ma_crossover", "XBTUSDTM", "halt",
)  # fmt: skip
DESCRIBED: Final = promised(openapi.document(ROUTES, "1.0"))


def odd_query(route: Route, luck: random.Random) -> str:
    """Some of its parameters, and perhaps one that it does not know."""
    if route.query is None:
        return ""
    names = [one.encode_name for one in msgspec.structs.fields(route.query)] + ["nothing"]
    chosen = luck.sample(names, luck.randrange(len(names)))
    return "?" + "&".join(f"{name}={quote(str(luck.choice(VALUES)))}" for name in chosen)


def odd_body(route: Route, luck: random.Random) -> bytes | None:
    """An example or nothing, with some values that are others."""
    if route.body is None:
        return luck.choice((None, b"{}", b"[]"))
    body: dict[str, Any] = dict(EXAMPLES.get(f"{route.method} {route.path}", {}))
    names = [one.encode_name for one in msgspec.structs.fields(route.body)]
    for name in luck.sample(names, luck.randrange(len(names) + 1)):
        body[name] = luck.choice(VALUES)
    if luck.random() < 0.2:
        body["nothing"] = 1
    return msgspec.json.encode(body if luck.random() < 0.9 else luck.choice(VALUES))


def check(route: Route, said: Said) -> None:
    """As it is described."""
    told = (route.method, route.path, said.status, said.raw[:300])
    assert (route.method, route.path, said.status) in DESCRIBED, told
    assert said.status < 500 or route.path.endswith("ready"), told
    if said.status >= 400 and said.status not in route.others:
        msgspec.json.decode(said.raw, type=ErrorBody)
    elif isinstance(route.answer, str):
        assert said.headers["Content-Type"].startswith(route.answer), told
    elif said.status < 400:
        msgspec.json.decode(said.raw, type=route.answer)


async def attacked(home: House, route: Route, luck: random.Random) -> None:
    """One request."""
    names = [one.id for one in home.service.picture.who]
    id_ = luck.choice(["x", "1", "ma_crossover", "..", "é", *names])
    path = PARAMETER.sub(quote(id_, safe=""), route.path) + odd_query(route, luck)
    check(route, await home.ask(route.method, path, odd_body(route, luck)))


@pytest.mark.timeout(180)
async def test_odd_words_are_answered_as_it_is_described(tmp_path: Path) -> None:
    luck = random.Random(1)
    async with house(tmp_path) as home:
        for route in ROUTES:
            if route.path in PROGRAMS or route.tag == "socket":
                continue
            for _ in range(EACH if not route.path.startswith("/api/optimizer/") else 4):
                await attacked(home, route, luck)


def test_a_status_that_is_not_described_is_told() -> None:
    description = openapi.document(ROUTES, "1.0")
    seen = {("GET", "/api/v1/run", 200): 5, ("GET", "/api/v1/run", 418): 1}
    asked = [Asked(("GET", "/api/v1/run"), 401, 200, shaped=True)]
    report = judged(Found(6, 0, "", Counter(seen), asked, []), description)
    assert report["undescribed"] == [("GET", "/api/v1/run", 418)]
    assert report["not_refused_as_described"] == asked
    assert report["server_errors"] == 0
