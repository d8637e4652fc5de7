"""The run as the dashboard reads it: report, variants, trades, promotions, alerts."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from liveopt.live.recount import Check, from_sums, from_trades, left_out, terms_of
from liveopt.live.rulings import Ruling
from liveopt.live.told import facts
from liveopt.walk.records import Trade
from liveopt.walk.verdicts import Promoted, Verdict
from liveopt.web.alerts import Alert
from liveopt.web.api.words import Aged, Limit, Page, Why, age
from liveopt.web.call import Call, Service
from liveopt.web.errors import Problem, missing
from liveopt.web.kept import Kept, Wanted, place_of
from liveopt.web.listing import Listing, answered, listing
from liveopt.web.picture import Clocks

LISTED_MAX = 1_000
PLACE = r"^([0-9]{1,19}\.[01]\.[0-9]{1,19})?$(?!\n)"
ASK_S = 2.0
"""How long the engine may take for what it alone knows."""
TRADES_SHOWN = 50
Sort = Literal[
    "equity", "pessimistic", "roi", "bar_sharpe", "max_drawdown", "win_rate", "trades", "bars",
    "log_evidence", "p_value",
]  # fmt: skip


class Run(Aged, frozen=True):
    """How it goes, and how old that is."""

    connected: bool
    run: str
    mode: str
    version: str
    report: dict[str, Any]
    clocks: Clocks
    guard: dict[str, Any] | None
    web: dict[str, Any]


class VariantsWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many, and by what."""

    limit: Limit = 100
    sort: Sort = "roi"


class Variants(Aged, frozen=True):
    """The best of them, with `log_evidence` as a logarithm: `evidence` elsewhere is its e-value."""

    variants: list[dict[str, Any]]
    total: int


class Position(msgspec.Struct, frozen=True):
    """An open position on paper."""

    side: Literal["long", "short"]
    size: float
    entry_price: float
    entry_ns: int
    stop: float | None
    """The price at which its stop closes it; it follows the price where the stop is trailing."""


class Detail(Aged, frozen=True):
    """One variant: what the engine says, and what this process has seen."""

    variant: dict[str, Any]
    explain: dict[str, Any] | None
    equity: list[list[float]]
    """Times in milliseconds of the market's clock, and equities."""
    known_from_ms: int | None
    """Where that curve begins: this process has seen nothing of before; null where there is none.
    """
    trades: list[dict[str, Any]]
    candles: list[list[float]]
    """The newest signal bars of its symbol: milliseconds at which each opened, open, high, low and
    close, the oldest first."""
    position: Position | None
    """What it holds; null where it is flat, and where `explain` is null as well: the engine alone
    knows."""


class Changed(msgspec.Struct, frozen=True):
    """Whom it was done to."""

    done: list[str]
    refused: dict[str, str]


class TradesWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which trades; times in milliseconds since 1970, `before` as `next` said."""

    limit: Limit = 100
    variant: Annotated[str, msgspec.Meta(max_length=200)] = ""
    side: Literal["", "long", "short"] = ""
    reason: Annotated[str, msgspec.Meta(max_length=100)] = ""
    before: Annotated[str, msgspec.Meta(pattern=PLACE)] = ""
    since: Annotated[int, msgspec.Meta(ge=0, le=1 << 43)] = 0
    until: Annotated[int, msgspec.Meta(ge=0, le=1 << 43)] = 1 << 43


class Trades(msgspec.Struct, frozen=True):
    """The newest first; `next` goes on with older ones, null at the end."""

    trades: list[dict[str, Any]]
    total: int
    next: str | None


class Rulings(msgspec.Struct, frozen=True):
    """Verdicts and changes of champion, the newest first."""

    promotions: list[dict[str, Any]]
    total: int
    waiting: list[str]


class Alerts(msgspec.Struct, frozen=True):
    """The inbox."""

    alerts: list[Alert]


class Acknowledge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By whom; the one who asks if it is not said."""

    by: Annotated[str, msgspec.Meta(max_length=64)] = ""


async def run(call: Call) -> Run:
    """The engine's report, the guard's facts, and this process."""
    service = call.service
    picture = service.picture
    return Run(
        picture.connected, picture.run, service.mode, service.version, picture.summary(),
        _clocks(service), _guard(service), about_this(service), **age(service),
    )  # fmt: skip


def _clocks(service: Service) -> Clocks:
    return service.picture.clocks(asyncio.get_running_loop().time())


def _guard(service: Service) -> dict[str, Any] | None:
    """Without paths, processes' numbers and what the report says anyway."""
    known = service.guard
    if known is None:
        return None
    found = {name: known.get(name) for name in ("halted", "mode", "latch", "checks")}
    engine: Mapping[str, Any] = known.get("engine") or {}
    own: Mapping[str, Any] | None = known.get("web")
    found["engine"] = {name: said for name, said in engine.items() if name != "pid"}
    found["web"] = own and {name: own.get(name) for name in ("starts", "last_exit")}
    return found


def about_this(service: Service) -> dict[str, Any]:
    """How this process does."""
    return {
        "clients": service.stream.clients,
        "evicted": service.stream.evicted,
        "connections": len(service.caps),
        "connections_refused": service.caps.refused,
        "connections_cut": service.caps.cut,
        "rate_limit_hits": service.limits.hits,
        "frames": service.picture.frames,
        "frame_gaps": service.picture.gaps,
        "loop_lag_ms": service.lag_ms,
        "rss_mib": service.rss_mib(),
        "tail_caught_up": service.tail.caught_up,
        "journal_damage": service.tail.damage,
    }


