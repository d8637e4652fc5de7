"""Starting is recovering: the newest sound snapshot, then the fold of what came after it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from liveopt.core.strategy import Strategy
from liveopt.journal import snapshots
from liveopt.journal.places import Position
from liveopt.journal.reader import Record, holds, records
from liveopt.journal.recovery import Recovery, recover
from liveopt.live.pump import INPUTS
from liveopt.live.trail import Trail
from liveopt.walk.image import BadImage, restored
from liveopt.walk.lines import read_input
from liveopt.walk.records import OUTPUTS, Journal, Out
from liveopt.walk.state import State
from liveopt.walk.walk import walk

log = structlog.get_logger()

JOURNALS: Final = (INPUTS, *OUTPUTS)
BEAT_RECORDS: Final = 1_000


class Corrupt(Exception):
    """A journal was changed or damaged after it was written; nobody mends that."""


class CannotApply(Corrupt):
    """An input is in the journal that this program cannot follow, now or at any other start."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """A run as it was, and what its journals still lack."""

    state: State
    journals: dict[str, Recovery]
    missing: list[tuple[Journal, bytes]]
    seq: int
    """Inputs applied."""
    folded: int
    """Of them, after the snapshot."""


def recover_run(
    folder: Path, strategies: Mapping[str, Strategy], beat: Callable[[], None] = lambda: None
) -> Recovered:
    """The state of a run from its folder; a new folder gives a run that is still to begin."""
    state, since = _from_snapshot(folder, strategies)
    journals = {name: _mended(folder, name, since.get(name)) for name in JOURNALS}
    trail = Trail(folder, since)
    first = seq = since[INPUTS].seq if since else 0
    for record in records(folder, INPUTS, since.get(INPUTS)):
        seq = record.seq
        trail.follow(_applied(state, record), seq)
        if seq % BEAT_RECORDS == 0:
            beat()
    trail.end(seq)
    return Recovered(state, journals, trail.missing, seq, seq - first)


def _applied(state: State, record: Record) -> list[Out]:
    """What comes of one input of the journal."""
    kind = "no input"
    try:
        event = read_input(record.content)
        kind = type(event).__name__
        return walk(state, event)
    except (ArithmeticError, AssertionError, LookupError, TypeError, ValueError) as error:
        text = (
            f"input {record.seq} ({kind}) cannot be applied: {error!s};"
            " its run is left as it is; begin a new one with --fresh"
        )
        raise CannotApply(text) from error


def _from_snapshot(
    folder: Path, strategies: Mapping[str, Strategy]
) -> tuple[State, dict[str, Position]]:
    for snapshot in snapshots.load_all(folder):
        where = snapshot.positions
        known = where.keys() == set(JOURNALS)
        if not known or not all(holds(folder, name, place) for name, place in where.items()):
            log.warning("a snapshot is not of these journals", file=snapshot.path.name)
            continue
        try:
            return restored(snapshot.state, strategies), dict(where)
        except BadImage as error:
            log.warning("a snapshot cannot be used", file=snapshot.path.name, why=str(error))
    return State(strategies), {}


def _mended(folder: Path, name: str, since: Position | None) -> Recovery:
    found = recover(folder, name, since, repair=True)
    if found.verdict == "corrupt":
        raise Corrupt(str(found.where))
    return found
