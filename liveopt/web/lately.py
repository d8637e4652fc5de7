"""What of the engine's counts is of the recent past: they are since it began, alerts are of now."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from liveopt.web.picture import Picture

HOUR: Final = 60
MINUTE_MS: Final = 60_000
REFUSED: Final = ("quota_429", "edge_blocks")
"""The exchange's words for "too many from you"; an overload is its own trouble."""


@dataclass(slots=True)
class Lately:
    """`see` it once a second, by this machine's clock."""

    refused_ms: int | None = None
    """When the exchange refused a request for our number of them last, as far as it was seen."""
    _minutes: deque[tuple[int, int]] = field(default_factory=deque)
    """Minutes of the last hour in which variants crashed, and how many."""
    _boot: str = ""
    _crashed: int = 0
    _refused: int = 0

    def see(self, picture: Picture, now_ms: int) -> None:
        """How things stand.

        Of the first engine that this process sees it is not known when what it counts happened:
        its variants that crashed and are still there count as of now, its refusals not at all.
        """
        minute = now_ms // MINUTE_MS
        self._forget(minute, now_ms)
        if not picture.frames:
            return
        report, first = picture.report, not self._boot
        crashed, refused = crashes(report), _refusals(report)
        if first:
            self._crashed = crashed - min(crashed, _there(report, "stopped"))
            self._refused = refused
        elif picture.boot != self._boot:
            self._crashed = self._refused = 0
        if crashed > self._crashed:
            self._count(minute, crashed - self._crashed)
        if refused > self._refused:
            self.refused_ms = now_ms
        self._boot, self._crashed, self._refused = picture.boot, crashed, refused

    def crash_rate(self, report: Mapping[str, Any]) -> tuple[int, int]:
        """Variants that an error has stopped within the last hour, and of how many.

        The hour is of this machine's clock. The second number is everybody who is there, and those
        of the first who cannot be there any more: more of them than there are stopped ones.
        """
        crashed = sum(number for _, number in self._minutes)
        return crashed, _there(report) + max(0, crashed - _there(report, "stopped"))

    def _forget(self, minute: int, now_ms: int) -> None:
        """What is long ago; what would be to come is of now: the clock was set back."""
        while self._minutes and self._minutes[0][0] <= minute - HOUR:
            self._minutes.popleft()
        if self._minutes and self._minutes[-1][0] > minute:
            self._minutes = deque([(minute, sum(number for _, number in self._minutes))])
        if self.refused_ms is not None:
            self.refused_ms = min(self.refused_ms, now_ms)

    def _count(self, minute: int, number: int) -> None:
        if self._minutes and self._minutes[-1][0] == minute:
            number += self._minutes.pop()[1]
        self._minutes.append((minute, number))


def crashes(report: Mapping[str, Any]) -> int:
    """Variants that were stopped for neither safety nor a person's word, since the engine began."""
    stopped: Mapping[str, int] = report.get("stopped") or {}
    return sum(n for why, n in stopped.items() if why == "error" or why.startswith("slow_"))


def _there(report: Mapping[str, Any], *statuses: str) -> int:
    variants: Mapping[str, int] = report.get("variants") or {}
    return sum(n for status, n in variants.items() if not statuses or status in statuses)


def _refusals(report: Mapping[str, Any]) -> int:
    budget: Mapping[str, Any] = report.get("budget") or {}
    return sum(int(budget.get(name) or 0) for name in REFUSED)
