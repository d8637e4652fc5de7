"""Frames of RFC 6455 as a client writes them, right or wrong, and as it reads a server's."""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

MORE, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
CONTROL_MAX: Final = 125


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    masked: bool = True,
    wide: int = 0,
    length: int | None = None,
) -> bytes:
    """One frame; `wide` (126, 127) takes a longer length than is needed, `length` tells a lie."""
    count = len(payload) if length is None else length
    first = fin << 7 | rsv << 4 | opcode
    form = wide or (count if count < 126 else 126 if count < 1 << 16 else 127)
    mark = masked << 7
    head = struct.pack("!BB", first, mark | form)
    head += struct.pack("!H", count) if form == 126 else b""
    head += struct.pack("!Q", count) if form == 127 else b""
    if not masked:
        return head + payload
    key = os.urandom(4)
    return head + key + mask(payload, key)


def mask(payload: bytes, key: bytes) -> bytes:
    """Section 5.3: each byte with the byte of the key whose turn it is."""
    count = len(payload)
    whole = (key * (count // 4 + 1))[:count]
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(whole, "big")
    return mixed.to_bytes(count, "big")


def fragments(opcode: int, payload: bytes, size: int) -> list[bytes]:
    """One message in frames of so many bytes each."""
    parts = [payload[at : at + size] for at in range(0, len(payload), size)] or [b""]
    last = len(parts) - 1
    return [
        frame(MORE if number else opcode, part, fin=number == last)
        for number, part in enumerate(parts)
    ]


def close(code: int | None = None, reason: bytes = b"") -> bytes:
    """The frame that ends a connection; without a code it is empty but for the reason."""
    return frame(CLOSE, (b"" if code is None else struct.pack("!H", code)) + reason)


def chops(data: bytes, size: int = 1) -> list[bytes]:
    """The same bytes in pieces, as a wire may bring them."""
    return [data[at : at + size] for at in range(0, len(data), size)]


@dataclass(slots=True)
class Heard:
    """Reads a server's frames, and asserts that each is one a server may send."""

    _kept: bytearray = field(default_factory=bytearray)

    def take(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Opcode and payload of each whole frame."""
        self._kept += data
        while (found := self._next()) is not None:
            yield found

    def _next(self) -> tuple[int, bytes] | None:
        kept = self._kept
        if len(kept) < 2:
            return None
        opcode, count, at = kept[0] & 0xF, kept[1] & 0x7F, 2
        assert kept[0] & 0x70 == 0, "a reserved bit without an extension"
        assert kept[1] & 0x80 == 0, "a server masks nothing"
        assert kept[0] & 0x80, "this server never fragments"
        assert opcode in {TEXT, CLOSE, PING, PONG}, f"opcode {opcode}"
        assert opcode == TEXT or count <= CONTROL_MAX, "a control frame is short"
        for form, size in ((126, 2), (127, 8)):
            if kept[1] & 0x7F == form:
                if len(kept) < 2 + size:
                    return None
                count, at = int.from_bytes(kept[2 : 2 + size], "big"), 2 + size
        if len(kept) < at + count:
            return None
        payload = bytes(kept[at : at + count])
        del kept[: at + count]
        if opcode == TEXT:
            payload.decode()  # raises where it is no UTF-8
        return opcode, payload
