"""The step of one strategy under one rule, as flat phases: what every emitter prints."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any

from liveopt.core.account import Account, Rule, Term, act, due
from liveopt.core.instrument import SPOT_LEVERAGE
from liveopt.core.market import Market, observe
from liveopt.core.metrics import Path, heed, mark, watch
from liveopt.core.step import close_signal, said, signal, stray
from liveopt.core.strategy import Strategy
from liveopt.engine.lower import (
    Binding,
    Known,
    Lowering,
    Record,
    carried,
    needed,
    pruned,
    reads,
    writes,
)

Body = list[ast.stmt]

LANES = 64
"""Variants in a block; a cell of a block is one row of so many numbers."""
FINE, SIGNAL = 1, 2
"""What a row of the market is: a fine bar, the close of a signal bar, or both."""
FINE_ROW = ("fine_time_s", "fine_open", "fine_high", "fine_low", "fine_close", "fine_funding")
SIGNAL_ROW = ("bar_open", "bar_high", "bar_low", "bar_close", "bar_volume", "bar_day")
ROW_CELLS = FINE_ROW + SIGNAL_ROW

MAIN = "a"
"""The account that the limits of a steered run are held against; `b` is the pessimistic one."""
MEASURED = (
    *("a_trades", "a_wins", "a_gained", "a_lost", "a_roi_sum", "a_roi_squares", "a_fees"),
    *("a_losing_most", "a_refused", "a_side", "a_want", "a_qty", "a_cash"),
    *("p_equity", "p_inv_equity", "p_inv_last", "p_inv_peak", "p_drawdown"),
    *("p_returns", "p_return_squares", "p_loss_squares", "p_bars_in"),
)
"""State that metrics are read from; `b_` and `q_` are the same of the pessimistic account."""

LOGGED = (
    *("a_since_s", "fine_time_s", "a_was_side", "a_entry", "a_leave", "a_was_qty"),
    *("a_paid", "a_funded", "a_net", "a_roi", "a_reason"),
    *("a_side", "a_qty", "a_margin"),
)
"""What is written down of a trade, in this order: as it closes (the side is 0 by then) and, of a
steered account, as it opens; what an entry cannot know yet is then what the last exit left."""
LOG_SIDE = 1 + LOGGED.index("a_side")


@dataclass(frozen=True, slots=True)
class AccountPhase:
    """What a fine bar does to one account: asked cheaply, done rarely, marked always."""

    due: Body
    flag: ast.expr
    act: Body
    mark: Body


@dataclass(frozen=True, eq=False)
class Program:
    """One compiled combination of strategy, choices and rule."""

    name: str
    accounts: tuple[AccountPhase, ...]
    observe: Body
    decide: Body
    state: tuple[str, ...]
    """Names of the cells a variant carries from bar to bar."""
    params: tuple[str, ...]
    inputs: tuple[str, ...]
    shared: tuple[str, ...]
    """Names of the market's cells, which all variants share."""
    log: bool
    start: Mapping[str, float] = field(default_factory=dict)

    @property
    def cells(self) -> tuple[str, ...]:
        """All rows of a block, in their order."""
        return self.state + self.params + self.inputs

    @property
    def tail(self) -> int:
        """Where the shared cells begin in a block."""
        return len(self.cells) * LANES

    @property
    def width(self) -> int:
        """Numbers in a block, rounded up so that every block begins on a cache line."""
        return self.tail + -(-len(self.shared) // 8) * 8

    @property
    def names(self) -> set[str]:
        """Every name the program reads or sets."""
        found = used_by(self.observe) | used_by(self.decide)
        for phase in self.accounts:
            found |= used_by(phase.due) | used_by(phase.act) | used_by(phase.mark)
        return found | (set(LOGGED) if self.log else set())

    @property
    def hot(self) -> set[str]:
        """Names that are read or set on ordinary bars; other cells are touched by a fill only."""
        found = used_by(self.decide)
        for phase in self.accounts:
            found |= used_by(phase.due) | reads(phase.flag) | used_by(phase.mark)
        return found

    @property
    def bytes_per_variant(self) -> int:
        """State and parameters of one variant."""
        return 8 * (len(self.state) + len(self.params))


def used_by(body: Body) -> set[str]:
    """Every name a body reads or sets; what is set on one branch keeps its value on the other."""
    return {n for s in body for n in reads(s)} | writes(body)


def build(
    strategy: Strategy,
    rule: Rule,
    choices: Mapping[str, str],
    pessimistic: bool = False,
    log: bool = False,
    zero: frozenset[str] = frozenset(),
) -> Program:
    """Inline the stations for this combination and drop what it does not need.

    `zero` names terms that are known to be 0, such as the tick of a market that rounds nothing.
    """
    given = {n: c.default for n, c in strategy.choices.items()} | dict(choices)
    return _build(strategy, rule, tuple(given.items()), pessimistic, log, zero)


@lru_cache(maxsize=256)
def _build(
    strategy: Strategy,
    rule: Rule,
    choices: tuple[tuple[str, str], ...],
    pessimistic: bool,
    log: bool,
    zero: frozenset[str],
) -> Program:
    lowering = Lowering()
    fine, bar = Record("fine"), Record("bar")
    certain = {} if rule.perpetual else {"leverage": SPOT_LEVERAGE}
    knobs = Record("k", dict(choices) | certain)
    memory = Record("m")
    rules = [("a", "p", "term", rule)]
    if pessimistic:
        rules.append(("b", "q", "late", pessimist(rule)))
    none = dict.fromkeys(zero, 0.0)
    terms = {name: Record(name, {"rule": each} | none) for _, _, name, each in rules}

    phases = []
    for a, path, term, _ in rules:
        phases.append(_account_phase(lowering, (Record(a), Record(path)), fine, terms[term], knobs))
    seen, _ = lowering.inline(observe, {"bar": bar})
    decide, word = lowering.inline(
        said,
        {"bar": bar, "strategy": Known(strategy), "k": knobs, "x": Record("x"), "m": memory},
    )
    decide.append(_assigned("word", word))
    spoken = ast.Name("word", ast.Load())
    meant, target = lowering.inline(
        signal, {"bar": bar, "term": terms["term"], "word": spoken, "k": knobs}
    )
    decide += [*meant, _assigned("target", target)]
    for a, path, term, _ in rules:
        strayed, _ = lowering.inline(stray, {"term": terms[term], "word": spoken, "a": Record(a)})
        decide.extend(strayed)
        body, _ = lowering.inline(
            close_signal,
            {
                "term": terms[term],
                "target": ast.Name("target", ast.Load()),
                "m": memory,
                "a": Record(a),
                "path": Record(path),
            },
        )
        decide.extend(body)
    decide.append(_assigned("m_target", ast.Name("target", ast.Load())))
    return _shake(strategy, phases, seen, decide, log)


def _assigned(name: str, value: ast.expr | None) -> ast.stmt:
    assert value is not None
    return ast.Assign([ast.Name(name, ast.Store())], value, lineno=0)


def pessimist(rule: Rule) -> Rule:
    """The same rule with orders one fine bar late; the doubled slippage is in its terms."""
    changed = {f.name: getattr(rule, f.name) for f in fields(Rule)} | {"late": True}
    return Rule(**changed)


def _account_phase(
    lowering: Lowering, account: tuple[Record, Record], fine: Record, term: Record, risk: Record
) -> AccountPhase:
    a, path = account
    asked, flag = lowering.inline(due, {"fine": fine, "term": term, "a": a})
    assert flag is not None
    common: dict[str, Binding] = {"fine": fine, "term": term, "a": a}
    done, _ = lowering.inline(
        act,
        common | {"risk": risk, "atr": ast.Name("bar_atr", ast.Load()), "book": Record("")},
    )
    marked, _ = lowering.inline(mark, common | {"path": path})
    if a.prefix == MAIN:
        watched, _ = lowering.inline(watch, {"term": term, "a": a, "path": path})
    else:
        watched, _ = lowering.inline(heed, {"term": term, "main": Record(MAIN), "a": a})
    return AccountPhase(asked, flag, done, marked + watched)


def _shake(
    strategy: Strategy, phases: list[AccountPhase], seen: Body, decide: Body, log: bool
) -> Program:
    """Keep what reaches a metric, an order or the log; name the cells that are left."""
    bodies = [b for p in phases for b in (p.due, p.act, p.mark)] + [seen, decide]
    roots = {n for p in phases for n in reads(p.flag)} | {"m_target"}
    for here, there in (("a", "p"), ("b", "q"))[: len(phases)]:
        roots |= {{"a": here, "p": there}[n[0]] + n[1:] for n in MEASURED}
    if log:
        roots |= set(LOGGED)
        if any(f.name == "strength" for f in fields(strategy.memory)):
            roots.add(STRENGTH)
    keep = needed(bodies, roots)
    accounts = tuple(
        AccountPhase(
            pruned(p.due, keep, log=False),
            p.flag,
            pruned(p.act, keep, log and i == 0),
            pruned(p.mark, keep, log=False),
        )
        for i, p in enumerate(phases)
    )
    seen, decide = pruned(seen, keep, log=False), pruned(decide, keep, log=False)
    used = set(roots)
    for body in [b for p in accounts for b in (p.due, p.act, p.mark)] + [seen, decide]:
        used |= used_by(body)

    kept = _kept([b for p in accounts for b in (p.due, p.act, p.mark)] + [seen, decide], roots)

    def of(*prefixes: str) -> tuple[str, ...]:
        return tuple(sorted(n for n in used & kept if n.split("_", 1)[0] in prefixes))

    return Program(
        name=strategy.name,
        accounts=accounts,
        observe=seen,
        decide=decide,
        state=tuple(n for p in ("a", "p", "m", "b", "q") for n in of(p) if "_" in n),
        params=of("k"),
        inputs=of("x"),
        shared=of("bar"),
        log=log,
        start=_start(strategy),
    )


def _kept(bodies: list[Body], roots: set[str]) -> set[str]:
    """Cells that must live from bar to bar: not what one phase alone sets before it reads it."""
    kept = set(roots)
    for number, body in enumerate(bodies):
        before, _ = carried(body, set())
        kept |= before
        others = [other for i, other in enumerate(bodies) if i != number]
        kept |= writes(body) & {n for other in others for n in used_by(other)}
    return kept


def _start(strategy: Strategy) -> dict[str, float]:
    """The first value of every cell that does not begin at zero."""
    made: dict[str, Any] = {
        "a": Account(),
        "b": Account(),
        "p": Path(),
        "q": Path(),
        "m": strategy.memory(),
        "bar": Market(),
    }
    return {
        f"{prefix}_{f.name}": value
        for prefix, record in made.items()
        for f in fields(record)
        if (value := getattr(record, f.name)) != 0.0
    }


STRENGTH = "m_strength"
"""How sure a strategy is, where its memory says so; kept for the log alone."""

TERM_FIELDS = tuple(f.name for f in fields(Term) if f.name != "rule")
