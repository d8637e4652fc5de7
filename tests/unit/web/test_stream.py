"""Browsers are told what changed, all of it and in order, as fast as they read and no faster."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from liveopt.live.frames import COLUMNS, STATUSES
from liveopt.web import client as client_module
from liveopt.web import stream as module
from liveopt.web.client import GAP
from tests.unit.web.watching import (
    ABOUT,
    Engine,
    Web,
    halted,
    heard,
    people,
    serving,
    types,
    until,
)


class Page:
    """What a browser makes of what it hears."""

    def __init__(self, ws: ClientWebSocketResponse) -> None:
        self.ws = ws
        self.seq = -1
        self.who: list[list[Any]] = []
        self.rows: list[list[Any]] = []
        self.status: dict[str, Any] = {}
        self.trades: list[Any] = []
        self.gaps = 0

    async def take(self) -> dict[str, Any]:
        """One message."""
        async with asyncio.timeout(3.0):
            said: dict[str, Any] = msgspec.json.decode((await self.ws.receive()).data)
        if said["type"] == "snap":
            self.seq, self.who, self.rows = said["seq"], said["who"], said["rows"]
            self.status = said["status"]
        elif said["type"] == "d":
            self.gaps += said["seq"] != self.seq + 1
            self.seq = said["seq"]
            for place, *row in said["rows"]:
                self.rows[place] = row
            self.status |= said.get("status", {})
            self.trades += said.get("trades", [])
        return said

    async def hear(self, kind: str) -> dict[str, Any]:
        """Up to the next message of this type."""
        async with asyncio.timeout(5.0):
            while (said := await self.take())["type"] != kind:
                pass
        return said


def expected(web: Web) -> Any:
    """The rows that a page should have now, as they come through JSON."""
    return msgspec.json.decode(msgspec.json.encode(web.picture.shown().rows()))


async def test_who_comes_hears_hello_then_everything(tmp_path: Path) -> None:
    async with serving(tmp_path) as web:
        web.engine.ticked()
        web.tell()
        await until(lambda: web.stream.rounds > 0)
        ws = await web.join()
        hello = msgspec.json.decode((await ws.receive()).data)
        assert hello == {
            "type": "hello", "v": 1, "server_ms": hello["server_ms"], "boot_id": ABOUT.boot_id,
            "config_hash": "c0ffee", "mode": "demo", "speed": 20.0, "version": "0.0.0",
            "columns": list(COLUMNS), "statuses": list(STATUSES),
        }  # fmt: skip
        snap = msgspec.json.decode((await ws.receive()).data)
        assert list(snap) == ["type", "seq", "who", "rows", "status", "clocks"]
        assert snap["who"][0] == ["main", "XBTUSDTM", "ma_crossover", "random", True, "fast"]
        assert snap["rows"] == expected(web)
        assert snap["status"]["ticks"] == 1
        assert snap["clocks"]["market_ms"] == web.engine.at_ns // 1_000_000
        halt = msgspec.json.decode((await ws.receive()).data)
        assert halt == {
            "type": "halt", "halted": False, "number": 0, "mode": "halt", "by": "", "reason": "",
            "at_ns": 0, "acknowledged": True,
        }  # fmt: skip
        assert ws.protocol == "liveopt"


async def test_before_an_engine_speaks_there_is_an_empty_snap_and_a_heartbeat(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path) as web:
        ws = await web.join()
        snap = await heard(ws, "snap")
        assert (snap["who"], snap["rows"], snap["status"]) == ([], [], {})
        beat = await heard(ws, "hb")
        assert set(beat["clocks"].values()) == {None}
        web.tell()
        assert len((await heard(ws, "snap"))["who"]) == 3


async def test_what_a_run_is_measured_by_is_told_when_it_is_known_and_when_it_is_another(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path) as web:
        page = Page(await web.join())
        await page.hear("snap")
        terms = {"capital": 10_000.0, "bars_per_year": 525_600.0, "gate": {"trades_min": 50}}
        for told in (None, terms, terms | {"gate": None}):
            web.engine.report["terms"] = told
            web.tell()
            await page.hear("d" if told else "snap")
            assert page.status["terms"] == told
        web.engine.run, web.engine.boot = "20231115-000000", "engine-2"
        web.engine.report["terms"] = terms | {"capital": 5.0}
        web.engine.meet(people("main", "z"))
        web.tell()
        await page.hear("snap")
        assert page.status["terms"]["capital"] == 5.0


async def test_a_page_that_applies_what_it_hears_sees_what_the_picture_shows(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path) as web:
        page = Page(await web.join())
        await page.hear("snap")
        for number in range(12):
            web.engine.ticked()
            web.engine.columns["equity"][number % 3] += 1.005
            web.engine.columns["trades"][0] = number
            if number == 5:
                web.engine.meet(people("main", "b", "c", "d"))
            web.tell()
            said = await page.hear("snap" if number in {0, 5} else "d")
            assert said["seq"] == number + 1
            assert page.rows == expected(web)
            assert page.status == msgspec.json.decode(msgspec.json.encode(web.picture.summary()))
            if said["type"] == "d":
                assert len(said["rows"]) == 1 + (number % 3 != 0)
                assert set(said["status"]) == {"ticks", "markets"}
        assert page.gaps == 0
        assert [row[0] for row in page.who] == ["main", "b", "c", "d"]


async def test_frames_that_come_faster_are_told_together(tmp_path: Path) -> None:
    async with serving(tmp_path) as web:
        web.tell()
        page = Page(await web.join())
        await page.hear("snap")
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        while loop.time() < began_s + 1.1:
            web.engine.ticked()
            web.tell()
            await asyncio.sleep(0.01)
        last = web.engine.report["ticks"]
        while page.status.get("ticks") != last:
            await page.hear("d")
        assert 3 <= page.seq <= 9
        assert page.gaps == 0


async def test_a_resync_is_answered_by_a_snap(tmp_path: Path) -> None:
    async with serving(tmp_path) as web:
        web.tell()
        ws = await web.join()
        first = await heard(ws, "snap")
        await ws.send_str('{"resync":true}')
        again = await heard(ws, "snap")
        assert again["seq"] >= first["seq"]
        web.engine.ticked()
        web.tell()
        assert (await heard(ws, "d"))["seq"] == again["seq"] + 1


async def test_a_halt_is_told_at_once_and_again_when_the_engine_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SLICE", 1)
    monkeypatch.setattr(module, "ROUND_S", 60.0)  # no round will do it
    async with serving(tmp_path) as web:
        web.tell()
        await until(lambda: web.stream.rounds == 1)
        ws = await web.join()
        await heard(ws, "halt")
        halted(web.stream.latch)
        web.stream.refresh()
        said = await heard(ws, "halt")
        assert web.stream.rounds == 1
        assert (said["halted"], said["by"], said["reason"], said["at_ns"]) == (
            True, "tester", "a test", 7,
        )  # fmt: skip
        assert not said["acknowledged"]
        web.engine.report["halted"] = "halt"
        web.tell()
        assert (await heard(ws, "halt"))["acknowledged"]
        other = await web.join()
        assert (await heard(other, "halt"))["halted"]


async def test_alerts_and_jobs_come_at_once_and_their_newest_again_after_a_snap(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path) as web:
        ws = await web.join()
        await heard(ws, "snap")
        for done in (1, 2):
            web.stream.publish({"type": "job", "id": "j1", "done": done, "of": 9})
        web.stream.publish({"type": "alert", "id": "a1", "text": "<b>"})
        assert [(await heard(ws, "job"))["done"] for _ in range(2)] == [1, 2]
        assert (await heard(ws, "alert"))["text"] == "<b>"
        await ws.send_str('{"resync":true}')
        assert await types(ws, 4) == ["snap", "halt", "job", "alert"]
        other = await web.join()
        assert await types(other, 5) == ["hello", "snap", "halt", "job", "alert"]
        for number in range(module.STICKY_MAX + 50):
            web.stream.publish({"type": "alert", "id": f"n{number}", "text": ""})
        assert len(web.stream._sticky) == module.STICKY_MAX
        assert len(web.stream._urgent) <= module.STICKY_MAX
        said = await heard(other, "snap")  # too much at once: it is told all anew
        assert (await heard(other, "alert"))["id"] == "n50"
        assert said["seq"] >= 0


async def test_trades_are_part_of_what_is_new_and_bounded(tmp_path: Path) -> None:
    async with serving(tmp_path) as web:
        web.tell()
        page = Page(await web.join())
        await page.hear("snap")
        web.stream.traded([{"variant": "a", "net": 1.5}, {"variant": "b", "net": -1.0}])
        said = await page.hear("d")
        assert (said["rows"], "status" in said) == ([], False)
        assert [trade["net"] for trade in page.trades] == [1.5, -1.0]
        web.stream.traded([{"variant": "a", "n": n} for n in range(module.TRADES_MAX + 5)])
        said = await page.hear("d")
        assert [t["n"] for t in said["trades"]] == list(range(5, module.TRADES_MAX + 5))
        assert page.gaps == 0


async def test_trades_of_a_round_in_which_people_change_come_with_the_next_message(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path) as web:
        web.tell()
        page = Page(await web.join())
        await page.hear("snap")
        web.engine.meet(people("main", "b", "c"))
        web.stream.traded([{"variant": "a", "net": 2.5}])
        web.tell()
        snap = await page.hear("snap")
        assert [who[0] for who in snap["who"]] == ["main", "b", "c"]
        said = await page.hear("d")
        assert [trade["net"] for trade in said["trades"]] == [2.5]
        assert (page.gaps, said["seq"]) == (0, snap["seq"] + 1)
        web.engine.ticked()
        web.tell()
        assert "trades" not in await page.hear("d"), "once"


async def test_a_heartbeat_comes_every_second_and_tells_how_old_all_is(tmp_path: Path) -> None:
    async with serving(tmp_path) as web:
        web.engine.ticked()
        web.tell()
        ws = await web.join()
        await heard(ws, "hb")
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        first, second = await heard(ws, "hb"), await heard(ws, "hb")
        assert 1.6 < loop.time() - began_s < 3.0
        assert second["server_ms"] - first["server_ms"] == pytest.approx(1_000, abs=600)
        older = second["clocks"]["link_age_ms"] - first["clocks"]["link_age_ms"]
        assert older == pytest.approx(1_000, abs=600)


# Who says too much, or comes as one too many.


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("x" * 5_000, 1009),
        ("no json", 1008),
        ('{"resync": 1}', 1008),
        ("[]", 1008),
        ('{"stop": true}', 1008),
        ("[" * 4_000, 1008),  # too deep for a decoder: it must not be left open
        (b'{"resync": true}', 1003),
    ],
)
async def test_what_a_client_may_not_say_ends_its_connection(
    tmp_path: Path, said: str | bytes, code: int
) -> None:
    async with serving(tmp_path) as web:
        ws = await web.join()
        await (ws.send_str(said) if isinstance(said, str) else ws.send_bytes(said))
        assert await closed(ws) == code
        await until(lambda: web.stream.clients == 0)


async def closed(ws: ClientWebSocketResponse, seconds: float = 5.0) -> int | None:
    """The code that a connection ends with."""
    async with asyncio.timeout(seconds):
        while (await ws.receive()).type in {WSMsgType.TEXT, WSMsgType.PING}:
            pass
    return ws.close_code


async def test_more_than_twenty_messages_a_second_are_too_many(tmp_path: Path) -> None:
    async with serving(tmp_path) as web:
        ws, other = await web.join(), await web.join()
        for _ in range(3):
            for _ in range(10):
                await other.send_str('{"resync":true}')
            await asyncio.sleep(0.6)
        for _ in range(30):
            await ws.send_str('{"resync":true}')
        assert await closed(ws) == 1008
        await heard(other, "hb")


async def test_a_ping_is_answered(tmp_path: Path) -> None:
    async with serving(tmp_path) as web:
        ws = await web.join(autoping=False)
        await ws.ping(b"hello")
        async with asyncio.timeout(3.0):
            while (said := await ws.receive()).type is not WSMsgType.PONG:
                pass
        assert said.data == b"hello"


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
async def test_a_goodbye_is_said_back_with_its_code_and_the_connection_ends(
    tmp_path: Path, code: int
) -> None:
    async with serving(tmp_path) as web:
        ws = await web.join()
        await ws.close(code=code)
        assert ws.close_code == code
        await until(lambda: web.stream.clients == 0)


async def test_one_too_many_is_refused_and_may_come_when_another_has_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CLIENTS_MAX", 2)
    async with serving(tmp_path) as web:
        first, _ = await web.join(), await web.join()
        with pytest.raises(WSServerHandshakeError) as refused:
            await web.join()
        assert refused.value.status == 503
        assert refused.value.headers is not None
        assert refused.value.headers["Retry-After"] == str(module.AGAIN_S)
        await first.close()
        await until(lambda: web.stream.clients == 1)
        await heard(await web.join(), "snap")
        assert web.stream.refused == 1


async def test_who_is_shut_out_is_sent_away_within_a_second_and_nobody_else(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path) as web:
        over: set[str] = set()
        web.stream.alive = lambda who: who not in over
        web.tell()
        theirs = [await web.join("?who=eve"), await web.join("?who=eve&type=optimizer_telemetry")]
        other = await web.join("?who=bob")
        await heard(theirs[0], "snap")
        over.add("eve")
        assert [await closed(ws, 1.0) for ws in theirs] == [1008, 1008]
        await until(lambda: web.stream.clients == 1)
        await heard(other, "hb")


async def test_everybody_is_told_when_the_process_ends(tmp_path: Path) -> None:
    async with serving(tmp_path) as web:
        ws = await web.join()
        await heard(ws, "snap")
        await web.stream.close()
        assert await closed(ws) == 1001


# Who does not read.


async def stuck(port: int) -> socket.socket:
    """A client that shakes hands and then reads nothing."""
    end = socket.create_connection(("127.0.0.1", port))
    end.sendall(
        b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    return end


@pytest.mark.parametrize("variants", [3, 2_000], ids=["little to read", "much to read"])
async def test_who_does_not_read_is_gone_in_five_seconds_and_nothing_piles_up(
    tmp_path: Path, variants: int
) -> None:
    async with serving(tmp_path, Engine(people(*(f"v{n}" for n in range(variants))))) as web:
        web.tell()
        page = Page(await web.join())
        await page.hear("snap")
        ends = [await stuck(web.port) for _ in range(8)]
        await until(lambda: web.stream.clients == 9)
        loop = asyncio.get_running_loop()
        began_s, most = loop.time(), 0
        snap_bytes = len(msgspec.json.encode(web.picture.shown().rows())) + 100 * variants
        while web.stream.clients > 1:
            web.engine.ticked()
            web.engine.columns["equity"][:] += 1.0
            web.tell()
            await page.hear("d")
            waiting = sum(client.waiting for client in web.stream._clients.values())
            most = max(most, waiting)
            assert loop.time() - began_s < 5.0
        assert web.stream.evicted == 8
        assert most <= 8 * 2 * snap_bytes
        assert (page.gaps, page.rows) == (0, expected(web))
        for end in ends:
            end.close()


async def test_who_is_closed_for_being_slow_is_told_when_to_come_again(tmp_path: Path) -> None:
    async with serving(tmp_path) as web:
        ws = await web.join(autoping=False)  # it reads, but never answers a ping
        assert await closed(ws, 6.0) == 1013
        assert web.stream.evicted == 1


def small_ear(address: Any) -> socket.socket:
    """A client's socket in which little can lie unread."""
    end = socket.socket(address[0], address[1])
    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    return end


