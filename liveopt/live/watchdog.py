"""A thread that notices when the event loop stands still: it says where, and ends the process."""

import faulthandler
import os
import sys
import threading
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

DUMP_S: Final = 1.0
END_S: Final = 5.0
STANDSTILLS_MAX: Final = 3
PERIOD_S: Final = 60.0
EXIT: Final = 70


@dataclass(slots=True)
class Watchdog:
    """`beat` from the loop, often; a second without one dumps every stack, five end the process.

    So do three standstills within a minute. Whoever runs the process starts it again.
    """

    dump_s: float = DUMP_S
    end_s: float = END_S
    standstills: int = 0
    _beaten_s: float = field(default_factory=monotonic)
    _ended: threading.Event = field(default_factory=threading.Event)

    def beat(self) -> None:
        """The loop is alive."""
        self._beaten_s = monotonic()

    def start(self) -> None:
        """Begin to watch."""
        self.beat()
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """The loop is about to end."""
        self._ended.set()

    def _watch(self) -> None:
        seen: list[float] = []
        dumped_s = 0.0
        while not self._ended.wait(self.dump_s / 4):
            now_s, beaten_s = monotonic(), self._beaten_s
            if now_s - beaten_s < self.dump_s:
                continue
            if dumped_s != beaten_s:
                dumped_s = beaten_s
                self.standstills += 1
                seen = [*(s for s in seen if now_s - s < PERIOD_S), now_s]
                faulthandler.dump_traceback(sys.stderr)
            if now_s - beaten_s >= self.end_s or len(seen) >= STANDSTILLS_MAX:
                os._exit(EXIT)
