"""What goes on beside the answers and may fail without making them untrue: kept alive part by part.

A part that fails is started again, ever more slowly, and never given up. Until it has worked for a
minute it is told of: in health, as an alert, in /metrics. No stop goes through any of them.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import numpy as np

from liveopt.live.supervise import Patience, Supervisor

PATIENCE: Final = Patience(crashes_max=None, period_s=600.0, pause_s=0.5, pause_s_max=60.0)
WELL_S: Final = 60.0
"""After so long without a crash a part is well again."""
LACKS: Final = {
    "acts": "what people do here waits for the journal",
    "card": "whether a graphics card lies idle is not known",
    "hooks": "alerts are not sent to web.webhooks",
    "inbox": "alerts of now are forgotten when this process starts again",
    "jobs": "searches that were submitted wait",
    "lag": "how late this process is, is not measured",
    "tail": "trades and promotions of now are not shown",
    "uses": "when API keys were used is not kept",
}
"""What is missing while a part fails."""
Run = Callable[[], Coroutine[Any, Any, None]]


class Ended(Exception):
    """A part that is to go on for ever came to an end."""


@dataclass(slots=True)
class Part:
    """One of them."""

    crashes: int = 0
    why: str = ""
    """Of the last crash, without anything that is nobody's business."""
    began_s: float = 0.0
    works: bool = False
    """Not so between a crash and the next start."""

    def fails(self, now_s: float) -> bool:
        """Whether it has crashed and has not worked long enough since."""
        return self.crashes > 0 and not (self.works and now_s - self.began_s >= WELL_S)

    def __enter__(self) -> None:
        """It is started."""
        self.works, self.began_s = True, asyncio.get_running_loop().time()

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """It has ended, by an error if not with the process; who keeps it hears of that later."""
        self.works = False
        if isinstance(error, Exception):
            self.crashes += 1
            self.why = reason(error)


@dataclass(slots=True)
class Parts:
    """All that may fail, by name."""

    all: dict[str, Part] = field(default_factory=dict)
    patience: Patience = PATIENCE
    troubles: dict[str, Callable[[], str]] = field(default_factory=dict)
    """Of parts that know themselves why they get nowhere: asked for it, empty where they do."""

    def failing(self, now_s: float) -> dict[str, str]:
        """Those that fail now, and why."""
        crashed = {name: part.why for name, part in self.all.items() if part.fails(now_s)}
        own = {name: trouble() for name, trouble in self.troubles.items()}
        return {name: why for name, why in own.items() if why} | crashed

    async def keep(self, name: str, run: Run, rng: np.random.Generator) -> None:
        """For as long as the service lives."""
        part = self.all[name] = Part()
        supervisor = Supervisor(rng, lambda _: None, self.patience)
        await supervisor.keep(name, partial(_for_ever, part, run))


async def _for_ever(part: Part, run: Run) -> None:
    with part:
        await run()
        raise Ended("it ended by itself")


def reason(error: BaseException) -> str:
    """In a few words that name no file: anybody may read them."""
    while True:
        cause = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error.__cause__
        if cause is None:
            break
        error = cause
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
