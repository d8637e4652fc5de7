"""The socket keeps to RFC 6455 in every case of Autobahn's list, and in some that it lacks."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.attack.cases import Case, table
from tests.attack.frames import CLOSE, TEXT, frame
from tests.attack.peer import Place, play, shake
from tests.attack.service import service

CASES = table()
AT_ONCE = 24
OFFERS = {
    "12": "permessage-deflate",
    "13.1": "permessage-deflate; client_no_context_takeover; client_max_window_bits",
    "13.2": "permessage-deflate; server_no_context_takeover",
    "13.3": "permessage-deflate; server_max_window_bits=9",
    "13.4": "permessage-deflate; server_max_window_bits=15",
    "13.5": "permessage-deflate; server_no_context_takeover; server_max_window_bits=9",
    "13.6": "permessage-deflate; server_no_context_takeover; server_max_window_bits=15",
    "13.7": "permessage-deflate; server_max_window_bits=9, permessage-deflate",
}
SHAKES: list[tuple[str, dict[str, str | None], int]] = [
    ("no Upgrade", {"Upgrade": None}, 400),
    ("another Upgrade", {"Upgrade": "h2c"}, 400),
    ("no Connection", {"Connection": None}, 400),
    ("another Connection", {"Connection": "keep-alive"}, 400),
    ("no key", {"Sec-WebSocket-Key": None}, 400),
    ("a short key", {"Sec-WebSocket-Key": "AAAA"}, 400),
    ("a key of other letters", {"Sec-WebSocket-Key": "!" * 24}, 400),
    ("no version", {"Sec-WebSocket-Version": None}, 426),
    ("an old version", {"Sec-WebSocket-Version": "8"}, 426),
    ("a version to come", {"Sec-WebSocket-Version": "14"}, 426),
    ("more words", {"Connection": "keep-alive, Upgrade", "Upgrade": "WebSocket"}, 101),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with service(tmp_path_factory.mktemp("service")) as found:
        yield found


@pytest.fixture(scope="module")
def played(place: Place) -> dict[str, list[str]]:
    """What went wrong in each case; they are played many at a time."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(case: Case) -> list[str]:
        async with room:
            return await play(place, case)

    async def all_() -> list[list[str]]:
        return await asyncio.gather(*map(one, CASES))

    return dict(zip((case.name for case in CASES), asyncio.run(all_()), strict=True))


def families() -> list[str]:
    return sorted({case.name.rpartition(".")[0] for case in CASES})


@pytest.mark.xdist_group("conformance")
@pytest.mark.parametrize("family", families())
def test_every_case_ends_as_the_rfc_asks(played: dict[str, list[str]], family: str) -> None:
    mine = {name: wrong for name, wrong in played.items() if name.rpartition(".")[0] == family}
    assert mine
    assert {name: wrong for name, wrong in mine.items() if wrong} == {}


def test_the_table_has_every_case_of_autobahn_but_those_of_compression() -> None:
    counts = {"1": 16, "2": 11, "3": 7, "4": 10, "5": 20, "6": 145, "7": 37, "9": 54, "10": 1}
    found = {key: sum(case.name.partition(".")[0] == key for case in CASES) for key in counts}
    assert found == counts


@pytest.mark.xdist_group("conformance")
@pytest.mark.parametrize("number", OFFERS)
async def test_compression_is_not_taken_up_and_a_compressed_frame_is_an_error(
    place: Place, number: str
) -> None:
    status, headers, peer = await shake(place, {"Sec-WebSocket-Extensions": OFFERS[number]})
    assert status == 101
    assert "sec-websocket-extensions" not in headers
    listening = asyncio.create_task(peer.listen())
    peer.write(frame(TEXT, b"\xaaV*J-\xce/\xceLV\xb2R*)*M\xad\x05\x00", rsv=4))
    assert await peer.until(lambda: peer.account.code is not None)
    assert peer.account.code == 1002
    peer.end()
    await asyncio.gather(listening, return_exceptions=True)


@pytest.mark.xdist_group("conformance")
@pytest.mark.parametrize(("headers", "wanted"), [s[1:] for s in SHAKES], ids=[s[0] for s in SHAKES])
async def test_a_handshake_is_answered_or_refused_as_section_4_says(
    place: Place, headers: dict[str, str | None], wanted: int
) -> None:
    status, said, peer = await shake(place, headers)
    peer.end()
    assert status == wanted
    if wanted == 426:
        assert said["sec-websocket-version"] == "13"


@pytest.mark.xdist_group("conformance")
@pytest.mark.parametrize(
    ("offered", "taken"),
    [(None, None), ("chat", None), ("liveopt", "liveopt"), ("chat, liveopt", "liveopt")],
)
async def test_a_subprotocol_is_one_of_those_that_were_offered(
    place: Place, offered: str | None, taken: str | None
) -> None:
    _, headers, peer = await shake(place, {"Sec-WebSocket-Protocol": offered})
    peer.end()
    assert headers.get("sec-websocket-protocol") == taken


@pytest.mark.xdist_group("conformance")
async def test_who_hangs_up_in_the_middle_of_a_frame_harms_nobody(place: Place) -> None:
    for cut in (1, 3, 7):
        _, _, peer = await shake(place)
        peer.write(frame(CLOSE, b"\x03\xe8")[:cut])
        await asyncio.sleep(0.01)
        peer.end()
    assert await play(place, CASES[1]) == []
