"""Byte sequences that are UTF-8, and those that only look like it, by the sections of Autobahn's 6.

They are Markus Kuhn's "UTF-8 decoder capability and stress test" with the boundaries of RFC 3629.
"""

from typing import Final

WORD: Final = "\u03ba\u1f79\u03c3\u03bc\u03b5".encode()
"""A Greek word, kosme, whose second letter takes three bytes."""
SURROGATE: Final = b"\xed\xa0\x80"
BEYOND: Final = b"\xf4\x90\x80\x80"
"""The first code point after the last."""
EDITED: Final = b"edited"
LACKING: Final = (
    b"\xc0", b"\xe0\x80", b"\xf0\x80\x80", b"\xf8\x80\x80\x80", b"\xfc\x80\x80\x80\x80",
    b"\xdf", b"\xef\xbf", b"\xf7\xbf\xbf", b"\xfb\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf",
)  # fmt: skip
"""Each lacks its last byte."""
HIGH: Final = (b"\xed\xa0\x80", b"\xed\xad\xbf", b"\xed\xae\x80", b"\xed\xaf\xbf")
LOW: Final = (b"\xed\xb0\x80", b"\xed\xbf\xbf")
STARTS: Final = ((0xC0, 0xDF), (0xE0, 0xEF), (0xF0, 0xF7), (0xF8, 0xFB), (0xFC, 0xFD))


def is_text(said: bytes) -> bool:
    """Whether RFC 3629 allows it; Python's decoder is strict about it."""
    try:
        said.decode()
    except UnicodeDecodeError:
        return False
    return True


def _nobody() -> list[bytes]:
    """The last two code points of each plane, which are nobody's, and are valid all the same."""
    return [chr(plane << 16 | low).encode() for plane in range(17) for low in (0xFFFE, 0xFFFF)]


SECTIONS: Final[dict[str, list[bytes]]] = {
    "6.5": [b"hello$world", "hello¢world".encode(), "hello€world".encode(),
            "hello\U00024b62world".encode(), WORD],
    "6.6": [WORD[:count] for count in range(1, len(WORD) + 1)],
    "6.7": [b"\x00", b"\xc2\x80", b"\xe0\xa0\x80", b"\xf0\x90\x80\x80"],
    "6.8": [b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80"],
    "6.9": [b"\x7f", b"\xdf\xbf", b"\xef\xbf\xbf", b"\xf4\x8f\xbf\xbf"],
    "6.10": [b"\xf7\xbf\xbf\xbf", b"\xfb\xbf\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf\xbf"],
    "6.11": [b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xef\xbf\xbd", b"\xf4\x8f\xbf\xbf", BEYOND],
    "6.12": [b"\x80", b"\xbf", *((b"\x80\xbf" * 3)[:count] for count in range(2, 7)),
             bytes(range(0x80, 0xBF))],
    "6.13": [b"".join(bytes([one, 0x20]) for one in range(first, last)) for first, last in STARTS],
    "6.14": list(LACKING),
    "6.15": [b"".join(LACKING)],
    "6.16": [b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"],
    "6.17": [b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xf8\x80\x80\x80\xaf",
             b"\xfc\x80\x80\x80\x80\xaf"],
    "6.18": [b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf", b"\xf8\x87\xbf\xbf\xbf",
             b"\xfc\x83\xbf\xbf\xbf\xbf"],
    "6.19": [b"\xc0\x80", b"\xe0\x80\x80", b"\xf0\x80\x80\x80", b"\xf8\x80\x80\x80\x80",
             b"\xfc\x80\x80\x80\x80\x80"],
    "6.20": [*HIGH, LOW[0], b"\xed\xbe\x80", LOW[1]],
    "6.21": [high + low for high in HIGH for low in LOW],
    "6.22": _nobody(),
    "6.23": [chr(point).encode() for point in range(0xFFF9, 0x10000)],
}  # fmt: skip
"""What is sent, in the order of Autobahn's numbers."""
