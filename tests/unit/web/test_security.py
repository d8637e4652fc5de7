"""Pages of other sites, other names of this machine, other wire formats: nothing is heard."""

import asyncio
import io
import json
from pathlib import Path

import pytest
from multidict import CIMultiDict

from liveopt.config import Settings, Web
from liveopt.web.app import Setup
from liveopt.web.routes import ROUTES
from liveopt.web.security import HEADERS, Fence, local_hosts
from liveopt.web.static import PAGES
from tests.unit.web.house import TOKEN, House, house

HOSTS = (
    "evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "localhost",
    "localhost:80", "127.0.0.1.evil.example:{port}", "localhost.evil.example:{port}",
    "127.0.0.1:{port}.evil", "127.0.0.1:{port}@evil.example", "evil.example#127.0.0.1:{port}",
    "0.0.0.0:{port}", "[::]:{port}", "127.1:{port}", "2130706433:{port}", "0x7f000001:{port}",
    "127.0.0.2:{port}", "localhost.:{port}", "[::ffff:127.0.0.1]:{port}", "::1:{port}",
    "127.0.0.1:{port},evil.example", "user@localhost:{port}", "localhost:{port}/",
    "localhost:0{port}", "127.0.0.1 :{port}", "", "*", "null",
)  # fmt: skip
ORIGINS = (
    "null", "http://evil.example", "https://127.0.0.1:{port}", "http://127.0.0.1",
    "http://localhost", "http://127.0.0.1:1", "http://localhost:{port}",
    "http://127.0.0.1:{port}.evil.example", "http://127.0.0.1:{port}/", "file://",
    "chrome-extension://abcdefgh", "http://[::1]:{port}", "//127.0.0.1:{port}",
    "127.0.0.1:{port}", "http://127.0.0.1:{port} http://evil.example", "",
    "http://user@127.0.0.1:{port}", "moz-extension://x", "data:", "http://127.0.0.1:{port}?x",
)  # fmt: skip
SITES = (
    "cross-site",
    "same-site",
    "cross-origin",
    "",
    "Same-Origin",
    "none,cross-site",
    "sameorigin",
)
ENCODINGS = ("gzip", "deflate", "br", "identity", "zstd", "")
REFUSED = range(400, 500)


def hostile(port: int) -> list[tuple[str, ...]]:
    own = f"Host: 127.0.0.1:{port}"
    sets: list[tuple[str, ...]] = [(f"Host: {host.format(port=port)}",) for host in HOSTS]
    sets += [(own, f"Origin: {origin.format(port=port)}") for origin in ORIGINS]
    sets += [(own, f"Sec-Fetch-Site: {site}") for site in SITES]
    sets += [(own, f"Content-Encoding: {coding}") for coding in ENCODINGS]
    sets += [
        (), (own, own), (own, "Host: evil.example"), ("Host: evil.example", own),
        (own, f"Origin: http://127.0.0.1:{port}", "Origin: http://evil.example"),
        (own, "Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"),
        (f"Host: localhost:{port}", f"Origin: http://127.0.0.1:{port}"),
    ]  # fmt: skip
    return sets


async def raw(home: House, method: str, target: str, headers: tuple[str, ...]) -> bytes:
    """With a key that may everything: only the headers are wrong."""
    reader, writer = await asyncio.open_connection("127.0.0.1", home.port)
    lines = [f"{method} {target} HTTP/1.1", *headers, f"X-API-Key: {home.key('admin')}",
             "X-Liveopt: 1", "Content-Type: application/json", "Content-Length: 2",
             "Connection: close"]  # fmt: skip
    writer.write("\r\n".join([*lines, "", "{}"]).encode("latin-1"))
    try:
        async with asyncio.timeout(5):
            return await reader.read()
    finally:
        writer.close()


def paths() -> list[tuple[str, str]]:
    own: list[tuple[str, str]] = [
        (route.method, route.path.replace("{id}", "ma_crossover")) for route in ROUTES
    ]
    return own + [("GET", page.replace("{id}", "x")) for page in PAGES] + [("GET", "/nothing")]


