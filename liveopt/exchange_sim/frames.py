"""WebSocket frames of a server, built once and written as they are to every socket."""

from typing import Any, Final

import msgspec

TEXT: Final = 0x81
BINARY: Final = 0x82
PING: Final = 0x89

encode: Final = msgspec.json.Encoder().encode
"""JSON without spaces."""


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """One unfragmented, unmasked, uncompressed frame (RFC 6455, 5.2)."""
    size = len(payload)
    if size < 126:
        return bytes((opcode, size)) + payload
    if size < 65_536:
        return bytes((opcode, 126, size >> 8, size & 0xFF)) + payload
    return bytes((opcode, 127)) + size.to_bytes(8, "big") + payload


def message(topic: str, subject: str, data: dict[str, Any], sn: int | None = None) -> bytes:
    """The JSON of a public push; `sn` is on most of the futures'."""
    said: dict[str, Any] = {"topic": topic, "type": "message", "subject": subject}
    if sn is not None:
        said["sn"] = sn
    said["data"] = data
    return encode(said)
