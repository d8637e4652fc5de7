"""Two dashboards and a stranger on one host: none of them ends, uses or hears another session."""

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.browser.desk import Desk, desk
from tests.browser.eyes import Eyes

Look = Callable[..., Eyes]
REFUSED = (r"status of 40[134]", r"WebSocket connection to .* failed")


@pytest.fixture(scope="module")
def room(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("one"), demo=True) as found:
        yield found


@pytest.fixture(scope="module")
def other(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("other"), demo=True) as found:
        yield found


def halts(eyes: Eyes) -> None:
    eyes.part("stop").click()
    eyes.part("halt").click()
    eyes.part("halted").first.wait_for()


def test_two_dashboards_of_one_host_go_on_beside_each_other_and_a_stranger_gets_nothing(
    look: Look, room: Desk, other: Desk
) -> None:
    eyes = look(room, None, signed_in=False, allowed=REFUSED)
    eyes.page.goto(room.link)
    eyes.live()
    eyes.page.goto(other.link)
    eyes.live()
    eyes.page.goto(room.base)
    eyes.live()
    named = {one["name"]: one["value"] for one in eyes.context.cookies()}
    assert set(named) == {f"liveopt_{desk.base.rpartition(':')[2]}" for desk in (room, other)}
    with stranger(room.base) as (address, heard):
        eyes.page.goto(address)
        assert all(f"{name}={value}" in heard[-1] for name, value in named.items())
        for one in (room, other):
            assert tried(one, heard[-1]) == {401}, "the cookies of both, and of no use"
        eyes.page.get_by_role("link", name="a dashboard").click()
        eyes.page.wait_for_url(f"{room.base}/system")
        eyes.page.get_by_role("heading", name="Clocks").wait_for()
        eyes.is_("live")
    halts(eyes)
    eyes.page.goto(other.base)
    eyes.live()
    assert eyes.part("halted").count() == 0, "its neighbour's stop is not its own"
    halts(eyes)
    eyes.go(f"{room.base}/settings")
    eyes.page.get_by_role("button", name="Sign out").click()
    eyes.is_("unauthorised")
    eyes.page.goto(other.base)
    eyes.is_("halted")
    eyes.page.evaluate("localStorage.removeItem('liveopt.session')")
    eyes.page.reload()
    eyes.part("token").wait_for()
    eyes.is_("unauthorised")
    assert eyes.ids() == [], "the cookie is there, and is no authority without the word"


def tried(at: Desk, cookie: str) -> set[int]:
    """How one is answered who has the cookies, and says whatever a page would say."""
    found = set()
    asks = (("GET", "/api/v1/run"), ("GET", "/metrics"), ("POST", "/api/optimizer/stop"),
            ("POST", "/api/ticket"), ("DELETE", "/api/session"), ("GET", "/ws"))  # fmt: skip
    for method, path in asks:
        for more in ({}, {"X-Liveopt": "1"}, {"Origin": at.base, "Sec-Fetch-Site": "same-origin"}):
            line = http.client.HTTPConnection(at.base.partition("//")[2], timeout=10)
            body = json.dumps({}) if method == "POST" else None
            headers = {"Cookie": cookie, "Content-Type": "application/json"} | more
            line.request(method, path, body, headers)
            found.add(line.getresponse().status)
            line.close()
    return found


@contextmanager
def stranger(base: str) -> Iterator[tuple[str, list[str]]]:
    """Another server of this machine, with a link; its address, and the cookies it was sent."""
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/":
                heard.append(self.headers.get("Cookie", ""))
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f"<title>x</title><a href='{base}/system'>a dashboard</a>".encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
