"""Who may ask what, how often, and with which words: every route alike."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSMsgType

from liveopt.guard.clock import WALL
from liveopt.web.call import BODY_MAX, Route
from liveopt.web.keys import SCOPES
from liveopt.web.limits import Rates
from liveopt.web.routes import ROUTES
from tests.unit.web.house import TOKEN, House, house

ALLOWED = {
    "read": {"read", "optimize", "trade", "stop", "admin"},
    "optimize": {"optimize", "admin"},
    "trade": {"trade", "admin"},
    "stop": {"stop", "trade", "admin"},
    "admin": {"admin"},
}
BODIES: dict[str, Any] = {
    "/api/optimizer/stop": {"reason": "a test"},
    "/api/optimizer/resume": {"reason": "a test"},
    "/api/optimizer/promote": {"variantId": "nobody"},
    "/api/session": {"token": "wrong"},
    "/api/v1/strategies/{id}/validate": {"parameters": {}},
    "/api/v1/optimize/single": {"strategy_name": "x", "asset": "y", "timeframe": "1m"},
    "/api/v1/optimize/batch": {
        "requests": [{"strategy_name": "x", "asset": "y", "timeframe": "1m"}]
    },
}


def path_of(route: Route) -> str:
    return route.path.replace("{id}", "ma_crossover")


def plain() -> list[Route]:
    return [route for route in ROUTES if route.tag != "socket"]


async def asked(home: House, route: Route, scope: str, **headers: str) -> Any:
    body = BODIES.get(route.path, {}) if route.method == "POST" else None
    return await home.ask(route.method, path_of(route), body, scope, headers)


async def test_each_route_answers_to_its_scopes_and_to_no_other(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        for route in plain():
            for scope in SCOPES:
                said = await asked(home, route, scope)
                may = route.scope is None or scope in ALLOWED[route.scope]
                forbidden = said.status == 403 and said.body["error_code"] == "FORBIDDEN_SCOPE"
                assert forbidden is not may, (route.path, scope, said.status, said.raw[:200])
                assert said.status < 500 or route.path.endswith("ready"), (route.path, said.raw)


async def test_without_a_key_there_is_only_life_and_the_way_in(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        for route in plain():
            said = await asked(home, route, "")
            if route.scope is not None:
                assert (said.status, said.body["error_code"]) == (401, "MISSING_API_KEY")
                assert said.headers["WWW-Authenticate"] == "Bearer"
        open_ = {route.path for route in plain() if route.scope is None}
        assert open_ == {"/api/v1/health/live", "/api/session"}
        assert not home.live.latch.read().halted


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer lo_00000000_" + "A" * 43},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic YTpi"},
        {"X-API-Key": "lo_"},
        {"X-API-Key": ""},
        {"X-API-Key": "lo_00000000_" + "\u00e9" * 43},
    ],
)
async def test_a_wrong_key_opens_nothing(tmp_path: Path, headers: dict[str, str]) -> None:
    async with house(tmp_path) as home:
        said = await home.ask("GET", "/api/v1/run", scope="", headers=headers)
        assert (said.status, said.body["error_code"]) == (401, "INVALID_API_KEY")


async def test_two_different_keys_at_once_are_none(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        both = {"X-API-Key": home.key("read")}
        assert (await home.ask("GET", "/api/v1/run", headers=both)).status == 401
        same = {"X-API-Key": home.key("admin")}
        assert (await home.ask("GET", "/api/v1/run", headers=same)).status == 200


async def test_a_revoked_key_opens_nothing_within_a_second(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        text = home.key("read")
        assert (await home.ask("GET", "/api/v1/alerts", scope="read")).status == 200
        home.service.keys.revoke(text.split("_")[1], WALL())
        async with asyncio.timeout(1.0):
            while (await home.ask("GET", "/api/v1/alerts", scope="read")).status != 401:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


async def test_after_too_many_wrong_keys_only_right_ones_are_heard(tmp_path: Path) -> None:
    wrong = {"X-API-Key": "lo_00000000_" + "A" * 43}
    async with house(tmp_path) as home:
        said = [await home.ask("GET", "/status", scope="", headers=wrong) for _ in range(12)]
        assert [one.status for one in said] == [401] * 10 + [429] * 2
        assert int(said[-1].headers["Retry-After"]) > 0
        assert (await home.ask("GET", "/status", scope="read")).status == 200
        assert (await home.ask("POST", "/api/optimizer/stop", scope="stop")).status == 200


async def test_limits_are_said_and_kept_and_a_stop_has_none(tmp_path: Path) -> None:
    rates = Rates(general=5, data=3)
    async with house(tmp_path, rates=rates) as home:
        said = [await home.ask("GET", "/api/v1/alerts") for _ in range(6)]
        assert [one.status for one in said] == [200] * 5 + [429]
        left = [one.headers["X-RateLimit-Remaining"] for one in said]
        assert left == ["4", "3", "2", "1", "0", "0"]
        assert {one.headers["X-RateLimit-Limit"] for one in said} == {"5"}
        assert said[-1].body["error_code"] == "RATE_LIMIT_EXCEEDED"
        assert 0 < int(said[-1].headers["Retry-After"]) <= 720
        assert (await home.ask("GET", "/api/v1/trades")).headers["X-RateLimit-Limit"] == "3"
        assert (await home.ask("GET", "/api/v1/alerts", scope="read")).status == 200
        stops = [await home.ask("POST", "/api/optimizer/stop") for _ in range(10)]
        assert {one.status for one in stops} == {200}
        assert home.service.limits.hits == 1
        missing = await home.ask("GET", "/api/v1/promotions/nothing", scope="trade")
        assert (missing.status, missing.headers["X-RateLimit-Remaining"]) == (404, "4")


async def test_words_that_are_not_understood_name_their_field(tmp_path: Path) -> None:
    cases: list[tuple[str, str, Any, int, str | None]] = [
        ("GET", "/api/v1/variants?limit=0", None, 400, "limit"),
        ("GET", "/api/v1/variants?limit=x", None, 400, "limit"),
        ("GET", "/api/v1/variants?sort=password", None, 400, "sort"),
        ("GET", "/api/v1/variants?nothing=1", None, 400, None),
        ("GET", "/api/v1/variants?limit=1&limit=2", None, 400, None),
        ("GET", "/api/v1/trades?before=yesterday", None, 400, "before"),
        ("POST", "/api/optimizer/promote", {}, 400, None),
        ("POST", "/api/optimizer/promote", {"variantId": 7}, 400, "variantId"),
        ("POST", "/api/optimizer/promote", {"variantId": "a/b"}, 400, "variantId"),
        ("POST", "/api/optimizer/promote", b"{", 400, None),
        ("POST", "/api/optimizer/promote", b"\xff", 400, None),
        ("POST", "/api/optimizer/promote", [], 400, None),
        ("POST", "/api/ticket", {"more": 1}, 400, None),
    ]
    async with house(tmp_path) as home:
        for method, path, body, status, field in cases:
            said = await home.ask(method, path, body)
            assert (said.status, said.body["error_code"]) == (status, "INVALID_PARAMETERS"), path
            assert said.body["details"].get("field") == field, (path, body, said.raw)
            assert said.body["request_id"] == said.headers["X-Request-ID"]
        assert (await home.ask("POST", "/api/optimizer/promote", b"x" * 300_000)).status == 413
        deep: list[bytes] = [b"[" * 16_000, b'{"a":' * 3_200, b'{"parameters":{"a":' + b"9" * 400]
        for body in (*deep, b'{"parameters":{"fast":-' + b"9" * 400 + b"}}"):
            said = await home.ask("POST", "/api/v1/strategies/ma_crossover/validate", body)
            assert said.status in {200, 400}, said.raw
        text = {"Content-Type": "text/plain"}
        assert (await home.ask("POST", "/api/ticket", b"{}", headers=text)).status == 415


async def test_other_methods_and_paths_are_refused_in_the_same_shape(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        for method in ("PUT", "PATCH", "HEAD", "OPTIONS", "TRACE", "DELETE"):
            said = await home.ask(method, "/api/optimizer/status")
            assert said.status == 405
            assert said.headers["Allow"] == "GET"
        for path in ("/api/v1/export/report", "/api/v1/data/info", "/nothing", "/api/../keys.json"):
            said = await home.ask("GET", path)
            assert (said.status, said.body["error_code"]) == (404, "NOT_FOUND")
            assert set(said.body) == {
                "success", "error_code", "error_message", "details", "timestamp", "request_id",
            }  # fmt: skip


async def test_a_repeated_key_is_one_act(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        name = next(w.id for w in home.service.picture.who if not w.champion)
        path, key = f"/api/v1/variants/{name}/pause", {"Idempotency-Key": "once"}
        said = await asyncio.gather(
            *(home.ask("POST", path, {"reason": "a test"}, headers=key) for _ in range(5))
        )
        assert [one.status for one in said] == [200] * 5
        assert len({one.raw for one in said}) == 1
        assert [one["kind"] for one in home.guard.asked] == ["pause"]
        assert home.guard.asked[0]["by"].startswith("key ")
        other = await home.ask("POST", path, {"reason": "another"}, headers=key)
        assert (other.status, other.body["error_code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
        own = await home.ask("POST", path, {"reason": "a test"}, "trade", key)
        assert (own.status, own.body["error_message"]) == (409, "it is paused")
        assert len(home.guard.asked) == 2, "another caller's key is another key"


async def test_what_was_not_done_is_done_when_it_is_asked_again(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        key = {"Idempotency-Key": "again"}
        path = "/api/v1/variants/nobody/pause"
        first = [(await home.ask("POST", path, {}, headers=key)).status for _ in range(2)]
        assert first == [404, 404]
        assert len(home.guard.asked) == 2


async def test_a_session_is_a_word_used_once_a_cookie_and_a_secret_of_the_page(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        opened = await home.ask("POST", "/api/session", {"token": TOKEN}, scope="")
        assert opened.status == 201
        cookie = opened.headers["Set-Cookie"]
        assert cookie.startswith(f"liveopt_{home.port}=")
        for word in ("HttpOnly", "SameSite=Strict", "Path=/"):
            assert word in cookie
        again = await home.ask("POST", "/api/session", {"token": TOKEN}, scope="")
        assert (again.status, again.body["error_code"]) == (401, "INVALID_TOKEN")
        own = {"Cookie": cookie.partition(";")[0], "X-Liveopt": opened.body["secret"]}
        assert (await home.ask("GET", "/api/v1/run", scope="", headers=own)).status == 200
        whose = await home.ask("GET", "/api/session", scope="", headers=own)
        assert set(whose.body) == {"session", "scopes"}, "the secret is told once"
        stopped = await home.ask("POST", "/api/optimizer/stop", {}, scope="", headers=own)
        assert stopped.status == 200
        assert home.live.latch.read().by == opened.body["session"]
        ended = await home.ask("DELETE", "/api/session", scope="", headers=own)
        assert ended.status == 200
        assert f"liveopt_{home.port}=" in ended.headers["Set-Cookie"]
        assert "Max-Age=0" in ended.headers["Set-Cookie"]
        assert (await home.ask("GET", "/api/v1/run", scope="", headers=own)).status == 401


async def test_a_cookie_without_what_its_page_keeps_is_no_authority(tmp_path: Path) -> None:
    """Any server of this machine's name is sent it, whatever its port."""
    async with house(tmp_path) as home:
        person = await home.person()
        cookie, secret = person["Cookie"], person["X-Liveopt"]
        value = cookie.partition("=")[2]
        tries: tuple[dict[str, str], ...]
        tries = ({}, {"X-Liveopt": "1"}, {"X-Liveopt": value}, {"X-Liveopt": secret[:-1]})
        for route in ROUTES:
            if route.scope is None:
                continue
            path = route.path.replace("{id}", "ma_crossover")
            for more in tries:
                headers = {"Cookie": cookie} | more
                body: Any = {} if route.mutates else None
                said = await home.ask(route.method, path, body, scope="", headers=headers)
                assert said.status == (200 if route.navigated else 401), (path, more, said.raw)
        assert {r.path for r in ROUTES if r.navigated} == {
            "/api/docs", "/api/docs.css", "/api/openapi.json",
        }  # fmt: skip
        only = {"X-Liveopt": secret}
        assert (await home.ask("GET", "/api/v1/run", scope="", headers=only)).status == 401
        renamed = person | {"Cookie": f"liveopt_1={value}"}
        assert (await home.ask("GET", "/api/v1/run", scope="", headers=renamed)).status == 401
        assert not home.live.latch.read().halted
        assert home.guard.asked == []
        assert (await home.ask("GET", "/api/v1/run", scope="", headers=person)).status == 200


