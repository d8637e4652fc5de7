"""Searches as jobs: seed 001's requests, and what the dashboard reads of them."""

import hashlib
from collections import Counter
from typing import Annotated, Any, Literal

import msgspec

from liveopt.data.tables import parse_time
from liveopt.kucoin.words import venue_of
from liveopt.optimize.objective import parse_objective
from liveopt.optimize.parameters import BadParameter
from liveopt.web.api.words import Page
from liveopt.web.call import Call
from liveopt.web.errors import Problem, bad, stamp
from liveopt.web.job import Job
from liveopt.web.orders import Order, new_id, order_of

MINUTE_S = 60.0
BATCH_MAX = 20
ASKED = 32
EXAMPLE_NS = 90 * 86_400 * 1_000_000_000
"""How far back the example of a command fetches candles."""
ALIASES = {"sharpe_ratio": "bar_sharpe", "total_return": "roi", "return": "roi"}
Algorithm = Literal["random", "grid", "ga", "pso", "sa", "de", "aco", "hc", "bo", "tpe"]
Timeframe = Literal["1m", "3m", "5m", "15m", "30m", "1h", "4h", "1d"]
Asset = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$(?!\n)")]
Time = Annotated[str, msgspec.Meta(max_length=40)]
StrategyName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,63}$(?!\n)")]


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to search."""

    max_evals: Annotated[int, msgspec.Meta(ge=10, le=1_000_000)] = 100
    timeout_minutes: Annotated[float, msgspec.Meta(ge=1, le=480)] = 60.0
    algorithm: Algorithm = "de"
    objective: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] = "sharpe_ratio"


class Single(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One search: a strategy on the candles of an asset."""

    strategy_name: StrategyName
    asset: Asset
    timeframe: Timeframe
    start_date: Time = ""
    end_date: Time = ""
    optimization_config: Config = Config()


