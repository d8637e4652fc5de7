"""Figures for Prometheus, in its text format 0.0.4; names of seed 001 where it has them."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from math import inf, isfinite
from typing import Any, Final

import numpy as np

from liveopt.live.frames import STATUSES
from liveopt.web.alerts import memory_share
from liveopt.web.call import Service
from liveopt.web.histogram import Histogram

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
WELL: Final = frozenset({"live", "quiet"})
"""Of a topic: quiet is what nobody trades."""
ENDS: Final = ("cancelled", "completed", "failed")
Labels = Mapping[str, str]
Sample = tuple[Labels, float | int | None]
Part = tuple[str, Labels, float | int | None]
"""A sample whose name ends otherwise than its family's."""
Family = tuple[str, str, str, Sequence[Sample | Part]]
"""Name, kind, help, samples."""


def text(service: Service) -> str:
    """All of them."""
    return "".join(_family(*family) for family in families(service))


def _family(name: str, kind: str, about: str, samples: Sequence[Sample | Part]) -> str:
    lines = [f"# HELP {name} {about}", f"# TYPE {name} {kind}"]
    for *ending, labels, value in samples:
        if value is None or not isfinite(value):
            continue
        own = name + "".join(ending)
        inner = ",".join(f'{key}="{_escaped(said)}"' for key, said in labels.items())
        lines.append(f"{own}{{{inner}}} {value!r}" if inner else f"{own} {value!r}")
    return "\n".join(lines) + "\n" if len(lines) > 2 else ""


def _escaped(text_: str) -> str:
    return text_.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def families(service: Service) -> Iterator[Family]:
    """Group by group."""
    yield from _api(service)
    yield from _run(service)
    yield from _exchange(service)
    yield from _variants(service)
    yield from _feed(service)
    yield from _system(service)


def _parts(labels: Labels, histogram: Histogram) -> Iterator[Part]:
    below = 0
    for edge_s, count in zip((*histogram.edges_s, inf), histogram.counts, strict=True):
        below += count
        yield "_bucket", {**labels, "le": "+Inf" if edge_s == inf else f"{edge_s:g}"}, below
    yield "_sum", labels, histogram.sum_s
    yield "_count", labels, below


def _one(value: float | int | None) -> list[Sample]:
    return [({}, value)]


def _api(service: Service) -> Iterator[Family]:
    counts = service.counts
    requests: list[Sample] = [
        ({"method": method, "endpoint": path, "status": str(status)}, n)
        for (method, path, status), n in sorted(counts.requests.items())
    ]
    yield "api_requests_total", "counter", "Requests that were answered.", requests
    took = [
        part
        for (method, path), histogram in sorted(counts.took.items())
        for part in _parts({"method": method, "endpoint": path}, histogram)
    ]
    yield "api_request_duration_seconds", "histogram", "How long answers took.", took
    errors = sum(n for (_, _, status), n in counts.requests.items() if status >= 400)
    yield "api_errors_total", "counter", "Answers that were errors.", _one(errors)
    about = "Requests beyond a limit."
    yield "api_rate_limit_hits_total", "counter", about, _one(service.limits.hits)
    jobs = service.jobs
    yield "optimization_jobs_in_progress", "gauge", "Searches at work.", _one(len(jobs.working))
    yield "optimization_queue_size", "gauge", "Searches that wait.", _one(len(jobs.queue))
    by_status = jobs.by_status()
    ended: list[Sample] = [({"status": s}, by_status[s]) for s in ENDS if s in by_status]
    yield "optimization_jobs_total", "counter", "Jobs and studies that have ended.", ended
    about = "How long jobs that have ended were seen at work."
    name = "optimization_job_duration_seconds"
    yield name, "histogram", about, list(_parts({}, counts.jobs))


