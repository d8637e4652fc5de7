"""The steps of a run in their order: how long each took, and how far all of it is."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

WEIGHTS: Final = {
    "load": 10.0,
    "validate": 1.0,
    "ulta": 3.0,
    "correlation": 26.0,
    "algorithms": 50.0,
    "select": 1.0,
    "metrics": 2.0,
    "outputs": 7.0,
}
"""What each usually takes of the whole, in hundredths."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What whoever waits is told."""

    step: str
    share: float
    """Of the whole, 0 to 1."""
    words: str


@dataclass(slots=True)
class Steps:
    """Tells, and keeps the time."""

    hear: Callable[[Progress], None] = lambda _: None
    seconds: dict[str, float] = field(default_factory=dict)
    _now: str = ""
    _since_s: float = 0.0
    _lap: tuple[int, int] = (0, 1)
    _share: float = 0.0
    """What was told last: it never falls."""

    def begin(self, step: str, words: str) -> None:
        """The next step; the last one is over."""
        self._close()
        self._now, self._since_s = step, time.perf_counter()
        self.tell(0.0, words)

    def lap(self, done: int, of: int) -> None:
        """The steps are gone through several times: once a zone."""
        self._lap = done, of

    def tell(self, share: float, words: str) -> None:
        """How far this step is."""
        names = list(WEIGHTS)
        before = sum(WEIGHTS[name] for name in names[: names.index(self._now)])
        one = (before + WEIGHTS[self._now] * min(share, 1.0)) / sum(WEIGHTS.values())
        done, of = self._lap
        self._share = max(self._share, (done + one) / of)
        self.hear(Progress(self._now, self._share, words))

    def end(self) -> None:
        """All is done."""
        self._close()
        self._now = ""

    def _close(self) -> None:
        if self._now:
            took_s = time.perf_counter() - self._since_s
            self.seconds[self._now] = self.seconds.get(self._now, 0.0) + took_s
