"""Who gets what is published."""

import asyncio
import json

from liveopt.exchange_sim.events import Push
from liveopt.exchange_sim.faults import Faults
from liveopt.exchange_sim.frames import frame
from liveopt.exchange_sim.hub import Hub
from liveopt.exchange_sim.specs import Venue


class Outbox:
    """A socket that keeps what it is sent."""

    def __init__(self, user: str = "", venue: Venue = "spot") -> None:
        self.venue = venue
        self.user = user
        self.taken: list[bytes] = []
        self.written: list[bytes] = []
        self.ended: list[int] = []
        self.waiting = 0

    def send(self, data: bytes) -> None:
        self.taken.append(data)

    def flush(self) -> None:
        self.written += self.taken
        self.taken.clear()

    def backlog(self) -> int:
        return self.waiting

    def probe(self) -> asyncio.Future[None]:
        probe: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        probe.set_result(None)
        return probe

    def check(self, now_s: float) -> None:
        self.waiting = int(now_s)

    def end(self, code: int, reason: str) -> None:
        self.ended.append(code)

    def reset(self) -> None:
        self.ended.append(0)


def hub_of(now_s: float = 0.0) -> Hub:
    return Hub(Faults(1, lambda: now_s))


async def test_a_push_goes_to_those_who_joined_its_topic_until_they_leave() -> None:
    hub, one, other = hub_of(), Outbox(), Outbox()
    hub.join(one, "/t:A")
    hub.join(other, "/t:B")
    hub.publish("/t:A", b"1")
    assert one.written == []
    hub.flush()
    assert one.written == [frame(b"1")]
    assert other.written == []
    hub.leave(one, "/t:A")
    hub.publish("/t:A", b"2")
    hub.flush()
    assert len(one.written) == 1
    assert list(hub.topics) == ["/t:B"]
    hub.forget(other)
    assert not hub.listened()


async def test_what_is_published_is_written_soon_without_a_flush() -> None:
    hub, one = hub_of(), Outbox()
    hub.join(one, "/t:A")
    hub.publish("/t:A", b"1")
    hub.publish("/t:A", b"2")
    await asyncio.sleep(0)
    assert one.written == [frame(b"1"), frame(b"2")]


async def test_private_pushes_go_to_the_sockets_of_their_user_and_say_so() -> None:
    hub, mine, yours = hub_of(), Outbox("me"), Outbox("you")
    for outbox in (mine, yours):
        hub.join_own(outbox, "/account/balance")
    hub.deliver(Push("me", "/account/balance", "account.balance", {"total": "1"}))
    hub.flush()
    assert yours.written == []
    data = mine.written[0]
    said = json.loads(data[data.index(b'{"') :])
    assert said == {
        "topic": "/account/balance", "type": "message", "userId": "me",
        "channelType": "private", "subject": "account.balance", "data": {"total": "1"},
    }  # fmt: skip
    hub.leave_own(mine, "/account/balance")
    hub.deliver(Push("me", "/account/balance", "account.balance", {}))
    hub.forget(yours)
    hub.flush()
    assert len(mine.written) == 1
    assert not hub.listened()


async def test_cuts_come_to_the_sockets_of_their_venue() -> None:
    clock = [0.0]
    hub = Hub(Faults(1, lambda: clock[0]))
    spot, futures = Outbox(venue="spot"), Outbox(venue="futures")
    hub.sockets = {spot: None, futures: None}
    hub.faults.turn_on("ws-cut", {"every": 1, "code": 1012, "venue": "spot"})
    hub.faults.turn_on("ws-reset", {"every": 2})
    for now_s in (0.5, 1.0, 2.0):
        clock[0] = now_s
        hub.check(now_s)
    assert spot.ended == [1012, 1012, 0]
    assert futures.ended == [0]
    assert hub.backlog() == 2


async def test_what_a_fault_holds_back_is_sent_when_it_goes_off() -> None:
    hub, one = hub_of(), Outbox()
    hub.join(one, "/t:A")
    hub.faults.turn_on("reorder", {"window": 100})
    hub.publish("/t:A", b"1")
    hub.flush()
    assert one.written == []
    hub.faults.clear()
    hub.flush()
    assert one.written == [frame(b"1")]


async def test_what_a_fault_holds_back_is_sent_when_its_time_is_over() -> None:
    clock = [0.0]
    hub, one = Hub(Faults(1, lambda: clock[0])), Outbox()
    hub.join(one, "/t:A")
    hub.faults.turn_on("reorder", {"window": 100, "for": 5})
    hub.faults.turn_on("session-life", {})  # which stays on
    hub.publish("/t:A", b"1")
    clock[0] = 5.0
    hub.check(5.0)
    hub.flush()
    assert one.written == [frame(b"1")]


async def test_those_who_listen_are_counted_once_and_others_not() -> None:
    hub, one, other = hub_of(), Outbox("me"), Outbox()
    hub.sockets = {one: None, other: None}
    hub.join(one, "/t:A")
    hub.join(one, "/t:B")
    hub.join_own(one, "/account/balance")
    assert list(hub.listeners()) == [one]
