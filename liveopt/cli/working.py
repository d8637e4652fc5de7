"""A study done under the eyes of whoever waits: estimate, progress, interrupt, result."""

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any, Final

import typer

from liveopt.cli import market as options
from liveopt.cli.conditions import conditions
from liveopt.cli.finding import show
from liveopt.cli.progress import Meter
from liveopt.cli.show import Failure, as_json, defined
from liveopt.cli.studies import command, opened, store_of
from liveopt.config import Settings
from liveopt.core.account import FEATURES
from liveopt.core.bars import SECOND_NS
from liveopt.engine.device import Run, choose, memory_bytes
from liveopt.live.clock import Clock
from liveopt.optimize.parameters import Variants, single
from liveopt.optimize.studies import crew, hyperopt
from liveopt.optimize.studies.crew import Crew, measure
from liveopt.optimize.studies.plan import Plan
from liveopt.optimize.studies.store import Status
from liveopt.optimize.studies.study import ASKED_MOST, Cancelled, Diverged, Heard, Outcome, Study
from liveopt.optimize.studies.verdict import report
from liveopt.optimize.walkforward import ends, folds
from liveopt.search.search import find

PROBED: Final = 2_048
"""Rows of the trial run that the estimate is made from."""
MIB: Final = 1024 * 1024
MEMORY_SHARE: Final = 0.9
How = tuple[int, Path | None, bool]
"""Workers, the file of the results, whether JSON is wanted."""


def work(plan: Plan, settings: Settings, how: How, name: str = "") -> None:
    """Do a study, new or as the one of this name was left, and show what came of it."""
    workers, path, wants_json = how
    run, source = opened(plan)
    with store_of(settings) as store:
        hands = _crew(plan, run, settings, workers)
        try:
            if name:
                store.begin(name, plan, stamp())
            else:
                name = store.add(plan, stamp())
            study = Study(plan, hands, store, name)
            found = _done(study, source)
        finally:
            hands.close()
    if path is not None:
        write(path, hyperopt.results(found, study.history))
    if wants_json:
        as_json(found)
    else:
        show(found)


def _crew(plan: Plan, run: Run, settings: Settings, workers: int) -> Crew:
    """Who evaluates, once it is known that there is room."""
    choice = choose("cpu" if workers else settings.engine.device, settings.engine.threads)
    room = memory_bytes(choice.device, settings.engine.memory_mib)
    widest = min(max(generation(plan), 1), plan.evals)
    needed = crew.memory_bytes(run, widest, workers, plan.evals)
    free = _memory_free()
    if needed > MEMORY_SHARE * free:
        raise Failure(
            f"this takes about {needed / MIB:,.0f} MiB, and {free / MIB:,.0f} are free: take fewer"
            " --workers, a smaller --population, or fewer bars (--from, --signal)"
        )
    bars = sum(plan.budget(i) * rows for i, rows in enumerate(_trains(plan, run)))
    _warm_up(plan, run)
    pace = _pace(run) * max(workers, 1 if workers else getattr(choice.device, "threads", 1))
    typer.echo(
        f"{plan.evals:,} evaluations in {plan.folds} folds, {bars:.3g} variant-bars: about"
        f" {bars / pace:.0f} s of engine, {needed / MIB:,.0f} MiB",
        err=True,
    )
    terms = crew.Terms(
        plan.strategy, run.setup.rule, run.setup.instrument, run.setup.capital, run.rows,
        run.periods_per_year, room // max(workers, 1),
    )  # fmt: skip
    pool = crew.processes(terms, workers) if workers else None
    return Crew(run, choice.device, room, pool, workers)


def generation(plan: Plan) -> int:
    """Candidates that are evaluated at a time."""
    method = find(plan.algorithm)
    if method.blind:
        return ASKED_MOST
    usual = {n: getattr(method.terms, n) for n in type(method.terms).__dataclass_fields__}
    return int(max([1, *(v for v in (usual | plan.terms).values() if isinstance(v, int))]))


def _trains(plan: Plan, run: Run) -> list[int]:
    at = ends(run.rows)
    parts = folds(len(at) - 1, plan.folds, plan.kind, plan.embargo)
    return [int(at[one.last] - at[one.first]) for one in parts]


def _usual(run: Run) -> Variants:
    """The strategy's usual variant."""
    return single(run.setup.strategy, {})


