"""A market on which a search finds what lasts, and a service beside it that searches."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np

from liveopt.core.bars import Bars
from liveopt.data.tables import parse_time
from liveopt.journal.reader import records
from liveopt.live.rounds import BY, Said
from liveopt.optimize.rounds.folder import RESULT, TASK, Outcome, outcome_of, task_of
from liveopt.optimize.studies.store import ROUND, Store
from liveopt.walk.events import Input, Proposal, Propose
from liveopt.walk.lines import read_input, read_record
from liveopt.walk.records import DECISIONS, Record, Standing
from tests.kill.stage import (
    LIVEOPT,
    PATIENCE_S,
    Service,
    environment,
    exchange,
    service,
    wait_for,
)
from tests.studies import MINUTE_NS, write_csv

SYMBOL = "XBTUSDTM"
PAST = 2_400
"""Bars that have happened when the exchange starts; a third of them is the test."""
START = "2026-01-05T00:00:00Z"
"""On the minute, so that the bars of the file are those of the exchange."""
PULL = 0.3
"""The share of the way to its mean that the price goes back in a bar."""
BARS = 20_000
EVALS = 800
SPEED = "600"
"""Ten bars a second."""
QUICK = {
    "LIVE__STRATEGIES": "bollinger_reversion",
    "LIVE__VARIANTS": "24",
    "LIVE__SET": "stop=0.5,take=5",
    "LIVE__HISTORY_BARS": str(PAST),
    "LIVE__LOSS_LIMIT": "1",
    "LIVE__DRAWDOWN_LIMIT": "1",
    "GATE__EVIDENCE_BARS": "1",
    "REOPTIMIZE__EVERY": "30",
    "REOPTIMIZE__ON_REGIME": "false",
    "REOPTIMIZE__EVALS": str(EVALS),
    "REOPTIMIZE__BARS": str(PAST),
    "REOPTIMIZE__PROPOSALS": "3",
}
"""Little time; the levels of what is admitted are those of the product."""


def swings(count: int, wild: int = 0, seed: int = 7) -> Bars:
    """Prices that always come back soon: whoever buys after a fall earns.

    An Ornstein-Uhlenbeck process of the logarithm of the price; before the bar `wild` all moves
    are a quarter of what they are from then on.
    """
    rng = np.random.default_rng(seed)
    away, found = 0.0, np.empty(count)
    for n, shock in enumerate(rng.normal(0.0, 0.01, count)):
        away += float(shock) * (1.0 if n >= wild else 0.25) - PULL * away
        found[n] = away
    close = np.round(30_000.0 * np.exp(found), 1)
    opened = np.concatenate([[30_000.0], close[:-1]])
    return Bars(
        1_700_000_040_000_000_000 + np.arange(count, dtype=np.int64) * MINUTE_NS,
        opened, np.maximum(opened, close), np.minimum(opened, close), close,
        np.full(count, 400.0),
    )  # fmt: skip


@contextmanager
def searching(room: Path, wild: int = 0, /, **settings: str) -> Iterator[Service]:
    """A service, not started yet, beside an exchange that plays those swings."""
    market = write_csv(room / "swings.csv", swings(BARS, wild))
    lead = str(PAST * 60)
    words = (
        "--speed", SPEED, "--play", f"{market}:{SYMBOL}", "--lead", lead, "--start", START,
    )  # fmt: skip
    with exchange(room, *words) as sim, service(room, sim.url, **(QUICK | settings)) as found:
        yield found


def missing(run: Path) -> list[str]:
    """Bars of the run that are not those of the file; of the first it may have seen a part."""
    closed = [one.bar for one in outputs(run, DECISIONS) if isinstance(one, Standing)]
    file, start_ns = swings(BARS), parse_time(START) - PAST * MINUTE_NS
    wrong = []
    for bar in closed[1:]:
        n = (bar.at_ns - start_ns) // MINUTE_NS
        right = [float(column[n]) for column in file.floats()]
        seen = [bar.open, bar.high, bar.low, bar.close, bar.volume]
        if not np.allclose(seen, right, rtol=1e-9):
            wrong.append(f"bar {n} of the file: {seen}, not {right}")
    steps = {b.at_ns - a.at_ns for a, b in pairwise(closed)}
    return wrong if steps <= {MINUTE_NS} else [*wrong, f"bars at intervals of {steps} ns"]


def inputs(run: Path) -> list[Input]:
    """All that came into a run so far."""
    return [read_input(one.content) for one in records(run, "inputs")]


def outputs(run: Path, journal: str) -> list[Record]:
    """All that one of its journals says."""
    return [read_record(one.content) for one in records(run, journal)]


def proposed(run: Path) -> list[Proposal]:
    """What searches have proposed, in order."""
    found = [event for event in inputs(run) if isinstance(event, Propose) and event.by == BY]
    return [one for event in found for one in event.proposals]


def over(service: Service, number: int) -> Outcome:
    """The outcome of a round, once it has one."""

    def look() -> Outcome | None:
        assert service.process is not None
        assert service.process.poll() is None, service.log()
        assert service.run is not None
        return outcome_of(service.run, number)

    found: Outcome = wait_for(look, every_s=0.1)
    return found


def searcher(run: Path) -> tuple[int, int] | None:
    """The process that searches for this run now, and the number of its round."""
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = place.read_bytes().split(b"\0")
            if b"search-round" not in words:
                continue
            folder = (place.parent / "cwd").readlink() / words[-2].decode()
            if folder.parent.parent == run.resolve():  # runs of one second have one name
                return int(place.parent.name), int(folder.name)
    return None


Generations = dict[str, list[tuple[int, bytes, float]]]
"""Of each study: which candidates, how fit, and when that was known."""


def generations(studies: Path, run: Path, number: int) -> Generations:
    """What the studies of a round have kept so far."""
    store = Store(studies)
    try:
        names = [e.id for e in store.entries() if e.id.startswith(f"{ROUND}{run.name}_{number}_")]
        return {
            name: [
                (one.checksum, one.fitness.tobytes(), one.elapsed_s)
                for one in store.generations(name, 0)
            ]
            for name in names
        }
    finally:
        store.close()


def trials(kept: Generations) -> int:
    """How many candidates that were."""
    return sum(len(fitness) for rows in kept.values() for _, fitness, _ in rows) // 8


def untimed(kept: Generations) -> dict[str, list[tuple[int, bytes]]]:
    """The same, however long it took."""
    return {name: [row[:2] for row in rows] for name, rows in kept.items()}


def in_peace(service: Service, number: int) -> tuple[bytes, Generations]:
    """The same round searched once more by a process that nobody kills, with studies of its own."""
    run = service.run
    assert run is not None
    room = service.room / f"peace-{number}"
    room.mkdir()
    task = msgspec.structs.replace(task_of(run, number), studies=str(room))
    (room / TASK).write_bytes(msgspec.json.encode(task))
    search_round(service, room)
    return (room / RESULT).read_bytes(), generations(room, run, number)


def search_round(service: Service, folder: Path) -> Said:
    """A round's process to its end, and its last word; its stdin stays open, as the engine's do."""
    process = subprocess.Popen(
        [*LIVEOPT, "search-round", "--folder", str(folder)], cwd=service.room,
        env=environment(**service.settings), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        said = list(process.stdout)
        assert process.wait(PATIENCE_S) == 0
    return msgspec.json.decode(said[-1], type=Said)
