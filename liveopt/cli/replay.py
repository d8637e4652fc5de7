"""`liveopt replay`: the past once more, and whether it is the past that was written down."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from liveopt.cli import exchange
from liveopt.cli.show import Exit, as_json, note, table
from liveopt.core.events import Candle
from liveopt.data.tables import parse_time
from liveopt.journal.folder import find
from liveopt.journal.places import journals
from liveopt.live.ledger import Ledger, read_ledger
from liveopt.live.play import Pace
from liveopt.live.pump import INPUTS
from liveopt.live.replay import Replay, Step
from liveopt.optimize.parameters import BadParameter
from liveopt.strategies import load
from liveopt.walk.events import Input
from liveopt.walk.records import Entered, Record, Trade, VariantStarted, VariantStopped

FAULTS_SHOWN: Final = 20
SHOWN: Final = (VariantStarted, VariantStopped, Entered, Trade)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the options ask for."""

    run: Path
    until: Callable[[int, Input], bool]
    speed: float
    variant: str
    json: bool


def replay(
    path: Annotated[Path, typer.Argument(help="A run's folder, or any journal file in it.")],
    check: Annotated[
        bool, typer.Option("--check", help="Compare only: exit 7 at the first difference.")
    ] = False,
    speed: Annotated[
        str, typer.Option("--speed", help="1 is as it was, 10 ten times as fast, or max.")
    ] = "max",
    until: Annotated[
        str | None, typer.Option("--until", help="Stop before an input's number, or a time.")
    ] = None,
    variant: Annotated[str, typer.Option("--variant", help="Show what this one did.")] = "",
    json: Annotated[bool, typer.Option("--json", help="The result as JSON.")] = False,
) -> None:
    """Go through a run again: the same inputs, the same walk, the outputs compared byte by byte.

    The books are always read from the output journals. Where the inputs are there, every decision
    is made anew as well. Nothing is written. Example: `liveopt replay logs/latest --check`
    """
    run, _ = find(path)
    wanted = Wanted(run, _until(until), exchange.speed_of(speed), variant, json)
    ledger = read_ledger(run)
    if variant and variant not in ledger.accounts:
        raise BadParameter(f"--variant {variant}: the journals of {run} do not have it")
    began_s = time.perf_counter()
    found = None
    if INPUTS in journals(run):
        found = exchange.run(_replayed(wanted, quiet=check or json))
    elapsed_s = time.perf_counter() - began_s
    if json:
        as_json(document(run, ledger, found, elapsed_s))
    else:
        _say(ledger, found, elapsed_s, wanted)
    if _mismatch(ledger, found):
        raise typer.Exit(Exit.REPLAY_MISMATCH)


async def _replayed(wanted: Wanted, *, quiet: bool) -> Replay:
    found = Replay(wanted.run, load(), wanted.until)
    pace = Pace(wanted.speed, 1000)
    first_ns = 0
    for step in found.steps():
        now_ns = found.state.at_ns
        first_ns = first_ns or now_ns
        if wanted.speed < inf:
            await pace.reach(now_ns - first_ns)
        if not quiet:
            _show(step, wanted)
    return found


def _show(step: Step, wanted: Wanted) -> None:
    for _, record in step.outs:
        if isinstance(record, SHOWN) and (record.variant == wanted.variant or not wanted.variant):
            if not wanted.variant and isinstance(record, VariantStarted):
                continue
            typer.echo(f"{step.seq}\t{words(record)}")


def words(record: Record) -> str:
    """One record in a line for the eye."""
    match record:
        case Entered():
            return (
                f"{record.variant} opens {record.side} {record.size:g} {record.symbol}"
                f" at {record.price:g}"
            )
        case Trade():
            net = "undefined" if record.net is None else f"{record.net:+.4f}"
            return (
                f"{record.variant} closes {record.side} {record.size:g} {record.symbol} at"
                f" {record.exit_price:g} ({record.reason}): {net}"
            )
        case VariantStopped():
            return f"{record.variant} stopped: {record.reason}"
        case VariantStarted():
            return f"{record.variant} starts: {record.strategy} {record.parameters}"
        case _:
            return type(record).__name__


