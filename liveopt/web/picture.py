"""What the web's process knows of the run: the newest frame, its past, and how old it all is.

For the rest of `web`: `who`, `columns`, `report` are the newest frame's; `variant` and `variants`
are rows of it for people, `once` keeps what was made of them; `equity` is one variant's curve;
`clocks` says how old everything is, and `speaks` whether it is true any more.
Only `take` changes a picture, and only `web.link` calls it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Final, TypeVar, cast

import msgspec
import numpy as np
import numpy.typing as npt

from liveopt.live.frames import COLUMNS, STATUSES, BadFrame, Columns, Frame, Who, columns_of
from liveopt.web.history import History
from liveopt.web.owed import Owed

T = TypeVar("T")
MS_NS: Final = 1_000_000
SILENT_S: Final = 3.0
"""An engine tells four times a second: one that has said nothing for so long does not speak."""
SIDES: Final = {-1: "short", 0: "flat", 1: "long"}
DECIMALS: Final = {
    "equity": 2, "pessimistic": 2, "roi": 6, "bar_sharpe": 3, "max_drawdown": 6, "win_rate": 4,
    "log_evidence": 3, "p_value": 6,
}  # fmt: skip
"""As shown: less than anybody reads is a change that nobody sees."""
TOLD: Final = (
    "phase", "run", "terms", "seq", "durable_seq", "backlog", "journal_ok", "halted", "variants",
    "eligible", "eligible_reason", "gate", "search", "promotions", "demotions", "positions",
    "ticks", "late_ticks", "holes", "entries", "trades", "stopped", "restarts", "standstills",
    "markets", "standing", "feed", "device", "budget", "rss_mib",
)  # fmt: skip
"""What of the engine's report anybody may see. What is new there is not told until it is here."""


class Clocks(msgspec.Struct, frozen=True):
    """Whose clock shows what, and how old it is; None where nothing has come yet."""

    market_ms: int | None
    """The market's clock: the newest tick."""
    engine_ms: int | None
    """The engine's clock when it told us last."""
    score_ms: int | None
    """The market's clock: the newest signal bar, with which everybody was judged."""
    market_age_ms: int | None
    """Since the engine took in the newest tick, at whatever speed the market's clock goes; by the
    engine's own word, so it does not begin anew with this process."""
    engine_age_ms: int | None
    """How long the newest frame was under way."""
    link_age_ms: int | None
    """Since the newest frame came from the engine."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One moment as it is shown: rounded, so that two of them differ where one sees it."""

    number: int
    """Of the frame, as this process counts them."""
    people: int
    """Of who is there, in which order: the same number, the same places."""
    who: tuple[Who, ...]
    columns: Columns
    summary: dict[str, Any]

    def rows(self, places: npt.NDArray[np.int64] | None = None) -> list[tuple[Any, ...]]:
        """The numbers of these places, or of all, in the order of `COLUMNS`."""
        chosen = self.columns.values()
        lists = [(c if places is None else c[places]).tolist() for c in chosen]
        return list(zip(*lists, strict=True))


NOTHING: Final = Shown(0, 0, (), {name: np.zeros(0, kind) for name, kind in COLUMNS.items()}, {})


@dataclass(frozen=True, slots=True)
class Difference:
    """What makes one moment of another: new rows at these places, and new words in the summary."""

    places: npt.NDArray[np.int64]
    summary: dict[str, Any]

    @classmethod
    def none(cls) -> "Difference":
        """Nothing is new."""
        return cls(np.zeros(0, np.int64), {})


def difference(before: Shown, now: Shown) -> Difference | None:
    """None where the people are not the same: then no place of the one is one of the other."""
    if before.people != now.people:
        return None
    changed = np.zeros(len(now.who), bool)
    for name, column in now.columns.items():
        old = before.columns[name]
        other = column != old
        if column.dtype.kind == "f":
            other &= ~(np.isnan(column) & np.isnan(old))
        changed |= other
    unlike = {
        key: said
        for key, said in now.summary.items()
        if key not in before.summary or before.summary[key] != said
    }
    return Difference(np.flatnonzero(changed), unlike)


