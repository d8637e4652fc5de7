"""The live optimizer as seed 004 speaks of it: returns, win rates and drawdowns in percent."""

from typing import Annotated, Any, Literal

import msgspec

from liveopt.guard.gate import BY_NAME, Mode
from liveopt.walk.records import Entered, Trade
from liveopt.web import seed_telemetry
from liveopt.web.api.words import Limit, Name, Reason
from liveopt.web.call import Answered, Call
from liveopt.web.errors import NO_JSON, Problem, clean
from liveopt.web.seed_telemetry import Recent
from liveopt.web.tail import Kept, Wanted, share

MS_NS = 1_000_000
RESULTS_KEPT = 16


class Status(msgspec.Struct, frozen=True):
    """Whether it runs."""

    enabled: bool
    running: bool
    mode: str
    variants: int
    halted: str | None
    timestamp: str


class ResultsWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many variants."""

    limit: Limit = 100


class Result(msgspec.Struct, frozen=True):
    """One variant."""

    id: str
    config: dict[str, Any]
    metrics: dict[str, Any]
    trades: int
    status: str


class Results(msgspec.Struct, frozen=True):
    """The best variants by return."""

    results: list[Result]
    topPerformers: list[dict[str, Any]]  # noqa: N815  the seed's name
    timestamp: str


class Started(msgspec.Struct, frozen=True):
    """It runs again."""

    status: Literal["started"]
    timestamp: str


class Stopped(msgspec.Struct, frozen=True):
    """How far a stop got; nothing is said that was not seen."""

    status: Literal["stopped", "incomplete"]
    timestamp: str
    latched: bool
    mode: str
    number: int | None
    seq: int | None
    took_ms: float
    variants_stopped: int | None
    positions_open: int | None
    not_acknowledged: list[str]
    errors: list[str]
    running: bool
    via: str


class StopWords(msgspec.Struct, frozen=True):
    """All of it may be missing."""

    mode: Mode = "halt"
    reason: str = ""


class Resume(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why entries are let through again."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=400)]


class Resumed(msgspec.Struct, frozen=True):
    """Whether they are; `checks` where they are not."""

    resumed: bool
    number: int | None = None
    seq: int | None = None
    took_ms: float = 0.0
    not_acknowledged: list[str] = []
    errors: list[str] = []
    checks: list[dict[str, Any]] = []


class Promote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is to be champion."""

    variantId: Name  # noqa: N815  the seed's name
    reason: Reason = ""


class Promoted(msgspec.Struct, frozen=True):
    """It is; `status` is the seed's word."""

    status: Literal["promotion queued"]
    variantId: str  # noqa: N815  the seed's name
    promoted: bool
    timestamp: str
    record: dict[str, Any]


