"""What a browser sends on its socket, read to the letter of RFC 6455; knows no socket itself.

A client may say little here, so whatever is wrong ends the connection at once, before anything of
it is kept: a frame that is not masked, a bit or an opcode that nobody agreed upon, a fragment of
nothing, text that is no UTF-8, and a message as long as `message_max` or in as many frames.
"""

import base64
import binascii
import codecs
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from aiohttp import HttpVersion, HttpVersion11

from liveopt.web.errors import Problem

MORE, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
KNOWN: Final = frozenset({MORE, TEXT, BINARY, CLOSE, PING, PONG})
CONTROL: Final = 0x8
"""The bit of opcodes that end, ask and answer."""
CONTROL_MAX: Final = 125
NORMAL, PROTOCOL_ERROR, WRONG_TEXT, TOO_BIG = 1000, 1002, 1007, 1009
CODES: Final = frozenset({*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)})
"""With which a connection may be closed: section 7.4, and what IANA has registered since."""
VERSION: Final = "13"
GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
NONCE: Final = 16
_utf8: Final = codecs.getincrementaldecoder("utf-8")


class Broken(Exception):
    """A client that can not be listened to any longer: `code` tells it why."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code, self.why = code, why


@dataclass(slots=True)
class Inbound:
    """One client's frames."""

    message_max: int
    _kept: bytearray = field(default_factory=bytearray)
    """Less than a frame."""
    _opcode: int = MORE
    """Of the message whose fragments come; none for `MORE`."""
    _message: bytearray = field(default_factory=bytearray)
    _frames: int = 0
    _text: codecs.IncrementalDecoder = field(default_factory=_utf8)

    def take(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Opcode and payload of each message that is whole; control frames are messages too."""
        self._kept += data
        at = 0
        try:
            while (place := self._head(at)) is not None:
                begins, ends = place
                if len(self._kept) < ends:
                    break
                first = self._kept[at]
                payload = _unmasked(self._kept[begins:ends], self._kept[begins - 4 : begins])
                at = ends
                said = self._framed(first & 0xF, payload, final=bool(first & 0x80))
                if said is not None:
                    yield said
        finally:
            del self._kept[:at]

    def _head(self, at: int) -> tuple[int, int] | None:
        """Where the payload begins and ends; None while too little is there to tell."""
        kept = self._kept
        if len(kept) < at + 2:
            return None
        opcode, short = kept[at] & 0xF, kept[at + 1] & 0x7F
        self._judge(kept[at], opcode, kept[at + 1])
        size = {126: 2, 127: 8}.get(short, 0)
        if len(kept) < at + 2 + size:
            return None
        count = int.from_bytes(kept[at + 2 : at + 2 + size], "big") if size else short
        if size and (count < 126 or (size == 8 and count < 1 << 16) or count >> 63):
            raise Broken(PROTOCOL_ERROR, "a length is told in as few bytes as it needs")
        if opcode < CONTROL and len(self._message) + count >= self.message_max:
            raise Broken(TOO_BIG, f"a message is shorter than {self.message_max} bytes")
        begins = at + 2 + size + 4
        return begins, begins + count

    def _judge(self, first: int, opcode: int, second: int) -> None:
        """The two bytes that say what a frame is."""
        if first & 0x70 or opcode not in KNOWN:
            raise Broken(PROTOCOL_ERROR, "bits and opcodes that nobody agreed upon")
        if not second & 0x80:
            raise Broken(PROTOCOL_ERROR, "a client masks its frames")
        if opcode & CONTROL:
            if not first & 0x80 or second & 0x7F > CONTROL_MAX:
                raise Broken(PROTOCOL_ERROR, "a control frame is short and whole")
        elif (opcode == MORE) is (self._opcode == MORE):
            raise Broken(PROTOCOL_ERROR, "a fragment belongs to the message that was begun")

    def _framed(self, opcode: int, payload: bytes, *, final: bool) -> tuple[int, bytes] | None:
        """What a frame completes, if anything."""
        if opcode & CONTROL:
            return opcode, _reason(payload) if opcode == CLOSE else payload
        if opcode != MORE:
            self._opcode, self._frames = opcode, 0
        self._message += payload
        self._frames += 1
        if self._frames >= self.message_max:
            raise Broken(TOO_BIG, "a message in too many fragments")
        if self._opcode == TEXT:
            try:
                self._text.decode(payload, final=final)
            except UnicodeDecodeError as error:
                raise Broken(WRONG_TEXT, "text is UTF-8") from error
        if not final:
            return None
        whole, self._opcode = (self._opcode, bytes(self._message)), MORE
        self._message.clear()
        self._text.reset()
        return whole


def _unmasked(payload: bytearray, key: bytearray) -> bytes:
    """Section 5.3: exclusive or with the key, over and over."""
    count = len(payload)
    keys = (key * (count // 4 + 1))[:count]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(keys, "big")).to_bytes(count, "big")


def _reason(payload: bytes) -> bytes:
    """That of a close frame, if it is one that may be given."""
    if payload and int.from_bytes(payload[:2], "big") not in CODES:  # nor is any of one byte
        raise Broken(PROTOCOL_ERROR, "a code that closes no connection")
    try:
        payload[2:].decode()
    except UnicodeDecodeError as error:
        raise Broken(WRONG_TEXT, "a reason is UTF-8") from error
    return payload


def code_of(payload: bytes) -> int:
    """With which code a close frame is answered: with its own."""
    return int.from_bytes(payload[:2], "big") if payload else NORMAL


def shaken(version: HttpVersion, headers: Mapping[str, str], protocol: str) -> dict[str, str]:
    """The headers that answer a handshake (section 4.2); `Problem` where it is none."""
    if version < HttpVersion11 or headers.get("Upgrade", "").strip().lower() != "websocket":
        raise Problem(400, "BAD_REQUEST", "this is a WebSocket: Upgrade: websocket is missing")
    if "upgrade" not in _words(headers.get("Connection", "").lower()):
        raise Problem(400, "BAD_REQUEST", "Connection: Upgrade is missing")
    if headers.get("Sec-WebSocket-Version", "").strip() != VERSION:
        own = {"Sec-WebSocket-Version": VERSION, "Upgrade": "websocket"}
        raise Problem(426, "BAD_REQUEST", f"Sec-WebSocket-Version is {VERSION}", headers=own)
    key = headers.get("Sec-WebSocket-Key", "").strip()
    try:
        nonce = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        nonce = b""
    if len(nonce) != NONCE:
        raise Problem(400, "BAD_REQUEST", "Sec-WebSocket-Key is 16 bytes in base64")
    digest = hashlib.sha1(key.encode() + GUID, usedforsecurity=False).digest()
    found = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Accept": base64.b64encode(digest).decode(),
    }
    if protocol in _words(headers.get("Sec-WebSocket-Protocol", "")):
        found["Sec-WebSocket-Protocol"] = protocol
    return found


def _words(value: str) -> list[str]:
    return [word.strip() for word in value.split(",")]
