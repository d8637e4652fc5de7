"""REST end to end: the envelope, the market data, the limits."""

import asyncio

from liveopt.exchange_sim.topics import INTERVALS_S
from tests.exchange_sim.client import FUTURES, SPOT, START_NS, simulated

START_S = START_NS // 10**9


async def test_an_unknown_path_gets_the_exchange_s_404() -> None:
    async with simulated(markets=[SPOT]) as client:
        said = {"code": "404", "msg": "Not Found", "retry": False, "success": False}
        assert await client.ask("spot", "/api/v1/nope") == (404, said)


async def test_unknown_symbols_are_refused_with_http_200_as_each_venue_does() -> None:
    async with simulated(markets=[SPOT, FUTURES]) as client:
        status, said = await client.ask("futures", "/api/v1/ticker", symbol="NOPEUSDTM")
        assert (status, said) == (200, {"code": "200003", "msg": "Invalid symbol."})
        status, said = await client.ask("futures", "/api/v1/contracts/NOPEUSDTM")
        assert (status, said["code"]) == (200, "404000")
        status, said = await client.ask("spot", "/api/v1/market/stats", symbol=FUTURES)
        assert (status, said["code"]) == (200, "900001")


async def test_spot_candles_come_newest_first_and_only_with_both_ends() -> None:
    path = "/api/v1/market/candles"
    async with simulated(markets=[SPOT]) as client:
        asked = {"symbol": SPOT, "type": "1min"}
        rows = await client.data("spot", path, **asked, startAt=START_S - 600, endAt=START_S)
        times = [int(row[0]) for row in rows]
        assert times == sorted(times, reverse=True)
        assert len(rows) >= 8
        assert all(float(row[4]) <= min(float(row[1]), float(row[2])) for row in rows)
        assert all(float(row[3]) >= max(float(row[1]), float(row[2])) for row in rows)
        assert await client.data("spot", path, **asked, startAt=START_S - 600) == []
        everything = await client.data("spot", path, **asked, startAt=0, endAt=START_S)
        assert len(everything) == 1500
        months = {"symbol": SPOT, "type": "1month", "startAt": 0, "endAt": START_S}
        assert int((await client.data("spot", path, **months))[0][0]) == 1_704_067_200


async def test_futures_candles_come_oldest_first_and_cut_the_newest_part() -> None:
    path = "/api/v1/kline/query"
    async with simulated(markets=[FUTURES]) as client:
        asked = {"symbol": FUTURES, "granularity": 1}
        start_ms = (START_S - 40_000) * 1000
        rows = await client.data("futures", path, **asked, **{"from": start_ms})
        assert len(rows) == 500
        assert rows[0][0] - start_ms < 60_000 * 5
        assert [row[0] for row in rows] == sorted(row[0] for row in rows)
        assert all(len(row) == 7 and row[2] >= max(row[1], row[4]) for row in rows)
        latest = await client.data("futures", path, **asked)
        assert START_S - latest[-1][0] // 1000 < 120
        status, said = await client.ask("futures", path, symbol=FUTURES, granularity=3)
        assert (status, said["code"]) == (200, "400100")


async def test_trades_are_oldest_first_on_spot_and_newest_first_on_futures() -> None:
    async with simulated() as client:
        spot = await client.data("spot", "/api/v1/market/histories", symbol=SPOT)
        futures = await client.data("futures", "/api/v1/trade/history", symbol=FUTURES)
        assert [t["time"] for t in spot] == sorted(t["time"] for t in spot)
        assert [t["ts"] for t in futures] == sorted((t["ts"] for t in futures), reverse=True)
        assert len(spot) == len(futures) == 100
        assert all(t["tradeId"] == str(t["sequence"]) for t in futures)