class Batch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Several, all of them or none."""

    requests: Annotated[list[Single], msgspec.Meta(min_length=1, max_length=BATCH_MAX)]


class Submitted(msgspec.Struct, frozen=True):
    """It waits for its turn."""

    job_id: str
    status: str
    timestamp: str


class SubmittedAll(msgspec.Struct, frozen=True):
    """They wait for their turns."""

    job_ids: list[str]
    timestamp: str


class JobsFound(msgspec.Struct, frozen=True):
    """The newest first."""

    jobs: list[Job]
    total: int


class Statistics(msgspec.Struct, frozen=True):
    """How many of each status."""

    total: int
    by_status: dict[str, int]
    evaluated: int
    running_max: int
    queue_max: int


class JobDetail(Job, frozen=True):
    """A job with its result, if it is completed, and the command that gives the same."""

    result: dict[str, Any] | None = None
    reproduce: str | None = None


class JobResumed(msgspec.Struct, frozen=True):
    """It waits for its turn, and then goes on after its last generation."""

    job_id: str
    status: str
    done: int
    timestamp: str


class Cancelled(msgspec.Struct, frozen=True):
    """It ends after its generation."""

    job_id: str
    status: str
    timestamp: str


async def single(call: Call) -> Submitted:
    """Submit a search."""
    job = (await _submitted(call, [call.said(Single)]))[0]
    return Submitted(job.id, job.status, call.service.now())


async def batch(call: Call) -> SubmittedAll:
    """Submit several."""
    jobs = await _submitted(call, call.said(Batch).requests)
    return SubmittedAll([job.id for job in jobs], call.service.now())


async def _submitted(call: Call, wanted: list[Single]) -> list[Job]:
    """With an Idempotency-Key once alone, also past the end of this process."""
    orders = [_order(call, one) for one in wanted]
    if not call.once:
        return call.service.jobs.submit(orders)
    asked = hashlib.sha256(msgspec.json.encode(wanted)).hexdigest()[:ASKED]
    names = [f"{call.once}\n{number}" for number in range(len(orders))]
    await call.service.jobs.looked()
    return call.service.jobs.submit(
        [
            msgspec.structs.replace(order, id=new_id(name), asked=asked)
            for order, name in zip(orders, names, strict=True)
        ]
    )


def _order(call: Call, wanted: Single) -> Order:
    """Checked as far as can be without the candles."""
    service, config = call.service, wanted.optimization_config
    if wanted.strategy_name not in service.strategies:
        why = f"there is no strategy {wanted.strategy_name!r}; GET /api/v1/strategies lists them"
        raise Problem(404, "STRATEGY_NOT_FOUND", why, {"field": "strategy_name"})
    data = service.jobs.data_file(wanted.asset, wanted.timeframe)
    if data is None:
        raise Problem(404, "FILE_NOT_FOUND", _no_candles(call, wanted), {"field": "asset"})
    for field, text in (("start_date", wanted.start_date), ("end_date", wanted.end_date)):
        _check_time(field, text)
    objective = ALIASES.get(config.objective, config.objective)
    try:
        parse_objective(objective)
    except BadParameter as error:
        raise bad(str(error), "optimization_config.objective") from error
    words = {
        "strategy": wanted.strategy_name,
        "data": str(data),
        "algorithm": config.algorithm,
        "evals": config.max_evals,
        "timeout_s": config.timeout_minutes * MINUTE_S,
        "objective": objective,
        "first": wanted.start_date,
        "last": wanted.end_date,
    }
    return order_of(words, service.wall(), call.subject.name)


def _no_candles(call: Call, wanted: Single) -> str:
    """Where they are looked for, and what puts them there; no path of this machine is told."""
    folder = call.service.jobs.data
    name, where = f"{wanted.asset}-{wanted.timeframe}", f"{folder.parent.name}/{folder.name}"
    why = f"there are no candles {where}/{name}.parquet (nor .feather or .csv)"
    try:
        venue_of(wanted.asset)
    except ValueError as error:
        return f"{why}: {error}"
    since = stamp(call.service.wall() - EXAMPLE_NS)[:10]
    return (
        f"{why}; this fetches them: mkdir -p {where} && liveopt data fetch {where}/{name}.parquet"
        f" --symbol {wanted.asset} --timeframe {wanted.timeframe} --from {since}"
    )


def _check_time(field: str, text: str) -> None:
    if not text:
        return
    try:
        parse_time(text)
    except (ValueError, OverflowError) as error:
        raise bad(str(error), field) from error


async def jobs(call: Call) -> JobsFound:
    """All jobs and studies, the newest first."""
    found = await call.service.jobs.all()
    return JobsFound(found[: call.asked(Page).limit], len(found))


async def status(call: Call) -> Job:
    """How far one is."""
    return await call.service.jobs.one(call.path["id"])


async def job(call: Call) -> JobDetail:
    """One job, with its result if there is one."""
    found = await call.service.jobs.one(call.path["id"])
    result = None
    if found.status == "completed":
        result = await call.service.jobs.result(found.id)
    reproduce = None if result is None else str(result.get("reproduce", "")) or None
    return JobDetail(**msgspec.structs.asdict(found), result=result, reproduce=reproduce)


async def results(call: Call) -> dict[str, Any]:
    """What came of one: parameters, the walk forward, the verdict."""
    name = call.path["id"]
    return {"job_id": name, "result": await call.service.jobs.result(name)}


async def cancel(call: Call) -> Cancelled:
    """End it after its generation, or before it begins."""
    found = await call.service.jobs.cancel(call.path["id"])
    return Cancelled(found.id, found.status, call.service.now())


async def resume(call: Call) -> JobResumed:
    """Go on with one that was cancelled, interrupted or failed on its way."""
    found = await call.service.jobs.resume(call.path["id"], call.subject.name)
    return JobResumed(found.id, found.status, found.done, call.service.now())


async def statistics(call: Call) -> Statistics:
    """How many jobs of each status."""
    found = await call.service.jobs.all()
    counts = Counter[str](one.status for one in found)
    done = sum(one.done for one in found)
    jobs_ = call.service.jobs
    return Statistics(len(found), dict(counts), done, jobs_.running_max, jobs_.queue_max)