def _warm_up(plan: Plan, run: Run) -> None:
    """Compile every combination of choices before the clock of the estimate runs."""
    usual = dict(_usual(run).choices)
    words = {n: plan.ranges.get(n, [str(plan.fixed.get(n, w))]) for n, w in usual.items()}
    lists = [w for w in words.values() if isinstance(w, list)]
    crew.prepare(run, [usual, *(dict(zip(words, one, strict=True)) for one in product(*lists))])


def _pace(run: Run) -> float:
    """Variant-bars a second of one thread, measured on some bars."""
    from liveopt.engine.cpu import Cpu

    off: dict[str, Any] = dict.fromkeys(FEATURES, False)
    plain = replace(run.setup, rule=replace(run.setup.rule, **off))
    one = _usual(run)
    wide = Variants(
        one.choices, {n: v.repeat(64) for n, v in one.knobs.items()},
        {n: v.repeat(64) for n, v in one.risk.items()}, 0,
    )  # fmt: skip
    rows = min(PROBED, len(run.rows))
    trial = Run(plain, run.rows, run.periods_per_year)
    measure(trial, wide, (0, rows), Cpu(1), 1 << 30)
    begun_s = time.perf_counter()
    measure(trial, wide, (0, rows), Cpu(1), 1 << 30)
    return 64 * rows / max(time.perf_counter() - begun_s, 1e-9)


def _done(study: Study, source: options.Source) -> dict[str, Any]:
    """All folds and the verdict; what ends it early is told with how to go on."""
    plan, store, name = study.plan, study.store, study.name
    bars = sum(plan.budget(i) * n for i, n in enumerate(_trains(plan, study.crew.run)))
    begun_s = time.perf_counter()
    status: Status = "failed"
    try:
        with Meter(bars, f"{name} {plan.algorithm}") as meter:

            def hear(heard: Heard) -> None:
                if heard.kept:  # not of this process's time, which the rest is reckoned from
                    meter.total = max(meter.total - heard.bars, 1)
                else:
                    meter.add(heard.bars)

            study.hear = hear
            outcomes = study.run()
        found = complete(study, source, outcomes, time.perf_counter() - begun_s)
        status = "completed"
    except KeyboardInterrupt:
        status = "interrupted"
        typer.echo(f"go on with: liveopt opt resume {name}", err=True)
        raise
    except Cancelled:
        status = "cancelled"
        raise Failure(f"{name} was cancelled; go on with: liveopt opt resume {name}") from None
    except Diverged as error:
        raise Failure(str(error)) from error
    finally:
        if status != "completed":
            store.finish(name, status)
    return found


def complete(
    study: Study, source: options.Source, outcomes: Sequence[Outcome], elapsed_s: float
) -> dict[str, Any]:
    """The verdict on a study that was done to its end, kept with it."""
    found = _facts(study, source, report(study, outcomes))
    found |= {"elapsed_s": elapsed_s, "engine_s": study.engine_s}
    kept = {"result": defined(found), "history": defined(study.history)}
    study.store.finish(study.name, "completed", json.dumps(kept))
    return found


def _facts(study: Study, source: options.Source, found: Mapping[str, Any]) -> dict[str, Any]:
    plan, run = study.plan, study.crew.run
    return {
        "study": study.name,
        "status": "completed",
        "strategy": plan.strategy,
        "algorithm": plan.algorithm,
        "terms": plan.terms,
        "seed": plan.seed,
        "objectives": plan.objectives,
        "constraints": plan.constraints,
        "data": source.summary() | {"hash": plan.data.hash},
        **conditions(run.setup, plan.trading.funding or 0.0),
        **found,
        "code": plan.code,
        "reproduce": command(plan),
    }


def write(path: Path, found: Mapping[str, Any]) -> None:
    """A document as JSON into a file."""
    try:
        path.write_text(
            json.dumps(defined(found), indent=2, allow_nan=False) + "\n", encoding="utf-8"
        )
    except OSError as error:
        raise Failure(f"cannot write {path}: {error.strerror}") from error


def stamp() -> str:
    """The time as it is kept with a study."""
    return datetime.fromtimestamp(Clock().wall() / SECOND_NS, UTC).isoformat(timespec="seconds")


def _memory_free() -> int:
    """What the system says is free, caches included."""
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
        return 1024 * int(text.partition("MemAvailable:")[2].split()[0])
    except (OSError, ValueError, IndexError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
