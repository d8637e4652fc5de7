r"""One line of a journal: what was said, its place in the batch, and two checks of fixed width.

    {"price":"67123.1","type":"Fill","~b":[812,0,3],"~n":4711,"~crc":"1f0c..","~h":"<64 hex>"}\n

`~b` is batch, index in it and how many it has; `~n` counts records; `body` is all before `,"~crc"`
and a brace; `~crc` is crc32(body) and `~h` is sha256(head before || body), the new head. Checks are
compared as bytes: a number parsed from them has more than one spelling, and the others would pass.
"""

import re
import zlib
from hashlib import sha256
from typing import Final

import msgspec

LINE_MAX: Final = 1 << 20
"""No line is longer; so a reader never holds more, whatever the file is."""
FIRST_HEAD: Final = bytes(32)
"""What stands for the head before the first line."""

_CHECKS: Final = len(b',"~crc":"01234567","~h":""}\n') + 64
FRAME_MAX: Final = _CHECKS + 120
CONTENT_MAX: Final = LINE_MAX - FRAME_MAX
_NUMBER: Final = rb"(0|[1-9][0-9]{0,17})"
_PLACE: Final = re.compile(
    rb',"~b":\[' + _NUMBER + rb"," + _NUMBER + rb"," + _NUMBER + rb'\],"~n":' + _NUMBER
)
FRAMES: Final = re.compile(_PLACE.pattern + rb',"~crc":"')
"""The framing of a line wherever it shows among damaged bytes; no content can contain it."""


class BadLine(ValueError):
    """Bytes that are no sound next line; `intact` if they are a sound line of another journal."""

    def __init__(self, why: str, *, intact: bool = False) -> None:
        super().__init__(why)
        self.intact = intact


class Line(msgspec.Struct, frozen=True, gc=False):
    """A sound line."""

    content: bytes
    batch: int
    index: int
    count: int
    seq: int
    head: bytes


def check_content(content: bytes) -> None:
    """Refuse what would not be one line, or not be found again in it."""
    if len(content) > CONTENT_MAX:
        raise ValueError(f"a record of {len(content)} bytes; {CONTENT_MAX} at most")
    if content[:2] != b'{"' or content[-1:] != b"}" or b"\n" in content or b"\0" in content:
        raise ValueError(f"a record is one JSON object in one line, not {content[:60]!r}")
    if b'"~b":' in content:
        raise ValueError("keys that begin with ~ are the journal's")


def frame(
    content: bytes, batch: int, index: int, count: int, seq: int, head: bytes
) -> tuple[bytes, bytes]:
    """The line of one record, and the head after it."""
    text = b'%b,"~b":[%d,%d,%d],"~n":%d' % (content[:-1], batch, index, count, seq)
    body = text + b"}"
    head = sha256(head + body).digest()
    checks = (text, zlib.crc32(body), head.hex().encode())
    return b'%b,"~crc":"%08x","~h":"%b"}\n' % checks, head


def parse(line: bytes, seq: int, head: bytes) -> Line:
    """A line that follows that head; its number is `seq`, or one more (see `places`)."""
    text = line[:-_CHECKS]
    body = text + b"}"
    crc = zlib.crc32(body)
    head = sha256(head + body).digest()
    if line[-_CHECKS:] != b',"~crc":"%08x","~h":"%b"}\n' % (crc, head.hex().encode()):
        raise _mismatch(line)
    line_ = _placed(text, head)
    if line_.seq not in (seq, seq + 1):
        raise BadLine(f"is number {line_.seq} and follows number {seq}", intact=True)
    return line_


def claimed(line: bytes) -> Line | None:
    """A line that is whole by its crc, with the head it claims; None for damaged bytes."""
    text = line[:-_CHECKS]
    tail = line[-_CHECKS:]
    head = tail[-67:-3]
    if tail != b',"~crc":"%08x","~h":"%b"}\n' % (zlib.crc32(text + b"}"), head):
        return None
    if re.fullmatch(rb"[0-9a-f]{64}", head) is None:
        return None
    try:
        return _placed(text, bytes.fromhex(head.decode()))
    except BadLine:
        return None


def _mismatch(line: bytes) -> BadLine:
    if line[-1:] != b"\n":
        return BadLine("does not end")
    if claimed(line) is None:
        return BadLine("is damaged: its checksum is not that of its bytes")
    return BadLine("does not follow from the line before: the chain is broken", intact=True)


def _placed(text: bytes, head: bytes) -> Line:
    at = text.rfind(b',"~b":[')
    place = _PLACE.fullmatch(text, at) if at > 0 else None
    if place is None:
        raise BadLine("has no place in a batch", intact=True)
    batch, index, count, seq = map(int, place.groups())
    if index >= count:
        raise BadLine(f"is record {index} of a batch of {count}", intact=True)
    return Line(text[:at] + b"}", batch, index, count, seq, head)