class Rollback(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which market; needed where there are several."""

    symbol: Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9-]{0,32}$(?!\n)")] = ""
    reason: Reason = ""


class RolledBack(msgspec.Struct, frozen=True):
    """The former champion is champion again."""

    status: Literal["rolled back"]
    timestamp: str
    record: dict[str, Any]


class Signals(msgspec.Struct, frozen=True):
    """Signals that were acted upon, the newest first."""

    signals: list[dict[str, Any]]
    count: int


class History(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of one variant, between two times in milliseconds since 1970."""

    variantId: Annotated[str, msgspec.Meta(max_length=200)] = ""  # noqa: N815  the seed's name
    startTime: Annotated[int, msgspec.Meta(ge=0, le=1 << 43)] = 0  # noqa: N815  the seed's name
    endTime: Annotated[int, msgspec.Meta(ge=0, le=1 << 43)] = 1 << 43  # noqa: N815  the seed's name
    limit: Limit = 100

    def wanted(self, *, experimental: bool | None = None) -> Wanted:
        """As it is looked for."""
        return Wanted(
            limit=self.limit, variant=self.variantId, experimental=experimental,
            since_ns=self.startTime * MS_NS, until_ns=self.endTime * MS_NS,
        )  # fmt: skip


class Experimental(msgspec.Struct, frozen=True):
    """Trades of variants that are no champion, and what they came to."""

    trades: list[dict[str, Any]]
    summary: dict[str, Any]


async def status(call: Call) -> Status:
    """Whether it runs, and how many variants."""
    service = call.service
    report = service.picture.report
    halted = report.get("halted") or ((service.guard or {}).get("mode") if service.guard else None)
    running = service.picture.connected and not halted
    count = sum(not one.champion for one in service.picture.who)
    return Status(True, running, service.mode, count, halted, service.now())


async def results(call: Call) -> bytes:
    """The same answer for everybody until the next frame."""
    service = call.service
    limit = call.asked(ResultsWanted).limit
    key = (service.picture.frames, limit)
    if key not in service.answers:
        while len(service.answers) >= RESULTS_KEPT:
            del service.answers[next(iter(service.answers))]
        service.answers[key] = msgspec.json.encode(_results(call, limit))
    return service.answers[key]


def _results(call: Call, limit: int) -> Results:
    service = call.service
    rows = [row for row in service.picture.variants(limit + 32) if not row["champion"]][:limit]
    top = seed_telemetry.message(service.picture, Recent(), 0)["data"]["topPerformers"]
    return Results([_result(row) for row in rows], top, service.now())


def _result(row: dict[str, Any]) -> Result:
    config = {name: row[name] for name in ("symbol", "strategy", "origin", "lane")}
    status = "active" if row["status"] == "warming" else row["status"]
    return Result(row["id"], config, _metrics(row), row["trades"], status)


def _metrics(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "roi": _percent(row["roi"]),
        "winRate": _percent(row["win_rate"]),
        "sharpe": row["bar_sharpe"],
        "maxDrawdown": _percent(row["max_drawdown"]),
        "totalTrades": row["trades"],
        "equity": row["equity"],
    }


def _percent(share_: float | None) -> float | None:
    return None if share_ is None else round(100.0 * share_, 4)


async def start(call: Call) -> Started:
    """After a stop, let entries through again; a run itself is begun with `liveopt run`."""
    guard = await call.service.door.status()
    if guard is None:
        raise Problem(503, "NOT_RUNNING", "no run goes on here; begin one with `liveopt run`")
    if not guard.get("halted"):
        raise Problem(400, "ALREADY_RUNNING", "it is running already")
    reply = await call.service.door.resume(f"start over the API [{call.subject.name}]")
    call.service.stream.refresh()
    if not reply.body.get("resumed"):
        raise Problem(409, "REFUSED", "a check is not green", {"answer": reply.body})
    return Started("started", call.service.now())


async def stop(call: Call) -> Answered:
    """Emergency stop: no new positions from now on. Words that are not understood halt as well."""
    mode, reason, complaint = _stop_words(call.body)
    whose = f"{reason or 'a stop over the API'} [{call.subject.name}]"
    key = call.request.headers.get("Idempotency-Key", "")[:200]
    said = await call.service.door.stop(mode, whose, f"{call.subject.name} {key}" if key else "")
    call.service.stream.refresh()
    errors = [*complaint, *said.get("errors", [])]
    whole = bool(said.get("latched")) and not said["not_acknowledged"] and not errors
    body = Stopped(
        "stopped" if whole else "incomplete", call.service.now(), bool(said.get("latched")),
        str(said.get("mode", mode)), said.get("number"), said.get("seq"),
        float(said.get("took_ms", 0.0)), said.get("variants_stopped"), said.get("positions_open"),
        list(said["not_acknowledged"]), errors, bool(said.get("running", True)),
        str(said.get("via", "door")),
    )  # fmt: skip
    return Answered(body, 200 if whole else 207)


def _stop_words(body: bytes) -> tuple[Mode, str, list[str]]:
    """A stop never fails for its words."""
    try:
        words = msgspec.json.decode(body or b"{}", type=StopWords)
    except NO_JSON as error:
        return "halt", "", [clean(f"halted, but the body is not understood: {error}")]
    assert words.mode in BY_NAME
    return words.mode, clean(words.reason)[:400], []


async def resume(call: Call) -> Answered:
    """Let entries through again; refused with the list of checks if one is not green."""
    words = call.said(Resume)
    reply = await call.service.door.resume(f"{words.reason.strip()} [{call.subject.name}]")
    call.service.stream.refresh()
    if "resumed" not in reply.body:
        raise Problem(409, "REFUSED", str(reply.body.get("error", reply.status)))
    said = msgspec.convert(reply.body, Resumed)
    status_ = 409 if not said.resumed else 207 if said.not_acknowledged else 200
    return Answered(said, status_)


async def promote(call: Call) -> Promoted:
    """Make a variant the champion; where no verdict holds it is marked as not earned."""
    words = call.said(Promote)
    record = await call.service.door.command(
        {
            "kind": "promote",
            "variant": words.variantId,
            "by": call.subject.name,
            "why": words.reason.strip() or "promoted over the API",
        }
    )
    return Promoted("promotion queued", words.variantId, True, call.service.now(), record)


async def rollback(call: Call) -> RolledBack:
    """Make the former champion the champion again."""
    words = call.said(Rollback)
    record = await call.service.door.command(
        {
            "kind": "demote",
            "symbol": words.symbol,
            "by": call.subject.name,
            "why": words.reason.strip() or "rolled back over the API",
        }
    )
    return RolledBack("rolled back", call.service.now(), record)


async def signals(call: Call) -> Signals:
    """Entries: signals that were acted upon."""
    found = [_signal(kept) for kept in call.service.tail.entered(call.asked(History).wanted())]
    return Signals(found, len(found))


def _signal(kept: Kept) -> dict[str, Any]:
    record = kept.record
    assert isinstance(record, Entered)
    experimental = kept.place.journal == "experimental-trades"
    return {
        "symbol": record.symbol,
        "type": "BUY" if record.side == "long" else "SELL",
        "price": record.price,
        "timestamp": record.at_ns // MS_NS,
        "metadata": {
            "variantId": record.variant,
            "isExperimental": experimental,
            "generationMethod": "optimizer" if experimental else "main",
        },
    }


async def experimental_trades(call: Call) -> Experimental:
    """Closed trades of the variants, the newest first, and a summary of all of them."""
    tail = call.service.tail
    found = await tail.find(call.asked(History).wanted(experimental=True))
    count, wins, roi = share(found)
    total: dict[str, dict[str, Any]] = {
        name: {"trades": own.trades, "roi": _percent(own.roi), "wins": own.wins}
        for name, own in (
            tail.accounts.items()
            if not call.asked(History).variantId
            else [(k, v) for k, v in tail.accounts.items() if k == call.asked(History).variantId]
        )
    }
    listed = sorted(total, key=lambda name: -total[name]["trades"])[:1_000]
    performance = {
        "shown": count,
        "winRate": _percent(wins / count) if count else None,
        "avgROI": _percent(roi / count) if count else None,
    }
    return Experimental(
        [_trade(kept) for kept in found],
        {
            "total": tail.total,
            "byVariant": {name: total[name] for name in listed},
            "performance": performance,
        },
    )


def _trade(kept: Kept) -> dict[str, Any]:
    trade = kept.record
    assert isinstance(trade, Trade)
    return {
        "timestamp": trade.at_ns // MS_NS,
        "variant": trade.variant,
        "trade": {
            "symbol": trade.symbol,
            "side": trade.side,
            "size": trade.size,
            "leverage": trade.leverage,
            "entryPrice": trade.entry_price,
            "exitPrice": trade.exit_price,
            "roi": _percent(trade.roi),
            "pnl": trade.net,
            "fees": trade.fees,
            "reason": trade.reason,
            "duration": trade.duration_s,
            "metadata": {
                "variantId": trade.variant,
                "isExperimental": trade.experimental,
                "signalStrength": trade.signal_strength,
                "parametersHash": trade.parameters_hash,
                "entryTimestamp": trade.entry_ns // MS_NS,
                "exitTimestamp": trade.at_ns // MS_NS,
            },
        },
        "performance": {"roi": _percent(trade.roi), "duration": trade.duration_s},
    }


class Step(msgspec.Struct, frozen=True):
    """What goes on, in seed 000's words."""

    status: Literal["running", "halted", "idle"]
    progress: float
    current_step: str


async def step(call: Call) -> Step:
    """The search beside the run if there is one, else the run."""
    service = call.service
    report = service.picture.report
    search = report.get("search") or {}
    if not service.picture.connected:
        return Step("idle", 0.0, "no engine runs")
    if report.get("halted"):
        return Step("halted", 0.0, f"halted: {report['halted']}")
    if search.get("phase") in {"searching", "proposing"} and search.get("wanted"):
        progress = round(100.0 * search["done"] / search["wanted"], 1)
        return Step(
            "running", min(progress, 100.0), f"search {search['number']}: {search['phase']}"
        )
    gate = next((one for one in (report.get("gate") or {}).values() if one), None)
    if gate is not None and gate.get("season"):
        progress = min(100.0, round(100.0 * gate["bar"] / gate["season"], 1))
        return Step("running", progress, f"{report.get('phase', '')}: {gate['phase']}")
    return Step("running", 0.0, str(report.get("phase", "")))
