"""Text that somebody else has written, as it may be told: in one line, with an end."""

from pathlib import Path
from typing import Final

from liveopt.portfolio.queue.files import shown

LENGTH_MAX: Final = 1_000


def plain(text: str, root: Path) -> str:
    """Without where on this machine the share is: what leaves this process names no folder."""
    place = str(root)
    told = text.replace(place, "the share") if len(place) > 1 else text
    return shown(" ".join(told[: 2 * LENGTH_MAX].split())[:LENGTH_MAX])
