"""The fence: which heads of requests are heard."""

import pytest
from multidict import CIMultiDict

from liveopt.guard.fence import CONNECTIONS_MAX, Connections, Fence

TOKEN = "t0ken-of-this-run"
FENCE = Fence(8788, TOKEN)
GOOD = {"Host": "127.0.0.1:8788", "Authorization": f"Bearer {TOKEN}"}


def judged(target: str = "/x", *more: tuple[str, str], **changes: str | None) -> int:
    """The status, 200 if it may pass; a change to None leaves the header out."""
    merged = GOOD | {name.replace("_", "-"): value for name, value in changes.items()}
    headers = CIMultiDict([(n, v) for n, v in merged.items() if v is not None] + list(more))
    denied = FENCE.judge(target, headers)
    return 200 if denied is None else denied.status


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8788", "localhost:8788", "LOCALHOST:8788", "[::1]:8788"]
)
def test_this_machine_s_names_may_pass(host: str) -> None:
    assert judged(Host=host) == 200


@pytest.mark.parametrize(
    "host",
    [
        *(
            "evil.example:8788",
            "127.0.0.1",
            "localhost",
            "127.0.0.1:80",
            "127.0.0.1:8788.evil.example",
        ),
        *("evil.example", "", "127.0.0.2:8788", "0.0.0.0:8788", "127.0.0.1:8788,evil.example"),
        *(
            "localhost.:8788",
            "2130706433:8788",
            "[::]:8788",
            "127.0.0.1:08788",
            "user@127.0.0.1:8788",
        ),
        None,
    ],
)
def test_another_host_is_not_heard(host: str | None) -> None:
    assert judged(Host=host) == 403


def test_two_hosts_are_not_heard() -> None:
    assert judged("/x", ("Host", "127.0.0.1:8788")) == 403


@pytest.mark.parametrize("target", ["http://evil.example/x", "http://127.0.0.1:8788/x", "*", ""])
def test_a_target_that_names_a_host_itself_is_not_heard(target: str) -> None:
    assert judged(target) == 403


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:8788", 200),
        ("null", 403),
        ("https://127.0.0.1:8788", 403),
        ("http://127.0.0.1:3000", 403),
        ("http://localhost:8788", 403),
        ("http://evil.example", 403),
        ("http://127.0.0.1:8788.evil.example", 403),
        ("HTTP://127.0.0.1:8788 ", 403),
        ("", 403),
    ],
)
def test_an_origin_must_be_the_host_it_asks(origin: str, status: int) -> None:
    assert judged(Origin=origin) == status


@pytest.mark.parametrize(
    ("site", "status"),
    [
        ("same-origin", 200),
        ("none", 200),
        ("same-site", 403),
        ("cross-site", 403),
        ("", 403),
        ("None", 403),
    ],
)
def test_a_browser_must_ask_from_the_same_origin(site: str, status: int) -> None:
    assert judged(Sec_Fetch_Site=site) == status


@pytest.mark.parametrize(
    "said",
    [
        *(None, "", "Bearer", "Bearer ", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x"),
        *(f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN.upper()}", "Bearer \udcff", "Bearer t\u00f6ken"),
        f"Bearer {TOKEN}, Bearer {TOKEN}",
    ],
)
def test_without_the_token_nobody_is_heard(said: str | None) -> None:
    assert judged(Authorization=said) == 401


def test_two_tokens_are_none() -> None:
    assert judged("/x", ("Authorization", f"Bearer {TOKEN}")) == 401


def test_a_compressed_body_is_not_taken() -> None:
    assert judged(Content_Encoding="gzip") == 415


def test_a_stranger_is_refused_for_where_he_comes_from_before_his_token_is_looked_at() -> None:
    assert judged(Host="evil.example", Authorization=None) == 403


async def test_one_connection_too_many_is_hung_up() -> None:
    import asyncio

    made: list[asyncio.Protocol] = []

    def make() -> asyncio.Protocol:
        made.append(asyncio.Protocol())
        return made[-1]

    connections = Connections(make, lambda: len(made), lambda _: None)
    for _ in range(CONNECTIONS_MAX):
        connections()
    assert len(made) == CONNECTIONS_MAX
    connections()
    assert len(made) == CONNECTIONS_MAX
