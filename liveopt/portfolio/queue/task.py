"""One job from claim to record: checked, run, written; put back if it is not its fault."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog

from liveopt.config.portfolio import Portfolio
from liveopt.portfolio.queue import child, files, inputs
from liveopt.portfolio.queue.aside import aside, briefly
from liveopt.portfolio.queue.books import Books, table_key
from liveopt.portfolio.queue.child import Ended, Limits
from liveopt.portfolio.queue.held import OUT, Held
from liveopt.portfolio.queue.inputs import Refused
from liveopt.portfolio.queue.job import BAD_CELLS, Asked, Job, asked_of, settings_of
from liveopt.portfolio.queue.later import Later
from liveopt.portfolio.queue.places import Places
from liveopt.portfolio.queue.settings import Clock, Settings
from liveopt.portfolio.queue.status import Desk, Doing

T = TypeVar("T")
Record = dict[str, Any]
"""What is added to a job's document at its end."""

Command = Callable[[Job], Sequence[str]]
"""The program and its arguments for a job."""
SAID: Final = "liveopt: "
"""So begins what the optimizer says of what is wrong."""
WORDS_MAX: Final = 1_000
EXCERPT: Final = 4_000
IGNORED: Final = frozenset(Portfolio.model_fields) | {BAD_CELLS}
SIGNALS = {9: "the system or a person killed it: too little memory is the usual reason"}

log = structlog.get_logger()


class NotNow(Exception):
    """The worker's machine cannot do it at this moment."""


@dataclass(frozen=True, slots=True)
class Bench:
    """All that a job needs of its worker."""

    places: Places
    command: Command
    settings: Settings
    clock: Clock
    books: Books
    desk: Desk
    later: Later

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
            await _do(bench, held)
        except Exception as error:  # the supervisor: what one job does to us ends no other
            log.exception("a job has brought about a fault of the worker", job=held.job_id)
            kept = {"job_id": held.job_id, "content": ascii(held.document)[:EXCERPT]}
            held.document = kept  # what was in it may be what cannot be written
            await _end(bench, held, "failed", {"error": f"a fault of the worker: {error!r}"})
    except asyncio.CancelledError:
        bench.desk.doing.pop(held.key, None)
        if not await briefly(lambda: _stop(bench, held)):
            log.warning("a job is left to the next start", job=held.job_id)
        raise
    finally:
        bench.desk.doing.pop(held.key, None)


async def _do(bench: Bench, held: Held) -> None:
    try:
        job, key, ended, began_s = await _run(bench, held)
    except Refused as error:
        await _end(bench, held, "failed", {"error": str(error)})
    except NotNow as error:
        await _put_off(bench, held, f"the worker's machine: {error}")
    except OSError as error:
        await _put_off(bench, held, f"the share: {error}")
    else:
        seconds = bench.clock.steady() - began_s
        added = _record(bench, job, ended, seconds)
        await _judge(bench, held, ended, added, lambda: _remarks(job, key))


async def _run(bench: Bench, held: Held) -> tuple[Job, str, Ended, float]:
    job, key = await aside(lambda: _alone(held, lambda: _prepare(bench, held)))
    bench.later.begun(held.key)
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
    except OSError as error:
        raise NotNow(str(error)) from None
    return job, key, ended, began_s


def _prepare(bench: Bench, held: Held) -> tuple[Job, str]:
    """Everything is checked again: what was looked at in the queue may be another now."""
    held.read()
    asked, table, key = _asked(bench, held)
    settings = settings_of(asked)
    out = held.make_out(bench.clock.name())
    number = held.attempt()
    told, name = bench.places.told(out), files.shown(table.name)
    bench.books.note(held.job_id, "processing", input_file=name, output_dir=told,
                     attempt=number)  # fmt: skip
    bench.books.write()
    bench.desk.doing[held.key] = Doing(
        held.job_id, held.path.name, name, bench.clock.stamp(), bench.desk.worker
    )
    size, document = asked.portfolio_size, held.document
    return Job(asked.job_id, table, out, size, asked.job_type, document, settings), key


def _asked(bench: Bench, held: Held) -> tuple[Asked, Path, str]:
    """What is wanted of which table.

    A job that is refused is its table's job all the same: its client hears what to mend, and no
    other job is made of the table meanwhile.
    """
    document = held.document
    try:
        table = inputs.find(bench.places, str(document.get("input_file") or ""))
    except Refused:
        asked_of(document, size=bench.settings.size)  # what it lacks is said first
        raise
    key = _key(table)
    bench.books.mark(key, held.job_id)
    return asked_of(document, size=bench.settings.size), table, key


def _key(table: Path) -> str:
    """Of the file itself: a link that was put in its place meanwhile is another."""
    about = table.lstat()
    return table_key(table.name, about.st_size, about.st_mtime_ns)


