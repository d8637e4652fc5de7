"""What the service and its slow worker say: orders down, words up, a board to look at.

Each message is four bytes of length and MessagePack. The worker does one order after the other and
ends each with `Done`; only a ping is answered in between. Beside the link there is the *board*,
shared memory on which the worker writes what it is about to do: when it hangs or dies, that says
whose fault it was.
"""

import struct
from typing import Final, Literal, NamedTuple

import msgspec

from liveopt.core.events import Bar
from liveopt.core.strategy import Choice, Knob
from liveopt.slow.mind import Sides
from liveopt.walk.variant import Variant

Why = Literal["raised", "too_slow", "not_a_number", "died", "refused"]

LENGTH: Final = struct.Struct("<I")
FRAME_MAX: Final = 8 << 20
TEXT_MAX: Final = 500
"""Characters of an error's text that are passed on."""


class BadFrame(ValueError):
    """Bytes that are no message: the worker has lost its mind, or was made to."""


class Start(msgspec.Struct, frozen=True):
    """What a worker is born with."""

    link_fd: int
    board_fd: int
    budget_s: float
    """Time on the processor for one variant and bar."""
    patience_s: float
    """Time on the clock for the same: a strategy may sleep or wait for the disk."""
    memory_bytes: int
    """What it may allocate beyond what Python itself takes."""
    history_bars: int
    strikes: int
    """Faults in its warm-up with which a variant has failed."""


class Load(msgspec.Struct, frozen=True, tag=True):
    """Read a strategy file; it must have this hash, unless it is the first time."""

    number: int
    path: str
    sha256: str = ""
    serial: int = 0


class History(msgspec.Struct, frozen=True, tag=True):
    """Signal bars that are over, to warm variants with."""

    symbol: str
    bars: tuple[Bar, ...]
    serial: int = 0


class Join(msgspec.Struct, frozen=True, tag=True):
    """A variant takes its place, warmed with the history; `told` says whether faults are news."""

    place: int
    variant: Variant
    sides: Sides
    told: bool
    serial: int = 0


class Leave(msgspec.Struct, frozen=True, tag=True):
    """A variant is no longer wanted."""

    place: int
    serial: int = 0


class Feed(msgspec.Struct, frozen=True, tag=True):
    """A signal bar has closed: ask everybody on this symbol."""

    symbol: str
    bar: Bar
    number: int
    serial: int = 0


class Ping(msgspec.Struct, frozen=True, tag=True):
    """Are you there?"""

    serial: int = 0


class Loaded(msgspec.Struct, frozen=True, tag=True):
    """A strategy file as the service may know it: all but its code."""

    number: int
    name: str
    sha256: str
    text: str
    knobs: dict[str, Knob]
    choices: dict[str, Choice]
    rule: str


class Unloadable(msgspec.Struct, frozen=True, tag=True):
    """A strategy file that is none, and why."""

    number: int
    why: str


class Said(msgspec.Struct, frozen=True, tag=True):
    """A variant's target."""

    place: int
    target: int
    took_ms: float


class Fault(msgspec.Struct, frozen=True, tag=True):
    """A variant did not answer a bar, or could not take its place."""

    place: int
    why: Why
    text: str


class Done(msgspec.Struct, frozen=True, tag=True):
    """An order has been carried out."""

    serial: int


class Pong(msgspec.Struct, frozen=True, tag=True):
    """I am here."""

    serial: int


Order = Load | History | Join | Leave | Feed | Ping
Word = Loaded | Unloadable | Said | Fault | Done | Pong

_encoder: Final = msgspec.msgpack.Encoder()
_orders: Final[msgspec.msgpack.Decoder[Order]] = msgspec.msgpack.Decoder(Order)
_words: Final[msgspec.msgpack.Decoder[Word]] = msgspec.msgpack.Decoder(Word)


def framed(message: Order | Word) -> bytes:
    """A message as it goes over the link."""
    body = _encoder.encode(message)
    return LENGTH.pack(len(body)) + body


def length_of(head: bytes) -> int:
    """How many bytes follow."""
    length: int = LENGTH.unpack(head)[0]
    if length > FRAME_MAX:
        raise BadFrame(f"a message of {length:,} bytes")
    return length


def order_of(body: bytes) -> Order:
    """What the service asks for."""
    return _orders.decode(body)


def word_of(body: bytes) -> Word:
    """What the worker says; anything else is refused."""
    try:
        return _words.decode(body)
    except msgspec.MsgspecError as error:
        raise BadFrame(str(error)) from error


IDLE, STARTING, LOADING, STEPPING = 0, 1, 2, 3


class Doing(NamedTuple):
    """What stands on the board."""

    beat: int
    """Counts up with everything the worker begins."""
    phase: int
    who: int
    """The file it loads or the place it steps."""


class Board:
    """Three numbers in shared memory; the worker writes them, the service reads them."""

    BYTES: Final = 4096

    def __init__(self, words: memoryview) -> None:
        """Over memory of `BYTES` bytes."""
        self._words = words.cast("q")

    def write(self, phase: int, who: int = 0) -> None:
        """Say what comes next."""
        words = self._words
        words[1], words[2] = phase, who
        words[0] += 1

    def read(self) -> Doing:
        """What the worker said last."""
        beat, phase, who = self._words[:3].tolist()
        return Doing(beat, phase, who)

    def release(self) -> None:
        """Let go of the memory."""
        self._words.release()
