"""The books from the output journals alone: what each variant traded, and whether it adds up."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from liveopt.journal.reader import Reader
from liveopt.live.trail import damage_of
from liveopt.walk.lines import read_record
from liveopt.walk.records import (
    EXPERIMENTAL,
    TRADES,
    Entered,
    Halted,
    Reopened,
    Trade,
    VariantStarted,
    VariantStopped,
)

ROUNDING: Final = 1e-9
"""Of the capital: what adding and subtracting prices may lose."""


@dataclass(slots=True)
class Account:
    """One variant, as its records say."""

    variant: str
    strategy: str = ""
    capital: float = 0.0
    open: Entered | None = None
    trades: int = 0
    wins: int = 0
    gross: float = 0.0
    fees: float = 0.0
    funding: float = 0.0
    net: float = 0.0
    stopped: str = ""


@dataclass(slots=True)
class Ledger:
    """All accounts, and what does not add up in words."""

    accounts: dict[str, Account] = field(default_factory=dict)
    records: int = 0
    faults: list[str] = field(default_factory=list)
    _halted: bool = False

    def take(self, record: object) -> None:
        """One record of a trades journal, in its order."""
        self.records += 1
        match record:
            case VariantStarted():
                self.accounts[record.variant] = Account(
                    record.variant, record.strategy, record.capital
                )
            case Entered():
                self._entered(record)
            case Trade():
                self._traded(record)
            case VariantStopped():
                self._of(record.variant).stopped = record.reason
            case Halted():
                self._halted = True
            case Reopened():
                self._halted = False
            case _:
                pass

    def end(self, reader: Reader) -> None:
        """A journal was read as far as it is sound: the next one begins open, as all do."""
        self._halted = False
        if damage := damage_of(reader):
            self.faults.append(f"{reader.name} is damaged: {damage}")

    def _of(self, variant: str) -> Account:
        if variant not in self.accounts:
            self.faults.append(f"{variant} trades before it has started")
            self.accounts[variant] = Account(variant)
        return self.accounts[variant]

    def _entered(self, entered: Entered) -> None:
        account = self._of(entered.variant)
        if account.open is not None:
            self.faults.append(f"{entered.variant} opens a position while it holds one")
        if self._halted:
            self.faults.append(f"{entered.variant} opens a position after a halt")
        account.open = entered

    def _traded(self, trade: Trade) -> None:
        account, opened = self._of(trade.variant), None
        opened, account.open = account.open, None
        if opened is None:
            self.faults.append(f"{trade.variant} closes a position that it does not hold")
        elif (opened.price, opened.size, opened.at_ns, opened.side) != (
            trade.entry_price, trade.size, trade.entry_ns, trade.side,
        ):  # fmt: skip
            self.faults.append(f"{trade.variant} closes another position than it opened")
        if None in (trade.gross, trade.fees, trade.funding, trade.net):
            self.faults.append(f"{trade.variant} has a trade without a result")
            return
        gross, fees, funding, net = (
            value or 0.0 for value in (trade.gross, trade.fees, trade.funding, trade.net)
        )
        scale = max(1.0, account.capital, abs(trade.entry_price * trade.size))
        if not abs(gross - fees - funding - net) <= ROUNDING * scale:
            self.faults.append(
                f"{trade.variant}: {gross} gross - {fees} fees - {funding} funding is not {net}"
            )
        account.trades += 1
        account.wins += net > 0.0
        account.gross += gross
        account.fees += fees
        account.funding += funding
        account.net += net


def read_ledger(run: Path) -> Ledger:
    """The books of a run: of the variants and of the champion."""
    ledger = Ledger()
    for name in (EXPERIMENTAL, TRADES):
        reader = Reader(run, name)
        for record in read_records(reader):
            ledger.take(record)
        ledger.end(reader)
    return ledger


def read_records(reader: Reader) -> Iterator[object]:
    """The records of an output journal."""
    for line in reader:
        if not reader.own:
            yield read_record(line.content)