async def variants(call: Call) -> bytes:
    """Those that stand best; encoded once a frame for all who ask."""
    wanted = call.asked(VariantsWanted)
    picture = call.service.picture

    def make() -> Listing:
        return listing(picture.variants(LISTED_MAX, wanted.sort))

    found = picture.once(f"variants by {wanted.sort}", make)
    head = Variants([], len(picture.who), **age(call.service))
    return answered(head, variants=found.first(wanted.limit))


async def variant(call: Call) -> Detail:
    """One of them in full; what only the engine knows is missing while it does not answer."""
    service, name = call.service, call.path["id"]
    row = service.picture.variant(name)
    listed, explain = await asyncio.gather(
        _asked(service, {"kind": "variants", "id": name}),
        _asked(service, {"kind": "explain", "id": name}),
    )
    said = listed or {}
    own: dict[str, Any] = next(iter(said.get("variants", ())), {})
    if row is None and not own:
        raise missing(f"there is no variant {name!r}")
    times, equities = service.picture.equity(name)
    trades = await service.tail.find(Wanted(TRADES_SHOWN, variant=name))
    shown = (row or {}) | own
    return Detail(
        shown, explain, [list(one) for one in zip(times, equities, strict=True)],
        times[0] if times else None,
        [told(kept) for kept in trades],
        [list(candle) for candle in service.tail.candles.get(shown["symbol"], ())],
        msgspec.convert(said.get("position"), Position | None), **age(service),
    )  # fmt: skip


async def _asked(service: Service, words: dict[str, Any]) -> dict[str, Any] | None:
    try:
        async with asyncio.timeout(ASK_S):
            found = await service.door.command(words)
    except (Problem, TimeoutError):
        return None
    return found if isinstance(found, dict) else None


async def pause(call: Call) -> Changed:
    """It opens nothing until it is resumed."""
    return await _change(call, "pause")


async def unpause(call: Call) -> Changed:
    """It may open positions again."""
    return await _change(call, "resume")


async def retire(call: Call) -> Changed:
    """It is closed and leaves for good."""
    return await _change(call, "retire")


async def _change(call: Call, kind: str) -> Changed:
    name, why = call.path["id"], call.said(Why).reason.strip()
    words = {"kind": kind, "ids": [name], "by": call.subject.name, "why": why}
    found = msgspec.convert(await call.service.door.command(words), Changed)
    if name in found.refused:
        said = found.refused[name]
        unknown = call.service.picture.variant(name) is None
        raise Problem(404 if unknown else 409, "NOT_FOUND" if unknown else "REFUSED", said)
    return found


async def trades(call: Call) -> Trades:
    """Closed trades, the newest first."""
    asked = call.asked(TradesWanted)
    before = place_of(asked.before) if asked.before else None
    found = await call.service.tail.page(
        Wanted(
            asked.limit, asked.variant, asked.side, asked.reason, None, before,
            asked.since * 1_000_000, asked.until * 1_000_000,
        )
    )  # fmt: skip
    more = None if found.next is None else str(found.next)
    return Trades([told(kept) for kept in found.kept], call.service.tail.total, more)


def told(kept: Kept) -> dict[str, Any]:
    """A trade as plain data, with where it stands."""
    assert isinstance(kept.record, Trade)
    plain = msgspec.structs.asdict(kept.record)
    return plain | {"id": str(kept.place), "journal": kept.place.journal, "record": kept.place.seq}


async def promotions(call: Call) -> Rulings:
    """Verdicts and changes of champion, the newest first."""
    rulings = call.service.tail.rulings
    newest = rulings.all[: -call.asked(Page).limit - 1 : -1]
    return Rulings(
        [facts(one) for one in newest], len(rulings.all), [one.id for one in rulings.waiting]
    )


async def promotion(call: Call) -> dict[str, Any]:
    """One of them: all it rests on, much of it computed once more."""
    tail, name = call.service.tail, call.path["id"]
    one = tail.ruling(name)
    if one is None or tail.run is None:
        raise missing(f"the gate has decided nothing of the name {name!r}")
    behind = None
    if isinstance(one.record, Promoted) and one.record.verdict:
        behind = tail.ruling(one.record.verdict)
    checks, others = await asyncio.to_thread(_recounted, tail.run, behind or one)
    recorded = {"record": msgspec.to_builtins(one.record), "evidence_of": _full(behind)}
    return (
        facts(one)
        | recorded
        | {
            "recomputed": [
                {
                    "name": check.name,
                    "recorded": check.recorded,
                    "recomputed": check.recomputed,
                    "agrees": check.agrees,
                }
                for check in checks
            ],
            "not_recomputed": others,
            "agrees": all(check.agrees for check in checks),
        }
    )


def _full(one: Ruling | None) -> dict[str, Any] | None:
    return None if one is None else facts(one) | {"record": msgspec.to_builtins(one.record)}


def _recounted(run_: Path, one: Ruling) -> tuple[list[Check], list[str]]:
    if not isinstance(one.record, Verdict):
        return [], []
    found = from_sums(one.record)
    terms = terms_of(run_, one.record.symbol)
    if terms is None:
        return found, left_out(one.record, trades=False)
    found += from_trades(run_, one.record, one.bar_ns, terms)
    return found, left_out(one.record, trades=True)


async def alerts(call: Call) -> Alerts:
    """The inbox: what stands first, then the newest."""
    return Alerts(call.service.alerts.all())


async def acknowledge(call: Call) -> Alert:
    """Somebody has seen it."""
    by = call.said(Acknowledge).by.strip()
    whose = f"{by} [{call.subject.name}]" if by else call.subject.name
    return call.service.alerts.acknowledge(call.path["id"], whose[:64])
