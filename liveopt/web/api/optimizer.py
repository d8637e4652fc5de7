"""The live optimizer as seed 004 speaks of it: returns, win rates and drawdowns in percent."""

from typing import Annotated, Any, Literal

import msgspec

from liveopt.guard.gate import BY_NAME, Mode
from liveopt.web import seed_telemetry
from liveopt.web.api.words import Aged, Limit, Name, Reason, age, percent
from liveopt.web.call import Answered, Call, Service
from liveopt.web.errors import NO_JSON, Problem, clean, stamp
from liveopt.web.listing import Listing, answered, listing

MS_NS = 1_000_000
LISTED_MAX = 1_000


class Status(Aged, frozen=True):
    """Whether it runs: an engine that says nothing for three seconds does not, as far as is known.

    `timestamp` is `as_of_ms` in words; before an engine has spoken it is the answer's own.
    """

    enabled: bool
    running: bool
    mode: str
    variants: int
    halted: str | None
    halt: int | None
    """Which halt stands: what a resume names."""
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


class Results(Aged, frozen=True):
    """The best variants by return; `timestamp` is `as_of_ms` in words, as in `Status`."""

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
    halt: int | None
    """Of this halt in the latch: what a resume names."""
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
    """Why entries are let through again, after which halt."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
    number: Annotated[
        int | None,
        msgspec.Meta(
            description="The halt that is to end, no other: `halt` of a stop or of the status,"
            " `number` of the socket's word, of the latch in GET /api/v1/run. Without it"
            " whichever stands, and with an Idempotency-Key the one that stood when the key came"
            " first."
        ),
    ] = None


class Resumed(msgspec.Struct, frozen=True):
    """Whether they are; `checks` where they are not."""

    resumed: bool
    number: int | None = None
    halt: int | None = None
    """Which halt stands, where another one was meant."""
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


async def status(call: Call) -> Status:
    """Whether it runs, and how many variants."""
    service = call.service
    report, known = service.picture.report, age(service)
    halted = report.get("halted") or ((service.guard or {}).get("mode") if service.guard else None)
    running = not known["stale"] and not halted
    count = sum(not one.champion for one in service.picture.who)
    latch = service.stream.latch.read()
    halt = latch.number if latch.halted else None
    return Status(True, running, service.mode, count, halted, halt, _stamp(service), **known)


def _stamp(service: Service) -> str:
    """Of the moment that is told about."""
    at_ms = service.picture.as_of_ms
    return service.now() if at_ms is None else stamp(at_ms * MS_NS)


async def results(call: Call) -> bytes:
    """The best; encoded once a frame for all who ask."""
    service, picture = call.service, call.service.picture

    def make() -> Listing:
        rows = picture.variants(LISTED_MAX, champions=False)
        return listing(_result(row) for row in rows)

    found = picture.once("results", make)
    top = picture.once("top", lambda: seed_telemetry.top(picture))
    head = Results([], top, _stamp(service), **age(service))
    return answered(head, results=found.first(call.asked(ResultsWanted).limit))


def _result(row: dict[str, Any]) -> Result:
    config = {name: row[name] for name in ("symbol", "strategy", "origin", "lane")}
    status = "active" if row["status"] == "warming" else row["status"]
    return Result(row["id"], config, _metrics(row), row["trades"], status)


def _metrics(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "roi": percent(row["roi"]),
        "winRate": percent(row["win_rate"]),
        "sharpe": row["bar_sharpe"],
        "maxDrawdown": percent(row["max_drawdown"]),
        "totalTrades": row["trades"],
        "equity": row["equity"],
    }


async def start(call: Call) -> Started:
    """After a stop, let entries through again; a run itself is begun with `liveopt run`."""
    guard = await call.service.door.status()
    if guard is None:
        raise Problem(503, "NOT_RUNNING", "no run goes on here; begin one with `liveopt run`")
    if not guard.get("halted"):
        raise Problem(400, "ALREADY_RUNNING", "it is running already")
    reply = await call.service.door.resume("start over the API", call.subject.name, once=call.once)
    call.service.stream.refresh()
    if not reply.body.get("resumed"):
        errors = reply.body.get("errors") or ["a check is not green"]
        raise Problem(409, "REFUSED", "; ".join(errors), {"answer": reply.body})
    return Started("started", call.service.now())


async def stop(call: Call) -> Answered:
    """Emergency stop: no new positions from now on. Words that are not understood halt as well."""
    mode, reason, complaint = _stop_words(call.body)
    name = call.subject.name
    key = call.request.headers.get("Idempotency-Key", "")[:200]
    once = f"{name} {key}" if key else ""
    said = await call.service.door.stop(mode, reason or "a stop over the API", name, once)
    call.service.stream.refresh()
    complaint += [f"halted, but {call.complaint}"] if call.complaint else []
    errors = [*complaint, *said.get("errors", [])]
    whole = bool(said.get("latched")) and not said["not_acknowledged"] and not errors
    body = Stopped(
        "stopped" if whole else "incomplete", call.service.now(), bool(said.get("latched")),
        str(said.get("mode", mode)), said.get("number"), said.get("halt"), said.get("seq"),
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
    reply = await call.service.door.resume(
        words.reason.strip(), call.subject.name, words.number, call.once
    )
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


class Step(msgspec.Struct, frozen=True):
    """What goes on, in seed 000's words."""

    status: Literal["running", "halted", "idle"]
    progress: float
    current_step: str


async def step(call: Call) -> Step:
    """A portfolio job while one is at work, else the search beside the run, else the run."""
    service = call.service
    await service.share.look()
    if (jobs := service.share.at_work()) is not None:
        return Step("running", float(jobs.progress), jobs.current_step)
    return _of_run(service)


def _of_run(service: Service) -> Step:
    report = service.picture.report
    search = report.get("search") or {}
    if age(service)["stale"]:
        silent = service.picture.connected
        return Step("idle", 0.0, "the engine says nothing" if silent else "no engine runs")
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
