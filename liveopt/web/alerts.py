"""What somebody should look at: rules over what is known of the run, an inbox, and word sent out.

An alert rises when its rule becomes true and falls when it is so no longer; it stays in the inbox
with when it was first and last seen and how often it rose. Who asked for it is told when it rises
and when it falls; what changes in between is in the inbox. The first five are those of seed 004;
its "API rate limit exceeded" is the exchange's as well as ours, each with a text of its own.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import numpy as np
import structlog

from liveopt.guard.clock import Wall
from liveopt.live.frames import STATUSES
from liveopt.web.errors import Problem, missing
from liveopt.web.lately import Lately
from liveopt.web.parts import LACKS
from liveopt.web.picture import Clocks, Picture

log = structlog.get_logger()

Severity = Literal["info", "warning", "critical"]
CRASHED_MAX: Final = 0.10
CRASHED_CALM: Final = 0.05
MEMORY_MAX: Final = 0.80
MEMORY_CALM: Final = 0.75
BUDGET_MAX: Final = 0.90
BUDGET_CALM: Final = 0.80
"""What has risen from the one falls when it is no more than the other: it does not flap."""
STALE_MS: Final = 5_000
SILENT_MS: Final = 3_000
GUARD_MS: Final = 5_000
SKEW_MS: Final = 1_000
LIMITED_MS: Final = 60_000
"""A limit that was hit is told of for so long."""
JUDGED_LEAST: Final = 2
"""Variants with trades: of a single one nobody says "all"."""
SLOW_MS: Final = 1_000
CALM_MS: Final = 500
"""A disk is slow from the one on until it is below the other: between them nothing changes."""
MISMATCH: Final = 7
"""How an engine ends whose journals do not fold to what they say."""
SAFETY: Final = frozenset({"safety_loss_limit", "safety_drawdown_limit"})
GONE: Final = frozenset({STATUSES.index("stopped"), STATUSES.index("retired")})
PART: Final = "part_failed"
NAME_MAX: Final = 64
MS_NS: Final = 1_000_000
SETTLE_S: Final = 10.0
"""A process that has just begun does not see everything yet: what stood before it stands so long.
"""
RETOLD_MS: Final = 300_000
"""What fell so shortly before a restart may not have reached a webhook, whose tries end sooner."""


class Alert(msgspec.Struct, frozen=True):
    """One line of the inbox."""

    id: str
    """Its code, and where one code is of several what it is of: `part_failed.jobs`."""
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
    """How long ago somebody hit a limit of this API."""
    damage: str
    gaps: int
    """Holes in the market's stream that the journals tell of."""
    live: bool
    """Whether the market's clock is that of the world."""
    wish: str = "auto"
    """On which device the settings want variants stepped."""
    idle: str = ""
    """Why this machine's graphics card is not used; empty where it is, and where there is none."""
    crashed: tuple[int, int] = (0, 0)
    """As `Lately.crash_rate` has it."""
    refused_ms: int | None = None
    """How long ago the exchange refused a request for our number of them."""
    guard_ms: int = 0
    """How long ago the guard answered last."""
    failing: Mapping[str, str] = field(default_factory=dict)
    """Parts of this process that fail, and why."""
    keys: str = ""
    """Why the list of API keys cannot be read."""
    undelivered: int = 0
    """Addresses of `web.webhooks` that did not take the last alert."""


Found = tuple[str, Severity, str]
"""Id, severity and text."""


def rules(sight: Sight, standing: Collection[str] = ()) -> Iterator[Found]:
    """What is true now; `standing` are the ids of those that were true."""
    report = sight.picture.report
    yield from _seed(sight, report, standing)
    yield from _feed(sight, report)
    yield from _engine(sight)
    yield from _journal(sight, report, standing)
    yield from _device(sight, report)
    yield from _own(sight)


def _seed(sight: Sight, report: Mapping[str, Any], standing: Collection[str]) -> Iterator[Found]:
    crashed, of = sight.crashed
    if of and crashed / of > (CRASHED_CALM if "crash_rate" in standing else CRASHED_MAX):
        why = f"{crashed} of {of} variants ended by an error within the last hour"
        yield "crash_rate", "critical", why
    used = memory_share()
    if used is not None and used > (MEMORY_CALM if "memory" in standing else MEMORY_MAX):
        yield "memory", "warning", f"{used:.0%} of this machine's memory is in use"
    yield from _limits(sight, report, standing)
    if (mode := report.get("halted")) or (sight.guard is not None and sight.guard.get("halted")):
        latch = (sight.guard or {}).get("latch", {})
        by = f" by {latch['by']}: {latch['reason']}" if latch.get("halted") else ""
        yield "emergency_stop", "critical", f"halted ({mode or latch.get('mode', 'halt')}){by}"
    losing = all_lose(sight.picture)
    if losing:
        yield "all_negative", "warning", f"all {losing} variants that have traded are at a loss"


def _limits(sight: Sight, report: Mapping[str, Any], standing: Collection[str]) -> Iterator[Found]:
    """Whose limits were exceeded: the exchange's by us, or ours by somebody."""
    pools: Mapping[str, Any] = (report.get("budget") or {}).get("pools") or {}
    theirs = "api_limit.exchange"
    least = BUDGET_CALM if theirs in standing else BUDGET_MAX
    full = [name for name, one in sorted(pools.items()) if one["used"] > least * one["limit"]]
    if sight.refused_ms is not None and sight.refused_ms <= LIMITED_MS:
        why = "the exchange refuses requests: there were more of them than it allows"
        yield theirs, "warning", why
    elif full:
        why = f"the exchange's quota is nearly used up: {', '.join(full)}"
        yield theirs, "warning", why
    if sight.limited_ms is not None and sight.limited_ms <= LIMITED_MS:
        why = "somebody asks this API more often than its limits allow"
        yield "api_limit.own", "warning", why


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


