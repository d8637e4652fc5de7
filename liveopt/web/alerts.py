"""What somebody should look at: rules over what is known of the run, an inbox, and word sent out.

An alert rises when its rule becomes true and falls when it is so no longer; it stays in the inbox
with when it was first and last seen and how often it rose. The first five are those of seed 004.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import numpy as np
import structlog

from liveopt.guard.clock import Wall
from liveopt.live.frames import STATUSES
from liveopt.web.errors import Problem, missing
from liveopt.web.picture import Clocks, Picture

log = structlog.get_logger()

Severity = Literal["info", "warning", "critical"]
CRASHED_MAX: Final = 0.10
MEMORY_MAX: Final = 0.80
STALE_MS: Final = 5_000
SILENT_MS: Final = 3_000
SKEW_MS: Final = 1_000
LIMITED_MS: Final = 60_000
"""A limit that was hit is told of for so long."""
JUDGED_LEAST: Final = 2
"""Variants with trades: of a single one nobody says "all"."""
MISMATCH: Final = 7
"""How an engine ends whose journals do not fold to what they say."""
SAFETY: Final = frozenset({"safety_loss_limit", "safety_drawdown_limit"})
GONE: Final = frozenset({STATUSES.index("stopped"), STATUSES.index("retired")})
NAME_MAX: Final = 64
MS_NS: Final = 1_000_000


class Alert(msgspec.Struct, frozen=True):
    """One line of the inbox."""

    id: str
    code: str
    severity: Severity
    text: str
    first_ms: int
    last_ms: int
    count: int
    """How often it rose."""
    active: bool
    acknowledged_by: str | None


@dataclass(frozen=True, slots=True)
class Sight:
    """All that the rules look at."""

    picture: Picture
    clocks: Clocks
    guard: Mapping[str, Any] | None
    """The guard's status; None where none answers."""
    limited_ms: int | None
    """How long ago somebody hit a limit of the API."""
    damage: str
    gaps: int
    """Holes in the market's stream that the journals tell of."""
    live: bool
    """Whether the market's clock is that of the world."""


Found = tuple[str, Severity, str]


def rules(sight: Sight) -> Iterator[Found]:
    """What is true now: code, severity, and in words."""
    report = sight.picture.report
    yield from _seed(sight, report)
    yield from _feed(sight, report)
    yield from _engine(sight, report)


def _seed(sight: Sight, report: Mapping[str, Any]) -> Iterator[Found]:
    crashed, of = crash_rate(report)
    if of and crashed / of > CRASHED_MAX:
        yield "crash_rate", "critical", f"{crashed} of {of} variants ended by an error"
    used = memory_share()
    if used is not None and used > MEMORY_MAX:
        yield "memory", "warning", f"{used:.0%} of this machine's memory is in use"
    if sight.limited_ms is not None and sight.limited_ms <= LIMITED_MS:
        yield "api_limit", "warning", "somebody asks more often than the limits of the API allow"
    if (mode := report.get("halted")) or (sight.guard is not None and sight.guard.get("halted")):
        latch = (sight.guard or {}).get("latch", {})
        by = f" by {latch['by']}: {latch['reason']}" if latch.get("halted") else ""
        yield "emergency_stop", "critical", f"halted ({mode or latch.get('mode', 'halt')}){by}"
    losing = all_lose(sight.picture)
    if losing:
        yield "all_negative", "warning", f"all {losing} variants that have traded are at a loss"


def _feed(sight: Sight, report: Mapping[str, Any]) -> Iterator[Found]:
    age_ms = sight.clocks.market_age_ms
    if sight.picture.connected and age_ms is not None and age_ms > STALE_MS:
        yield "stale_feed", "warning", "no tick has come for more than 5 seconds"
    holes = max(int(report.get("holes", 0)), sight.gaps)
    if holes:
        yield "feed_gap", "warning", f"{holes} gaps in the market's stream so far"
    market_ms, engine_ms = sight.clocks.market_ms, sight.clocks.engine_ms
    ahead = sight.live and market_ms is not None and engine_ms is not None
    if ahead and market_ms - engine_ms > SKEW_MS:  # type: ignore[operator]
        yield "clock_skew", "warning", "the exchange's clock is ahead of this machine's"


