"""What faults make of a push on its way out."""

import json
from typing import Any

import pytest

from liveopt.exchange_sim.faults import Faults
from liveopt.exchange_sim.frames import frame, message
from liveopt.exchange_sim.trouble import Trouble

TOPIC = "/contractMarket/execution:XBTUSDTM"


@pytest.fixture
def faults() -> Faults:
    return Faults(1, lambda: now[0])


now = [0.0]


def push(number: int) -> bytes:
    return message(TOPIC, "match", {"sequence": number, "ts": 1_700_000_000_000_000_000}, number)


def numbers(out: list[tuple[str, bytes]]) -> list[int]:
    return [json.loads(data[data.index(b'{"') :])["sn"] for _, data in out]


def body(data: bytes) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(data[data.index(b'{"') :])
    return said


def test_without_a_fault_a_push_passes_as_it_is(faults: Faults) -> None:
    assert Trouble(faults).outgoing(TOPIC, push(1), "futures") == [(TOPIC, frame(push(1)))]


@pytest.mark.parametrize("name", ["data-stop", "freeze", "gap"])
def test_a_push_is_lost(faults: Faults, name: str) -> None:
    faults.turn_on(name, {"chance": 1.0})
    assert Trouble(faults).outgoing(TOPIC, push(1), "futures") == []


def test_shuffled_pushes_are_the_same_pushes_in_another_order(faults: Faults) -> None:
    faults.turn_on("reorder", {"window": 10})
    trouble = Trouble(faults)
    out = [one for n in range(40) for one in trouble.outgoing(TOPIC, push(n), "futures")]
    assert sorted(numbers(out)) == list(range(40))
    assert numbers(out) != list(range(40))
    assert {n // 10 for n in numbers(out)[:10]} == {0}


def test_what_is_held_back_comes_out_when_the_fault_goes_off(faults: Faults) -> None:
    faults.turn_on("reorder", {"window": 10})
    trouble = Trouble(faults)
    assert trouble.outgoing(TOPIC, push(1), "futures") == []
    faults.clear()
    assert numbers(trouble.outgoing(TOPIC, push(2), "futures")) == [1, 2]
    faults.turn_on("reorder", {"window": 10})
    trouble.outgoing(TOPIC, push(3), "futures")
    assert trouble.kept() == []
    faults.clear()
    assert numbers(trouble.kept()) == [3]
    assert trouble.kept() == []


def test_the_push_that_wears_a_fault_off_is_not_held_back_for_ever(faults: Faults) -> None:
    trouble = Trouble(faults)
    for name in ("reorder", "burst"):
        faults.turn_on(name, {"count": 2})
        assert trouble.outgoing(TOPIC, push(1), "futures") == []
        assert sorted(numbers(trouble.outgoing(TOPIC, push(2), "futures"))) == [1, 2]


def test_what_was_held_back_waits_for_a_burst_that_is_still_on(faults: Faults) -> None:
    trouble = Trouble(faults)
    faults.turn_on("reorder", {"window": 10})
    trouble.outgoing(TOPIC, push(1), "futures")
    faults.turn_on("burst", {"seconds": 2})
    faults.turn_off("reorder")
    assert trouble.kept() == []
    faults.turn_off("burst")
    assert numbers(trouble.kept()) == [1]


def test_a_replay_does_not_remember_what_was_before_it_was_on(faults: Faults) -> None:
    trouble = Trouble(faults)
    faults.turn_on("replay", {})
    trouble.outgoing(TOPIC, push(1), "futures")
    faults.clear()
    trouble.kept()
    faults.turn_on("replay", {})
    assert trouble.replayed(TOPIC) == []


def test_a_burst_waits_for_its_time(faults: Faults) -> None:
    faults.turn_on("burst", {"seconds": 2})
    trouble = Trouble(faults)
    now[0] = 10.0
    assert trouble.outgoing(TOPIC, push(1), "futures") == []
    now[0] = 11.0
    assert trouble.outgoing(TOPIC, push(2), "futures") == []
    assert trouble.released(11.9) == []
    assert numbers(trouble.released(12.0)) == [1, 2]
    assert trouble.released(13.0) == []


def test_a_replay_repeats_the_last_pushes_of_the_topic(faults: Faults) -> None:
    trouble = Trouble(faults)
    trouble.outgoing(TOPIC, push(0), "futures")
    faults.turn_on("replay", {"frames": 3})
    for number in range(1, 6):
        trouble.outgoing(TOPIC, push(number), "futures")
    assert [body(data)["sn"] for data in trouble.replayed(TOPIC)] == [3, 4, 5]
    assert trouble.replayed("/other:X") == []


def test_spoiled_frames(faults: Faults) -> None:
    trouble = Trouble(faults)
    faults.turn_on("wrong-unit", {})
    [(_, data)] = trouble.outgoing(TOPIC, push(5), "futures")
    assert body(data)["data"] == {"sequence": 5, "ts": 1_700_000_000_000}
    faults.turn_on("unknown-fields", {})
    [(_, data)] = trouble.outgoing(TOPIC, push(5), "futures")
    assert body(data)["data"]["futureField"] == "x"
    faults.turn_on("binary", {"chance": 1.0})
    assert trouble.outgoing(TOPIC, push(5), "futures")[0][1][0] == 0x82
    faults.clear()
    faults.turn_on("bad-json", {"chance": 1.0})
    with pytest.raises(json.JSONDecodeError):
        body(trouble.outgoing(TOPIC, push(5), "futures")[0][1])
    faults.clear()
    faults.turn_on("unknown-topic", {"chance": 1.0})
    out = trouble.outgoing(TOPIC, push(5), "futures")
    assert [body(data)["topic"] for _, data in out] == [TOPIC, "/market/unheard:OF"]
    assert {topic for topic, _ in out} == {TOPIC}


def test_texts_of_nanoseconds_shrink_too(faults: Faults) -> None:
    faults.turn_on("wrong-unit", {})
    payload = message("/market/match:A-B", "m", {"time": "1700000000123456789", "l": ["1"]})
    [(_, data)] = Trouble(faults).outgoing("/market/match:A-B", payload, "spot")
    assert body(data)["data"] == {"time": "1700000000123", "l": ["1"]}
