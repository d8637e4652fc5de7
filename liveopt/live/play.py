"""Plays recorded frames, trades and candles back, as fast as they came, faster, or at once.

`read_frames` reads what `liveopt.live.record` wrote, and captures of others with one JSON object a
line: `t` (seconds since 1970), `dir` (only `recv` counts) and `msg` (the frame as JSON, or as a
string).
"""

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import closing
from decimal import Decimal
from math import inf
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, TypeVar

import msgspec
import numpy as np
import structlog
from numpy.typing import NDArray

from liveopt.core.bars import SECOND_NS
from liveopt.core.events import Bar, Tick
from liveopt.data.candles import read_candles
from liveopt.data.trades import read_trades
from liveopt.live.record import GZIP_WBITS, VERSION, Header, Line, segments

T = TypeVar("T")

log = structlog.get_logger()

BATCH: Final = 1_024
"""Rows that are handed on together at most."""
ROW: Final = 256
"""Frames that are handed on in a row at most before others get their turn."""
BLOCK_BYTES_MAX: Final = 64 * 1024 * 1024
READ_BYTES: Final = 256 * 1024
GZIP_MARK: Final = b"\x1f\x8b"
LAST_S: Final = (2**63 - 1) // SECOND_NS
"""The last second that nanoseconds in 64 bits can tell."""


class BadRecording(ValueError):
    """A recording that cannot be used: which file, which line, and why. Lines count from 1."""

    def __init__(self, path: Path, line: int | None, why: str) -> None:
        place = f"{path}" if line is None else f"{path}: line {line}"
        super().__init__(f"{place}: {why}")
        self.path = path
        self.line = line
        self.why = why


class Frame(NamedTuple):
    """A raw frame; `at_ns` is the wall clock's, and `gap_ns` the time since the frame before."""

    at_ns: int
    gap_ns: int
    data: bytes


Row = tuple[int, int, bytes]
"""When a frame came by the wall clock and by the clock that intervals are taken from, and it."""


class _Captured(msgspec.Struct, frozen=True, gc=False):
    """A line of a capture that others made."""

    t: Decimal
    dir: str
    msg: msgspec.Raw = msgspec.Raw()


class _Marks(msgspec.Struct, frozen=True):
    """What tells a recording's first line from that of a capture."""

    recording: int | None = None


_marks = msgspec.json.Decoder(_Marks).decode
_header = msgspec.json.Decoder(Header).decode
_line = msgspec.json.Decoder(Line).decode
_captured = msgspec.json.Decoder(_Captured).decode
_text = msgspec.json.Decoder(str).decode


async def play_frames(path: Path, speed: float = 1.0) -> AsyncIterator[tuple[int, bytes]]:
    """The frames of a recording, a folder or a file, each with its time on the wall clock.

    `speed` 10 is ten times as fast as they came, `inf` as fast as they can be read.
    """
    pace = Pace(speed, ROW)
    due_ns = 0
    with closing(read_frames(path)) as frames:
        for at_ns, gap_ns, data in frames:
            due_ns += gap_ns
            await pace.reach(due_ns)
            yield at_ns, data


def play_trades(path: Path, speed: float = 1.0, symbol: str = "") -> AsyncIterator[list[Tick]]:
    """The trades of a file as ticks, in batches of what is due; a bad file is refused at once."""
    trades = read_trades(path)

    def ticks(start: int, stop: int) -> list[Tick]:
        columns = (column[start:stop].tolist() for column in trades)
        rows = zip(*columns, strict=True)
        return [Tick(at_ns, price, size, symbol) for at_ns, price, size in rows]

    return _batches(trades.at_ns, Pace(speed, 1), ticks)


def play_candles(path: Path, speed: float = 1.0) -> AsyncIterator[list[Bar]]:
    """The candles of a file, one after the other closes; a bad file is refused at once."""
    bars = read_candles(path)

    def closed(start: int, stop: int) -> list[Bar]:
        part = bars.part(start, stop)
        columns = (column.tolist() for column in (part.at_ns, *part.floats()))
        return [Bar(*row) for row in zip(*columns, strict=True)]

    return _batches(bars.at_ns, Pace(speed, 1), closed)


async def _batches(
    at_ns: NDArray[np.int64], pace: "Pace", rows: Callable[[int, int], list[T]]
) -> AsyncIterator[list[T]]:
    start, begin_ns = 0, int(at_ns[0])
    while start < len(at_ns):
        await pace.reach(int(at_ns[start]) - begin_ns)
        stop = min(start + BATCH, len(at_ns))
        due_ns = pace.due_ns()
        if due_ns < inf:
            stop = min(stop, int(np.searchsorted(at_ns, begin_ns + int(due_ns), side="right")))
            stop = max(stop, start + 1)  # what was waited for is due, however a clock rounds
        yield rows(start, stop)
        start = stop


class Pace:
    """When something recorded is due again; time counts from the first call of `reach`.

    Whoever is late does not wait, but for others to run, after `row` calls.
    """

    def __init__(self, speed: float, row: int) -> None:
        if not speed > 0.0:
            raise ValueError(f"a recording cannot be played at speed {speed}; 1 is as recorded")
        self.speed = speed
        self._row_max = row
        self._row = -1
        self._begun_s = 0.0

    async def reach(self, due_ns: int) -> None:
        """Wait until `due_ns` of the recording."""
        now_s = asyncio.get_running_loop().time()
        if self._row < 0:
            self._begun_s = now_s
        wait_s = self._begun_s + due_ns / SECOND_NS / self.speed - now_s
        self._row += 1
        if wait_s > 0.0 or self._row >= self._row_max:
            self._row = 0
            await asyncio.sleep(max(0.0, wait_s))

    def due_ns(self) -> float:
        """How much of the recording is due by now."""
        if self.speed == inf:
            return inf
        return (asyncio.get_running_loop().time() - self._begun_s) * self.speed * SECOND_NS


