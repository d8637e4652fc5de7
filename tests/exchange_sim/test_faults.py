"""Every fault does what its line says, seen from a client, in virtual time."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from liveopt.exchange_sim.limits import Limits
from liveopt.exchange_sim.plan import Entry
from tests.exchange_sim.client import FUTURES, SPOT, Client, Wire, simulated
from tests.virtual import run

LEVEL2 = f"/contractMarket/level2:{FUTURES}"
DEPTH5 = f"/contractMarket/level2Depth5:{FUTURES}"
MATCHES = f"/contractMarket/execution:{FUTURES}"
BARS = f"/contractMarket/limitCandle:{FUTURES}_1min"

Story = Callable[[Client], Awaitable[None]]


def play(story: Story, **changes: Any) -> None:
    """A story in a world of its own, with contracts only unless it says otherwise."""

    async def main(_: object) -> None:
        async with simulated(**({"markets": [FUTURES]} | changes)) as client:
            await story(client)

    run(main)


async def _pushes(wire: Wire, count: int) -> list[dict[str, Any]]:
    return [await wire.until(lambda m: m["type"] == "message") for _ in range(count)]


@pytest.mark.parametrize("status", [401, 403, 429, 503])
def test_a_bullet_error(status: int) -> None:
    async def story(client: Client) -> None:
        client.fault("bullet-error", status=status, count=1)
        got, said = await client.ask("futures", "/api/v1/bullet-public", "POST")
        assert got == status
        assert said["code"] != "200000"
        await client.bullet("futures")

    play(story)


def test_late_answers_late_welcomes_late_pongs_and_late_acks() -> None:
    async def story(client: Client) -> None:
        loop = asyncio.get_running_loop()
        for name in ("bullet-slow", "welcome-late", "pong-late", "ack-late"):
            client.fault(name, seconds=4)
        begun_s = loop.time()
        bullet = await client.bullet("futures")
        assert 4.0 < loop.time() - begun_s < 4.1
        async with Wire(await client.dial("futures", bullet)) as wire:
            assert (await wire.next())["type"] == "welcome"
            assert 8.0 < loop.time() - begun_s < 8.1
            await wire.say(id="1", type="ping")
            assert (await wire.next())["type"] == "pong"
            assert 12.0 < loop.time() - begun_s < 12.1
            await wire.subscribe(DEPTH5)
            assert 16.0 < loop.time() - begun_s < 16.1
            assert len(wire.seen) > 30, "the data came before the ack"

    play(story)


def test_who_speaks_before_a_late_welcome_is_answered_after_it() -> None:
    async def story(client: Client) -> None:
        client.fault("welcome-late", seconds=4)
        async with Wire(await client.dial("futures", await client.bullet("futures"))) as wire:
            await wire.say(id="5", type="ping")
            assert (await wire.subscribe(DEPTH5))["type"] == "ack"
            assert [message["type"] for message in wire.seen[:2]] == ["welcome", "pong"]

    play(story)


def test_who_leaves_before_a_late_welcome_is_subscribed_to_nothing() -> None:
    async def story(client: Client) -> None:
        client.fault("welcome-late", seconds=4)
        async with Wire(await client.dial("futures", await client.bullet("futures"))) as wire:
            await wire.say(id="5", type="subscribe", topic=DEPTH5)
        await asyncio.sleep(5.0)
        assert not client.sim.hub.listened()

    play(story)


def test_tokens_that_do_not_live_long_or_are_refused_at_once() -> None:
    async def story(client: Client) -> None:
        client.fault("token-life", seconds=2)
        bullet = await client.bullet("futures")
        await asyncio.sleep(2.5)
        async with Wire(await client.dial("futures", bullet)) as wire:
            assert (await wire.next())["data"] == "token is expired"
        client.sim.faults.clear()
        client.fault("token-expired", **{"as": "http"})
        with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
            await client.dial("futures", await client.bullet("futures"))

    play(story)


def test_doors_that_do_not_open() -> None:
    async def story(client: Client) -> None:
        client.fault("connect-http", status=503, count=1)
        with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
            await client.dial("futures", await client.bullet("futures"))
        client.fault("connect-509", count=1)
        async with Wire(await client.dial("futures", await client.bullet("futures"))) as wire:
            assert (await wire.next())["code"] == 509
            assert await wire.end() == 1000
        client.fault("connect-close", code=1012, count=1)
        async with client.socket("futures") as wire:
            assert await wire.end() == 1012
        client.fault("welcome-never")
        async with Wire(await client.dial("futures", await client.bullet("futures"))) as wire:
            assert (await wire.subscribe(DEPTH5))["type"] == "ack"

    play(story)


@pytest.mark.parametrize(("name", "code"), [("ws-cut", 1011), ("ws-reset", None)])
def test_connections_end_every_so_often(name: str, code: int | None) -> None:
    async def story(client: Client) -> None:
        loop = asyncio.get_running_loop()
        client.fault(name, every=3, **({"code": code} if code else {}))
        for _ in range(2):
            begun_s = loop.time()
            async with client.socket("futures") as wire:
                assert await wire.end() == code
                assert loop.time() - begun_s < 3.5

    play(story)


def test_a_session_has_its_age_and_its_silence() -> None:
    async def story(client: Client) -> None:
        client.fault("session-life", seconds=2, code=1001)
        async with client.socket("futures") as wire:
            assert await wire.end() == 1001
        client.sim.faults.clear()
        client.fault("ping-rule", seconds=2, frame=1)
        async with client.socket("futures") as wire:
            assert await wire.end() == 1000
            assert wire.seen[-1] == {"type": "error", "code": 400, "data": "ping timeout"}

    play(story)


def test_pongs_stop_while_data_goes_on_and_the_other_way_round() -> None:
    async def story(client: Client) -> None:
        async with client.socket("futures") as wire:
            await wire.subscribe(DEPTH5)
            client.fault("pong-stall")
            await wire.say(id="1", type="ping")
            assert {m["type"] for m in await _pushes(wire, 50)} == {"message"}
            assert all(m["type"] != "pong" for m in wire.seen)
            client.sim.faults.clear()
            client.fault("data-stop")
            await asyncio.sleep(0.5)
            await wire.say(id="2", type="ping")
            await wire.until(lambda m: m["type"] == "pong")
            assert await wire.silent(5.0)

    play(story)


def test_half_open_takes_everything_and_says_nothing_not_even_goodbye() -> None:
    async def story(client: Client) -> None:
        async with client.socket("futures") as wire:
            client.fault("half-open")
            await wire.say(id="1", type="ping")
            await asyncio.sleep(70.0)
            assert not wire.socket.closed
            wire.socket._reader.feed_eof()  # nothing will come; do not wait for a close frame

    play(story)


def test_one_topic_freezes_and_the_others_go_on() -> None:
    async def story(client: Client) -> None:
        async with client.socket("futures") as wire:
            client.fault("freeze", topic=MATCHES)
            await wire.subscribe(MATCHES)
            await wire.subscribe(DEPTH5)
            assert {m["topic"] for m in await _pushes(wire, 100)} == {DEPTH5}

    play(story)


def test_acks_never_come_or_come_after_the_data() -> None:
    async def story(client: Client) -> None:
        async with client.socket("futures") as wire:
            client.fault("ack-never")
            await wire.say(id="1", type="subscribe", topic=DEPTH5, response=True)
            await _pushes(wire, 20)
            client.sim.faults.clear()
            client.fault("ack-after-data")
            await wire.say(id="2", type="subscribe", topic=LEVEL2, response=True)
            await wire.until(lambda m: m["type"] == "ack")
            assert wire.seen[-2]["type"] == "message"
            assert [m["id"] for m in wire.seen if m["type"] == "ack"] == ["2"]

    play(story)


@pytest.mark.parametrize("code", [400, 403, 404, 406, 415, 500, 509])
def test_subscriptions_are_refused(code: int) -> None:
    async def story(client: Client) -> None:
        async with client.socket("futures") as wire:
            client.fault("subscribe-error", code=code, count=1)
            assert (await wire.subscribe(DEPTH5))["code"] == code
            assert (await wire.subscribe(DEPTH5))["type"] == "ack"

    play(story)


def test_pushes_still_come_for_a_while_after_unsubscribe() -> None:
    async def story(client: Client) -> None:
        async with client.socket("futures") as wire:
            await wire.subscribe(DEPTH5)
            client.fault("trailing-pushes", seconds=1)
            await wire.say(id="2", type="unsubscribe", topic=DEPTH5, response=True)
            await wire.until(lambda m: m["type"] == "ack")
            assert 9 <= len(await _pushes(wire, 9)) <= 11
            await asyncio.sleep(1.0)
            await wire.say(id="3", type="ping")
            await wire.until(lambda m: m["type"] == "pong")
            assert await wire.silent(2.0)

    play(story)


def test_pushes_are_doubled_lost_and_shuffled() -> None:
    async def story(client: Client) -> None:
        async with client.socket("futures") as wire:
            await wire.subscribe(LEVEL2)
            client.fault("duplicate", copies=3)
            await asyncio.sleep(0.2)
            wire.seen.clear()
            numbers = [m["sn"] for m in await _pushes(wire, 300)]
            assert max(numbers.count(n) for n in numbers) == 3
            client.sim.faults.clear()
            client.fault("gap", chance=0.5)
            await asyncio.sleep(1.0)
            numbers = sorted({m["sn"] for m in await _pushes(wire, 600)})[-300:]
            assert 1.5 < (numbers[-1] - numbers[0]) / 300 < 3.0
            client.sim.faults.clear()
            client.fault("reorder", window=5)
            await asyncio.sleep(1.0)
            numbers = [m["sn"] for m in await _pushes(wire, 900)][-300:]
            assert numbers != sorted(numbers)
            assert max(abs(n - m) for n, m in zip(numbers, sorted(numbers), strict=True)) <= 5

    play(story)


def test_pushes_are_held_back_and_come_at_once() -> None:
    async def story(client: Client) -> None:
        async with client.socket("futures") as wire:
            client.fault("burst", seconds=3)
            await wire.subscribe(DEPTH5)
            assert await wire.silent(2.9)
            loop = asyncio.get_running_loop()
            await _pushes(wire, 1)
            begun_s = loop.time()
            await _pushes(wire, 25)
            assert loop.time() - begun_s < 0.1

    play(story)


def test_a_new_subscription_begins_with_old_pushes() -> None:
    async def story(client: Client) -> None:
        client.fault("replay", frames=10)
        async with client.socket("futures") as wire:
            await wire.subscribe(LEVEL2)
            old = [m["sn"] for m in await _pushes(wire, 100)]
        async with client.socket("futures") as wire:
            await wire.subscribe(LEVEL2)
            again = [m["sn"] for m in await _pushes(wire, 10)]
        assert again[0] <= old[-1] + 10
        assert again == sorted(again)
        assert client.sim.faults.struck["replay"] == 2

    play(story)


def test_frames_nobody_should_trip_over() -> None:
    async def story(client: Client) -> None:
        async with client.socket("futures") as wire:
            await wire.subscribe(DEPTH5)
            client.fault("unknown-fields")
            client.fault("unknown-topic", chance=0.5)
            pushes = await _pushes(wire, 60)
            assert any("futureField" in m["data"] for m in pushes)
            assert any(m["topic"] == "/market/unheard:OF" for m in pushes)
            client.sim.faults.clear()
            client.fault("bad-json", chance=0.5)
            client.fault("binary", chance=0.5)
            received = [await wire.socket.receive() for _ in range(60)]
            kinds = {message.type for message in received}
            assert kinds == {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}
            assert any(not _is_json(message.data) for message in received)

    play(story)


def _is_json(text: str | bytes) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def test_sequences_start_again_on_the_socket_and_over_rest() -> None:
    async def story(client: Client) -> None:
        async with client.socket("futures") as wire:
            await wire.subscribe(LEVEL2)
            before = (await _pushes(wire, 1))[0]["sn"]
            client.fault("sequence-reset")
            after = await wire.until(lambda m: m["type"] == "message" and m["sn"] < before)
            assert after["sn"] == after["data"]["sequence"] == 1
            book = await client.data("futures", "/api/v1/level2/snapshot", symbol=FUTURES)
            assert 1 <= book["sequence"] < 1000

    play(story)


def test_the_server_s_clock_is_off_and_signatures_by_the_true_one_are_refused() -> None:
    async def story(client: Client) -> None:
        true_ms = client.sim.view.now_ms
        client.fault("clock-skew", ms=60_000)
        shown_ms = await client.data("futures", "/api/v1/timestamp")
        assert 60_000 <= shown_ms - true_ms < 60_100
        status, _ = await client.signed("futures", "GET", "/api/v1/positions")
        assert status == 200
        client.fault("clock-skew", ms=-60_000)
        assert await client.data("futures", "/api/v1/timestamp") < true_ms

    play(story)


def test_times_in_the_wrong_unit_and_prices_that_spike() -> None:
    async def story(client: Client) -> None:
        async with client.socket("futures") as wire:
            await wire.subscribe(MATCHES)
            client.fault("wrong-unit")
            late = await wire.until(lambda m: len(str(m.get("data", {}).get("ts", ""))) == 13)
            assert late["sn"] == late["data"]["sequence"]
            client.sim.faults.clear()
            usual = float(late["data"]["price"])
            client.fault("price-spike", factor=2, count=1)
            push = await wire.until(lambda m: float(m["data"]["price"]) > 1.9 * usual)
            assert len(str(push["data"]["ts"])) == 19
            row = (await client.data("futures", "/api/v1/kline/query", symbol=FUTURES,
                                     granularity=1))[-1]  # fmt: skip
            assert row[2] < 1.5 * usual

    play(story)


def test_one_side_of_the_book_is_empty_everywhere() -> None:
    async def story(client: Client) -> None:
        client.fault("one-sided", side="asks")
        book = await client.data("futures", "/api/v1/level2/depth20", symbol=FUTURES)
        assert book["asks"] == []
        assert book["bids"]
        ticker = await client.data("futures", "/api/v1/ticker", symbol=FUTURES)
        assert (ticker["bestAskPrice"], ticker["bestAskSize"]) == ("0", 0)

    play(story)


def test_bars_are_added_filled_late_and_skipped() -> None:
    async def story(client: Client) -> None:
        topic = f"/market/candles:{SPOT}_1min"
        async with client.socket("spot") as wire:
            await wire.subscribe(topic)
            client.fault("candle-add")
            added = (await wire.push("trade.candles.add"))["data"]["candles"]
            assert int(added[0]) % 60 == 0
            client.sim.faults.clear()
            client.fault("skip-bars", nth=1)
            await asyncio.sleep(2.0)
            wire.seen.clear()
            assert await wire.silent(9.0)
            client.sim.faults.clear()
            client.fault("late-bars", seconds=5)
            push = await wire.push("trade.candles.update")
            lag_s = client.sim.exchange.now_ns / 1e9 - push["data"]["time"] / 1e9
            assert lag_s < 1.0, "stamped when it was sent"

    play(story, markets=[SPOT])


def test_minutes_without_trades_come_flat_and_late() -> None:
    async def story(client: Client) -> None:
        async with client.socket("spot") as wire:
            client.fault("zero-bars")
            await wire.subscribe("/market/candles:KCS-USDT_1min")
            async with asyncio.timeout(3600):
                while True:
                    received = await wire.socket.receive()
                    said = json.loads(received.data)
                    if said["type"] == "message" and said["data"]["candles"][5] == "0":
                        break
        _, opening, close, high, low, volume, turnover = said["data"]["candles"]
        assert opening == close == high == low
        assert (volume, turnover) == ("0", "0")

    play(story, markets=["KCS-USDT"], activity=0.01, limits=Limits(silence_s=1e6))


@pytest.mark.parametrize("headers", [1, 0])
def test_too_many_requests_with_and_without_headers(headers: int) -> None:
    async def story(client: Client) -> None:
        client.fault("rest-429", headers=headers, path="timestamp")
        async with client.http.get(client.sim.futures_url + "/api/v1/timestamp") as answer:
            assert answer.status == 429
            assert ("gw-ratelimit-reset" in answer.headers) == bool(headers)
        await client.data("futures", "/api/v1/status")

    play(story)


@pytest.mark.parametrize(("name", "status"), [("rest-1015", 429), ("rest-html", 502)])
def test_pages_instead_of_json(name: str, status: int) -> None:
    async def story(client: Client) -> None:
        client.fault(name)
        async with client.http.get(client.sim.futures_url + "/api/v1/timestamp") as answer:
            assert answer.status == status
            assert answer.content_type == "text/html"

    play(story)


def test_an_answer_with_another_code_and_half_an_answer() -> None:
    async def story(client: Client) -> None:
        client.fault("rest-code", code="503000", count=1)
        status, said = await client.ask("futures", "/api/v1/timestamp")
        assert (status, said["code"]) == (200, "503000")
        client.fault("rest-bad-json", count=1)
        with pytest.raises(json.JSONDecodeError):
            await client.ask("futures", "/api/v1/timestamp")

    play(story)


@pytest.mark.parametrize("name", ["rest-timeout", "rest-reset"])
def test_an_order_is_executed_and_its_answer_is_lost(name: str) -> None:
    async def story(client: Client) -> None:
        client.fault(name, path="hf/orders", count=1)
        order = {"clientOid": "mine", "symbol": SPOT, "side": "buy", "type": "market",
                 "funds": "50"}  # fmt: skip
        with pytest.raises((aiohttp.ClientError, TimeoutError)):
            async with asyncio.timeout(5):
                await client.signed("spot", "POST", "/api/v1/hf/orders", order)
        path = f"/api/v1/hf/orders/client-order/mine?symbol={SPOT}"
        _, said = await client.signed("spot", "GET", path)
        assert said["data"]["clientOid"] == "mine"

    play(story, markets=[SPOT])


def test_candles_that_are_missing_stale_or_few_and_old_trades() -> None:
    async def story(client: Client) -> None:
        path, now_s = "/api/v1/kline/query", client.sim.exchange.now_ns // 10**9
        asked = {"symbol": FUTURES, "granularity": 1}
        client.fault("candles-empty", count=1)
        assert await client.data("futures", path, **asked) == []
        client.fault("candles-stale", minutes=5, count=1)
        assert now_s - (await client.data("futures", path, **asked))[-1][0] // 1000 >= 240
        client.fault("candles-short", rows=3, count=1)
        assert len(await client.data("futures", path, **asked)) == 3
        client.fault("trades-stale", seconds=30)
        rows = await client.data("futures", "/api/v1/trade/history", symbol=FUTURES)
        assert rows
        assert now_s - rows[0]["ts"] // 10**9 >= 29

    play(story)


def test_a_contract_is_listed_twice_and_pages_are_halved() -> None:
    async def story(client: Client) -> None:
        client.fault("contract-duplicate", count=1)
        rows = await client.data("futures", "/api/v1/contracts/active")
        assert [row["symbol"] for row in rows] == [FUTURES] * 2
        for number in range(2):
            order = {"clientOid": f"o{number}", "symbol": FUTURES, "side": "buy", "leverage": 3,
                     "type": "market", "size": 1}  # fmt: skip
            await client.signed("futures", "POST", "/api/v1/orders", order)
        client.fault("partial-page")
        _, said = await client.signed("futures", "GET", "/api/v1/orders?status=done")
        assert said["data"]["totalNum"] == 2
        assert len(said["data"]["items"]) == 1

    play(story)


def test_trading_faults_reach_the_desk_and_leave_it() -> None:
    async def story(client: Client) -> None:
        order = {"clientOid": "o", "symbol": FUTURES, "side": "buy", "leverage": 3,
                 "type": "market", "size": 1}  # fmt: skip
        client.fault("margin-mode-mismatch")
        _, said = await client.signed("futures", "POST", "/api/v1/orders", order)
        assert said["code"] == "330005"
        client.sim.faults.clear()
        _, said = await client.signed("futures", "POST", "/api/v1/orders", order)
        assert said["code"] == "200000"

    play(story)


def test_a_plan_switches_faults_by_market_time_and_by_the_server_s() -> None:
    async def story(client: Client) -> None:
        names = [active.kind.name for active in client.sim.faults.now()]
        assert names == ["data-stop"]
        await asyncio.sleep(2.05)  # twenty seconds of market time
        assert {active.kind.name for active in client.sim.faults.now()} == {"gap"}
        await asyncio.sleep(1.2)
        assert client.sim.faults.now() == []

    plan = [
        Entry(0.0, False, "data_stop"),
        Entry(15.0, True, off="data-stop"),
        Entry(15.0, True, "gap", params={"chance": 0.5}),
        Entry(3.0, False, off="all"),
    ]
    play(story, plan=plan, speed=10.0)


def test_faults_are_switched_over_http() -> None:
    async def story(client: Client) -> None:
        url = client.sim.futures_url + "/sim/faults"
        async with client.http.post(url, data="gap:chance=0.2,pong-stall") as answer:
            assert [row["name"] for row in (await answer.json())["on"]] == ["gap", "pong-stall"]
        async with client.http.post(url, json={"name": "ws_cut", "every": 5}) as answer:
            assert answer.status == 200
        async with client.http.delete(url, params={"name": "gap"}) as answer:
            assert [row["name"] for row in (await answer.json())["on"]] == ["pong-stall", "ws-cut"]
        for bad in ("gab", "gap:chanse=1", "gap:chance=x", "{", '[{"fault": 1}]'):
            async with client.http.post(url, data=bad) as answer:
                assert answer.status == 400
                assert (await answer.json())["error"]
        async with client.http.get(client.sim.spot_url + "/sim/status") as answer:
            status = await answer.json()
        assert status["symbols"] == [FUTURES]
        assert len(status["faults"]) == 2
        async with client.http.delete(url) as answer:
            assert (await answer.json())["on"] == []

    play(story)


def test_the_mood_of_the_markets_is_set_by_hand() -> None:
    async def story(client: Client) -> None:
        url = client.sim.spot_url + "/sim/regime"
        market = client.sim.exchange.markets[SPOT]
        async with client.http.post(url, data="crash") as answer:
            assert await answer.json() == {"regime": "crash"}
        assert market.regime == "crash"
        async with client.http.post(url, data="boom") as answer:
            assert answer.status == 400
            assert "no regime 'boom'" in (await answer.json())["error"]
        async with client.http.delete(url) as answer:
            assert await answer.json() == {"regime": None}
        await asyncio.sleep(5.0)
        assert market.regime != "crash"

    play(story, markets=[SPOT])
