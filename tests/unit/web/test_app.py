"""The service as a whole: the thin path from a request to the run and back."""

import asyncio
import io
import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from liveopt.config import Web
from liveopt.journal.disk import Disk
from liveopt.walk.records import Entered
from liveopt.web import static
from liveopt.web.app import rates_of
from liveopt.web.limits import Rates
from liveopt.web.picture import Picture
from liveopt.web.security import HEADERS
from tests.run import GATE, SYMBOL, ticks
from tests.unit.web.house import house


async def test_status_variants_promote_and_stop(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        said = await home.ask("GET", "/api/optimizer/status")
        assert (said.status, said.body["running"], said.body["variants"]) == (200, True, 4)
        listed = (await home.ask("GET", "/api/v1/variants?limit=9")).body
        assert listed["total"] == 5
        name = next(one["id"] for one in listed["variants"] if not one["champion"])
        promoted = await home.ask("POST", "/api/optimizer/promote", {"variantId": name})
        assert promoted.status == 200, promoted.raw
        assert promoted.body["record"]["variant"] == name
        assert promoted.body["record"]["by"].startswith("key ")
        stopped = await home.ask("POST", "/api/optimizer/stop")
        assert (stopped.status, stopped.body["latched"]) == (200, True), stopped.raw
        assert home.live.latch.read().halted
        assert home.live.latch.read().by == promoted.body["record"]["by"]


async def test_a_stop_names_whose_it_is_with_the_door_and_without(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        name = (await home.ask("GET", "/api/session")).body["session"]
        assert name.startswith("key ")
        for reason in ("news", "the door is dead"):
            await home.ask("POST", "/api/optimizer/stop", {"reason": reason})
            word = home.live.latch.read()
            assert (word.by, word.reason) == (name, reason)
            await home.ask("POST", "/api/optimizer/resume", {"reason": "all is well"})
            if reason == "news":
                assert (word := home.live.latch.read()).by == name
                assert word.reason == "all is well"
                await home.guard.door.close()


async def test_a_fault_of_ours_costs_one_answer_and_is_told_to_the_log_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = io.StringIO()

    def broken(_: Picture, limit: int, sort: str) -> None:
        raise ZeroDivisionError(f"secret detail {limit} {sort}")

    async with house(tmp_path, lines=lines) as home:
        monkeypatch.setattr(Picture, "variants", broken)
        said = await home.ask("GET", "/api/v1/variants")
        assert (said.status, said.body["error_code"]) == (500, "INTERNAL_ERROR")
        assert b"secret detail" not in said.raw
        assert b"ZeroDivision" not in said.raw
        assert "Content-Security-Policy" in said.headers
        assert (await home.ask("GET", "/api/v1/alerts")).status == 200
    assert "secret detail" in lines.getvalue()
    assert said.body["request_id"] in lines.getvalue()


async def test_a_socket_is_told_that_the_process_ends(tmp_path: Path) -> None:
    async with ClientSession() as http:
        async with house(tmp_path) as home:
            headers = {"X-API-Key": home.key("read")}
            ws = await http.ws_connect(f"{home.url}/ws", headers=headers)
            last = asyncio.create_task(_last_word(ws))
            await home.until(lambda: home.service.stream.clients == 1)
        async with asyncio.timeout(3):
            assert await last == 1001


async def _last_word(ws: ClientWebSocketResponse) -> int | None:
    while (await ws.receive()).type is WSMsgType.TEXT:
        pass
    return ws.close_code


def test_the_limits_are_seed_001s_unless_the_settings_say_otherwise() -> None:
    assert rates_of(Web()) == Rates(general=100, optimization=10, data=1_000, export=50)
    assert rates_of(Web(searches_an_hour=7)).optimization == 7


async def test_a_variant_comes_with_the_bars_of_its_symbol_and_what_it_holds(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        held = dict[str, Entered]()
        for kept in sorted([*home.service.tail.entries, *home.service.tail.trades]):
            if isinstance(kept.record, Entered):
                held[kept.record.variant] = kept.record
            else:
                held.pop(kept.record.variant, None)
        assert 0 < len(held) < 5, "some hold something, and some do not"
        for one in home.service.picture.who:
            said = (await home.ask("GET", f"/api/v1/variants/{one.id}")).body
            assert len(said["candles"]) > 10
            assert said["candles"] == [list(bar) for bar in home.service.tail.candles[SYMBOL]]
            own, entered = said["position"], held.get(one.id)
            if entered is None:
                assert own is None
                continue
            assert (own["side"], own["size"]) == (entered.side, entered.size)
            assert (own["entry_price"], own["entry_ns"]) == (entered.price, entered.at_ns)
            assert own["stop"] != own["entry_price"]
        await home.guard.door.close()
        said = (await home.ask("GET", f"/api/v1/variants/{next(iter(held))}")).body
        assert (said["position"], said["explain"]) == (None, None), "only the engine knows"
        assert len(said["candles"]) > 10


class Slow(Disk):
    """One whose every sync takes its time, once it is told to."""

    def __init__(self) -> None:
        self.takes_s = 0.0

    def fdatasync(self, fd: int) -> None:
        time.sleep(self.takes_s)
        super().fdatasync(fd)


async def test_a_trade_on_the_socket_is_the_row_that_the_api_has(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.settled()
        before = home.service.tail.total
        headers = {"X-API-Key": home.key("read")}
        heard = list[dict[str, Any]]()
        async with home.http.ws_connect(f"{home.url}/ws", headers=headers) as ws:
            assert (await ws.receive_json(timeout=5))["type"] == "hello"
            home.live.take(ticks(300, first=150))
            async with asyncio.timeout(30):
                while len(heard) < 10:
                    heard += (await ws.receive_json()).get("trades", ())
        listed = (await home.ask("GET", "/api/v1/trades?limit=1000")).body
        rows = {row["id"]: row for row in listed["trades"]}
        assert [rows[trade["id"]] for trade in heard] == heard
        assert len({trade["id"] for trade in heard}) == len(heard) <= listed["total"] - before


async def test_a_disk_that_is_slow_raises_an_alert_and_a_quick_one_does_not(
    tmp_path: Path,
) -> None:
    disk = Slow()
    async with house(tmp_path, disk=disk) as home:

        def raised() -> bool:
            found = home.service.alerts.lines.get("journal_slow")
            return found is not None and found.active

        home.live.take(ticks(160, first=150))
        await home.until(lambda: home.service.picture.report["durable_seq"] == home.live.pump.seq)
        await asyncio.sleep(1.2)
        assert not raised()
        disk.takes_s = 1.6
        home.live.take(ticks(170, first=160))
        await home.until(raised)
        disk.takes_s = 0.0
        listed = (await home.ask("GET", "/api/v1/alerts")).body["alerts"]
        assert "journal_slow" in {one["code"] for one in listed}


async def test_the_report_says_what_the_run_is_measured_by(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        said = (await home.ask("GET", "/api/v1/run")).body["report"]["terms"]
        assert (said["capital"], said["bars_per_year"]) == (10_000.0, 525_600.0)
        assert said["gate"]["trades_min"] == GATE.trades_min


async def test_an_address_of_nothing_is_a_page_for_people_and_json_for_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = tmp_path / "built"
    built.mkdir()
    (built / "index.html").write_text("<!doctype html><title>liveopt</title>")
    files = static.load(built)
    monkeypatch.setattr(static, "load", lambda: files)
    person = {"Accept": "text/html,*/*;q=0.8"}
    async with house(tmp_path) as home:
        round_ = await home.ask("GET", "/rounds/7", scope="", headers=person)
        assert (round_.status, round_.raw) == (200, b"<!doctype html><title>liveopt</title>")
        lost = await home.ask("GET", "/no/such/page", scope="", headers=person)
        assert (lost.status, lost.raw) == (404, round_.raw)
        assert lost.headers["Content-Type"].startswith("text/html")
        for name in HEADERS:
            assert name in lost.headers, name
        again = person | {"If-None-Match": round_.headers["ETag"]}
        assert (await home.ask("GET", "/no/such/page", scope="", headers=again)).status == 404
        for method, path, headers in (
            ("GET", "/no/such/page", {}), ("GET", "/api/v1/nothing", person),
            ("POST", "/no/such/page", person),
        ):  # fmt: skip
            said = await home.ask(method, path, scope="", headers=headers)
            assert (said.status, said.body["error_code"]) == (404, "NOT_FOUND")
        wrong = await home.ask("GET", "/none", scope="", headers=person | {"Host": "evil.example"})
        assert (wrong.status, wrong.body["error_code"]) == (403, "FORBIDDEN_HOST")
        metrics = (await home.ask("GET", "/metrics")).raw.decode()
        assert "/no/such/page" not in metrics
