"""What the engine tells the dashboard's process: one frame of columns, four times a second.

Over a Unix socket: four bytes of length, the greatest first, then msgpack. A column has one number
for each variant, in the order of `who`.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

NAME: Final = "telemetry.sock"
"""In the folder of the state; whoever may read that folder's owner's files may read this."""
LENGTH: Final = 4
FRAME_MAX: Final = 64 << 20
"""Bytes of a frame: those of half a million variants."""
STATUSES: Final = ("active", "warming", "paused", "halted", "stopped", "retired", "waiting")
COLUMNS: Final[Mapping[str, str]] = {
    "equity": "<f8",
    "pessimistic": "<f8",
    "roi": "<f8",
    "bar_sharpe": "<f8",
    "max_drawdown": "<f8",
    "win_rate": "<f8",
    "trades": "<i4",
    "bars": "<i4",
    "status": "|u1",
    "side": "|i1",
    "log_evidence": "<f8",
    "p_value": "<f8",
}
"""By name, the kind of number. NaN is what is undefined; rates are fractions.

`pessimistic` is the equity of the account with worse fills, `status` a place in `STATUSES`, `side`
-1, 0 or 1, `log_evidence` the logarithm of an e-value, `p_value` valid at any time.
"""
Columns = dict[str, npt.NDArray[Any]]


class BadFrame(Exception):
    """What came is no frame of this version."""


class Who(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Whose numbers stand in one place of the columns."""

    id: str
    symbol: str
    strategy: str
    origin: str
    lane: str
    champion: bool


class Frame(msgspec.Struct, frozen=True):
    """How a run stands."""

    boot: str
    """Of the engine's process; another one, and everything is told anew."""
    seq: int
    at_ns: int
    """The market's clock: the newest event's."""
    wall_ms: int
    """The engine's clock."""
    run: str
    population: int
    """Another number, other people: `who` changed."""
    who: tuple[Who, ...] | None
    """None where this reader knows them."""
    columns: dict[str, bytes]
    report: dict[str, Any]
    """What the guard is told, too."""


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Frame)


def packed(frame: Frame) -> bytes:
    """A frame as it goes over the socket."""
    body = _ENCODER.encode(frame)
    return len(body).to_bytes(LENGTH, "big") + body


def length_of(head: bytes) -> int:
    """How many bytes follow these four."""
    found = int.from_bytes(head, "big")
    if found > FRAME_MAX:
        raise BadFrame(f"a frame of {found} bytes")
    return found


def unpacked(body: bytes) -> Frame:
    """The frame without its length."""
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadFrame(str(error)) from error


def columns_of(frame: Frame, count: int) -> Columns:
    """The columns as arrays of so many numbers; they lie in the frame and are not written to."""
    found: Columns = {}
    for name, kind in COLUMNS.items():
        try:
            found[name] = np.frombuffer(frame.columns[name], kind, count)
        except (KeyError, ValueError) as error:
            raise BadFrame(f"the column {name} of {count}: {error}") from error
        if found[name].nbytes != len(frame.columns[name]):
            raise BadFrame(f"the column {name} has more than {count} numbers")
    return found


@contextmanager
def short(path: Path) -> Iterator[str]:
    """A name for a socket's path that is short enough for one, however deep its folder is."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