def _mismatch(ledger: Ledger, found: Replay | None) -> bool:
    return bool(ledger.faults) or (
        found is not None and (found.difference is not None or bool(found.damage))
    )


def document(run: Path, ledger: Ledger, found: Replay | None, elapsed_s: float) -> dict[str, Any]:
    """The result for programs; the keys are stable."""
    said: dict[str, Any] = {
        "run": str(run),
        "equal": not _mismatch(ledger, found),
        "elapsed_s": elapsed_s,
        "accounting": {
            "records": ledger.records,
            "variants": len(ledger.accounts),
            "trades": sum(account.trades for account in ledger.accounts.values()),
            "net": sum(account.net for account in ledger.accounts.values()),
            "faults": ledger.faults[:FAULTS_SHOWN],
        },
        "decisions": None,
    }
    if found is not None:
        different = found.difference
        said["decisions"] = {
            "inputs": found.inputs,
            "ticks": found.ticks,
            "compared": found.compared,
            "missing": found.missing,
            "sha256": found.digest,
            "damage": found.damage or None,
            "difference": None
            if different is None
            else {
                "journal": different.journal,
                "seq": different.seq,
                "input": different.input,
                "recorded": _text(different.recorded),
                "replayed": _text(different.replayed),
            },
        }
    return said


def _say(ledger: Ledger, found: Replay | None, elapsed_s: float, wanted: Wanted) -> None:
    trades = sum(account.trades for account in ledger.accounts.values())
    note(f"books: {ledger.records} records, {len(ledger.accounts)} variants, {trades} trades")
    for fault in ledger.faults[:FAULTS_SHOWN]:
        note(f"  does not add up: {fault}")
    if wanted.variant:
        one = ledger.accounts[wanted.variant]
        rows = [(one.variant, one.strategy, one.trades, one.wins, one.gross, one.fees, one.net)]
        table(("variant", "strategy", "trades", "wins", "gross", "fees", "net"), rows)
    if found is None:
        note("no inputs here: the decisions cannot be made again, only the books were checked")
        return
    note(
        f"replayed {found.ticks} ticks, {found.inputs} inputs in {elapsed_s:.1f} s"
        + (" (stopped where it was told to)" if found.stopped else "")
    )
    if found.damage:
        note(f"  the inputs are damaged: {found.damage}")
    if found.difference is None:
        whole = found.compared + found.missing
        note(
            f"equal: {found.compared} / {whole} records identical (sha256 {found.digest[:16]})"
            + (f"; the last {found.missing} had not been written" if found.missing else "")
        )
        return
    different = found.difference
    note(
        f"DIFFERENT at record {different.seq} of {different.journal}, after input"
        f" {different.input}:\n  recorded  {_text(different.recorded) or 'nothing'}\n"
        f"  replayed  {_text(different.replayed) or 'nothing'}"
    )


def _text(content: bytes | None) -> str | None:
    return None if content is None else content.decode("utf-8", "replace")


def _until(text: str | None) -> Callable[[int, Input], bool]:
    if text is None:
        return lambda _seq, _event: False
    if text.isdecimal() and len(text) < 12:
        last = int(text)
        return lambda seq, _event: seq > last
    try:
        until_ns = parse_time(text)
    except ValueError as error:
        raise BadParameter(f"--until {text}: neither an input's number nor a time") from error
    return lambda _seq, event: _time_ns(event) >= until_ns


def _time_ns(event: Input) -> int:
    """When it was; 0 for what has no time of its own."""
    if isinstance(event, Candle):
        return event.bar.at_ns
    return getattr(event, "at_ns", 0)