async def test_what_rest_and_sockets_say_of_a_book_fits_together() -> None:
    async with simulated() as client, client.socket("futures") as wire:
        await wire.subscribe(f"/contractMarket/level2:{FUTURES}")
        first = (await wire.push("level2"))["data"]["sequence"]
        book = await client.data("futures", "/api/v1/level2/snapshot", symbol=FUTURES)
        assert book["sequence"] >= first
        bids, asks = dict(map(tuple, book["bids"])), dict(map(tuple, book["asks"]))
        last = book["sequence"]
        for _ in range(60):
            data = (await wire.push("level2"))["data"]
            if data["sequence"] <= book["sequence"]:
                continue
            assert data["sequence"] == last + 1
            last += 1
            price, side, size = data["change"].split(",")
            level = bids if side == "buy" else asks
            level.pop(float(price), None)
            if int(size):
                level[float(price)] = int(size)
        assert max(bids) < min(asks)


async def test_the_public_quota_is_spent_by_weight_and_then_refused_with_headers() -> None:
    async with simulated(markets=[SPOT]) as client:
        url = client.sim.spot_url + "/api/v1/market/allTickers"
        for n in range(1, 134):
            async with client.http.get(url) as answer:
                assert answer.status == 200
                assert answer.headers["gw-ratelimit-remaining"] == str(2000 - 15 * n)
        async with client.http.get(url) as answer:
            assert answer.status == 429
            assert (await answer.json())["code"] == "429000"
            assert 0 < int(answer.headers["gw-ratelimit-reset"]) <= 30_000


async def test_signed_calls_need_a_signature_and_get_the_full_book() -> None:
    path = f"/api/v3/market/orderbook/level2?symbol={SPOT}"
    async with simulated(markets=[SPOT]) as client:
        status, said = await client.ask("spot", "/api/v3/market/orderbook/level2", symbol=SPOT)
        assert (status, said["code"]) == (400, "400001")
        status, said = await client.signed("spot", "GET", path)
        assert (status, said["code"]) == (200, "200000")
        assert len(said["data"]["asks"]) > 20


async def test_a_private_bullet_needs_a_signature() -> None:
    async with simulated(markets=[SPOT]) as client:
        status, said = await client.ask("spot", "/api/v1/bullet-private", "POST")
        assert (status, said["code"]) == (400, "400001")
        assert (await client.bullet("spot", private=True))["token"]


async def test_on_a_market_of_its_own_time_clients_sign_by_their_own_clock() -> None:
    wall_ns = 1_800_000_000_000_000_000
    async with simulated(markets=[SPOT], wall_ns=lambda: wall_ns, speed=50.0) as client:
        offset_ms = client.sim.view.server_ms() - wall_ns // 10**6
        await asyncio.sleep(0.15)
        for stamp in (wall_ns // 10**6, wall_ns // 10**6 + offset_ms):
            assert client.sim.view.server_ms() - START_NS // 10**6 > 5_000
            assert client.sim._hosts["spot"]._time.for_stamp(str(stamp)) == stamp
        assert client.sim._hosts["spot"]._time.for_stamp("1700000000000") != 1_700_000_000_000


async def test_every_interval_has_candle_pushes_on_both_venues() -> None:
    async with simulated(activity=20.0) as client:
        async with client.socket("spot") as wire:
            items = ",".join(f"{SPOT}_{word}" for word in INTERVALS_S)
            await wire.subscribe(f"/market/candles:{items}")
            missing = set(INTERVALS_S)
            while missing:
                push = await wire.push("trade.candles.update")
                word = push["topic"].rpartition("_")[2]
                opening, *prices = push["data"]["candles"]
                assert int(opening) % INTERVALS_S[word] == 0
                assert len(prices) == 6
                assert len(str(push["data"]["time"])) == 19
                missing.discard(word)
        async with client.socket("futures") as wire:
            items = ",".join(f"{FUTURES}_{word}" for word in INTERVALS_S)
            await wire.subscribe(f"/contractMarket/limitCandle:{items}")
            missing = set(INTERVALS_S)
            while missing:
                push = await wire.push("candle.stick")
                assert "sn" not in push
                assert float(push["data"]["candles"][5]) == int(push["data"]["candles"][6])
                assert len(str(push["data"]["time"])) == 13
                missing.discard(push["topic"].rpartition("_")[2])
