"""How the service does: for probes, for Prometheus, for whoever looks for a fault."""

import asyncio
from typing import Annotated, Any, Literal

import msgspec

from liveopt.web import prometheus
from liveopt.web.alerts import memory_share
from liveopt.web.api.run import about_this
from liveopt.web.call import Answered, Call, Raw, Service

LINK_MS_MAX = 3_000
LAG_MS_MAX = 250.0


class Alive(msgspec.Struct, frozen=True):
    """This process answers."""

    status: Literal["alive"]


class Ready(msgspec.Struct, frozen=True):
    """Whether everything is there that answers need."""

    status: Literal["ready", "not ready"]
    checks: dict[str, bool]
    timestamp: str


class Health(msgspec.Struct, frozen=True):
    """The same in the words of the seeds."""

    status: Literal["healthy", "degraded"]
    version: str
    optimizerEnabled: bool  # noqa: N815  the seed's name
    checks: dict[str, bool]
    timestamp: str


class Deep(msgspec.Struct, frozen=True):
    """All that is known of the parts."""

    status: Literal["healthy", "degraded"]
    checks: dict[str, bool]
    web: dict[str, Any]
    engine: dict[str, Any]
    jobs: dict[str, int]
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
    body = Ready("ready" if whole else "not ready", found, call.service.now())
    return Answered(body, 200 if whole else 503)


async def health(call: Call) -> Health:
    """In one word."""
    service = call.service
    found = checks(service)
    word: Literal["healthy", "degraded"] = "healthy" if all(found.values()) else "degraded"
    return Health(word, service.version, True, found, service.now())


async def deep(call: Call) -> Deep:
    """Everything; the store of studies is asked as well."""
    service = call.service
    jobs = await service.jobs.all()
    report = service.picture.summary()
    found = checks(service) | {
        "journal_ok": report.get("journal_ok") is True,
        "loop_in_time": service.lag_ms <= LAG_MS_MAX,
    }
    counts: dict[str, int] = {}
    for one in jobs:
        counts[one.status] = counts.get(one.status, 0) + 1
    return Deep(
        "healthy" if all(found.values()) else "degraded", found, about_this(service), report,
        counts, memory_share(), service.now(),
    )  # fmt: skip


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
