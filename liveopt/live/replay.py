"""The past again: the inputs of a run through the same walk, its outputs compared byte for byte."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from liveopt.core.events import Tick
from liveopt.core.strategy import Strategy
from liveopt.journal.reader import Reader
from liveopt.live.pump import INPUTS
from liveopt.live.trail import Difference, Diverged, Trail, damage_of
from liveopt.walk.events import Input
from liveopt.walk.lines import read_input
from liveopt.walk.records import Out
from liveopt.walk.state import State
from liveopt.walk.walk import walk


@dataclass(frozen=True, slots=True)
class Step:
    """One input and what came of it."""

    seq: int
    event: Input
    outs: list[Out]


@dataclass(slots=True)
class Replay:
    """A run gone through once more. `steps` does it; then the rest says what was found."""

    folder: Path
    strategies: Mapping[str, Strategy]
    until: Callable[[int, Input], bool] = lambda _seq, _event: False
    """Stop before this input."""
    state: State = field(init=False)
    inputs: int = 0
    ticks: int = 0
    compared: int = 0
    missing: int = 0
    """Records that the walk made and the journal does not have yet: it was cut off there."""
    difference: Difference | None = None
    damage: str = ""
    """Where a journal was changed after it was written; a torn end is none."""
    stopped: bool = False
    digest: str = ""
    """Of the contents of all outputs, in the order of the inputs that led to them."""

    def __post_init__(self) -> None:
        self.state = State(self.strategies)

    def steps(self) -> Iterator[Step]:
        """Input by input, until the end, the first difference, or where it was told to stop."""
        trail = Trail(self.folder, {})
        reader = Reader(self.folder, INPUTS)
        try:
            for line in reader:
                if reader.own:
                    continue
                event = read_input(line.content)
                if self.until(line.seq, event):
                    self.stopped = True
                    break
                outs = walk(self.state, event)
                trail.follow(outs, line.seq)
                self.inputs = line.seq
                self.ticks += isinstance(event, Tick)
                yield Step(line.seq, event, outs)
            else:
                self.damage = damage_of(reader)
                trail.end(self.inputs)
                self.damage = self.damage or trail.damage()
        except Diverged as diverged:
            self.difference = diverged.difference
        self.compared, self.missing = trail.compared, len(trail.missing)
        self.digest = trail.digest.hexdigest()