async def test_who_missed_something_gets_a_snap_and_no_delta_before_it(tmp_path: Path) -> None:
    engine = Engine(people(*(f"v{n}" for n in range(3_000))))
    async with serving(tmp_path, engine, small_ear) as web:
        web.tell()
        page = Page(await web.join())
        await page.hear("snap")
        (client,) = web.stream._clients.values()
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        while client.seq != GAP and loop.time() < began_s + 1.9:  # it does not read
            engine.columns["equity"][:] += 1.0
            web.tell()
            await asyncio.sleep(0.21)
        assert client.seq == GAP
        kinds: list[str] = []
        async with asyncio.timeout(5.0):
            while client.seq == GAP or page.seq < client.seq:
                kinds.append((await page.take())["type"])
        assert "snap" in kinds
        assert page.gaps == 0
        assert page.rows == expected(web)
        assert web.stream.evicted == 0


async def test_snaps_wait_when_too_much_is_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUFFERED_MAX", 100)
    async with serving(tmp_path) as web:
        web.tell()
        ws = await web.join()
        assert await types(ws, 1) == ["hello"]
        await heard(ws, "hb")
        assert web.stream.snaps == 0
        monkeypatch.setattr(module, "BUFFERED_MAX", 1 << 20)
        await heard(ws, "snap")


