"""How long the disk owes the run its word: what was done is confirmed that much later."""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

WINDOW_MS: Final = 10_000
"""What was late is told of for so long: late and punctual words come in turns."""


@dataclass(slots=True)
class Owed:
    """Told of every frame: how many inputs the run has taken in, and how many are on the disk.

    What was there at one frame and is not confirmed at a later one is owed for at least the time
    between them; so nothing is said that was not seen, and a frame's distance may be missing.
    """

    ms: int = 0
    """How long the oldest that is owed has been, at the newest frame."""
    _seq: int = 0
    _since_ms: int = 0
    _seen: deque[tuple[int, int]] = field(default_factory=deque)

    def see(self, at_ms: int, seq: int, durable_seq: int) -> None:
        """At this time of the engine's clock."""
        if durable_seq >= self._seq or at_ms < self._since_ms:
            self._seq, self._since_ms = seq, at_ms
        self.ms = at_ms - self._since_ms if durable_seq < self._seq else 0
        while self._seen and not at_ms - WINDOW_MS < self._seen[0][0] <= at_ms:
            self._seen.popleft()
        while self._seen and self._seen[-1][1] <= self.ms:  # outdone for as long as it counts
            self._seen.pop()
        self._seen.append((at_ms, self.ms))

    def worst_ms(self) -> int:
        """The most of the last ten seconds."""
        return self._seen[0][1] if self._seen else 0
