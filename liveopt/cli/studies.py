"""From options to a study and back: what `optimize` and `opt` share."""

import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Final, Literal

import msgspec
import typer

from liveopt.cli import conditions
from liveopt.cli import market as options
from liveopt.cli.show import Failure
from liveopt.config import Settings
from liveopt.core.strategy import Strategy
from liveopt.engine.device import Run
from liveopt.optimize.objective import parse_constraint, parse_objective
from liveopt.optimize.parameters import BadParameter
from liveopt.optimize.studies import hyperopt, space
from liveopt.optimize.studies.around import read_around
from liveopt.optimize.studies.embargo import embargo_of
from liveopt.optimize.studies.plan import (
    Data,
    Parameter,
    Plan,
    Span,
    Trading,
    code_version,
    decode,
    encode,
    hash_of,
)
from liveopt.optimize.studies.store import FILE, NoStudy, Store
from liveopt.optimize.walkforward import ends, folds
from liveopt.search.algorithm import Unfit
from liveopt.search.search import find

TRIALS: Final = 1_000
SIZES: Final = ("population", "swarm", "ants", "climbers", "chains", "batch")
"""What the algorithms call how many candidates they breed at a time."""
Read = tuple[Path, str | None, str | None, str | None]
"""File, first time, last time, interval of the signals."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What the options said about the search; None is the usual."""

    algorithm: str | None
    evals: int | None
    timeout: float | None
    objectives: list[str]
    constraints: list[str]
    ranges: str
    fixed: dict[str, Parameter]
    population: int | None
    terms: list[str]
    folds: int
    kind: Literal["anchored", "rolling"]
    embargo: int | None
    seed: int | None
    trials_before: int | None
    wish: hyperopt.Wish | None
    around: Path | None = None
    deviation_before: float = 0.0

    @property
    def method(self) -> str:
        """The algorithm's name."""
        return self.algorithm or (self.wish.algorithm if self.wish else "de")


def chosen_of(name: str, path: Path | None) -> tuple[Strategy, hyperopt.Wish | None]:
    """The strategy, and what a configuration file says."""
    wish = None if path is None else hyperopt.read(path)
    if not name and wish is None:
        raise BadParameter("name a strategy, or give a --config that does")
    if not name and wish is not None and not wish.strategy:
        raise BadParameter(
            f"--config {path} says how to search but names no strategy: name one beside it, such as"
            " `liveopt optimize ma_crossover`"
        )
    for one in wish.unheeded if wish else ():
        typer.echo(f"--config {path}: {one}", err=True)
    return options.strategy_named(name or (wish.strategy if wish else "")), wish


def new(
    strategy: Strategy,
    draft: Draft,
    market: tuple[options.Trading, options.Costs],
    read: Read,
    settings: Settings,
) -> Plan:
    """The plan of what the options say; everything in it is checked."""
    spans = _spans(strategy, draft)
    trading, costs = market
    setup = options.setup_of(strategy, trading, costs, settings, set(draft.fixed) | set(spans))
    fixed = dict(draft.fixed)
    options.standard_risk(trading.market, settings, fixed)
    defaults: dict[str, Parameter] = {n: one.default for n, one in strategy.choices.items()}
    defaults |= {n: one.default for n, one in strategy.knobs.items()}
    fixed = {n: v for n, v in (defaults | fixed).items() if n not in spans}
    source = options.read(*read)
    _check(draft)
    facts = conditions.conditions(setup, costs.funding)
    plan = Plan(
        strategy=strategy.name,
        data=Data(str(read[0]), *read[1:], hash_of(source.bars)),
        trading=Trading(**facts),
        fixed=fixed,
        ranges=spans,
        algorithm=draft.method,
        terms=_terms(draft),
        evals=draft.evals or (draft.wish.evals if draft.wish else TRIALS),
        objectives=draft.objectives,
        constraints=draft.constraints,
        folds=draft.folds,
        kind=draft.kind,
        embargo=0,
        seed=_seed(draft),
        timeout_s=_or(draft.timeout, draft.wish.timeout_s if draft.wish else 0.0),
        trials_before=draft.trials_before or 0,
        deviation_before=draft.deviation_before,
        code=code_version(),
        around=[] if draft.around is None else read_around(draft.around),
        around_file=str(draft.around or ""),
    )
    plan = msgspec.structs.replace(plan, embargo=_embargo(plan, strategy, source, draft.embargo))
    if plan.evals < plan.folds:
        raise BadParameter(f"{plan.evals} evaluations for {plan.folds} folds: one each at least")
    if draft.trials_before is None:
        with store_of(settings) as store:
            before = store.before(plan)
        plan = msgspec.structs.replace(
            plan, trials_before=before.count, deviation_before=before.deviation
        )
    return decode(encode(plan))  # as it will be read: the search depends on the order of ranges


@contextmanager
def store_of(settings: Settings) -> Iterator[Store]:
    """The studies, as long as they are needed; what is wrong with them is told in a sentence."""
    folder = Path(settings.journal.folder)
    try:
        store = Store(folder)
        try:
            yield store
        finally:
            store.close()
    except NoStudy as error:
        raise Failure(str(error)) from error
    except sqlite3.DatabaseError as error:
        raise Failure(
            f"{folder / FILE} cannot be used ({error}); if it is damaged, move it away"
        ) from error