async def test_nobody_is_blamed_for_the_time_that_this_process_was_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "PONG_S", 0.5)
    async with serving(tmp_path) as web:
        ws = await web.join()
        await heard(ws, "hb")
        (client,) = web.stream._clients.values()
        client._pinged_s = asyncio.get_running_loop().time()  # as if its answer was under way
        web.stream._round_s -= 10.0
        client._pinged_s -= 10.0
        await heard(ws, "hb")
        assert web.stream.evicted == 0


# What is never said.


async def test_no_message_has_a_secret_or_the_settings_in_it(tmp_path: Path) -> None:
    canary = "s3cr3t"
    engine = Engine()
    engine.report |= {
        "folder": f"/home/{canary}", "config": {"kucoin": {"key": canary}}, "token": canary,
        "environment": {"KUCOIN_API_SECRET": canary},
    }  # fmt: skip
    async with serving(tmp_path, engine) as web:
        web.tell()
        own, seed = await web.join(), await web.join("?type=optimizer_telemetry")
        texts: list[str] = []
        for ws in (own, seed):
            ends_s = asyncio.get_running_loop().time() + 1.3
            while asyncio.get_running_loop().time() < ends_s:
                engine.ticked()
                engine.report["token"] += "!"
                web.tell()
                try:
                    texts.append((await ws.receive(timeout=0.3)).data)
                except TimeoutError:
                    continue
        kinds = {msgspec.json.decode(said)["type"] for said in texts}
        assert kinds >= {"hello", "snap", "d", "halt", "hb", "optimizer_telemetry"}
        assert not [said for said in texts if canary in said]


# Who knows the seed's messages only.


async def test_a_client_of_the_seed_hears_its_message_at_once_and_every_five_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SEED_S", 0.5)
    async with serving(tmp_path) as web:
        web.tell()
        await until(lambda: web.stream.rounds > 0)
        ws = await web.join("?type=optimizer_telemetry")
        first = msgspec.json.decode((await ws.receive()).data)
        assert first["type"] == "optimizer_telemetry"
        assert [one["id"] for one in first["data"]["variants"]] == ["a", "b"]
        web.stream.publish({"type": "alert", "id": "1"})
        web.stream.traded([{"variant": "a", "net": 1.0}])
        told = [msgspec.json.decode((await ws.receive()).data) for _ in range(2)]
        assert {said["type"] for said in told} == {"optimizer_telemetry"}
        (one, _) = told[-1]["data"]["variants"]
        assert one["recentTrades"] == [{"variant": "a", "net": 1.0}]
