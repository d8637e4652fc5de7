"""What to type where nothing runs: how a run is begun, and what the last one left to be read."""

from pathlib import Path

from liveopt.guard import caller
from liveopt.journal import folder
from liveopt.journal.places import journals


def nobody(error: caller.NotRunning, state: Path) -> str:
    """What is wrong, and the way on."""
    text = f"{error}: `liveopt run` or `liveopt demo` starts a run"
    ended = folder.latest(state)
    if ended is None or not journals(ended):
        return text
    link = state / folder.LATEST
    run = link if link.is_symlink() else ended
    return f"{text}; `liveopt replay {run}` shows what the last one did"