def _run(service: Service) -> Iterator[Family]:
    report: Mapping[str, Any] = service.picture.report
    speaks = int(service.picture.speaks(asyncio.get_running_loop().time()))
    yield "liveopt_engine_connected", "gauge", "Whether an engine speaks.", _one(speaks)
    for name, kind, about in (
        ("ticks", "counter", "Trades of the market that were taken in."),
        ("late_ticks", "counter", "Trades that came too late for their bar."),
        ("holes", "counter", "Gaps in the market's stream."),
        ("entries", "counter", "Positions that were opened."),
        ("trades", "counter", "Positions that were closed."),
        ("promotions", "counter", "Changes of champion."),
        ("demotions", "counter", "Changes back."),
        ("standstills", "counter", "Times that the engine's loop stood still."),
        ("positions", "gauge", "Open positions."),
        ("eligible", "gauge", "Variants that may be promoted."),
        ("backlog", "gauge", "Records that wait for the disk."),
        ("seq", "counter", "Inputs of the run."),
        ("durable_seq", "counter", "Inputs that are on the disk."),
    ):
        suffix = "_total" if kind == "counter" else ""
        yield f"liveopt_{name}{suffix}", kind, about, _one(report.get(name))
    restarts = sum((report.get("restarts") or {}).values())
    yield "liveopt_part_restarts_total", "counter", "Parts started again.", _one(restarts)
    starts = ((service.guard or {}).get("engine") or {}).get("starts")
    yield "liveopt_engine_starts_total", "counter", "Starts of the engine.", _one(starts)
    yield (
        "liveopt_journal_ok",
        "gauge",
        "Whether the journals can be written.",
        _one(None if "journal_ok" not in report else int(report["journal_ok"])),
    )
    yield "liveopt_halted", "gauge", "Whether the run is halted.", _one(int(_halted(service)))


def _exchange(service: Service) -> Iterator[Family]:
    """What is asked of the exchange, and what of it its quotas allow."""
    budget: Mapping[str, Any] = service.picture.report.get("budget") or {}
    pools: Mapping[str, Any] = budget.get("pools") or {}
    share: list[Sample] = [
        ({"pool": name}, pool["used"] / pool["limit"] if pool["limit"] else None)
        for name, pool in sorted(pools.items())
    ]
    about = "Of the quota of each pool, what the last 30 seconds took."
    yield "liveopt_budget_used_ratio", "gauge", about, share
    for name, about in (
        ("calls", "Requests to the exchange."), ("retries", "Requests that were sent again."),
    ):  # fmt: skip
        yield f"liveopt_exchange_{name}_total", "counter", about, _one(budget.get(name))
    refused: list[Sample] = [
        ({"why": name}, budget.get(name)) for name in ("quota_429", "overloads", "edge_blocks")
    ]
    about = "Requests that the exchange turned away."
    yield "liveopt_exchange_refused_total", "counter", about, refused
    states: Mapping[str, str] = service.picture.report.get("feed") or {}
    live: list[Sample] = [({"topic": t}, int(s in WELL)) for t, s in sorted(states.items())]
    yield "liveopt_feed_up", "gauge", "Whether each topic of the market comes.", live


def _halted(service: Service) -> bool:
    return bool(service.picture.report.get("halted") or (service.guard or {}).get("halted"))


def _variants(service: Service) -> Iterator[Family]:
    columns, report = service.picture.columns, service.picture.report
    by_status = np.bincount(columns["status"], minlength=len(STATUSES)).tolist()
    samples: list[Sample] = [({"status": s}, n) for s, n in zip(STATUSES, by_status, strict=True)]
    yield "liveopt_variants", "gauge", "Variants by status, champions included.", samples
    roi = columns["roi"][np.isfinite(columns["roi"])]
    if len(roi):
        spread: list[Sample] = [
            ({"stat": "best"}, float(roi.max())),
            ({"stat": "mean"}, float(roi.mean())),
            ({"stat": "worst"}, float(roi.min())),
        ]
        yield "liveopt_roi_ratio", "gauge", "Return on capital over all variants.", spread
    who = service.picture.who
    champions: list[Sample] = [
        ({"variant": who[place].id, "symbol": who[place].symbol}, float(columns["roi"][place]))
        for place in np.flatnonzero(service.picture.champions()).tolist()
    ]
    yield "strategy_performance_score", "gauge", "Return of each champion.", champions
    stopped: list[Sample] = [
        ({"reason": why}, n) for why, n in sorted((report.get("stopped") or {}).items())
    ]
    yield "liveopt_variants_stopped_total", "counter", "Variants that were stopped.", stopped
    crashed, of = service.alerts.lately.crash_rate(report)
    about = "Variants that ended by an error within the last hour, of all there were."
    yield "liveopt_variant_error_ratio", "gauge", about, _one(crashed / of if of else None)
    gates = {s: g for s, g in (report.get("gate") or {}).items() if g is not None}
    for name, about in (
        ("bar", "Evidence bars of this epoch."), ("epoch", "Number of the epoch."),
        ("threshold", "Evidence that passes at this look."),
        ("variants", "Variants that were compared."),
    ):  # fmt: skip
        told: list[Sample] = [
            ({"symbol": symbol}, gate.get(name)) for symbol, gate in gates.items()
        ]
        yield f"liveopt_gate_{name}", "gauge", about, told


