"""Acts that must not keep later acts from happening: the one place that catches whatever comes."""

from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeVar

import structlog

log = structlog.get_logger()
T = TypeVar("T")

failures: Final[Counter[str]] = Counter()
"""How often which act of this process has failed."""


def attempt(act: str, do: Callable[[], T], failed: list[str]) -> T | None:
    """Its result; None if it raised, and then `failed` says what."""
    try:
        return do()
    except Exception as error:  # noqa: BLE001  whatever it is, the next act of a stop must happen
        _note(act, error, failed)
        return None


async def attempt_async(act: str, do: Callable[[], Awaitable[T]], failed: list[str]) -> T | None:
    """The same for what is awaited; being cancelled is not a failure."""
    try:
        return await do()
    except Exception as error:  # noqa: BLE001  as above
        _note(act, error, failed)
        return None


def _note(act: str, error: Exception, failed: list[str]) -> None:
    failures[act] += 1
    failed.append(f"{act}: {type(error).__name__}: {error}")
    with suppress(OSError, ValueError):  # stderr may be closed or its disk full
        log.error("an act of the guard failed", act=act, error=repr(error))