def _remarks(job: Job, key: str) -> Record:
    """What a client should know of its job beside how it went."""
    said: Record = {}
    ignored = sorted(IGNORED & job.document.keys())
    if ignored:
        said["ignored"] = f"{', '.join(ignored)}: only what is inside of settings counts"
    try:
        changed = "" if _key(job.input) == key else "changed"
    except FileNotFoundError:
        changed = "was taken away"
    except OSError:  # no reason to keep a result back
        changed = ""
    if changed:
        said["warning"] = (
            f"{job.input.name} {changed} while the job ran: drop both again if in doubt"
        )
    return said


async def _judge(
    bench: Bench, held: Held, ended: Ended, added: Record, remarks: Callable[[], Record]
) -> None:
    if ended.code == 0 and not ended.timed_out:
        await _end(bench, held, "completed", added, remarks)
        return
    outage = await aside(lambda: _outage(bench))
    if outage and held.document.get("attempts", 0) < bench.settings.attempts_max:
        await _put_back(bench, held, outage, counted=True)
        return
    added = added | {"error": _why(bench.settings, ended)}
    await _end(bench, held, "failed", added, remarks)


def _record(bench: Bench, job: Job, ended: Ended, seconds: float) -> Record:
    return {
        "execution_time": round(seconds, 3), "return_code": ended.code,
        "stdout": ended.stdout, "stderr": ended.stderr,
        OUT: bench.places.told(job.out), "result": ended.done,
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
    how = _words(said) if said else "it said nothing; stdout may tell"
    return f"the optimizer ended with code {ended.code}: {how}"


def _words(said: list[str]) -> str:
    """All that the optimizer says of it, or the last line of whoever else ended it."""
    first = next((n for n, line in enumerate(said) if line.startswith(SAID)), -1)
    return "\n".join(line.strip() for line in said[first:])[:WORDS_MAX]


async def _end(
    bench: Bench,
    held: Held,
    status: str,
    added: Record,
    remarks: Callable[[], Record] = dict,
) -> None:
    """`remarks` are made when the share is there."""
    record = {"status": status} | added | {"completion_timestamp": bench.clock.stamp()}
    folder = bench.places.completed if status == "completed" else bench.places.failed

    def act() -> None:
        if not held.is_ours():
            log.warning("a job was taken from this worker", job=held.job_id)
            if not held.over:
                held.set_aside()
            return
        record.update(remarks())
        if status != "completed":
            held.set_aside()
            record.pop(OUT, None)
            if held.out is not None:
                record[OUT] = bench.places.told(held.out)
        held.end(folder, record)
        _tell(bench, held, record)  # here, where no stop comes between

    await _insist(bench, held, act)


def _tell(bench: Bench, held: Held, record: Record) -> None:
    status, at = record["status"], record["completion_timestamp"]
    details = {k: record[k] for k in ("error", "execution_time", "output_dir") if k in record}
    bench.books.note(held.job_id, status, **details)
    bench.desk.last = {"job_id": held.job_id, "status": status, "timestamp": at}
    log.info("a job has ended", job=held.job_id, status=status, error=record.get("error"))


async def _put_off(bench: Bench, held: Held, why: str) -> None:
    """Not its fault: it goes back uncounted, and is tried again after a while."""
    bench.later.put_off(held.key, why, shared=True)
    bench.trouble(why)
    await _put_back(bench, held, why, counted=False)


async def _put_back(bench: Bench, held: Held, why: str, *, counted: bool) -> None:
    there = True

    def act() -> None:
        nonlocal there
        if held.is_ours():
            there = held.put_back(counted=counted)
        else:
            held.set_aside()

    await _insist(bench, held, act)
    if not there:
        why = "its client has removed it"
    bench.books.note(held.job_id, "queued" if there else "withdrawn", why=why)
    log.warning("a job is put back" if there else "a job is withdrawn", job=held.job_id, why=why)


async def _insist(bench: Bench, held: Held, act: Callable[[], None]) -> None:
    """Until the share lets it happen: a job is not lost for a full disk."""

    def checked() -> None:
        bench.places.check()
        act()

    while True:
        try:
            await aside(lambda: _alone(held, checked))
        except OSError as error:
            bench.trouble(str(error))
        else:
            return
        await asyncio.sleep(bench.settings.poll_s)


def _alone(held: Held, act: Callable[[], T]) -> T:
    """Beside nothing else that changes the job: a stop does not wait for a thread that hangs."""
    with held.lock:
        return act()


def _stop(bench: Bench, held: Held) -> None:
    """The worker ends, or the claim is another's; what cannot be done now the next start does."""
    if not held.lock.acquire(blocking=False):
        log.warning("a job is left to what still works on it", job=held.job_id)
        return
    try:
        if held.over:
            return
        if held.is_ours():
            held.put_back(counted=False)
            bench.books.note(held.job_id, "queued", why="the worker was stopped")
        else:
            held.set_aside()
    except OSError as error:
        log.warning("a job is left to the next start", job=held.job_id, why=str(error))
    finally:
        held.lock.release()
