"""How the service does: for probes, for Prometheus, for whoever looks for a fault."""

import asyncio
from collections import Counter
from typing import Annotated, Any, Literal

import msgspec

from liveopt.web import prometheus
from liveopt.web.alerts import memory_share
from liveopt.web.api.run import about_this
from liveopt.web.call import Answered, Call, Raw, Service
from liveopt.web.errors import Problem

LINK_MS_MAX = 3_000
LAG_MS_MAX = 250.0
STORE_S = 2.0


class Alive(msgspec.Struct, frozen=True):
    """This process answers."""

    status: Literal["alive"]


class Ready(msgspec.Struct, frozen=True):
    """Whether everything is there that answers need.

    A part that fails is named and does not count: a probe that took the address away for it would
    take the emergency stop away.
    """

    status: Literal["ready", "not ready"]
    checks: dict[str, bool]
    failing: dict[str, str]
    """Parts of this process that fail and are started again, and why."""
    timestamp: str


class Health(msgspec.Struct, frozen=True):
    """The same in the words of the seeds."""

    status: Literal["healthy", "degraded"]
    version: str
    optimizerEnabled: bool  # noqa: N815  the seed's name
    checks: dict[str, bool]
    failing: dict[str, str]
    timestamp: str


class Works(msgspec.Struct, frozen=True):
    """How one part does."""

    fails: bool
    crashes: int
    """Times that it was started again."""
    why: str
    """Why it fails, or what it crashed of last."""


class Deep(msgspec.Struct, frozen=True):
    """All that is known of the parts."""

    status: Literal["healthy", "degraded"]
    checks: dict[str, bool]
    parts: dict[str, Works]
    """What goes on beside the answers."""
    web: dict[str, Any]
    engine: dict[str, Any]
    jobs: dict[str, int]
    """By status; as they were known last where the store of studies cannot be read."""
    memory_used: float | None
    timestamp: str


class LogsWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many lines, and of which level."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 100
    level: Literal["", "debug", "info", "warning", "error"] = ""


class Logs(msgspec.Struct, frozen=True):
    """Lines of this process, the newest first."""

    logs: list[dict[str, Any]]


ALIVE = msgspec.json.encode(Alive("alive"))


async def live(_: Call) -> bytes:
    """It answers."""
    return ALIVE


def checks(service: Service) -> dict[str, bool]:
    """What must be so."""
    clocks = service.picture.clocks(asyncio.get_running_loop().time())
    age_ms = clocks.link_age_ms
    return {
        "guard": service.guard is not None,
        "engine": service.picture.connected,
        "telemetry_fresh": age_ms is not None and age_ms <= LINK_MS_MAX,
        "journals_read": service.tail.caught_up and not service.tail.damage,
    }


async def ready(call: Call) -> Answered:
    """200 if so, else 503 with what is missing."""
    found = checks(call.service)
    whole = all(found.values())
    failing = _failing(call.service)
    body = Ready("ready" if whole else "not ready", found, failing, call.service.now())
    return Answered(body, 200 if whole else 503)


async def health(call: Call) -> Health:
    """In one word."""
    service = call.service
    found, failing = checks(service), _failing(service)
    is_well = all(found.values()) and not failing
    word: Literal["healthy", "degraded"] = "healthy" if is_well else "degraded"
    return Health(word, service.version, True, found, failing, service.now())


async def deep(call: Call) -> Deep:
    """Everything; the store of studies is asked as well."""
    service = call.service
    counts, is_read = await _jobs(service)
    report = service.picture.summary()
    found = checks(service) | {
        "journal_ok": report.get("journal_ok") is True,
        "loop_in_time": service.lag_ms <= LAG_MS_MAX,
        "studies_read": is_read,
    }
    failing = _failing(service)
    parts = {
        name: Works(name in failing, part.crashes, failing.get(name, part.why))
        for name, part in sorted(service.parts.all.items())
    }
    is_well = all(found.values()) and not failing
    return Deep(
        "healthy" if is_well else "degraded", found, parts, about_this(service), report,
        counts, memory_share(), service.now(),
    )  # fmt: skip


async def _jobs(service: Service) -> tuple[dict[str, int], bool]:
    """How many of each status, and whether the store said so."""
    try:
        async with asyncio.timeout(STORE_S):
            jobs = await service.jobs.all()
    except (Problem, TimeoutError):
        return service.jobs.by_status(), False
    return dict(Counter(one.status for one in jobs)), True


def _failing(service: Service) -> dict[str, str]:
    return service.parts.failing(asyncio.get_running_loop().time())


async def metrics(call: Call) -> Raw:
    """For Prometheus."""
    return Raw(prometheus.text(call.service).encode(), prometheus.CONTENT_TYPE)


async def logs(call: Call) -> Logs:
    """The newest lines, without secrets."""
    wanted = call.asked(LogsWanted)
    return Logs([dict(line) for line in call.service.logbook.newest(wanted.limit, wanted.level)])


async def openapi(call: Call) -> bytes:
    """This API, described."""
    return call.service.fixed[("openapi",)]


async def docs(call: Call) -> Raw:
    """The same for people."""
    return Raw(call.service.fixed[("docs",)], "text/html; charset=utf-8")


async def docs_style(call: Call) -> Raw:
    """How the page looks."""
    return Raw(call.service.fixed[("docs.css",)], "text/css; charset=utf-8")