def _feed(service: Service) -> Iterator[Family]:
    clocks = service.picture.clocks(asyncio.get_running_loop().time())
    about = "Since the newest trade of the market came."
    yield "liveopt_feed_age_seconds", "gauge", about, _one(_seconds(clocks.market_age_ms))
    about = "Since the engine spoke last."
    yield "liveopt_link_age_seconds", "gauge", about, _one(_seconds(clocks.link_age_ms))
    about = "How long the newest frame was under way."
    yield "liveopt_frame_delay_seconds", "gauge", about, _one(_seconds(clocks.engine_age_ms))
    about = "How long the disk has owed its word for what was journalled; the worst of ten seconds."
    owed_ms = service.picture.owed.worst_ms() if service.picture.connected else None
    yield "liveopt_journal_lag_seconds", "gauge", about, _one(_seconds(owed_ms))
    prices: list[Sample] = [
        ({"symbol": symbol}, market.get("price"))
        for symbol, market in (service.picture.report.get("markets") or {}).items()
    ]
    yield "liveopt_price", "gauge", "The newest price.", prices


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1e3


def _system(service: Service) -> Iterator[Family]:
    engine: Mapping[str, Any] = service.picture.report
    memory: list[Sample] = [
        ({"process": "web"}, int(service.rss_mib() * (1 << 20))),
        ({"process": "engine"}, int(float(engine.get("rss_mib", 0.0)) * (1 << 20)) or None),
    ]
    yield "system_memory_usage_bytes", "gauge", "Memory of each process.", memory
    yield "liveopt_memory_used_ratio", "gauge", "Of the machine.", _one(memory_share())
    busy = service.busy.look(asyncio.get_running_loop().time())
    about = "How busy the processors were since this was asked last."
    yield "system_cpu_usage_percent", "gauge", about, _one(busy)
    about = "Whether this process has read the run's journals to their ends."
    yield "liveopt_journals_read", "gauge", about, _one(int(service.tail.caught_up))
    about = "How late the event loop was lately."
    yield "liveopt_web_loop_lag_seconds", "gauge", about, _one(service.lag_ms / 1e3)
    yield "liveopt_web_clients", "gauge", "Open sockets.", _one(service.stream.clients)
    yield "liveopt_web_connections", "gauge", "Other connections.", _one(len(service.caps))
    evicted = service.stream.evicted
    yield "liveopt_web_clients_evicted_total", "counter", "Sockets too slow to keep.", _one(evicted)
    yield from _parts_of(service)
    yield "health_check_status", "gauge", "1 while this process answers.", _one(1)


def _parts_of(service: Service) -> Iterator[Family]:
    """What goes on beside the answers, and what somebody should look at."""
    now_s = asyncio.get_running_loop().time()
    failing, parts = service.parts.failing(now_s), sorted(service.parts.all.items())
    works: list[Sample] = [({"part": name}, int(name not in failing)) for name, _ in parts]
    again: list[Sample] = [({"part": name}, part.crashes) for name, part in parts]
    yield "liveopt_web_part_up", "gauge", "Whether a part of this process works.", works
    about = "Times that a part of this process failed and was started again."
    yield "liveopt_web_part_restarts_total", "counter", about, again
    hooks = service.hooks
    yield "liveopt_webhooks_sent_total", "counter", "Alerts that arrived.", _one(hooks.sent)
    yield "liveopt_webhooks_lost_total", "counter", "Alerts not delivered.", _one(hooks.lost)
    waiting = sum(len(one.waiting) for one in hooks.addresses)
    yield "liveopt_webhooks_waiting", "gauge", "Alerts to be sent.", _one(waiting)
    standing: dict[str, int] = {}
    for line in service.alerts.lines.values():
        standing[line.code] = standing.get(line.code, 0) + line.active
    alerts: list[Sample] = [({"code": code}, min(n, 1)) for code, n in sorted(standing.items())]
    yield "liveopt_alert_active", "gauge", "Alerts that have risen.", alerts
