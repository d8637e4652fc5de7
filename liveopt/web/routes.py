"""The table: every path, who may ask, how often, with which words, and what it answers with.

Router, rate limits, scopes and OpenAPI are made from it; a path that is not here does not exist.
"""

from typing import Any, Final

from liveopt.optimize.rounds.folder import Round
from liveopt.web.alerts import Alert
from liveopt.web.api import (
    demo,
    health,
    jobs,
    optimizer,
    portfolio,
    rounds,
    run,
    sessions,
    signals,
    strategies,
    words,
)
from liveopt.web.call import Call, Route
from liveopt.web.job import Job
from liveopt.web.limits import BODY_MAX

HTML: Final = "text/html; charset=utf-8"
REFUSED: Final = (404, 409, 503, 504)


async def _socket(_: Call) -> Any:
    """The stream itself answers; see `web.answering`."""
    raise AssertionError("the socket is the stream's")


OPTIMIZER: Final = (
    Route(
        "GET", "/api/optimizer/status", "read", "general", optimizer.Status, optimizer.status,
        "Whether the optimizer runs", "optimizer",
    ),
    Route(
        "GET", "/api/optimizer/results", "read", "general", optimizer.Results, optimizer.results,
        "The variants with the highest returns", "optimizer", query=optimizer.ResultsWanted,
    ),
    Route(
        "POST", "/api/optimizer/start", "trade", "general", optimizer.Started, optimizer.start,
        "Let entries through again after a stop", "optimizer", errors=(409, 503, 504), keyed=True,
    ),
    Route(
        "POST", "/api/optimizer/stop", "stop", "free", optimizer.Stopped, optimizer.stop,
        "Emergency stop", "optimizer", body=optimizer.StopWords, others=(207,), body_max=4096,
        lenient=True,
    ),
    Route(
        "POST", "/api/optimizer/resume", "trade", "general", optimizer.Resumed, optimizer.resume,
        "End a halt, if every check is green", "optimizer", body=optimizer.Resume,
        others=(207, 409), errors=(503, 504), keyed=True,
    ),
    Route(
        "POST", "/api/optimizer/promote", "trade", "general", optimizer.Promoted,
        optimizer.promote, "Make a variant the champion", "optimizer", body=optimizer.Promote,
        errors=REFUSED,
    ),
    Route(
        "POST", "/api/optimizer/rollback", "trade", "general", optimizer.RolledBack,
        optimizer.rollback, "Make the former champion the champion again", "optimizer",
        body=optimizer.Rollback, errors=REFUSED,
    ),
    Route(
        "GET", "/api/signals/history", "read", "data", signals.Signals, signals.signals,
        "Signals that were acted upon", "optimizer", query=signals.History,
    ),
    Route(
        "GET", "/api/trades/experimental", "read", "data", signals.Experimental,
        signals.experimental_trades, "Closed trades of the variants", "optimizer",
        query=signals.History,
    ),
    Route(
        "GET", "/status", "read", "general", optimizer.Step, optimizer.step,
        "What goes on, and how far it is", "optimizer",
    ),
)  # fmt: skip

RUN: Final = (
    Route("GET", "/api/v1/run", "read", "general", run.Run, run.run, "The run's report", "run"),
    Route(
        "GET", "/api/v1/variants", "read", "general", run.Variants, run.variants,
        "The best variants", "run", query=run.VariantsWanted,
    ),
    Route(
        "GET", "/api/v1/variants/{id}", "read", "general", run.Detail, run.variant,
        "One variant", "run", errors=(404,),
    ),
    Route(
        "POST", "/api/v1/variants/{id}/pause", "trade", "general", run.Changed, run.pause,
        "Let a variant open nothing for now", "run", body=words.Why, errors=REFUSED,
    ),
    Route(
        "POST", "/api/v1/variants/{id}/resume", "trade", "general", run.Changed, run.unpause,
        "Let a paused variant go on", "run", body=words.Why, errors=REFUSED,
    ),
    Route(
        "POST", "/api/v1/variants/{id}/retire", "trade", "general", run.Changed, run.retire,
        "Close a variant for good", "run", body=words.Why, errors=REFUSED,
    ),
    Route(
        "GET", "/api/v1/trades", "read", "data", run.Trades, run.trades,
        "Closed trades, the newest first", "run", query=run.TradesWanted,
    ),
    Route(
        "GET", "/api/v1/promotions", "read", "general", run.Rulings, run.promotions,
        "Verdicts and changes of champion", "run", query=words.Page,
    ),
    Route(
        "GET", "/api/v1/promotions/{id}", "read", "general", dict[str, Any], run.promotion,
        "One of them, with the evidence it rests on", "run", errors=(404,),
    ),
    Route("GET", "/api/v1/alerts", "read", "general", run.Alerts, run.alerts, "The inbox", "run"),
    Route(
        "POST", "/api/v1/alerts/{id}/acknowledge", "trade", "general", Alert, run.acknowledge,
        "Say that an alert was seen", "run", body=run.Acknowledge, errors=(404,),
    ),
    Route(
        "GET", "/api/v1/rounds", "read", "general", rounds.Rounds, rounds.rounds,
        "Searches beside the run", "run", query=words.Page,
    ),
    Route(
        "GET", "/api/v1/rounds/{id}", "read", "general", Round, rounds.one,
        "One of them: whom it tested, and what stopped each", "run", errors=(404,),
    ),
    Route(
        "POST", "/api/v1/rounds", "optimize", "optimization", rounds.Began, rounds.begin,
        "Search for better variants now", "run", status=202, errors=(409, 503, 504),
    ),
    Route(
        "POST", "/api/v1/demo", "trade", "general", demo.Began, demo.begin,
        "Begin a demo beside the run", "run", status=201, errors=(409, 503),
    ),
    Route(
        "DELETE", "/api/v1/demo", "trade", "general", demo.Ended, demo.end, "End the demo", "run",
        errors=(404,),
    ),
)  # fmt: skip

