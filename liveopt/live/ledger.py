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
    opens: dict[str, Entered] = field(default_factory=dict)
    """What it holds, by journal: a position is closed in the journal in which it was opened."""
    trades: int = 0
    wins: int = 0
    gross: float = 0.0
    fees: float = 0.0
    funding: float = 0.0
    net: float = 0.0
    stopped: str = ""

    @property
    def open(self) -> Entered | None:
        """What it holds now."""
        return next(iter(self.opens.values()), None)


@dataclass(slots=True)
class Ledger:
    """All accounts, and what does not add up in words."""

    accounts: dict[str, Account] = field(default_factory=dict)
    records: int = 0
    faults: list[str] = field(default_factory=list)
    _halted: bool = False
    _journal: str = ""
    _known: set[str] = field(default_factory=set)
    """Who is known to have started before its own record of it was read."""

    def expect(self, started: VariantStarted) -> None:
        """Somebody who started in a journal that is read later, as a champion of old did."""
        self._known.add(started.variant)
        self._begin(started)

    def _begin(self, started: VariantStarted) -> None:
        own = Account(started.variant, started.strategy, started.capital)
        self.accounts[started.variant] = own

    def take(self, record: object) -> None:
        """One record of a trades journal, in its order."""
        self.records += 1
        match record:
            case VariantStarted():
                if record.variant not in self._known:
                    self._begin(record)
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

    def begin(self, journal: str) -> None:
        """Another journal: it begins with no halt, and none of its positions is open."""
        self._halted, self._journal = False, journal

    def end(self, reader: Reader) -> None:
        """A journal was read as far as it is sound."""
        if damage := damage_of(reader):
            self.faults.append(f"{reader.name} is damaged: {damage}")

    def _of(self, variant: str) -> Account:
        if variant not in self.accounts:
            self.faults.append(f"{variant} trades before it has started")
            self.accounts[variant] = Account(variant)
        return self.accounts[variant]

    def _entered(self, entered: Entered) -> None:
        account = self._of(entered.variant)
        if self._journal in account.opens:
            self.faults.append(f"{entered.variant} opens a position while it holds one")
        if self._halted:
            self.faults.append(f"{entered.variant} opens a position after a halt")
        account.opens[self._journal] = entered

    def _traded(self, trade: Trade) -> None:
        account = self._of(trade.variant)
        opened = account.opens.pop(self._journal, None)
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
    """The books of a run, over all changes of champion.

    A champion begins in `trades`, and one that was replaced goes on in `experimental-trades`; one
    that was promoted the other way round.
    """
    ledger = Ledger()
    for record in read_records(Reader(run, TRADES)):
        if not isinstance(record, VariantStarted):
            break
        ledger.expect(record)
    for name in (EXPERIMENTAL, TRADES):
        reader = Reader(run, name)
        ledger.begin(name)
        for record in read_records(reader):
            ledger.take(record)
        ledger.end(reader)
    for account in ledger.accounts.values():
        if len(account.opens) > 1:
            ledger.faults.append(f"{account.variant} holds two positions at the end")
    return ledger


def read_records(reader: Reader) -> Iterator[object]:
    """The records of an output journal."""
    for line in reader:
        if not reader.own:
            yield read_record(line.content)
