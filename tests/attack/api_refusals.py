"""Every refusal that the description promises, asked for on purpose, route by route."""

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from liveopt.web.limits import BODY_MAX, BODY_S
from liveopt.web.openapi import PARAMETER
from tests.attack.api_service import Attacked

WRONG: Final = "lo_00000000_" + 43 * "A"
LARGE: Final = b'"' + b"a" * BODY_MAX + b'"'
JSON: Final = "application/json"
Promised = tuple[str, str, int]


class Asked(NamedTuple):
    """What was asked for, and what came."""

    route: tuple[str, str]
    wanted: int
    status: int
    shaped: bool
    """Whether the body is that of an error."""


def operations(description: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and the rest."""
    for path, own in description["paths"].items():
        for method, one in own.items():
            yield method.upper(), path, one


def promised(description: dict[str, Any]) -> set[Promised]:
    """Every status of every route."""
    return {
        (method, path, int(status))
        for method, path, one in operations(description)
        for status in one["responses"]
    }


def refusals(service: Attacked, description: dict[str, Any], *, patient: bool) -> list[Asked]:
    """All that can be had by asking; `patient` waits for bodies that do not come as well."""
    admin, lowest = service.key("admin"), service.key("read")
    known, found = promised(description), []
    for method, path, one in operations(description):
        for wanted, how in _ways(method, path, one, admin, lowest):
            if (method, path, wanted) in known:
                said = service.ask(how.method, how.path, how.body, **how.headers)
                shaped = said.status == 0 or "error_code" in json.loads(said.body)
                found.append(Asked((method, path), wanted, said.status, shaped))
    if patient:
        found += _late(service, description, admin)
    return found


class _How(NamedTuple):
    method: str
    path: str
    body: bytes | None
    headers: dict[str, str]


def _ways(
    method: str, path: str, one: dict[str, Any], admin: str, lowest: str
) -> Iterator[tuple[int, _How]]:
    """A status, and what to say to be told it."""
    place, own = PARAMETER.sub("x", path), {"Authorization": f"Bearer {admin}"}
    typed = own | {"Content_Type": JSON}
    lenient = path == "/api/optimizer/stop"
    if one["x-scope"] is not None:
        yield 401, _How(method, place, None, {})
        if one["x-scope"] != "read":
            yield 403, _How(method, place, None, {"Authorization": f"Bearer {lowest}"})
    yield 403, _How(method, place, None, own | {"Host": "elsewhere.example"})
    yield 403, _How(method, place, None, own | {"Origin": "http://elsewhere.example"})
    yield 405, _How("PATCH", place, None, own)
    yield 415, _How(method, place, None, own | {"Content_Encoding": "gzip"})
    if not lenient and path != "/ws":
        yield 400, _How(method, place, b"[1]", typed)
        yield 413, _How(method, place, LARGE, typed)


def limited(service: Attacked, description: dict[str, Any]) -> list[Asked]:
    """Wrong keys until nobody listens: to be asked last."""
    headers = {"Authorization": f"Bearer {WRONG}"}
    for _ in range(30):
        service.ask("GET", "/api/v1/run", None, **headers)
    found = []
    for method, path, one in operations(description):
        if one["x-scope"] is not None:
            said = service.ask(method, PARAMETER.sub("x", path), None, **headers)
            found.append(Asked((method, path), 429, said.status, b"error_code" in said.body))
    return found


def _late(service: Attacked, description: dict[str, Any], key: str) -> list[Asked]:
    """Bodies that are announced and do not come, all at the same time."""
    found: list[Asked] = []

    def wait(method: str, path: str) -> None:
        head = (
            f"{method} {PARAMETER.sub('x', path)} HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\n"
            f"Authorization: Bearer {key}\r\nContent-Type: {JSON}\r\nContent-Length: 9\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", service.port), 2.0 * BODY_S) as connection:
            connection.sendall(head.encode())
            said = connection.recv(65_536)
        if said:  # who dawdles may also be hung up on without a word
            status = int(said.split(b" ")[1])
            found.append(Asked((method, path), 408, status, b"error_code" in said))

    waiting = [
        threading.Thread(target=wait, args=(method, path))
        for method, path, status in promised(description)
        if status == 408 and path != "/api/optimizer/stop"
    ]
    for one in waiting:
        one.start()
    for one in waiting:
        one.join()
    return found
