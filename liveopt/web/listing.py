"""Rows of a list as JSON, encoded once for everybody and cut off where an answer ends."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final

import msgspec

_encode: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows, a comma between each two."""

    body: bytes
    ends: list[int]
    """Where each row ends."""

    def first(self, count: int) -> msgspec.Raw:
        """An array of the first so many, or of all: a part of an answer that is JSON already."""
        count = min(count, len(self.ends))
        return msgspec.Raw(b"[%b]" % self.body[: self.ends[count - 1]] if count > 0 else b"[]")


def listing(rows: Iterable[Any]) -> Listing:
    """Of these."""
    parts = [_encode(row) for row in rows]
    ends = [end - 1 for end in accumulate(len(part) + 1 for part in parts)]
    return Listing(b",".join(parts), ends)


def answered(body: msgspec.Struct, **lists: msgspec.Raw) -> bytes:
    """An answer as it goes out, with these lists in the places of its own."""
    return _encode(msgspec.structs.asdict(body) | lists)
