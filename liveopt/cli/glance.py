"""What a glance at the feed shows: each symbol's price and how well its data comes."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from math import isnan

from liveopt.core.events import (
    Candle,
    Disagreement,
    FeedEvent,
    FeedState,
    Hole,
    Late,
    Quote,
    Refused,
    Tick,
)
from liveopt.kucoin.topics import parse

RATE_S = 5.0


@dataclass(slots=True)
class Seen:
    """One symbol as it stands."""

    price: float = float("nan")
    at_s: float = 0.0  # when its last tick came, by the loop's clock
    ticks: int = 0
    late: int = 0
    holes: int = 0
    refused: int = 0
    reconnects: int = 0
    differences: int = 0
    state: str = "connecting"
    why: str = ""
    bid: float = float("nan")
    ask: float = float("nan")
    decimals: int = 0
    """As many as a price of it ever had, so that the line does not jump."""
    _counted: deque[tuple[float, int]] = field(default_factory=deque)

    def rate(self, now_s: float) -> float:
        """Ticks a second over the last five seconds."""
        counted = self._counted
        if not counted or now_s - counted[-1][0] >= RATE_S / 10:
            counted.append((now_s, self.ticks))
        while len(counted) > 1 and counted[1][0] <= now_s - RATE_S:
            counted.popleft()
        since_s, ticks = counted[0]
        return (self.ticks - ticks) / (now_s - since_s) if now_s > since_s else 0.0

    def shown(self) -> str:
        """The price for the eye."""
        return "-" if isnan(self.price) else f"{self.price:.{self.decimals}f}"


@dataclass(slots=True)
class Glance:
    """Takes the feed's events and remembers what a line needs."""

    symbols: dict[str, Seen] = field(default_factory=dict)
    bad: int = 0

    def take(self, events: Iterable[FeedEvent], now_s: float) -> None:
        """What the feed handed on."""
        for event in events:
            match event:
                case Tick() | Candle() | Quote():
                    self._market(event, now_s)
                case FeedState():
                    self._state(event)
                case Refused():
                    self._refused(event)
                case Hole():
                    self._seen(event.symbol).holes += 1
                case Late():
                    self._seen(event.tick.symbol).late += 1
                case Disagreement():
                    self._seen(event.symbol).differences += 1

    def _market(self, event: Tick | Candle | Quote, now_s: float) -> None:
        seen = self._seen(event.symbol)
        if isinstance(event, Quote):
            seen.bid, seen.ask = event.bid, event.ask
            return
        seen.price = event.price if isinstance(event, Tick) else event.bar.close
        seen.at_s = now_s
        seen.ticks += 1
        seen.decimals = max(seen.decimals, _decimals(seen.price))
        if seen.state == "connecting":
            seen.state = "live"

    def _state(self, event: FeedState) -> None:
        topic = parse(event.topic)
        if topic is not None and topic.kind == "trades":
            seen = self._seen(topic.symbol)
            seen.state, seen.why = event.state, event.why
            seen.reconnects += event.state == "reconnecting"

    def _refused(self, event: Refused) -> None:
        topic = parse(event.topic)
        if not event.topic:
            self.bad += event.count
        elif topic is not None:
            seen = self._seen(topic.symbol)
            seen.state, seen.why = "refused", event.why

    def _seen(self, symbol: str) -> Seen:
        if symbol not in self.symbols:
            self.symbols[symbol] = Seen()
        return self.symbols[symbol]

    def rows(self, now_s: float) -> list[dict[str, object]]:
        """One object a symbol, for programs."""
        found = []
        for symbol, seen in sorted(self.symbols.items()):
            found.append({
                "symbol": symbol,
                "price": seen.price,
                "bid": seen.bid,
                "ask": seen.ask,
                "state": seen.state,
                "why": seen.why,
                "age_s": round(now_s - seen.at_s, 3) if seen.at_s else None,
                "ticks": seen.ticks,
                "ticks_per_s": round(seen.rate(now_s), 2),
                "late": seen.late,
                "gaps": seen.holes,
                "reconnects": seen.reconnects,
                "differences": seen.differences,
                "refused_frames": self.bad,
            })  # fmt: skip
        return found

    def line(self, now_s: float) -> str:
        """All symbols in one line, for people."""
        parts = [
            _words(seen, row)
            for seen, row in zip(self._seen_in_order(), self.rows(now_s), strict=True)
        ]
        if self.bad:
            parts.append(f"{self.bad} frames refused")
        return "  |  ".join(parts) or "connecting ..."

    def _seen_in_order(self) -> list[Seen]:
        return [self.symbols[symbol] for symbol in sorted(self.symbols)]


def _decimals(price: float) -> int:
    return len(f"{Decimal(repr(price)):f}".partition(".")[2].rstrip("0"))


def _words(seen: Seen, row: dict[str, object]) -> str:
    age = "-" if row["age_s"] is None else f"{row['age_s']:.1f} s"
    why = f" ({seen.why})" if seen.why and seen.state != "live" else ""
    return (
        f"{row['symbol']} {seen.shown()}  age {age}  {seen.ticks} ticks,"
        f" {row['ticks_per_s']:.1f}/s  gaps {seen.holes}  reconnects {seen.reconnects}"
        f"  {seen.state}{why}"
    )