def opened(plan: Plan) -> tuple[Run, options.Source]:
    """The run of a plan, from its file; another file is refused."""
    data, terms = plan.data, plan.trading
    source = options.read(Path(data.file), data.first, data.last, data.signal)
    if hash_of(source.bars) != data.hash:
        raise Failure(f"{data.file} has other candles than when the study began")
    strategy = options.strategy_named(plan.strategy)
    costs = options.Costs(
        terms.taker_fee, terms.maker_fee, terms.slippage, terms.capital, terms.tick, terms.lot,
        terms.funding or 0.0, terms.maintenance, terms.liquidation_fee,
    )  # fmt: skip
    trading = options.Trading(terms.market, terms.sides, terms.sizing, terms.market_targets)
    named = set(plan.fixed) | set(plan.ranges)
    setup = options.setup_of(strategy, trading, costs, Settings(), named)
    setup = replace(setup, pessimistic=True)
    return Run(setup, source.rows(terms.funding or 0.0), source.periods_per_year), source


def command(plan: Plan) -> str:
    """The command that gives this result again."""
    data, terms = plan.data, plan.trading
    words = ["liveopt", "optimize", plan.strategy, "--data", data.file]
    for option, text in (("--from", data.first), ("--to", data.last), ("--signal", data.signal)):
        words += [option, text] if text is not None else []
    words += ["--algorithm", plan.algorithm, "--evals", str(plan.evals)]
    for one in plan.objectives:
        words += ["--objective", one]
    for one in plan.constraints:
        words += ["--constraint", one]
    words += ["--ranges", _range_text(plan)]
    for name, value in plan.fixed.items():
        words += ["--set", f"{name}={value}"]
    for name, number in plan.terms.items():
        words += ["--term", f"{name}={number!r}"]
    words += ["--folds", str(plan.folds), "--walk", plan.kind, "--embargo", str(plan.embargo)]
    words += ["--seed", str(plan.seed), "--trials-before", str(plan.trials_before)]
    words += ["--deviation-before", repr(plan.deviation_before)] if plan.deviation_before else []
    words += ["--timeout", repr(plan.timeout_s)] if plan.timeout_s else []
    words += ["--around", plan.around_file] if plan.around_file else []
    words += ["--market", terms.market, "--side", terms.sides, "--sizing", terms.sizing]
    for option, cost in (
        ("--fee", terms.taker_fee), ("--maker-fee", terms.maker_fee),
        ("--slippage", terms.slippage), ("--capital", terms.capital), ("--tick", terms.tick),
        ("--lot", terms.lot), ("--funding", terms.funding), ("--maintenance", terms.maintenance),
        ("--liquidation-fee", terms.liquidation_fee),
    ):  # fmt: skip
        words += [] if cost is None else [option, repr(cost)]
    return shlex.join([*words, *(["--market-targets"] if terms.market_targets else [])])


def _range_text(plan: Plan) -> str:
    return ",".join(
        f"{n}={'|'.join(r)}" if isinstance(r, list) else f"{n}={r.low!r}:{r.high!r}:{r.step!r}"
        for n, r in plan.ranges.items()
    )


def _spans(strategy: Strategy, draft: Draft) -> dict[str, Span | list[str]]:
    """What is searched: the ranges given, and of knobs without one their own."""
    given = space.parse_ranges(strategy, draft.ranges)
    if draft.wish is not None:
        given = hyperopt.ranges(strategy, draft.wish) | given
    if both := sorted(given.keys() & draft.fixed.keys()):
        raise BadParameter(f"{both[0]} is both fixed and searched")
    if draft.wish is None:
        given = space.usual_ranges(strategy, draft.fixed) | given
    return given


def _check(draft: Draft) -> None:
    """Objectives, constraints and algorithm, before anything is read or stored."""
    for one in draft.objectives:
        parse_objective(one)
    for one in draft.constraints:
        parse_constraint(one)
    try:
        method = find(draft.method)
    except Unfit as error:
        raise BadParameter(str(error)) from error
    if len(draft.objectives) > 1 and not method.several:
        raise BadParameter(f"{method.name} takes one objective; nsga2 takes several")


def _terms(draft: Draft) -> dict[str, int | float]:
    known = {
        f.name: getattr(find(draft.method).terms, f.name) for f in fields(find(draft.method).terms)
    }
    given: dict[str, int | float] = {}
    for text in draft.terms:
        name, _, value = (part.strip() for part in text.partition("="))
        if name not in known:
            raise BadParameter(f"{draft.method} has no term {name!r}; it has {', '.join(known)}")
        try:
            given[name] = type(known[name])(float(value))
        except ValueError as error:
            raise BadParameter(f"{text!r} is not name=number") from error
    if draft.population is not None:
        size = next((n for n in SIZES if n in known), None)
        if size is None:
            raise BadParameter(f"{draft.method} has no population")
        given[size] = draft.population
    return given


def _embargo(plan: Plan, strategy: Strategy, source: options.Source, given: int | None) -> int:
    """What is given, or the longest look-back and holding time; checked against the folds."""
    bars = len(ends(source.rows(0.0))) - 1
    if given is None:
        given, said = embargo_of(plan, strategy, bars, source.signal_ns)
        if said:
            typer.echo(said, err=True)
    folds(bars, plan.folds, plan.kind, given)
    return given


def _seed(draft: Draft) -> int:
    """That of --seed, else of the configuration; said where it is not the usual one."""
    if draft.wish is None or draft.wish.seed is None:
        return draft.seed or 0
    seed = draft.wish.seed if draft.seed is None else draft.seed
    typer.echo(f"seed {seed}; random_seed of --config is {draft.wish.seed}", err=True)
    return seed


def _or(given: float | None, usual: float) -> float:
    return usual if given is None else given
