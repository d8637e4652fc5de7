"""The socket protocol end to end, over loopback."""

import asyncio

import aiohttp
import pytest

from liveopt.exchange_sim.limits import Limits
from liveopt.exchange_sim.specs import Venue
from tests.exchange_sim.client import FUTURES, SPOT, Wire, simulated


async def test_a_token_with_characters_a_url_must_escape_opens_a_socket() -> None:
    async with simulated() as client:
        client.fault("token-unsafe")
        bullet = await client.bullet("spot")
        assert {"+", "/", "&", "="} <= set(bullet["token"])
        async with Wire(await client.dial("spot", bullet)) as wire:
            assert (await wire.next())["type"] == "welcome"


async def test_a_token_opens_the_venue_it_was_given_for_and_no_other() -> None:
    async with simulated() as client:
        bullet = await client.bullet("spot")
        other = await client.bullet("futures")
        bullet["instanceServers"] = other["instanceServers"]
        async with Wire(await client.dial("futures", bullet)) as wire:
            error = await wire.next()
            assert (error["code"], error["data"]) == (401, "token is invalid")
            assert await wire.end() == 1000


async def test_an_expired_token_gets_an_error_frame_and_a_close() -> None:
    async with simulated(limits=Limits(token_s=0.05)) as client:
        bullet = await client.bullet("spot")
        await asyncio.sleep(0.1)
        async with Wire(await client.dial("spot", bullet)) as wire:
            assert (await wire.next())["data"] == "token is expired"
            assert await wire.end() == 1000


@pytest.mark.parametrize("venue", ["spot", "futures"])
async def test_pings_are_answered_and_futures_add_microseconds(venue: Venue) -> None:
    async with simulated() as client, client.socket(venue) as wire:
        await wire.say(id=77, type="ping")
        pong = await wire.next()
        stamp = pong.pop("timestamp", None)
        assert pong == {"id": "77", "type": "pong"}
        assert (stamp is None) if venue == "spot" else (len(str(stamp)) == 16)


async def test_an_ack_carries_the_id_as_text_and_only_when_asked_for() -> None:
    async with simulated() as client, client.socket("spot") as wire:
        assert await wire.subscribe("/market/match:NO-SUCH", 5) == {"id": "5", "type": "ack"}
        await wire.say(id="6", type="subscribe", topic="/market/match:NO-PAIR")
        await wire.say(id="7", type="ping")
        assert (await wire.next())["id"] == "7"


async def test_subscriptions_sent_before_the_welcome_are_served() -> None:
    async with simulated() as client:
        bullet = await client.bullet("spot")
        async with Wire(await client.dial("spot", bullet)) as wire:
            await wire.say(id=1, type="subscribe", topic=f"/market/level2:{SPOT}", response=True)
            assert (await wire.next())["type"] == "welcome"
            await wire.until(lambda m: m["type"] == "ack")
            await wire.push("trade.l2update")


async def test_subscribing_twice_gives_two_acks_and_one_stream() -> None:
    topic = f"/contractMarket/level2Depth5:{FUTURES}"
    async with simulated() as client, client.socket("futures") as wire:
        for number in ("1", "2"):
            assert (await wire.subscribe(topic, number))["id"] == number
        stamps = [(await wire.push("level2"))["data"]["ts"] for _ in range(4)]
        assert len(set(stamps)) == 4


async def test_unsubscribing_ends_the_stream() -> None:
    topic = f"/market/level2:{SPOT}"
    async with simulated() as client, client.socket("spot") as wire:
        await wire.subscribe(topic)
        await wire.push("trade.l2update")
        await wire.say(id="2", type="unsubscribe", topic=topic, response=True)
        await wire.until(lambda m: m == {"id": "2", "type": "ack"})
        assert await wire.silent(0.5)


@pytest.mark.parametrize(
    ("topic", "code", "text"),
    [
        ("", 406, "topic is required"),
        ("/market/nothing:BTC-USDT", 404, "topic does not exist"),
        ("market/match:BTC-USDT", 400, "topic is invalid"),
        ("/account/balance", 403, "login is required"),
        (
            "/market/match:" + ",".join(f"A{n}-B" for n in range(101)),
            509,
            "exceed max subscription count limitation of 100 per time",
        ),
    ],
)
async def test_a_bad_subscription_gets_its_error_and_the_socket_lives(
    topic: str, code: int, text: str
) -> None:
    async with simulated(markets=[SPOT]) as client, client.socket("spot") as wire:
        error = await wire.subscribe(topic, "9")
        assert error == {"id": "9", "type": "error", "code": code, "data": text}
        await wire.say(id="1", type="ping")
        assert (await wire.next())["type"] == "pong"