@dataclass(slots=True)
class Picture:
    """The newest of everything. It is there from the start, and empty until an engine speaks."""

    boot: str = ""
    run: str = ""
    frames: int = 0
    """How many have come."""
    gaps: int = 0
    """Frames that the engine made and this process was too late for."""
    who: tuple[Who, ...] = ()
    columns: Columns = field(default_factory=lambda: dict(NOTHING.columns))
    report: dict[str, Any] = field(default_factory=dict)
    """All that the engine reports: `summary` is what may be shown."""
    connected: bool = False
    """Whether there is an engine at the other end."""
    news: asyncio.Event = field(default_factory=asyncio.Event)
    """Set with every frame; whoever waits for it clears it."""
    owed: Owed = field(default_factory=Owed)
    """How long the engine's disk takes to confirm what was done."""
    _history: History = field(default_factory=History)
    _places: dict[str, int] = field(default_factory=dict)
    _people: int = 0
    _population: int = -1
    _seq: int = 0
    _at_ns: int = 0
    _engine_ms: int | None = None
    _came_s: float = 0.0
    _under_way_ms: int = 0
    _tick_ns: int = 0
    _tick_age_ms: int | None = None
    """Of the newest tick, when the frame was made."""
    _shown: Shown = NOTHING
    _made: dict[str, Any] = field(default_factory=dict)

    def take(self, frame: Frame, now_s: float, wall_ms: int) -> None:
        """The engine has spoken: at this time of the loop, and of this machine's clock."""
        if frame.who is None and (frame.boot, frame.population) != (self.boot, self._population):
            raise BadFrame("a frame of unknown people")
        who = self.who if frame.who is None else frame.who
        columns = columns_of(frame, len(who))  # refused whole, or taken whole
        if frame.who is None:
            self.gaps += max(0, frame.seq - self._seq - 1)
        if frame.run != self.run:
            self._history = History()
            self._history.people([one.id for one in self.who])
        if frame.boot != self.boot:
            self.owed = Owed()  # what the one before had not put down is not owed any more
        self.boot, self.run, self._seq = frame.boot, frame.run, frame.seq
        self._population = frame.population
        if frame.who is not None:
            self._meet(who)
        self.columns, self.report = columns, frame.report
        self._at_ns, self._engine_ms = frame.at_ns, frame.wall_ms
        self._came_s, self._under_way_ms = now_s, max(0, wall_ms - frame.wall_ms)
        markets = self.report.get("markets", {}).values()
        self._tick_ns = max((market["at_ns"] for market in markets), default=0)
        self._tick_age_ms = self.report.get("tick_age_ms")
        seq = int(self.report.get("seq", 0))
        self.owed.see(frame.wall_ms, seq, int(self.report.get("durable_seq", seq)))
        self._history.see(now_s, frame.at_ns // MS_NS, columns["equity"])
        self.frames += 1
        self._made.clear()
        self.news.set()

    def _meet(self, who: tuple[Who, ...]) -> None:
        if who == self.who and self._people:
            return  # told again after a break: everybody keeps the place
        self._people += 1
        self.who = who
        self._places = {one.id: place for place, one in enumerate(who)}
        self._history.people([one.id for one in who])

    def place(self, variant: str) -> int | None:
        """Where a variant stands in `who` and in the columns."""
        return self._places.get(variant)

    def variant(self, variant: str) -> dict[str, Any] | None:
        """One variant as plain data: who it is and its numbers, None what is undefined."""
        place = self._places.get(variant)
        return None if place is None else self._rows(np.array([place]))[0]

    def variants(
        self, limit: int, sort: str = "roi", *, champions: bool = True
    ) -> list[dict[str, Any]]:
        """The first so many by a column, the best first; what is undefined comes last.

        The best is the most, but for `max_drawdown` and `p_value`, where it is the least.
        """
        if sort not in COLUMNS:
            raise KeyError(sort)
        order = self.order(sort, least=sort in {"max_drawdown", "p_value"})
        if not champions:
            order = order[~self.champions()[order]]
        return self._rows(order[:limit])

    def order(self, sort: str, *, least: bool = False) -> npt.NDArray[np.int64]:
        """All places by a column, the most first, or the least; what is undefined comes last."""
        column = np.asarray(self.columns[sort], np.float64)
        cost = column if least else -column
        return np.argsort(np.where(np.isnan(cost), np.inf, cost), kind="stable")

    def champions(self) -> npt.NDArray[np.bool_]:
        """Of each place, whether a champion stands there."""
        return np.fromiter((one.champion for one in self.who), bool, len(self.who))

    def _rows(self, places: npt.NDArray[np.int64]) -> list[dict[str, Any]]:
        lists: dict[str, list[Any]] = {}
        for name in COLUMNS:
            numbers = self.columns[name][places].tolist()
            lists[name] = [number if isfinite(number) else None for number in numbers]
        lists["status"] = [STATUSES[code] for code in lists["status"]]
        lists["side"] = [SIDES[side] for side in lists["side"]]
        rows = zip(places.tolist(), zip(*lists.values(), strict=True), strict=True)
        asdict = msgspec.structs.asdict
        return [
            asdict(self.who[place]) | dict(zip(COLUMNS, row, strict=True)) for place, row in rows
        ]

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What is made of this frame: for the first who asks, and kept for all others."""
        if name not in self._made:
            self._made[name] = make()
        return cast(T, self._made[name])

    def equity(self, variant: str) -> tuple[list[int], list[float]]:
        """Its curve since this process began: times (market's clock, ms) and equities."""
        return self._history.equity(variant)

    def summary(self) -> dict[str, Any]:
        """The engine's report without what is nobody's business."""
        return {key: self.report[key] for key in TOLD if key in self.report}

    @property
    def as_of_ms(self) -> int | None:
        """The engine's clock when it told us last; None before it did."""
        return self._engine_ms

    def speaks(self, now_s: float) -> bool:
        """Whether there is an engine that tells how things stand: else all this is of the past."""
        return self.connected and now_s - self._came_s <= SILENT_S

    def clocks(self, now_s: float) -> Clocks:
        """How old everything is."""
        if self._engine_ms is None:
            return Clocks(None, None, None, None, None, None)
        link_age_ms = round(1e3 * (now_s - self._came_s))
        bars = self.report.get("standing", {}).values()
        scored_ns = max((bar["bar_at_ns"] for bar in bars), default=0)
        ticked = self._tick_ns > 0
        known_ms = self._tick_age_ms if ticked else None
        return Clocks(
            market_ms=self._tick_ns // MS_NS if ticked else None,
            engine_ms=self._engine_ms,
            score_ms=scored_ns // MS_NS if scored_ns else None,
            market_age_ms=None if known_ms is None else known_ms + self._under_way_ms + link_age_ms,
            engine_age_ms=self._under_way_ms,
            link_age_ms=link_age_ms,
        )

    def shown(self) -> Shown:
        """The newest moment, rounded as it is shown; made once a frame."""
        if self._shown.number != self.frames:
            with np.errstate(over="ignore", invalid="ignore"):
                columns = {
                    name: np.round(column, DECIMALS[name]) if name in DECIMALS else column
                    for name, column in self.columns.items()
                }
            self._shown = Shown(self.frames, self._people, self.who, columns, self.summary())
        return self._shown
