"""Whether a graphics card of this machine lies idle where one was wanted, and why."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

Wish = Literal["auto", "cpu", "gpu"]
DRIVER: Final = Path("/proc/driver/nvidia/gpus")
DEVICES: Final = Path("/dev")
LOOK_S: Final = 60.0
ASKED: Final = (
    sys.executable, "-c",
    "from liveopt.engine.device import choose; c = choose('auto'); print(c.device.name, c.reason)",
)  # fmt: skip
"""The door at which every search has its device chosen, in a process that may load what it takes:
this one has no use for it."""


def there(driver: Path = DRIVER, devices: Path = DEVICES) -> bool:
    """Whether the kernel knows of a card."""
    try:
        return any(driver.iterdir())
    except OSError:
        return any(devices.glob("nvidia[0-9]*"))


async def idle(wish: Wish, card: bool, ask: Sequence[str] = ASKED) -> str:
    """Why searches take the CPU although there is a card and it may be used; "" if they do not."""
    if wish == "cpu" or not card:
        return ""
    try:
        process = await asyncio.create_subprocess_exec(
            *ask, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL
        )
    except OSError:
        return "it cannot be asked"
    try:
        async with asyncio.timeout(LOOK_S):
            said, _ = await process.communicate()
    except TimeoutError:
        return "the card does not answer"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    device, _, why = said.decode(errors="replace").strip().partition(" ")
    if device != "cpu":
        return "" if device else "it cannot be asked"
    return why.rpartition(";")[0] or why  # how many threads take its place says nothing of it
