"""The state folder: the journals of the newest run, the halt latch, who runs, the door's port."""

import socket
from collections.abc import Iterator
from pathlib import Path

from liveopt.cli.doctor.row import Row
from liveopt.cli.standing import Standing, standing
from liveopt.config import Settings
from liveopt.journal.folder import latest
from liveopt.journal.lock import is_held
from liveopt.journal.places import journals
from liveopt.journal.reader import holds
from liveopt.journal.recovery import recover
from liveopt.journal.snapshots import Snapshot, load_all
from liveopt.journal.writer import LOCK

LOOPBACK = "127.0.0.1"


def folder_rows(settings: Settings) -> Iterator[Row]:
    """Nothing is written, and nothing is asked of a running service."""
    try:
        now = standing(settings)
        yield from journal(now)
    except OSError as error:
        text = f"{error.filename or settings.journal.folder} cannot be read: {error.strerror}"
        yield Row("folder", "fail", text, "mend its rights, or set journal.folder")
        return
    yield latch(now)
    yield process(now)
    yield port(settings, now)


def journal(now: Standing) -> Iterator[Row]:
    """The newest run's journals, looked at from end to end."""
    run = latest(now.folder)
    if run is None:
        yield Row("journal", "ok", f"no run in {now.folder} yet")
        return
    names = journals(run)
    for name in names:
        yield _journal(run, name)
    if not names:
        yield Row("journal", "ok", f"nothing in {run.name} yet")


def _journal(run: Path, name: str) -> Row:
    """From the newest snapshot on: what lies before it, `liveopt journal verify` reads."""
    taken = next((s for s in load_all(run) if _fits(run, s)), None)
    since = None if taken is None else taken.positions.get(name)
    found = recover(run, name, since)
    where = "from the start" if since is None else f"since record {since.seq}"
    text = f"{run.name}/{name}: {found.records} records sound {where}"
    if found.verdict == "corrupt":
        mend = "it was changed since it was written: keep a copy; `liveopt run --fresh` begins anew"
        return Row("journal", "fail", f"{run.name}/{name}: {found.where}", mend)
    if found.verdict == "torn" and not is_held(run / LOCK):  # else it is being written
        return Row("journal", "warn", f"{text}, then torn", "nothing: the next start cuts it off")
    return Row("journal", "ok", text)


def _fits(run: Path, taken: Snapshot) -> bool:
    return all(holds(run, name, position) for name, position in taken.positions.items())


def latch(now: Standing) -> Row:
    """Whether the next run would start halted."""
    state = now.latch
    if not state.halted:
        return Row("latch", "ok", "not halted")
    if state.by == "latch":  # it speaks for itself: it cannot be read
        mend = 'look at the disk; then `liveopt resume --reason "..."` writes it anew'
        return Row("latch", "fail", state.reason, mend)
    text = f"HALTED ({state.mode}) by {state.by}: {state.reason}"
    return Row("latch", "warn", text, 'liveopt resume --reason "..."')


def process(now: Standing) -> Row:
    """Whether somebody runs here, or did and ended badly."""
    if now.pid is not None:
        return Row("process", "ok", f"{now.who} runs here")
    if now.left_over:
        text = f"{now.folder}/control.json is left of a run that ended badly"
        return Row("process", "warn", text, "nothing: the next start recovers and replaces it")
    return Row("process", "ok", "nobody runs here")


def port(settings: Settings, now: Standing) -> Row:
    """Whether the door that stops a run can be opened."""
    wanted = settings.control.port
    if wanted == 0:
        return Row("port", "ok", "any free one (control.port = 0)")
    if now.port == wanted:
        return Row("port", "ok", f"{wanted} is the door of {now.who}")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, wanted))
        except OSError as error:
            text = f"{LOOPBACK}:{wanted}: {error.strerror}"
            mend = "end what listens there, or set control.port (0 takes a free one)"
            return Row("port", "fail", text, mend)
    return Row("port", "ok", f"{LOOPBACK}:{wanted} is free")
