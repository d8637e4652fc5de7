"""A planted edge: something true about the market's next move, for an optimizer to find."""

from dataclasses import dataclass
from typing import Literal

from liveopt.core.bars import MINUTE_NS, interval_ns

Rule = Literal["momentum", "reversion"]


@dataclass(frozen=True, slots=True)
class Edge:
    """After each clock-aligned window the fair price drifts by the sign of that window's return.

    It drifts by `size` (a fraction) per minute until the next window closes: the same way under
    `momentum`, the other way under `reversion`. Everything else about the market is unchanged, so
    that moods with a memory of their own add theirs to it: `up`, `down` and `crash` a trend, and
    the mood `reversion` its pull back to where it began.
    """

    rule: Rule
    size: float
    window_ns: int = MINUTE_NS

    def drift_per_s(self, past: float) -> float:
        """The drift that follows a window with this return."""
        sign = (past > 0.0) - (past < 0.0)
        return (sign if self.rule == "momentum" else -sign) * self.size / 60.0


def parse_edge(text: str) -> Edge:
    """An edge as the command line spells it: `momentum:5m:0.0005` or `reversion:1m:0.001`."""
    parts = text.split(":")
    if len(parts) != 3 or parts[0] not in ("momentum", "reversion"):
        raise ValueError(f"{text!r} is no edge; write one like momentum:5m:0.0005")
    rule: Rule = "momentum" if parts[0] == "momentum" else "reversion"
    try:
        size = float(parts[2])
    except ValueError as error:
        raise ValueError(f"{parts[2]!r} in {text!r} is no number; 0.0005 is 0.05 %") from error
    if not 0.0 < size <= 0.01:
        raise ValueError(f"an edge of {size:g} a minute is not within (0, 0.01]")
    return Edge(rule, size, interval_ns(parts[1]))