async def test_no_hostile_set_of_headers_gets_data_or_does_anything(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        sets = hostile(home.port)
        assert len(sets) >= 60
        room = asyncio.Semaphore(30)

        async def one(method: str, path: str, headers: tuple[str, ...]) -> None:
            async with room:
                said = await raw(home, method, path, headers)
            head, _, body = said.partition(b"\r\n\r\n")
            status = int(head.split()[1])
            assert status in REFUSED, (method, path, headers, said[:200])
            assert b'"success":false' in body
            assert b"XBTUSDTM" not in said
            assert b"access-control" not in head.lower()
            assert b"content-security-policy" in head.lower()

        jobs = [one(m, p, h) for m, p in paths() for h in sets]
        await asyncio.gather(*jobs)
        assert len(jobs) > 3_000
        assert not home.live.latch.read().halted
        assert home.guard.asked == []


SITES_ELSEWHERE = ("cross-site", "same-site")
NAVIGATES = ("Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")


async def test_a_link_to_a_page_may_be_followed_from_anywhere_and_none_to_anything_else(
    tmp_path: Path,
) -> None:
    pages = [page.replace("{id}", "x").replace("{number}", "1") for page in PAGES]
    ours = [(route.method, route.path.replace("{id}", "ma_crossover")) for route in ROUTES]
    odd = [
        "/%61pi/v1/run", "/api/../api/v1/run", "/x/../api/v1/run", "/./metrics", "/api", "/ws",
        "/assets/nothing.js", "/%6detrics", "/%73tatus", "/api/docs", "/api/openapi.json",
    ]  # fmt: skip
    async with house(tmp_path) as home:
        own = f"Host: 127.0.0.1:{home.port}"
        for site in SITES_ELSEWHERE:
            where = (own, f"Sec-Fetch-Site: {site}")
            for page in [*pages, "/nothing/at/all"]:
                said = await raw(home, "GET", page, (*where, *NAVIGATES))
                assert b"FORBIDDEN" not in said, (page, said[:300])
                assert b"frame-ancestors 'none'" in said
                for method in ("POST", "HEAD", "DELETE"):
                    said = await raw(home, method, page, (*where, *NAVIGATES))
                    assert said.split()[1] == b"403", (method, page)
            for method, path in ours:
                said = await raw(home, method, path, (*where, *NAVIGATES))
                assert said.split()[1] == b"403", (method, path, said[:300])
            for path in odd:
                said = await raw(home, "GET", path, (*where, *NAVIGATES))
                assert said.split()[1] in {b"403", b"404"}, (path, said[:300])
                assert b"XBTUSDTM" not in said
        assert not home.live.latch.read().halted
        assert home.guard.asked == []


@pytest.mark.parametrize(
    "words",
    [
        (), NAVIGATES[:1], NAVIGATES[1:], (*NAVIGATES, NAVIGATES[0]), (*NAVIGATES, NAVIGATES[1]),
        (*NAVIGATES, "Origin: https://evil.example"), (*NAVIGATES, "Origin: null"),
        (*NAVIGATES, "Sec-Fetch-Site: same-origin"), (*NAVIGATES, "Host: evil.example"),
        *((f"Sec-Fetch-Mode: {mode}", NAVIGATES[1])
          for mode in ("Navigate", "nested-navigate", "no-cors", "cors", "websocket", "")),
        *((NAVIGATES[0], f"Sec-Fetch-Dest: {dest}")
          for dest in ("iframe", "frame", "embed", "object", "empty", "script", "image", "")),
    ],
)  # fmt: skip
async def test_what_is_no_navigation_of_a_window_is_heard_from_nowhere_else(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    async with house(tmp_path) as home:
        own = f"Host: 127.0.0.1:{home.port}"
        for site in (*SITES_ELSEWHERE, "cross-origin", ""):
            said = await raw(home, "GET", "/", (own, f"Sec-Fetch-Site: {site}", *words))
            assert said.split()[1] in {b"400", b"403"}, (site, words)


async def test_a_flood_of_refusals_is_a_line_a_second_and_all_of_it_is_counted(
    tmp_path: Path,
) -> None:
    lines = io.StringIO()
    async with house(tmp_path, lines=lines) as home:
        for _ in range(120):
            assert (await home.ask("GET", "/api/v1/run", scope="")).status == 401
        await asyncio.sleep(1.1)
        assert (await home.ask("GET", "/api/v1/run", scope="")).status == 401
        counted = home.service.counts.requests["GET", "/api/v1/run", 401]
    told = [line for line in map(json.loads, lines.getvalue().splitlines())
            if line["event"] == "request" and line["status"] == 401]  # fmt: skip
    assert counted == 121
    assert 2 <= len(told) <= 5
    assert sum(line["times"] for line in told) == 121


@pytest.mark.parametrize(
    "target",
    [
        "http://evil.example/api/v1/run", "http://127.0.0.1/api/v1/run",
        "//evil.example/api/v1/run", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2fetc%2fpasswd", "/assets/../keys.json", "/keys.json", "/control.json", "/%00",
        "/assets/%2e%2e%5ckeys.pepper", "*", "/api/v1/promotions/..%2f..%2fkeys.json",
        "/api/v1/variants/%2e%2e%2fkeys.json", "/api/v1/jobs/../../keys.json", "/latch",
        "/api/v1/jobs/%00",
    ],
)  # fmt: skip
async def test_no_target_leads_out_of_the_table(tmp_path: Path, target: str) -> None:
    async with house(tmp_path) as home:
        said = await raw(home, "GET", target, (f"Host: 127.0.0.1:{home.port}",))
        assert int(said.split()[1]) in REFUSED, said[:300]
        assert b"digest" not in said
        assert b"token-of-the-door" not in said
        assert b"root:" not in said


async def test_every_answer_wears_the_same_headers(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        own = (f"Host: 127.0.0.1:{home.port}",)
        for method, target, headers in (
            ("GET", "/", own), ("GET", "/api/v1/run", own), ("GET", "/nothing", own),
            ("PUT", "/status", own), ("GET", "/", ()), ("BREW", "/ \x00", own),
            ("POST", "/api/optimizer/promote", own), ("GET", "/ws", own),
        ):  # fmt: skip
            head = (await raw(home, method, target, headers)).partition(b"\r\n\r\n")[0]
            there = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
            for name in HEADERS:
                assert name.encode() in there, (method, target, name, head)
            assert there[b"Server"] == b"liveopt"


async def test_a_page_of_our_own_is_heard(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        for host in (f"127.0.0.1:{home.port}", f"localhost:{home.port}", f"LOCALHOST:{home.port}"):
            headers = (f"Host: {host}", f"Origin: http://{host}", "Sec-Fetch-Site: same-origin")
            said = await raw(home, "GET", "/api/v1/alerts", headers)
            assert said.split()[1] == b"200", said


async def test_a_cookie_is_for_tls_alone_where_a_proxy_ends_it(tmp_path: Path) -> None:
    names = Settings(web=Web(names=("https://desk.example",)))
    async with house(tmp_path, settings=names) as home:
        body = {"token": TOKEN}
        proxied = {"Host": "desk.example", "Origin": "https://desk.example"}
        said = await home.ask("POST", "/api/session", body, scope="", headers=proxied)
        assert said.status == 201
        cookie = said.headers["Set-Cookie"]
        assert cookie.startswith(f"__Host-liveopt_{home.port}=")
        for word in ("; Secure", "; HttpOnly", "; SameSite=Strict", "; Path=/"):
            assert word in cookie
        assert "domain" not in cookie.lower(), "or no browser takes a name of __Host-"
        person = proxied | {"Cookie": cookie.partition(";")[0], "X-Liveopt": said.body["secret"]}
        for changed in ({}, {"Origin": "http://desk.example"}, {"Origin": "https://evil.example"}):
            own = person | changed
            said = await home.ask("GET", "/api/session", scope="", headers=own)
            assert said.status == (403 if changed else 200), changed
        weak = person | {"Cookie": person["Cookie"].removeprefix("__Host-")}
        assert (await home.ask("GET", "/api/session", scope="", headers=weak)).status == 401
        ended = await home.ask("DELETE", "/api/session", scope="", headers=person)
        assert "; Secure" in ended.headers["Set-Cookie"], "or no browser forgets it"


async def test_at_the_machine_itself_a_cookie_needs_no_tls(tmp_path: Path) -> None:
    names = Settings(web=Web(names=("https://desk.example",)))
    async with house(tmp_path, settings=names) as home:
        said = await home.ask("POST", "/api/session", {"token": TOKEN}, scope="")
        assert said.status == 201
        assert "Secure" not in said.headers["Set-Cookie"]


def test_the_fence_knows_its_names_only() -> None:
    fence = Fence(local_hosts(8787))
    assert fence.hosts == {"127.0.0.1:8787", "localhost:8787", "[::1]:8787"}


@pytest.mark.parametrize(
    ("names", "host", "origin", "passes"),
    [
        (("desk.example:443",), "desk.example", "https://desk.example", True),
        (("desk.example:443",), "desk.example:443", "https://desk.example:443", True),
        (("desk.example",), "desk.example", "https://desk.example", True),
        (("desk.example",), "desk.example", "https://evil.example", False),
        (("desk.example:8443",), "desk.example", "https://desk.example", False),
        (("desk.example:443",), "127.0.0.1:8787", "http://127.0.0.1:8787", True),
        (("desk.example:443",), "127.0.0.1:8787", "https://127.0.0.1:8787", False),
        ((), "desk.example", "http://desk.example", False),
        (("https://desk.example",), "desk.example", "https://desk.example", True),
        (("https://desk.example",), "desk.example:443", "https://desk.example", True),
        (("https://desk.example",), "desk.example", "http://desk.example", False),
        (("https://desk.example",), "desk.example", "https://desk.example:8443", False),
        (("https://desk.example",), "desk.example:8787", "https://desk.example:8787", False),
        (("https://desk.example",), "desk.example:8443", "https://desk.example:8443", False),
        (("https://desk.example",), "127.0.0.1:8787", "https://desk.example", False),
        (("https://desk.example",), "desk.example", "https://127.0.0.1:8787", False),
        (("https://desk.example",), "127.0.0.1:8787", "http://127.0.0.1:8787", True),
        (("https://desk.example:8443",), "desk.example:8443", "https://desk.example:8443", True),
        (("https://desk.example:8443",), "desk.example", "https://desk.example", False),
        (("http://desk.example",), "desk.example", "http://desk.example", True),
        (("http://desk.example",), "desk.example", "https://desk.example", False),
        (("https://desk.example", "other"), "other", "https://desk.example", False),
    ],
)
def test_a_name_of_the_settings_may_stand_behind_a_proxy(
    tmp_path: Path, names: tuple[str, ...], host: str, origin: str, passes: bool
) -> None:
    settings = Settings(web=Web(names=names))
    setup = Setup(tmp_path, tmp_path, settings, "paper", "1", "", 8787)
    fence = Fence(setup.hosts, "http", setup.here, setup.origins)
    denied = fence.judge("/", CIMultiDict({"Host": host, "Origin": origin}))
    assert (denied is None) is passes
