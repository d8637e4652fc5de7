"""Faults on the way out: pushes lost, doubled, shuffled, held back, or spoiled."""

from collections import deque
from typing import Any, Final

import msgspec

from liveopt.exchange_sim.faults import Faults
from liveopt.exchange_sim.frames import BINARY, TEXT, encode, frame
from liveopt.exchange_sim.topics import symbol_of

NS_MIN: Final = 10**17
"""An integer above this is a time in nanoseconds; no sequence or size is."""
RECENT: Final = 200

Out = list[tuple[str, bytes]]


class Trouble:
    """What becomes of a push on its way to the sockets; frames come out in their new order."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._held: dict[str, list[bytes]] = {}
        self._burst: Out = []
        self._burst_ends_s = 0.0
        self._recent: dict[str, deque[bytes]] = {}

    def outgoing(self, topic: str, payload: bytes, venue: str) -> Out:
        """The frames to send now, each with the topic whose subscribers get it."""
        where = {"topic": topic, "symbol": symbol_of(topic), "venue": venue}
        strike = self._faults.strike
        if any(strike(name, **where) for name in ("data-stop", "freeze", "gap")):
            return []
        out = [(topic, made) for made in self._copies(payload, where)]
        self._remember(topic, out, where)
        if strike("unknown-topic", **where):
            out.append((topic, frame(_stranger(payload))))
        out = self._reordered(topic, out, where)
        return self._hold(out, where)

    def released(self, now_s: float) -> Out:
        """What a burst held back, once its time has come."""
        if not self._burst or now_s < self._burst_ends_s:
            return []
        out, self._burst = self._burst, []
        return out

    def kept(self) -> Out:
        """What is held back by faults that went off in the meantime."""
        if not self._faults.on("replay"):
            self._recent.clear()
        if not self._faults.on("reorder"):
            held, self._held = self._held, {}
            self._burst += [(topic, made) for topic, frames in held.items() for made in frames]
        if self._faults.on("burst"):
            return []
        out, self._burst = self._burst, []
        return out

    def replayed(self, topic: str) -> list[bytes]:
        """The last frames of a topic, for a subscription that begins with them."""
        replay = self._faults.strike("replay", topic=topic, symbol=symbol_of(topic))
        if replay is None:
            return []
        return list(self._recent.get(topic, ()))[-int(replay["frames"]) :]

    def _copies(self, payload: bytes, where: dict[str, str]) -> list[bytes]:
        strike = self._faults.strike
        if strike("wrong-unit", **where):
            payload = encode(_in_milliseconds(msgspec.json.decode(payload)))
        if strike("unknown-fields", **where):
            payload = encode(_with_more(msgspec.json.decode(payload)))
        if strike("bad-json", **where):
            payload = payload[: len(payload) // 2]
        opcode = BINARY if strike("binary", **where) else TEXT
        again = strike("duplicate", **where)
        return [frame(payload, opcode)] * (1 if again is None else int(again["copies"]))

    def _remember(self, topic: str, out: Out, where: dict[str, str]) -> None:
        if self._faults.holds("replay", **where):
            recent = self._recent.setdefault(topic, deque(maxlen=RECENT))
            recent.extend(made for _, made in out)

    def _reordered(self, topic: str, out: Out, where: dict[str, str]) -> Out:
        fault = self._faults.strike("reorder", **where)
        held = self._held.pop(topic, [])
        if fault is None:
            return [(topic, made) for made in held] + out
        held += [made for _, made in out]
        if len(held) < float(fault["window"]) and self._faults.on("reorder"):
            self._held[topic] = held
            return []
        self._faults.luck("reorder", **where).shuffle(held)
        return [(topic, made) for made in held]

    def _hold(self, out: Out, where: dict[str, str]) -> Out:
        fault = self._faults.strike("burst", **where)
        if fault is None:
            return out
        if not self._burst:
            self._burst_ends_s = self._faults.clock() + float(fault["seconds"])
        self._burst += out
        if self._faults.on("burst"):
            return []
        out, self._burst = self._burst, []
        return out


def _stranger(payload: bytes) -> bytes:
    said = msgspec.json.decode(payload)
    return encode(said | {"topic": "/market/unheard:OF", "subject": "unheard.of"})


def _with_more(said: dict[str, Any]) -> dict[str, Any]:
    data = said["data"] | {"futureField": "x", "futureObject": {"a": [1, None]}}
    return said | {"data": data, "newTopLevel": 1, "id": "5c24c5da03aa673885cd67ab"}


def _in_milliseconds(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _in_milliseconds(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_in_milliseconds(one) for one in value]
    if isinstance(value, int) and value > NS_MIN:
        return value // 1_000_000
    if isinstance(value, str) and len(value) == 19 and value.isdigit():
        return value[:13]
    return value
