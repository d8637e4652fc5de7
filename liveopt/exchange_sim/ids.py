"""Names for orders and entries, counted from the seed: the same calls get the same names."""

import hashlib


class Ids:
    """One counter for every kind of name; the seed decides where it starts."""

    def __init__(self, seed: int) -> None:
        digest = hashlib.sha256(f"liveopt exchange {seed}".encode())
        self._mark = digest.hexdigest()[:8]
        self._start = int(self._mark, 16)
        self._count = 0

    def spot_order(self, at_ns: int) -> str:
        """24 hexadecimal digits, the first eight the second it was made."""
        return f"{at_ns // 1_000_000_000 & 0xFFFFFFFF:08x}{self._mark}{self._next():08x}"

    def spot_stop(self) -> str:
        """24 letters and digits; those of spot stop orders begin with vs."""
        return f"vs{self._mark}{self._next():014x}"

    def futures_order(self) -> str:
        """18 decimal digits."""
        return str(200_000_000_000_000_000 + self._start * 1_000_000 + self._next())

    def number(self) -> int:
        """14 decimal digits, growing: the ids of fills, balance changes and the like."""
        return 20_000_000_000_000 + self._start * 1_000 + self._next()

    def _next(self) -> int:
        self._count += 1
        return self._count