async def test_a_socket_ends_within_a_second_of_what_opened_it(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        person = await home.person()
        soon = home.service.keys.create("soon over", ["read"], WALL(), days=1.5 / 86_400)
        doors: list[tuple[str, dict[str, str]]] = [
            ("revoked", {"X-API-Key": home.key("read")}), ("expires", {"X-API-Key": soon}),
            ("stays", {"X-API-Key": home.key("admin")}), ("signed out", await ticket(home, person)),
        ]  # fmt: skip
        sockets = {n: await home.http.ws_connect(f"{home.url}/ws", headers=h) for n, h in doors}
        late = {n: await ticket(home, h) for n, h in [*doors[:1], ("signed out", person)]}

        async def closed_after(name: str) -> float:
            loop = asyncio.get_running_loop()
            began_s = loop.time()
            async with asyncio.timeout(4):
                while (await sockets[name].receive()).type is WSMsgType.TEXT:
                    pass
            assert sockets[name].close_code == 1008
            return loop.time() - began_s

        home.service.keys.revoke(home.key("read").split("_")[1], WALL())
        assert await closed_after("revoked") < 1.0
        ended = await home.ask("DELETE", "/api/session", scope="", headers=person)
        assert ended.status == 200
        assert await closed_after("signed out") < 1.0
        await closed_after("expires")
        for name, headers in late.items():
            said = await home.ask("GET", "/ws", scope="", headers=headers)
            assert said.status == 401, (name, said.raw)
        assert (await sockets["stays"].receive(timeout=3)).type is WSMsgType.TEXT
        assert home.service.stream.clients == 1
        await sockets["stays"].close()


async def ticket(home: House, headers: dict[str, str]) -> dict[str, str]:
    """With which somebody's page opens its socket."""
    said = await home.ask("POST", "/api/ticket", {}, scope="", headers=headers)
    assert said.status == 201, said.raw
    return {"Sec-WebSocket-Protocol": f"liveopt, ticket.{said.body['ticket']}"}


async def test_a_ticket_opens_one_socket_and_a_cookie_opens_none(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        word = f"ticket.{(await home.ask('POST', '/api/ticket', {}, 'read')).body['ticket']}"
        async with home.http.ws_connect(home.url + "/ws", protocols=("liveopt", word)) as ws:
            assert ws.protocol == "liveopt"
            hello = await ws.receive_json()
            assert (hello["type"], hello["mode"]) == ("hello", "paper")
            while not (said := await ws.receive_json()).get("who"):
                pass
            assert (said["type"], len(said["who"])) == ("snap", 5)
            await home.until(lambda: len(home.service.caps) == 0)  # where it is not counted
        again = await home.ask(
            "GET", "/ws", scope="", headers={"Sec-WebSocket-Protocol": f"liveopt, {word}"}
        )
        assert again.status == 401
        own = await home.person()
        assert (await home.ask("GET", "/ws", scope="", headers=own)).status == 401


async def spoken(home: House, head: str, *pieces: bytes) -> tuple[int, dict[str, Any]]:
    """A request in pieces, 0.4 s apart."""
    reader, writer = await asyncio.open_connection("127.0.0.1", home.port)
    try:
        place = f"{head} HTTP/1.1\r\nHost: 127.0.0.1:{home.port}\r\nConnection: close\r\n"
        key = f"Authorization: Bearer {home.key('admin')}\r\nContent-Type: application/json\r\n"
        length = f"Content-Length: {sum(map(len, pieces))}\r\n\r\n"
        writer.write((place + key + length).encode())
        for piece in pieces:
            await asyncio.sleep(0.4)
            writer.write(piece)
        said, _, body = (await asyncio.wait_for(reader.read(), 10)).partition(b"\r\n\r\n")
        return int(said.split()[1]), json.loads(body)
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"mode": "halt_and_flatten"}', "did not come"),
        (b'{"mode": "halt_and_flatten", "reason": "' + b"x" * 4_100 + b'"}', "larger than 4096"),
    ],
)
async def test_a_stop_whose_words_did_not_come_halts_and_says_what_is_missing(
    tmp_path: Path, body: bytes, why: str
) -> None:
    async with house(tmp_path) as home:
        if why == "did not come":
            status, said = await spoken(home, "POST /api/optimizer/stop", body)
        else:
            answer = await home.ask("POST", "/api/optimizer/stop", body)
            status, said = answer.status, answer.body
        assert (status, said["status"], said["mode"]) == (207, "incomplete", "halt")
        assert said["latched"]
        assert why in " ".join(said["errors"])
        assert home.live.latch.read().halted


async def test_a_giant_is_refused_before_it_has_come(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        reader, writer = await asyncio.open_connection("127.0.0.1", home.port)
        head = (
            f"POST /api/ticket HTTP/1.1\r\nHost: 127.0.0.1:{home.port}\r\n"
            f"Authorization: Bearer {home.key('admin')}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {BODY_MAX + 1}\r\n\r\n"
        )
        writer.write(head.encode())  # and nothing more
        assert b" 413 " in await asyncio.wait_for(reader.readline(), 5)
        writer.close()
        small = b'{"more": "' + b"x" * (BODY_MAX - 12) + b'"}'
        assert len(small) == BODY_MAX
        assert (await home.ask("POST", "/api/ticket", small)).status == 400
        wide = {route.path for route in ROUTES if route.body_max > BODY_MAX}
        assert wide == {"/api/v1/optimize/single", "/api/v1/optimize/batch"}