async def test_a_frame_that_is_not_json_and_an_unknown_type_get_errors() -> None:
    async with simulated(markets=[SPOT]) as client, client.socket("spot") as wire:
        await wire.socket.send_str("not json")
        error = await wire.next()
        assert error["code"] == 400
        assert error["data"].startswith("Unrecognized token 'not'")
        await wire.say(id="3", type="openTunnel")
        error = await wire.next()
        assert (error["id"], error["code"]) == ("3", 415)


async def test_more_than_the_topics_of_a_session_are_refused_on_spot() -> None:
    limits = Limits(spot_topics=2)
    async with simulated(limits=limits, markets=[SPOT]) as client, client.socket("spot") as wire:
        await wire.subscribe("/market/match:A-B,C-D")
        error = await wire.subscribe("/market/match:E-F")
        assert error["data"] == "exceed max subscription count limitation of 2 per session"


async def test_more_messages_than_allowed_are_refused() -> None:
    limits = Limits(messages=3)
    async with simulated(limits=limits, markets=[SPOT]) as client, client.socket("spot") as wire:
        for number in range(4):
            await wire.say(id=str(number), type="ping")
        answers = [await wire.next() for _ in range(4)]
        assert [m["type"] for m in answers] == ["pong", "pong", "pong", "error"]
        assert answers[3]["data"] == "exceed max permits per 10 seconds"
        assert answers[3]["id"] == "3"


async def test_more_sessions_than_allowed_are_turned_away() -> None:
    async with simulated(limits=Limits(sessions=1), markets=[SPOT]) as client:
        async with client.socket("spot"):
            bullet = await client.bullet("spot")
            async with Wire(await client.dial("spot", bullet)) as wire:
                error = await wire.next()
                assert error["data"] == "exceed max session count limitation of 1"
                assert await wire.end() == 1000
        async with client.socket("spot"):
            pass


async def test_a_client_that_says_nothing_is_closed_however_much_it_is_sent() -> None:
    limits = Limits(silence_s=0.6)
    async with simulated(limits=limits) as client, client.socket("futures") as wire:
        await wire.subscribe(f"/contractMarket/level2Depth5:{FUTURES}")
        for _ in range(3):
            await wire.socket.ping()
            await asyncio.sleep(0.1)
        assert await wire.end() == 1000
        assert wire.socket.close_code == 1000
        assert wire.seen[-1]["type"] in {"message", "error"}


async def test_pings_of_the_protocol_are_answered_unless_the_fault_says_no() -> None:
    async with simulated(markets=[SPOT]) as client:
        bullet = await client.bullet("spot")
        url = f"{bullet['instanceServers'][0]['endpoint']}"
        url += "?token=" + bullet["token"].replace("=", "%3D")
        async with client.http.ws_connect(url, autoping=False) as socket:
            assert (await socket.receive()).type is aiohttp.WSMsgType.TEXT
            await socket.ping(b"x")
            assert (await asyncio.wait_for(socket.receive(), 2)).type is aiohttp.WSMsgType.PONG
            client.fault("protocol-pong-stall")
            await socket.ping(b"y")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(socket.receive(), 0.3)


async def test_private_pushes_go_to_the_account_that_subscribed_to_their_topic() -> None:
    async with simulated() as client, client.socket("futures", private=True) as wire:
        await wire.subscribe("/contractMarket/tradeOrders", "1", privateChannel=True)
        low = client.sim.exchange.markets[FUTURES].mark_price() * 0.96
        order = {
            "clientOid": "a1", "symbol": FUTURES, "side": "buy", "type": "limit",
            "price": f"{low:.1f}", "size": 1, "leverage": 3,
        }  # fmt: skip
        status, said = await client.signed("futures", "POST", "/api/v1/orders", order)
        assert (status, said["code"]) == (200, "200000"), said
        push = await wire.push("orderChange")
        assert push["topic"] == "/contractMarket/tradeOrders"
        assert push["channelType"] == "private"
        assert push["userId"] == client.sim.credential.user
        assert push["data"]["orderId"] == said["data"]["orderId"]


async def test_without_private_channel_a_private_topic_is_acked_and_silent() -> None:
    async with simulated(markets=[SPOT]) as client, client.socket("spot", private=True) as wire:
        assert (await wire.subscribe("/spotMarket/tradeOrdersV2"))["type"] == "ack"
        order = {"symbol": SPOT, "side": "buy", "type": "market", "funds": "50"}
        _, said = await client.signed("spot", "POST", "/api/v1/hf/orders", order)
        assert said["code"] == "200000", said
        assert await wire.silent(0.4)
