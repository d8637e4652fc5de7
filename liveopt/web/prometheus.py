"""Figures for Prometheus, in its text format 0.0.4; names of seed 001 where it has them."""

import asyncio
import os
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any, Final

import numpy as np

from liveopt.live.frames import STATUSES
from liveopt.web.alerts import memory_share
from liveopt.web.call import Service

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
Sample = tuple[Mapping[str, str], float | int | None]
Family = tuple[str, str, str, list[Sample]]
"""Name, kind, help, samples."""


def text(service: Service) -> str:
    """All of them."""
    return "".join(_family(*family) for family in families(service))


def _family(name: str, kind: str, about: str, samples: list[Sample]) -> str:
    lines = [f"# HELP {name} {about}", f"# TYPE {name} {kind}"]
    for labels, value in samples:
        if value is None or not isfinite(value):
            continue
        inner = ",".join(f'{key}="{_escaped(said)}"' for key, said in labels.items())
        lines.append(f"{name}{{{inner}}} {value!r}" if inner else f"{name} {value!r}")
    return "\n".join(lines) + "\n" if len(lines) > 2 else ""


def _escaped(text_: str) -> str:
    return text_.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def families(service: Service) -> Iterator[Family]:
    """Group by group."""
    yield from _api(service)
    yield from _run(service)
    yield from _variants(service)
    yield from _feed(service)
    yield from _system(service)


def _one(value: float | int | None) -> list[Sample]:
    return [({}, value)]


def _api(service: Service) -> Iterator[Family]:
    counts = service.counts
    requests: list[Sample] = [
        ({"method": method, "endpoint": path, "status": str(status)}, n)
        for (method, path, status), n in sorted(counts.requests.items())
    ]
    yield "api_requests_total", "counter", "Requests that were answered.", requests
    sums: list[Sample] = [
        ({"method": method, "endpoint": path}, seconds)
        for (method, path), seconds in sorted(counts.seconds.items())
    ]
    about = "Seconds that answers took, in all."
    yield "api_request_duration_seconds_sum", "counter", about, sums
    errors = sum(n for (_, _, status), n in counts.requests.items() if status >= 400)
    yield "api_errors_total", "counter", "Answers that were errors.", _one(errors)
    about = "Requests beyond a limit."
    yield "api_rate_limit_hits_total", "counter", about, _one(service.limits.hits)
    jobs = service.jobs
    yield "optimization_jobs_in_progress", "gauge", "Searches at work.", _one(len(jobs.working))
    yield "optimization_queue_size", "gauge", "Searches that wait.", _one(len(jobs.queue))
    by_status: list[Sample] = [({"status": s}, n) for s, n in sorted(jobs.by_status().items())]
    yield "optimization_jobs_total", "counter", "Jobs and studies by status.", by_status


def _run(service: Service) -> Iterator[Family]:
    report: Mapping[str, Any] = service.picture.report
    connected = int(service.picture.connected)
    yield "liveopt_engine_connected", "gauge", "Whether an engine speaks.", _one(connected)
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
    champions: list[Sample] = [
        ({"variant": one.id, "symbol": one.symbol}, float(columns["roi"][place]))
        for place, one in enumerate(service.picture.who)
        if one.champion
    ]
    yield "strategy_performance_score", "gauge", "Return of each champion.", champions
    stopped: list[Sample] = [
        ({"reason": why}, n) for why, n in sorted((report.get("stopped") or {}).items())
    ]
    yield "liveopt_variants_stopped_total", "counter", "Variants that were stopped.", stopped
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
    load = os.getloadavg()[0] / max(os.cpu_count() or 1, 1)
    about = "Load of the last minute for each processor, in per cent."
    yield "system_cpu_usage_percent", "gauge", about, _one(round(100.0 * load, 1))
    about = "How late the event loop was lately."
    yield "liveopt_web_loop_lag_seconds", "gauge", about, _one(service.lag_ms / 1e3)
    yield "liveopt_web_clients", "gauge", "Open sockets.", _one(service.stream.clients)
    yield "liveopt_web_connections", "gauge", "Other connections.", _one(len(service.caps))
    evicted = service.stream.evicted
    yield "liveopt_web_clients_evicted_total", "counter", "Sockets too slow to keep.", _one(evicted)
    yield (
        "liveopt_webhooks_lost_total",
        "counter",
        "Alerts not delivered.",
        _one(service.hooks.lost),
    )
    standing: list[Sample] = [
        ({"code": code}, int(line.active)) for code, line in sorted(service.alerts.lines.items())
    ]
    yield "liveopt_alert_active", "gauge", "Alerts that have risen.", standing
    yield "health_check_status", "gauge", "1 while this process answers.", _one(1)