def _engine(sight: Sight) -> Iterator[Found]:
    link_ms = sight.clocks.link_age_ms
    silent = not sight.picture.connected or (link_ms is not None and link_ms > SILENT_MS)
    if sight.guard is not None and silent and sight.picture.frames:
        yield "engine_silent", "critical", "the engine says nothing; the guard sees to it"
    engine = (sight.guard or {}).get("engine", {})
    if engine.get("last_exit") == MISMATCH:
        yield "replay_mismatch", "critical", "the journals do not fold to what they say"


def _journal(sight: Sight, report: Mapping[str, Any], standing: Collection[str]) -> Iterator[Found]:
    if report.get("journal_ok") is False:
        yield "journal", "critical", "the journals cannot be written"
    if sight.damage:
        why = "a journal is damaged; `liveopt journal verify` says where"
        yield "journal_damage", "critical", why
    least = CALM_MS if "journal_slow" in standing else SLOW_MS
    if sight.picture.connected and sight.picture.owed.worst_ms() >= least:
        why = "the disk takes a second and more to confirm what was journalled"
        yield "journal_slow", "warning", why


def _device(sight: Sight, report: Mapping[str, Any]) -> Iterator[Found]:
    """Results are the same bits; they only take longer."""
    found = []
    if sight.wish == "gpu" and report.get("device") == "cpu":
        found.append('engine.device is "gpu", and a live run steps its variants on the CPU')
    if sight.idle:
        found.append(f"searches take the CPU, though this machine has a GPU: {sight.idle}")
    if found:
        yield "gpu_fallback", "info", "; ".join(found)


def _own(sight: Sight) -> Iterator[Found]:
    """What is wrong beside the run: with the guard, and in this process."""
    if sight.guard_ms > GUARD_MS:
        why = "the guard does not answer; a stop goes past it, by files"
        yield "guard_silent", "critical", why
    if sight.keys:
        why = f"API keys cannot be read ({sight.keys}): those of before hold, no change is heeded"
        yield "keys_unreadable", "critical", f"{why}; `liveopt keys list` says what to do"
    if sight.undelivered:
        why = f"{sight.undelivered} addresses of web.webhooks do not take alerts"
        yield "webhooks", "warning", why
    for name, reason in sight.failing.items():
        why = f"{name} is tried again and again ({reason}): {LACKS.get(name, 'see the log')}"
        yield f"{PART}.{name}", "warning", why


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
    """The inbox: a line for each rule and each part, so it cannot grow without end."""

    wall: Wall
    changed: Callable[[Alert], None] = lambda _: None
    """Told of all that is new in a line of the inbox."""
    turned: Callable[[Alert], None] = lambda _: None
    """Told of an alert that rose or fell, and of nothing else."""
    lines: dict[str, Alert] = field(default_factory=dict)
    lately: Lately = field(default_factory=Lately)
    clock_s: Callable[[], float] = time.monotonic
    """For intervals: it is never set back."""
    _settled_s: float = 0.0
    _recalled: set[str] = field(default_factory=set)
    """Ids of alerts that rose before this process and were not seen since."""

    def recall(self, lines: Mapping[str, Alert]) -> None:
        """What the process before this one knew: it is judged anew, soon.

        Whether it told others of it nobody knows; so they are told again, of a rise once it is seen
        to be so still. Receivers tell copies apart.
        """
        self.lines |= lines
        self._settled_s = self.clock_s() + SETTLE_S
        self._recalled = {id_ for id_, line in lines.items() if line.active}
        since_ms = self.wall() // MS_NS - RETOLD_MS
        for line in lines.values():
            if not line.active and line.last_ms >= since_ms:
                self.turned(line)

    def look(self, sight: Sight) -> None:
        """Now: what rises, what stands, what falls."""
        now_ms = self.wall() // MS_NS
        sight = self._with_past(sight, now_ms)
        standing = {id_ for id_, line in self.lines.items() if line.active}
        found = {id_: (severity, text) for id_, severity, text in rules(sight, standing)}
        for id_, (severity, text) in found.items():
            self._true(id_, severity, text, now_ms)
        if self.clock_s() < self._settled_s:
            return
        for id_, line in self.lines.items():
            if line.active and id_ not in found:
                self._turn(msgspec.structs.replace(line, active=False))

    def _with_past(self, sight: Sight, now_ms: int) -> Sight:
        self.lately.see(sight.picture, now_ms)
        refused_ms = self.lately.refused_ms
        return replace(
            sight,
            crashed=self.lately.crash_rate(sight.picture.report),
            refused_ms=None if refused_ms is None else now_ms - refused_ms,
        )

    def _true(self, id_: str, severity: Severity, text: str, now_ms: int) -> None:
        line = self.lines.get(id_)
        if line is None:
            code = id_.partition(".")[0]
            self._turn(Alert(id_, code, severity, text, now_ms, now_ms, 1, True, None))
        elif not line.active:
            again = {"active": True, "count": line.count + 1, "acknowledged_by": None}
            self._turn(msgspec.structs.replace(line, last_ms=now_ms, text=text, **again))
        else:
            self.lines[id_] = msgspec.structs.replace(line, last_ms=now_ms, text=text)
            if text != line.text:
                self.changed(self.lines[id_])
            if id_ in self._recalled:
                self._recalled.discard(id_)
                self.turned(self.lines[id_])

    def _turn(self, line: Alert) -> None:
        self.lines[line.id] = line
        self._recalled.discard(line.id)
        log.warning("alert", id=line.id, active=line.active, text=line.text)
        self.changed(line)
        self.turned(line)

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
