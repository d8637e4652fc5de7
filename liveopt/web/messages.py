"""What is said to a browser over its WebSocket: JSON texts, told apart by `type`.

    hello    once: {v, server_ms, columns, statuses, and all of `About`}
    snap     all: {seq, who: [[id, symbol, strategy, origin, champion, lane], ...],
             rows: [[numbers in the order of hello.columns], ...], status: {...}, clocks: {...}}
    d        what changed since seq - 1: {seq, rows: [[place, ...its whole row], ...],
             status?: {changed keys}, trades?: [...], clocks}; a trade is as `GET /api/v1/trades`
             has it, with its `id`, and comes once: those of a gap are to be had there
    halt     {halted, number, mode, by, reason, at_ns, acknowledged}, after each snap and on a
             change; `number` is what a resume names
    job      {id, ...} and
    alert    {id, ...}: the newest of each id again after each snap
    hb       every second: {server_ms, clocks}

`status.terms` says what everybody of the run is measured by, from its first event on, and with a
snap or a d again whenever it is another: {capital, bars_per_year (what Sharpe ratios are annualised
with), gate: {trades_min, confidence_min, sharpe_min} | null where the run has no gate}.

Numbers are rounded for display, rates are fractions, undefined is null. `status` in a row is a
place in hello.statuses, `side` -1, 0 or 1. Evidence is an e-value wherever it is told, as in
`status.gate`; `log_evidence` in a row is the logarithm of one. A `snap` may come at any time and
replaces everything; a `d` whose `seq` is not one more than the last is a gap: say
`{"resync": true}` and a snap comes.
A connection that is closed with 1013 was too slow: its reason says when to try again.
"""

import struct
from typing import Any, Final, Literal

import msgspec

from liveopt.guard.latch import State as Latched
from liveopt.live.frames import COLUMNS, STATUSES
from liveopt.web.picture import Clocks, Difference, Shown

VERSION: Final = 1
TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
Mode = Literal["paper", "demo", "replay"]


class About(msgspec.Struct, frozen=True):
    """What stays as it is while this process lives; what may change is in `status`."""

    boot_id: str
    config_hash: str
    mode: Mode
    speed: float
    """Of the market's clock; 1 is live."""
    version: str


class Halt(msgspec.Struct, frozen=True, tag="halt"):
    """Whether the run is halted, by the latch; `acknowledged` once the engine says so too."""

    halted: bool
    number: int
    """The latch's."""
    mode: str
    by: str
    reason: str
    at_ns: int
    acknowledged: bool


def hello(about: About, server_ms: int) -> bytes:
    """The first words."""
    said = {"type": "hello", "v": VERSION, "server_ms": server_ms}
    said |= msgspec.structs.asdict(about)
    said |= {"columns": list(COLUMNS), "statuses": STATUSES}
    return text(said)


def snap(shown: Shown, seq: int, clocks: Clocks) -> bytes:
    """Everything."""
    who = [(w.id, w.symbol, w.strategy, w.origin, w.champion, w.lane) for w in shown.who]
    return text({
        "type": "snap", "seq": seq, "who": who, "rows": shown.rows(), "status": shown.summary,
        "clocks": clocks,
    })  # fmt: skip


def delta(shown: Shown, unlike: Difference, seq: int, trades: list[Any], clocks: Clocks) -> bytes:
    """What is new."""
    places = unlike.places
    rows = [(place, *row) for place, row in zip(places.tolist(), shown.rows(places), strict=True)]
    said: dict[str, Any] = {"type": "d", "seq": seq, "rows": rows, "clocks": clocks}
    if unlike.summary:
        said["status"] = unlike.summary
    if trades:
        said["trades"] = trades
    return text(said)


def heartbeat(server_ms: int, clocks: Clocks) -> bytes:
    """All is well here, and so old is what is known."""
    return text({"type": "hb", "server_ms": server_ms, "clocks": clocks})


def halt(word: Latched, engine: str | None) -> Halt:
    """`engine` is how the engine says that it is halted; None where it does not."""
    return Halt(
        word.halted, word.number, word.mode, word.by, word.reason, word.at_ns,
        acknowledged=word.halted == (engine is not None),
    )  # fmt: skip


def text(said: Any) -> bytes:
    """One message as a whole frame of the protocol, ready for any number of sockets."""
    return framed(TEXT, msgspec.json.encode(said))


def framed(opcode: int, payload: bytes) -> bytes:
    """A frame as servers send it: RFC 6455, section 5.2; final, unmasked."""
    count = len(payload)
    if count < 126:
        head = struct.pack("!BB", 0x80 | opcode, count)
    elif count < 1 << 16:
        head = struct.pack("!BBH", 0x80 | opcode, 126, count)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 127, count)
    return head + payload


def goodbye(code: int, why: str) -> bytes:
    """The frame that ends a connection."""
    return framed(CLOSE, code.to_bytes(2, "big") + why.encode()[:123])