JOBS: Final = (
    Route(
        "GET", "/api/v1/strategies", "read", "general", strategies.Strategies,
        strategies.strategies, "Every strategy with its knobs", "strategies",
    ),
    Route(
        "GET", "/api/v1/strategies/{id}", "read", "general", strategies.StrategyTold,
        strategies.strategy, "One strategy", "strategies", errors=(404,),
    ),
    Route(
        "POST", "/api/v1/strategies/{id}/validate", "read", "general", strategies.Valid,
        strategies.validate, "Whether parameters fit a strategy", "strategies",
        body=strategies.Parameters, errors=(404,),
    ),
    Route(
        "POST", "/api/v1/optimize/single", "optimize", "optimization", jobs.Submitted, jobs.single,
        "Submit a search", "jobs", body=jobs.Single, status=202, errors=(404, 503),
        body_max=BODY_MAX,
    ),
    Route(
        "POST", "/api/v1/optimize/batch", "optimize", "optimization", jobs.SubmittedAll,
        jobs.batch, "Submit several searches", "jobs", body=jobs.Batch, status=202,
        errors=(404, 503), body_max=BODY_MAX,
    ),
    Route(
        "GET", "/api/v1/optimize/status/{id}", "read", "general", Job, jobs.status,
        "How far a job is", "jobs", errors=(404,),
    ),
    Route(
        "GET", "/api/v1/optimize/results/{id}", "read", "general", dict[str, Any], jobs.results,
        "What came of a job", "jobs", errors=(404, 409),
    ),
    Route(
        "DELETE", "/api/v1/optimize/cancel/{id}", "optimize", "general", jobs.Cancelled,
        jobs.cancel, "End a job", "jobs", errors=(404, 409),
    ),
    Route(
        "POST", "/api/v1/optimize/resume/{id}", "optimize", "optimization", jobs.JobResumed,
        jobs.resume, "Go on with a job that was interrupted", "jobs", status=202,
        errors=(404, 409, 503),
    ),
    Route(
        "GET", "/api/v1/optimize/jobs", "read", "general", jobs.JobsFound, jobs.jobs,
        "All jobs", "jobs", query=words.Page,
    ),
    Route(
        "GET", "/api/v1/optimize/statistics", "read", "general", jobs.Statistics, jobs.statistics,
        "How many jobs of each status", "jobs",
    ),
    Route(
        "GET", "/api/v1/jobs", "read", "general", jobs.JobsFound, jobs.jobs, "All jobs", "jobs",
        query=words.Page,
    ),
    Route(
        "GET", "/api/v1/jobs/{id}", "read", "general", jobs.JobDetail, jobs.job,
        "One job, with its result", "jobs", errors=(404,),
    ),
    Route(
        "GET", "/api/v1/portfolio", "read", "general", portfolio.Portfolio, portfolio.portfolio,
        "Portfolio jobs of the share", "jobs", query=words.Page,
    ),
)  # fmt: skip

SERVICE: Final = (
    Route(
        "GET", "/api/v1/health/live", None, "free", health.Alive, health.live,
        "Whether this process answers", "service",
    ),
    Route(
        "GET", "/api/v1/health/ready", "read", "free", health.Ready, health.ready,
        "Whether everything is there", "service", others=(503,),
    ),
    Route(
        "GET", "/api/v1/health/deep", "read", "general", health.Deep, health.deep,
        "All parts", "service",
    ),
    Route(
        "GET", "/api/v1/health", "read", "free", health.Health, health.health, "In one word",
        "service",
    ),
    Route(
        "GET", "/metrics", "read", "free", "text/plain", health.metrics, "For Prometheus",
        "service",
    ),
    Route(
        "GET", "/api/v1/metrics", "read", "free", "text/plain", health.metrics, "For Prometheus",
        "service",
    ),
    Route(
        "GET", "/api/v1/logs", "admin", "general", health.Logs, health.logs,
        "Log lines of this process", "service", query=health.LogsWanted,
    ),
    Route(
        "GET", "/api/openapi.json", "read", "free", dict[str, Any], health.openapi,
        "This API, described", "service", navigated=True,
    ),
    Route(
        "GET", "/api/docs", "read", "free", "text/html", health.docs,
        "The same for people", "service", navigated=True,
    ),
    Route(
        "GET", "/api/docs.css", "read", "free", "text/css", health.docs_style,
        "How that page looks", "service", navigated=True,
    ),
    Route(
        "POST", "/api/session", None, "free", sessions.Opened, sessions.open_,
        "A one-time word for a session", "sessions", body=sessions.Token, status=201,
        errors=(401, 429), body_max=4096,
    ),
    Route(
        "GET", "/api/session", "read", "general", sessions.Session, sessions.whose, "Who asks",
        "sessions",
    ),
    Route(
        "DELETE", "/api/session", "read", "general", sessions.Session, sessions.close,
        "End a session", "sessions",
    ),
    Route(
        "POST", "/api/ticket", "read", "general", sessions.Ticket, sessions.ticket,
        "A ticket for the socket", "sessions", status=201,
    ),
    Route(
        "GET", "/ws", "read", "free", "application/json", _socket,
        "The stream: a WebSocket (RFC 6455); `?type=optimizer_telemetry` for seed 004's messages",
        "socket", status=101, errors=(400, 426, 503),
    ),
)  # fmt: skip

ROUTES: Final = (*OPTIMIZER, *RUN, *JOBS, *SERVICE)