def read_frames(path: Path) -> Generator[Frame, None, None]:
    """The frames of a recording, a folder or a file, in the order of their arrival.

    What a killed process left of its last block is skipped with a warning. Any other fault raises
    `BadRecording`, after the frames before it.
    """
    before: Frame | None = None
    for file in _files(path):
        # Between files only the wall clock tells: the machine may have been restarted.
        join_ns = None if before is None else before.at_ns
        for frame in _frames(file):
            if join_ns is None:
                before = frame
            else:
                before = frame._replace(gap_ns=max(0, frame.at_ns - join_ns))
                join_ns = None
            yield before


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise BadRecording(path, None, "there is no such file or folder")
    found = segments(path)
    if not found:
        raise BadRecording(path, None, "there is no feed-*.jsonl.gz in this folder")
    numbers = [number for number, _ in found]
    if missing := sorted(set(range(numbers[0], numbers[-1])) - set(numbers)):
        log.warning("the recording lacks segments", path=str(path), missing=missing)
    return [file for _, file in found]


def _frames(path: Path) -> Generator[Frame, None, None]:
    """The frames of one file, whose first line says how the others are to be read."""
    read: Callable[[bytes], Row | None] | None = None
    before_ns: int | None = None
    for number, line in _lines(path):
        row: Row | None = None
        try:
            if read is None:
                read = _reader(line)
            if number > 1 or read is _captured_row:
                row = read(line)
        except ValueError as error:  # msgspec's errors are such
            raise BadRecording(path, number, str(error)) from error
        if row is not None:
            at_ns, clock_ns, data = row
            gap_ns = 0 if before_ns is None else max(0, clock_ns - before_ns)
            before_ns = clock_ns
            yield Frame(at_ns, gap_ns, data)


def _reader(first: bytes) -> Callable[[bytes], Row | None]:
    version = _marks(first).recording
    if version is None:
        return _captured_row
    if version != VERSION:
        raise ValueError(f"this is version {version} of the format, known is {VERSION}")
    _header(first)
    return _recorded_row


def _recorded_row(line: bytes) -> Row:
    row = _line(line)
    if row.text is not None:
        return row.at, row.mono, row.text.encode()
    if row.base64 is None:
        raise ValueError("the line has neither text nor base64")
    return row.at, row.mono, row.base64


def _captured_row(line: bytes) -> Row | None:
    row = _captured(line)
    if row.dir != "recv":
        return None
    if not row.t.is_finite() or not 0 <= row.t <= LAST_S:
        raise ValueError(f"t is {row.t}, not seconds since 1970")
    at_ns = int(row.t * SECOND_NS)
    data = bytes(row.msg)
    if not data:
        raise ValueError("a received line without msg")
    return at_ns, at_ns, _text(data).encode() if data.startswith(b'"') else data


def _lines(path: Path) -> Generator[tuple[int, bytes], None, None]:
    """The lines of a file with their numbers, packed or not; of a packed one, of whole blocks."""
    number, rest = 0, b""
    with path.open("rb") as file:
        packed = file.read(len(GZIP_MARK)) == GZIP_MARK
        file.seek(0)
        try:
            for block in _blocks(path, file) if packed else _pieces(file):
                *lines, rest = (rest + block).split(b"\n")
                for line in lines:
                    number += 1
                    yield number, line
                if len(rest) > BLOCK_BYTES_MAX:
                    raise _too_long("line")
        except (OSError, ValueError, zlib.error) as error:
            raise BadRecording(path, number + 1, str(error)) from error
    if _is_json(rest):
        yield number + 1, rest
    elif rest:
        _warn_of_torn_tail(path, len(rest))


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(READ_BYTES):
        yield piece


def _blocks(path: Path, file: BinaryIO) -> Iterator[bytes]:
    """The members of a gzip file, each once its checksum is found right."""
    block = bytearray()
    inflate = zlib.decompressobj(GZIP_WBITS)
    begun = 0  # bytes of the open member
    for piece in _pieces(file):
        rest = piece
        while rest:
            try:
                block += inflate.decompress(rest, BLOCK_BYTES_MAX + 1 - len(block))
            except zlib.error as error:
                if not begun and _is_blank(rest, file):
                    _warn_of_torn_tail(path, len(rest))
                    return
                raise ValueError(f"the block is damaged: {error}") from error
            begun += len(rest)
            if len(block) > BLOCK_BYTES_MAX:
                raise _too_long("block")
            rest = inflate.unused_data
            if inflate.eof:
                yield bytes(block)
                block.clear()
                inflate = zlib.decompressobj(GZIP_WBITS)
                begun = 0
    if begun:
        _warn_of_torn_tail(path, begun)


def _is_blank(piece: bytes, file: BinaryIO) -> bool:
    """Only zeros up to the end, as some file systems leave after a power cut."""
    return not piece.strip(b"\0") and all(not more.strip(b"\0") for more in _pieces(file))


def _is_json(text: bytes) -> bool:
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:
        return False
    return True


def _too_long(what: str) -> ValueError:
    return ValueError(f"a {what} of more than {BLOCK_BYTES_MAX} bytes; unpack and split the file")


def _warn_of_torn_tail(path: Path, size: int) -> None:
    log.warning("torn end of a recording skipped", path=str(path), bytes=size)
