"""Secrets that nobody else has, every way to write them, and a search for any of these."""

import base64
import json
import random
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from urllib.parse import quote, quote_plus

LETTERS: Final = string.ascii_letters + string.digits + "-_"
ODD: Final = "q' \"\\/+%&=é€{}"
"""What a passphrase may have, and what escapes are made for."""


class Canary(NamedTuple):
    """One secret."""

    kind: str
    raw: bytes

    @property
    def text(self) -> str:
        return self.raw.decode("utf-8", "surrogateescape")


class Needle(NamedTuple):
    """One way in which one could be found."""

    kind: str
    how: str
    spelled: bytes


def word(luck: random.Random, count: int = 43) -> str:
    """As the product makes them: letters that need no escape."""
    return "".join(luck.choice(LETTERS) for _ in range(count))


def exchange(luck: random.Random) -> dict[str, str]:
    """The variables of an exchange's key."""
    return {
        "KUCOIN_API_KEY": luck.randbytes(12).hex(),
        "KUCOIN_API_SECRET": word(luck, 36),
        "KUCOIN_API_PASSPHRASE": word(luck, 7) + ODD + word(luck, 5),
    }


def spellings(raw: bytes, before: bytes = b"", after: bytes = b"") -> Iterator[tuple[str, str]]:
    """Every way, with something around it where the way mixes them."""
    whole = before + raw + after
    text = raw.decode("utf-8", "surrogateescape")
    yield "raw", text
    yield "repr", repr(text)[1:-1]
    yield "repr of bytes", repr(raw)[2:-1]
    yield "JSON", json.dumps(text)[1:-1]
    yield "URL", quote(raw, safe="")
    yield "URL, slashes kept", quote(raw)
    yield "URL, form", quote_plus(raw)
    yield "URL, every byte", "".join(f"%{byte:02X}" for byte in raw)
    yield "URL, every byte in lower case", "".join(f"%{byte:02x}" for byte in raw)
    yield "hex", whole.hex()
    yield "HEX", whole.hex().upper()
    yield f"base64 at {len(before) % 3}", base64.b64encode(whole).decode()
    yield f"base64 for URLs at {len(before) % 3}", base64.urlsafe_b64encode(whole).decode()


def needles(canary: Canary) -> Iterator[Needle]:
    """What to look for; of base64 only what no neighbour can change, and less; and the halves."""
    for before in (b"", b"x", b"xy"):
        for how, spelled in spellings(canary.raw, before, b"z"):
            found = spelled
            if how.startswith("base64"):
                found = spelled[4:-4]
            elif how in {"hex", "HEX"}:
                found = spelled[2 * len(before) : -2]
            yield Needle(canary.kind, how, found.encode("utf-8", "surrogateescape"))
    half = len(canary.raw) // 2
    if half >= 10:
        yield Needle(canary.kind, "first half", canary.raw[:half])
        yield Needle(canary.kind, "last half", canary.raw[-half:])


@dataclass
class Search:
    """Looks for all of them in bytes that left."""

    canaries: Iterable[Canary]
    bytes_seen: int = 0
    hits: list[tuple[str, str, str]] = field(default_factory=list)
    """Kind, how it was written, where."""
    _needles: list[Needle] = field(default_factory=list)

    def __post_init__(self) -> None:
        found = {one.spelled: one for canary in self.canaries for one in needles(canary)}
        self._needles = [one for one in found.values() if len(one.spelled) >= 8]

    def look(self, where: str, data: bytes) -> int:
        """How many there are; each is written down with its place."""
        self.bytes_seen += len(data)
        found = [one for one in self._needles if one.spelled in data]
        self.hits += [(one.kind, one.how, where) for one in found]
        return len(found)
