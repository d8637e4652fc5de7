"""The studies of a round: for each strategy one around those who live, and one from scratch."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zlib import crc32

import msgspec
import numpy as np

from liveopt.core.account import RISK
from liveopt.core.strategy import Strategy
from liveopt.optimize.generate import RISK_SPANS
from liveopt.optimize.parameters import parse_fixed
from liveopt.optimize.rounds.task import Sought, Task
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
)
from liveopt.optimize.studies.space import usual_ranges
from liveopt.optimize.studies.store import ROUND
from liveopt.promotion.admission import TRADES_MIN
from liveopt.walk.variant import Variant

OBJECTIVE: Final = "bar_sharpe"
FOLDS: Final = 1
"""One test, as long as half of the train: what is proposed was chosen before it began."""
HALVES: Final = ("around", "scratch")


@dataclass(frozen=True, slots=True)
class Draft:
    """One study of a round."""

    name: str
    plan: Plan
    strategy: Strategy


@dataclass(frozen=True, slots=True)
class Half:
    """Which of a strategy's two studies: where it begins, how long it is, what was before it."""

    name: str
    around: list[Variant]
    evals: int
    trials_before: int


def plans(
    task: Task, sought: Sought, strategies: Mapping[str, Strategy], data: Data, bars: int
) -> Iterator[Draft]:
    """All of a symbol; each knows how many trials there were before, in this run."""
    trials = sought.trials_before
    for name in sought.strategies:
        own = [variant for variant in sought.living if variant.strategy == name]
        for half in HALVES:
            evals = max(1, task.effort.evals // len(HALVES))
            around = own if half == "around" else []
            plan = _plan(task, sought, strategies[name], data, Half(half, around, evals, trials))
            embargo, _ = embargo_of(plan, strategies[name], bars, task.terms.signal_ns)
            trials += evals
            title = f"{names(task, sought.symbol, str(task.number))}{name}_{half}"
            plan = msgspec.structs.replace(plan, embargo=embargo)
            # as it will be read: the search depends on the order of ranges
            yield Draft(title, decode(encode(plan)), strategies[name])


def names(task: Task, symbol: str, number: str = "*") -> str:
    """What the names of a round's studies of a symbol begin with; `*`: of every round's."""
    return f"{ROUND}{task.run.rpartition('/')[2]}_{number}_{symbol}_"


def _plan(
    task: Task,
    sought: Sought,
    strategy: Strategy,
    data: Data,
    half: Half,
) -> Plan:
    fixed = _fixed(task, strategy)
    if sought.instrument.market == "spot":
        fixed.pop("leverage", None)  # there it is 1 and no parameter, even where a run says so
    certain = {*fixed, "leverage"} if sought.instrument.market == "spot" else {*fixed}
    ranges = usual_ranges(strategy, fixed) | {
        name: Span(knob.low, knob.high, 1.0 if knob.whole else 0.0)
        for name, knob in RISK_SPANS.items()
        if name not in certain
    }
    if "trail" not in fixed:
        arm = RISK_SPANS["arm"]
        ranges["trail"] = Span(0.5 * arm.low, 0.5 * arm.high)
    own = f"{sought.symbol} {strategy.name} {half.name}"
    seed = np.random.SeedSequence([task.seed, task.number, crc32(own.encode())])
    return Plan(
        strategy=strategy.name,
        data=data,
        trading=trading_of(task, sought),
        fixed=fixed,
        ranges=ranges,
        algorithm=task.effort.algorithm,
        terms={},
        evals=half.evals,
        objectives=[OBJECTIVE],
        constraints=[
            f"max_drawdown<={task.terms.drawdown_limit!r}",
            f"trades>={TRADES_MIN}",
        ],
        folds=FOLDS,
        kind="anchored",
        embargo=0,
        seed=int(seed.generate_state(1, np.uint32)[0]),
        timeout_s=0.0,
        trials_before=half.trials_before,
        deviation_before=sought.deviation_before,
        code=code_version(),
        around=[dict(variant.parameters) for variant in half.around],
        around_file=around_file(data, sought.symbol, strategy.name) if half.around else "",
    )


def around_file(data: Data, symbol: str, strategy: str) -> str:
    """Where those who live are kept, beside the market: a study's own command needs them."""
    return str(Path(data.file).with_name(f"{symbol}-{strategy}.json"))


def _fixed(task: Task, strategy: Strategy) -> dict[str, Parameter]:
    """What every variant of the run has alike."""
    known = {*strategy.knobs, *strategy.choices, *RISK}
    texts = [t for t in task.fixed if t.partition("=")[0].strip() in known]
    return parse_fixed(strategy, texts)


def trading_of(task: Task, sought: Sought) -> Trading:
    """The market as a live run has it."""
    one = sought.instrument
    perpetual = one.market == "perpetual"
    return Trading(
        market=one.market,
        sides="both" if perpetual else "long",
        sizing="fraction",
        market_targets=False,
        taker_fee=one.taker_fee,
        maker_fee=one.maker_fee,
        slippage=one.slippage,
        tick=one.tick,
        lot=one.lot,
        capital=task.terms.capital,
        funding=sought.funding if perpetual else None,
        maintenance=one.maintenance if perpetual else None,
        liquidation_fee=one.liquidation_fee if perpetual else None,
    )
