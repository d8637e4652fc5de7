"""The engine in plain Python: the same stations, called as they stand, one variant at a time.

Slow on purpose and in plain sight: what every compiled path must equal, bit for bit.
"""

from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import numpy as np

from liveopt.core.account import FREE, NO_ENTRIES, Account, Risk, Term, act, due, restrain
from liveopt.core.market import Fine, Market, observe
from liveopt.core.metrics import Path, heed, mark, watch
from liveopt.core.step import close_signal, said, signal, stray
from liveopt.core.strategy import Highest, Lag, Mean, Weighted
from liveopt.engine.batch import Batch, vars_of
from liveopt.engine.program import (
    FINE,
    FINE_ROW,
    LOGGED,
    SIGNAL,
    SIGNAL_ROW,
    TERM_FIELDS,
    pessimist,
)
from liveopt.engine.rolling import RESUM_BARS
from liveopt.engine.rows import Rows


class Ledger:
    """A book that keeps everything that is noted."""

    def __init__(self) -> None:
        """Begin empty."""
        self.notes: list[dict[str, float]] = []

    def note(self, fine: Fine, a: Account) -> None:
        """Write down the trade just closed or opened."""
        names = [n.removeprefix("a_") for n in LOGGED if n.startswith("a_")]
        self.notes.append({"time_s": fine.time_s} | {n: getattr(a, n) for n in names})

    @property
    def trades(self) -> list[dict[str, float]]:
        """The closed ones."""
        return [note for note in self.notes if note["side"] == 0.0]


class Lone:
    """One variant and its own view of the market."""

    def __init__(self, batch: Batch, variant: int) -> None:
        """Take the variant's parameters from the batch; its state starts at the beginning."""
        setup, program = batch.setup, batch.program
        self.strategy = setup.strategy
        words = {n: c.default for n, c in setup.strategy.choices.items()} | dict(setup.choices)
        self.k = SimpleNamespace(**words)
        for name in program.params:
            setattr(self.k, name.removeprefix("k_"), float(batch.cell(name)[variant]))
        self.risk = Risk(
            **{n: getattr(self.k, n) for n in vars_of(Risk()) if f"k_{n}" in program.params}
        )
        self.windows = {
            name.removeprefix("x_"): int(windows[places[variant]])
            for name, windows, places in zip(
                program.inputs, batch.inputs.windows, batch.inputs.places, strict=True
            )
        }
        self.m = setup.strategy.memory()
        self.fine, self.market = Fine(), Market()
        self.ledger = Ledger()
        self.accounts: list[tuple[Term, Account, Path]] = []
        for line, _ in enumerate(program.accounts):
            rule = pessimist(setup.rule) if line else setup.rule
            numbers = dict(zip(TERM_FIELDS, map(float, batch.terms[line]), strict=True))
            inverse = 1.0 / setup.capital
            path = Path(setup.capital, inverse, inverse, inverse)
            self.accounts.append((Term(rule, **numbers), Account(cash=setup.capital), path))
        self.sums: dict[str, tuple[float, float]] = {}
        self.seen: dict[str, list[float]] = {
            c: [] for c in ("open", "high", "low", "close", "volume")
        }

    def advance(self, rows: Rows) -> None:
        """Fold the rows, one by one."""
        for row, kind in zip(rows.table.tolist(), rows.kinds.tolist(), strict=True):
            if kind & FINE:
                self._fine(row[: len(FINE_ROW)])
            if kind & SIGNAL:
                self._signal(row[len(FINE_ROW) :])

    def _fine(self, row: list[float]) -> None:
        for name, value in zip(FINE_ROW, row, strict=True):
            setattr(self.fine, name.removeprefix("fine_"), value)
        for number, (term, a, path) in enumerate(self.accounts):
            if due(self.fine, term, a):
                book = Ledger() if number else self.ledger
                act(self.fine, term, self.risk, self.market.atr, a, book)
            mark(self.fine, term, a, path)
            if number:
                heed(term, self.accounts[0][1], a)
            else:
                watch(term, a, path)

    def bar(self, level: float) -> None:
        """Bar the variant from outside, as `engine.steer` does."""
        for term, a, _ in self.accounts:
            a.barred = max(a.barred, level)
            restrain(term, a)

    def unbar(self) -> None:
        """Free it again; what was ordered in between is forgotten."""
        for term, a, _ in self.accounts:
            restrain(term, a)
            a.barred = FREE

    def warm(self, rows: Rows) -> None:
        """Take signal bars from before the trading began, opening nothing."""
        free = [a.barred == FREE for _, a, _ in self.accounts]
        self.bar(NO_ENTRIES)
        self.advance(rows)
        if free[0] and self.accounts[0][1].barred == NO_ENTRIES:
            self.unbar()

    def _signal(self, row: list[float]) -> None:
        for name, value in zip(SIGNAL_ROW, row, strict=True):
            setattr(self.market, name.removeprefix("bar_"), value)
        observe(self.market)
        for column, values in self.seen.items():
            values.append(getattr(self.market, column))
        x = SimpleNamespace(**{n: self._input(n, w) for n, w in self.windows.items()})
        word = said(self.market, self.strategy, self.k, x, self.m)
        target = signal(self.market, self.accounts[0][0], word, self.k)
        for term, a, path in self.accounts:
            stray(term, word, a)
            close_signal(term, target, self.m, a, path)
        self.m.target = target

    def _input(self, name: str, window: int) -> float:
        kind = self.strategy.inputs[name]
        values = self.seen[kind.column]
        if isinstance(kind, Lag):
            return values[-1 - window] if len(values) > window else 0.0
        if isinstance(kind, Mean | Weighted):
            return self._average(name, kind, window)
        stop = max(len(values) - kind.skip, 1)
        part = values[max(0, stop - window) : stop]
        return max(part) if isinstance(kind, Highest) else min(part)

    def _average(self, name: str, kind: Mean | Weighted, window: int) -> float:
        values = self.seen[kind.column]
        plain, weighted = self.sums.get(name, (0.0, 0.0))
        weighted = weighted + (window * values[-1] - plain)
        plain = plain + (values[-1] - (values[-1 - window] if len(values) > window else 0.0))
        if len(values) % RESUM_BARS == 0:
            plain = weighted = 0.0
            for age in range(window - 1, -1, -1):
                value = values[-1 - age] if len(values) > age else 0.0
                plain += value
                weighted += (window - age) * value
        self.sums[name] = plain, weighted
        if isinstance(kind, Mean):
            return plain / min(len(values), window)
        return weighted / (0.5 * window * (window + 1))

    def cells(self) -> dict[str, float]:
        """The variant's state under the engine's names."""
        found: dict[str, Any] = {}
        records = {"m": self.m, "bar": self.market}
        for (a, p), (_, account, path) in zip(
            (("a", "p"), ("b", "q")), self.accounts, strict=False
        ):
            records |= {a: account, p: path}
        for prefix, record in records.items():
            found |= {f"{prefix}_{f.name}": getattr(record, f.name) for f in fields(record)}
        return found


def differences(batch: Batch, variant: int, lone: Lone) -> list[str]:
    """Cells whose bits differ between a batch's variant and the same one run alone in Python."""
    cells = lone.cells()
    found = []
    for name in (*batch.program.state, *batch.program.shared):
        own = batch.shared(name) if name.startswith("bar_") else float(batch.cell(name)[variant])
        if np.float64(own).tobytes() != np.float64(cells[name]).tobytes():
            found.append(f"{name}: {own!r} in the batch, {cells[name]!r} alone")
    return found
