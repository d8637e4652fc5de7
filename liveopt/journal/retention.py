"""How long the inputs of runs that are over are kept: they are the most of it, by far."""

from pathlib import Path

import structlog

from liveopt.journal.folder import latest
from liveopt.journal.places import DAY_NS, journals, segment_path

log = structlog.get_logger()


def forget(state: Path, name: str, days: int, now_ns: int) -> list[Path]:
    """Delete one journal of every run but the latest that was last written so many days ago.

    What the run did stays: the other journals are not touched. 0 days keeps everything.
    """
    if days == 0 or not state.is_dir():
        return []
    current = latest(state)
    gone: list[Path] = []
    for run in sorted(state.iterdir()):
        if not run.is_dir() or run.is_symlink() or run == current:
            continue
        paths = [segment_path(run, name, number) for number in journals(run).get(name, [])]
        if paths and max(p.stat().st_mtime_ns for p in paths) < now_ns - days * DAY_NS:
            for path in paths:
                path.unlink()
            log.info("the inputs of an old run are deleted", run=run.name, days=days)
            gone += paths
    return gone
