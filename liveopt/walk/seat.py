"""One variant's place in the run, small: ten thousand of them are to fit in a few megabytes."""

import struct
import sys
from functools import lru_cache
from typing import Final, Literal

import msgspec

from liveopt.walk.variant import GroupKey, Variant, group_key, parameters_hash

Status = Literal["active", "paused", "stopped", "retired"]
GONE: Final = ("stopped", "retired")
HASH_BYTES: Final = 8


class Seat(msgspec.Struct, array_like=True, gc=False):
    """One variant's place: who it is, packed, and how it stands."""

    id: str
    key: GroupKey
    """What it shares with its group, as one object for all of them."""
    origin: str
    packed: bytes
    """The hash of its parameters, then its numbers in the order of `key.numbers`."""
    status: Status = "active"
    why: str = ""
    strength: float | None = None
    """How sure its strategy was of the position it holds; None where it does not say."""

    @property
    def hash(self) -> str:
        """What stands for its parameters in the records."""
        return self.packed[:HASH_BYTES].hex()

    @property
    def leverage(self) -> float:
        """Position value over margin."""
        return self._number("leverage")

    @property
    def exposure(self) -> float:
        """Position value over equity."""
        return self._number("fraction") * self._number("leverage")

    def _number(self, name: str) -> float:
        """One of its risk parameters; where it is not given, all is staked once."""
        if name not in self.key.numbers:
            return 1.0
        at = HASH_BYTES + 8 * self.key.numbers.index(name)
        found: float = struct.unpack_from("=d", self.packed, at)[0]
        return found

    @property
    def variant(self) -> Variant:
        """The variant again, in full."""
        key = self.key
        numbers = struct.unpack_from(f"={len(key.numbers)}d", self.packed, HASH_BYTES)
        parameters: dict[str, float | str] = dict(zip(key.numbers, numbers, strict=True))
        parameters |= dict(key.words)
        return Variant(self.id, key.strategy, key.symbol, parameters, self.origin, key.lane)


def seat_of(variant: Variant) -> Seat:
    """The seat of one who begins."""
    key = shared(group_key(variant))
    own = variant.parameters
    numbers = struct.pack(f"={len(key.numbers)}d", *(own[name] for name in key.numbers))
    packed = bytes.fromhex(parameters_hash(own)) + numbers
    return Seat(variant.id, key, sys.intern(variant.origin), packed)


@lru_cache(maxsize=1_024)
def shared(key: GroupKey) -> GroupKey:
    """The first key that was equal to this one."""
    return key
