"""What a glance at the feed shows: each symbol's price and how well its data comes."""

from collections.abc import Iterable
from dataclasses import dataclass, field

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
    rate: float = 0.0
    _counted: tuple[float, int] = (0.0, 0)

    def count(self, now_s: float) -> None:
        """Renews the rate: a mean over about five seconds."""
        since_s, ticks = self._counted
        if not since_s:
            self._counted = now_s, self.ticks
        elif now_s - since_s >= 1.0:
            fresh = (self.ticks - ticks) / (now_s - since_s)
            self.rate = fresh if not self.rate else self.rate + (fresh - self.rate) / RATE_S
            self._counted = now_s, self.ticks


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
        if topic is None:
            self.bad += event.count
        else:
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
            seen.count(now_s)
            found.append({
                "symbol": symbol,
                "price": seen.price,
                "bid": seen.bid,
                "ask": seen.ask,
                "state": seen.state,
                "why": seen.why,
                "age_s": round(now_s - seen.at_s, 3) if seen.at_s else None,
                "ticks": seen.ticks,
                "ticks_per_s": round(seen.rate, 2),
                "late": seen.late,
                "gaps": seen.holes,
                "reconnects": seen.reconnects,
                "differences": seen.differences,
                "refused_frames": self.bad,
            })  # fmt: skip
        return found

    def line(self, now_s: float) -> str:
        """All symbols in one line, for people."""
        return "  |  ".join(_words(row) for row in self.rows(now_s)) or "connecting ..."


def _words(row: dict[str, object]) -> str:
    age = "-" if row["age_s"] is None else f"{row['age_s']:.1f} s"
    state = f"{row['state']}" + (
        f" ({row['why']})" if row["why"] and row["state"] != "live" else ""
    )
    return (
        f"{row['symbol']} {row['price']:.10g}  age {age}  {row['ticks_per_s']:.1f} ticks/s"
        f"  gaps {row['gaps']}  reconnects {row['reconnects']}  {state}"
    )
