"""What a run's gate decided, from its journals: verdicts, promotions, what became of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from liveopt.journal.reader import records
from liveopt.walk.lines import read_record
from liveopt.walk.records import (
    DECISIONS,
    EXPERIMENTAL,
    Standing,
    VariantPaused,
    VariantResumed,
    VariantStopped,
)
from liveopt.walk.verdicts import Demoted, Looked, Promoted, SeasonEnded, Verdict, Warned

Decision = Verdict | Promoted | Demoted | Warned | SeasonEnded
Became = Literal[
    "", "falls_short", "waits", "promoted", "overtaken", "withdrawn", "paused", "gone", "ended"
]
"""Of a verdict. falls_short: it does not hold. waits: for consent. overtaken: another champion or
season came first, or a newer verdict on the same variant. withdrawn: by a newer one that does not
hold, by a look while the variant was paused, or because it held no longer when the variant was
promoted by hand. paused, gone: the variant is. ended: the run has, before there was consent."""
STOPPED: Final = b'"type":"VariantStopped"'


@dataclass(slots=True)
class Ruling:
    """One of them. A verdict has a name of its own; anything else is called by its record."""

    id: str
    record: Decision
    bar_ns: int = 0
    """When the signal bar opened at whose close it was made."""
    became: Became = ""


@dataclass(slots=True)
class Rulings:
    """All of a run, in their order."""

    all: list[Ruling] = field(default_factory=list)
    _waiting: dict[tuple[str, str], Ruling] = field(default_factory=dict)
    """By symbol and variant, the verdict that holds."""
    _bars: dict[str, int] = field(default_factory=dict)

    def take(self, number: int, record: object) -> None:
        """One record of the decisions, and its number there."""
        match record:
            case Standing():
                self._bars[record.symbol] = record.bar.at_ns
            case Looked():
                self._looked(record.symbol)
            case VariantPaused():
                self._rests(record.variant, "paused")
            case VariantResumed():
                self._rests(record.variant, "waits")
            case Verdict():
                self._judged(record)
            case Promoted() | Demoted() | Warned() | SeasonEnded():
                ruling = Ruling(f"change-{number}", record, self._bars.get(record.symbol, 0))
                self.all.append(ruling)
                self._changed(record)
            case _:
                pass

    def _judged(self, verdict: Verdict) -> None:
        key = verdict.symbol, verdict.variant
        ruling = Ruling(verdict.id, verdict, self._bars.get(verdict.symbol, 0))
        ruling.became = "waits" if verdict.holds else "falls_short"
        before = self._waiting.pop(key, None)
        if before is not None:
            before.became = "overtaken" if verdict.holds else "withdrawn"
        if verdict.holds:
            self._waiting[key] = ruling
        self.all.append(ruling)

    def _changed(self, record: Promoted | Demoted | Warned | SeasonEnded) -> None:
        """Another champion or season: what waited for the old one waits no longer."""
        if isinstance(record, Warned) or (isinstance(record, SeasonEnded) and not record.renewed):
            return
        for key in [key for key in self._waiting if key[0] == record.symbol]:
            ruling = self._waiting.pop(key)
            ruling.became = "overtaken"
            if isinstance(record, Promoted) and record.variant == key[1]:
                ruling.became = "promoted" if record.earned else "withdrawn"

    def left(self, variant: str) -> None:
        """A variant is gone, and with it what waited."""
        for key in [key for key in self._waiting if key[1] == variant]:
            self._waiting.pop(key).became = "gone"

    def _rests(self, variant: str, became: Became) -> None:
        """Whoever is paused does not wait meanwhile."""
        for key, ruling in self._waiting.items():
            if key[1] == variant:
                ruling.became = became

    def _looked(self, symbol: str) -> None:
        """What a look finds paused has to be judged again."""
        for key, ruling in list(self._waiting.items()):
            if key[0] == symbol and ruling.became == "paused":
                self._waiting.pop(key).became = "withdrawn"

    def ended(self) -> None:
        """The run goes on no more."""
        for ruling in self.waiting:
            ruling.became = "ended"
        self._waiting.clear()

    @property
    def waiting(self) -> list[Ruling]:
        """Verdicts that wait for consent."""
        return [one for one in self._waiting.values() if one.became == "waits"]


def read_rulings(run: Path) -> Rulings:
    """All that the gate of a run decided, as far as its journals are sound."""
    found = Rulings()
    for number, content in records(run, DECISIONS):
        found.take(number, read_record(content))
    if any(one.became in {"waits", "paused"} for one in found.all):
        for stopped in _stopped(run):
            found.left(stopped.variant)
    return found


def _stopped(run: Path) -> Iterator[VariantStopped]:
    for _, content in records(run, EXPERIMENTAL):
        if STOPPED in content:
            record = read_record(content)
            assert isinstance(record, VariantStopped)
            yield record