def _engine(sight: Sight, report: Mapping[str, Any]) -> Iterator[Found]:
    link_ms = sight.clocks.link_age_ms
    silent = not sight.picture.connected or (link_ms is not None and link_ms > SILENT_MS)
    if sight.guard is not None and silent and sight.picture.frames:
        yield "engine_silent", "critical", "the engine says nothing; the guard sees to it"
    engine = (sight.guard or {}).get("engine", {})
    if engine.get("last_exit") == MISMATCH:
        yield "replay_mismatch", "critical", "the journals do not fold to what they say"
    if report.get("journal_ok") is False:
        yield "journal", "critical", "the journals cannot be written"
    if sight.damage:
        yield (
            "journal_damage",
            "critical",
            "a journal is damaged; `liveopt journal verify` says where",
        )


def crash_rate(report: Mapping[str, Any]) -> tuple[int, int]:
    """Variants that were stopped for neither safety nor a person's word, of all there were."""
    stopped: Mapping[str, int] = report.get("stopped", {})
    there = sum(report.get("variants", {}).values())
    crashed = sum(n for why, n in stopped.items() if why == "error" or why.startswith("slow_"))
    return crashed, max(there, crashed)


def all_lose(picture: Picture) -> int:
    """How many have traded, if every one of them is at a loss; else 0."""
    roi, status = picture.columns["roi"], picture.columns["status"]
    judged = (picture.columns["trades"] > 0) & ~np.isin(status, list(GONE))
    count = int(judged.sum())
    return count if count >= JUDGED_LEAST and bool((roi[judged] < 0.0).all()) else 0


def memory_share() -> float | None:
    """How much of the machine's memory is in use; None where it does not say."""
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
        total, free = (
            int(text.partition(f"{name}:")[2].split()[0]) for name in ("MemTotal", "MemAvailable")
        )
    except (OSError, ValueError, IndexError):
        return None
    return 1.0 - free / total


@dataclass(slots=True)
class Alerts:
    """The inbox: a line a code, so it cannot grow without end."""

    wall: Wall
    changed: Callable[[Alert], None] = lambda _: None
    """Told of an alert that rose, fell or was acknowledged."""
    lines: dict[str, Alert] = field(default_factory=dict)

    def look(self, sight: Sight) -> None:
        """Now: what rises, what stands, what falls."""
        now_ms = self.wall() // MS_NS
        found = {code: (severity, text) for code, severity, text in rules(sight)}
        for code, (severity, text) in found.items():
            self._true(code, severity, text, now_ms)
        for code, line in self.lines.items():
            if line.active and code not in found:
                self._put(msgspec.structs.replace(line, active=False))

    def _true(self, code: str, severity: Severity, text: str, now_ms: int) -> None:
        line = self.lines.get(code)
        if line is None:
            self._put(Alert(code, code, severity, text, now_ms, now_ms, 1, True, None))
        elif not line.active:
            again = {"active": True, "count": line.count + 1, "acknowledged_by": None}
            self._put(msgspec.structs.replace(line, last_ms=now_ms, text=text, **again))
        elif text != line.text:
            self._put(msgspec.structs.replace(line, last_ms=now_ms, text=text), rose=False)
        else:
            self.lines[code] = msgspec.structs.replace(line, last_ms=now_ms)

    def _put(self, line: Alert, *, rose: bool = True) -> None:
        self.lines[line.code] = line
        if rose:
            log.warning("alert", code=line.code, active=line.active, text=line.text)
        self.changed(line)

    def acknowledge(self, id_: str, by: str) -> Alert:
        """Somebody has seen it."""
        line = self.lines.get(id_)
        if line is None:
            raise missing(f"there is no alert {id_!r}")
        if not 0 < len(by) <= NAME_MAX:
            raise Problem(400, "INVALID_PARAMETERS", f"by is a name of 1 to {NAME_MAX} characters")
        line = msgspec.structs.replace(line, acknowledged_by=by)
        self.lines[id_] = line
        log.info("alert acknowledged", code=line.code, by=by)
        self.changed(line)
        return line

    def all(self) -> list[Alert]:
        """Those that stand first, then the newest."""
        return sorted(self.lines.values(), key=lambda line: (not line.active, -line.last_ms))
