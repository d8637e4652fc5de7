"""One job from claim to record: checked, run, written; put back if it is not its fault."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from liveopt.portfolio.queue import child, inputs
from liveopt.portfolio.queue.aside import aside
from liveopt.portfolio.queue.books import Books, table_key
from liveopt.portfolio.queue.child import Ended, Limits
from liveopt.portfolio.queue.held import Held
from liveopt.portfolio.queue.inputs import Refused
from liveopt.portfolio.queue.job import Job, asked_of
from liveopt.portfolio.queue.places import Places
from liveopt.portfolio.queue.settings import Clock, Settings
from liveopt.portfolio.queue.status import Desk, Doing

Command = Callable[[Job], Sequence[str]]
"""The program and its arguments for a job."""
SIGNALS = {9: "the system or a person killed it: too little memory is the usual reason"}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Bench:
    """All that a job needs of its worker."""

    places: Places
    command: Command
    settings: Settings
    clock: Clock
    books: Books
    desk: Desk

    def trouble(self, what: str) -> None:
        """Says what keeps it from its work, once; empty when that is over."""
        if what != self.desk.trouble:
            self.desk.trouble = what
            if what:
                log.warning("the queue waits", why=what)
            else:
                log.info("the queue goes on")


async def do(bench: Bench, held: Held) -> None:
    """To its end, whatever that is. Cancelled, the job goes back as if it had not been begun."""
    try:
        try:
            job, ended, began_s = await _run(bench, held)
        except Refused as error:
            await _end(bench, held, "failed", {"error": str(error)})
        except OSError as error:
            await _put_back(bench, held, f"the share: {error}", counted=False)
        else:
            seconds = bench.clock.steady() - began_s
            await _judge(bench, held, job, ended, seconds)
    except asyncio.CancelledError:
        bench.desk.doing.pop(held.key, None)
        _stop(bench, held)
        raise
    finally:
        bench.desk.doing.pop(held.key, None)


async def _run(bench: Bench, held: Held) -> tuple[Job, Ended, float]:
    job = await aside(lambda: _prepare(bench, held))
    began_s, settings = bench.clock.steady(), bench.settings
    log.info("a job begins", job=held.job_id, input=job.input.name, size=job.size)
    try:
        ended = await child.run(
            bench.command(job),
            held.claim.token,
            Limits(settings.limit_s, settings.tail_bytes),
            lambda progress: bench.desk.heard(held.key, progress),
        )
    except (FileNotFoundError, PermissionError) as error:
        raise Refused(f"the optimizer cannot be started on the worker's machine: {error}") from None
    return job, ended, began_s


def _prepare(bench: Bench, held: Held) -> Job:
    """Everything is checked again: what was looked at in the queue may be another now."""
    held.read()
    asked = asked_of(held.document, size=bench.settings.size)
    table = inputs.find(bench.places, asked.input_file)
    number = held.attempt()
    out = held.make_out(bench.clock.name())
    about = table.stat()
    bench.books.mark(table_key(table.name, about.st_size, about.st_mtime_ns), asked.job_id)
    told = bench.places.told(out)
    bench.books.note(held.job_id, "processing", input_file=table.name, output_dir=told,
                     attempt=number)  # fmt: skip
    bench.books.write()
    bench.desk.doing[held.key] = Doing(
        held.job_id, held.path.name, table.name, bench.clock.stamp(), bench.desk.worker
    )
    return Job(asked.job_id, table, out, asked.portfolio_size, asked.job_type, held.document)


async def _judge(bench: Bench, held: Held, job: Job, ended: Ended, seconds: float) -> None:
    added = _record(bench, job, ended, seconds)
    if ended.code == 0 and not ended.timed_out:
        await _end(bench, held, "completed", added)
        return
    outage = await aside(lambda: _outage(bench))
    if outage and held.document.get("attempts", 0) < bench.settings.attempts_max:
        await _put_back(bench, held, outage, counted=True)
        return
    await _end(bench, held, "failed", added | {"error": _why(bench.settings, ended)})


def _record(bench: Bench, job: Job, ended: Ended, seconds: float) -> dict[str, Any]:
    return {
        "execution_time": round(seconds, 3), "return_code": ended.code,
        "stdout": ended.stdout, "stderr": ended.stderr,
        "output_dir": bench.places.told(job.out), "result": ended.done,
        "worker": bench.desk.worker,
    }  # fmt: skip


def _outage(bench: Bench) -> str:
    """What of the share may have made a job fail; empty if it is well."""
    try:
        bench.places.check()
        free_mib = bench.places.free_mib()
    except OSError as error:
        return str(error)
    if free_mib < bench.settings.free_mib:
        return f"the share has {free_mib} MiB free"
    return ""


def _why(settings: Settings, ended: Ended) -> str:
    if ended.timed_out:
        return (
            f"it took longer than {settings.limit_s:g} s and was ended: give it fewer strategies"
            " or evaluations, or the worker a longer limit"
        )
    said = [line for line in ended.stderr.splitlines() if line.strip()]
    if ended.code < 0:
        how = f"signal {-ended.code} ended the optimizer"
        return f"{how}: {SIGNALS.get(-ended.code, said[-1] if said else 'it said nothing')}"
    how = said[-1].strip() if said else "it said nothing; stdout may tell"
    return f"the optimizer ended with code {ended.code}: {how[:1_000]}"


async def _end(bench: Bench, held: Held, status: str, added: dict[str, Any]) -> None:
    record = {"status": status} | added | {"completion_timestamp": bench.clock.stamp()}
    folder = bench.places.completed if status == "completed" else bench.places.failed

    def act() -> None:
        if not held.is_ours():
            log.warning("a job was taken from this worker", job=held.job_id)
            return
        if status != "completed":
            held.set_aside()
            if held.out is not None and "output_dir" in record:
                record["output_dir"] = bench.places.told(held.out)
        held.end(folder, record)
        _tell(bench, held, record)  # here, where no stop comes between

    await _insist(bench, act)


def _tell(bench: Bench, held: Held, record: dict[str, Any]) -> None:
    status, at = record["status"], record["completion_timestamp"]
    details = {k: record[k] for k in ("error", "execution_time", "output_dir") if k in record}
    bench.books.note(held.job_id, status, **details)
    bench.desk.last = {"job_id": held.job_id, "status": status, "timestamp": at}
    log.info("a job has ended", job=held.job_id, status=status, error=record.get("error"))


async def _put_back(bench: Bench, held: Held, why: str, *, counted: bool) -> None:
    there = True

    def act() -> None:
        nonlocal there
        if held.is_ours():
            there = held.put_back(counted=counted)

    await _insist(bench, act)
    if not there:
        why = "its client has removed it"
    bench.books.note(held.job_id, "queued" if there else "withdrawn", why=why)
    log.warning("a job is put back" if there else "a job is withdrawn", job=held.job_id, why=why)


async def _insist(bench: Bench, act: Callable[[], None]) -> None:
    """Until the share lets it happen: a job is not lost for a full disk."""
    while True:
        try:
            bench.places.check()
            await aside(act)
        except OSError as error:
            bench.trouble(str(error))
        else:
            return
        await asyncio.sleep(bench.settings.poll_s)


def _stop(bench: Bench, held: Held) -> None:
    """The worker ends, or the claim is another's; what cannot be done now the next start does."""
    try:
        if held.is_ours():
            held.put_back(counted=False)
            bench.books.note(held.job_id, "queued", why="the worker was stopped")
    except OSError as error:
        log.warning("a job is left to the next start", job=held.job_id, why=str(error))
