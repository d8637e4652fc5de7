"""`liveopt reoptimize`: a search for better variants beside the run, and what searches brought."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from liveopt.cli.ask import ask
from liveopt.cli.nobody import nobody
from liveopt.cli.progress import Meter
from liveopt.cli.show import Exit, Failure, as_json, complain, note, table
from liveopt.cli.stop import JsonOption, StateOption, state_folder
from liveopt.guard import caller
from liveopt.journal.folder import find
from liveopt.optimize.parameters import BadParameter
from liveopt.optimize.rounds.folder import (
    Brief,
    Outcome,
    Round,
    brief_of,
    numbers_of,
    place,
    round_of,
)
from liveopt.optimize.rounds.task import Finalist, Searched

LOOK_S: Final = 0.5
COLUMNS: Final = ("round", "why", "symbol", "bars", "trials", "tested", "proposed", "outcome")
SHOWN: Final = 10
BEGIN_S: Final = 30.0
OVER: Final = ("ended", "given up")

ListOption = Annotated[
    bool, typer.Option("--list", help="The rounds of the run so far; begins none.")
]
ShowOption = Annotated[
    int | None, typer.Option("--show", min=1, help="One round: what it tested, and why not.")
]
DetachOption = Annotated[bool, typer.Option("--detach", help="Begin it and come back at once.")]
RunOption = Annotated[
    Path | None, typer.Option("--run", help="For --list and --show; the newest if not given.")
]


def reoptimize(
    list_: ListOption = False,
    show: ShowOption = None,
    detach: DetachOption = False,
    run: RunOption = None,
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Search for better variants now, and wait for what it brings; the run goes on meanwhile.

    Its recent market is searched around the living variants and from scratch. What survives a test
    out of sample is proposed: whoever is admitted replaces the weakest. Ctrl-C leaves the round
    going. Exit code 3 if nothing runs. Example: `liveopt reoptimize --list`

    JSON keys (a list of such with --list): `number`, `why`, `by`, `outcome` (`phase`, `done`,
    `wanted`, `deaths`, `proposed`, `admitted`, `replaced`, `trouble`; null while it goes on),
    `searched` (of each symbol
    `symbol`, `bars`, `trials`, `studies`, `skipped`, `proposals`, `finalists` with `variant`,
    `in_sample`, `out_of_sample`, `trades`, `conditions`, `stopped_by`; null until it is done).
    """
    folder = state_folder(state)
    if list_ or show is not None:
        _print(find(folder if run is None else run)[0], show, wants_json=json)
        return
    said = ask(state, {"kind": "reoptimize"})
    number = int(said["number"])
    if not said["began"]:
        note(f"round {number} goes on already; another can begin when it has ended")
    if detach:
        if json:
            as_json(said)
        else:
            note(f"round {number} begins; see it with: liveopt reoptimize --show {number}")
        return
    _wait(folder, number)
    newest = find(folder)[0]
    if number not in numbers_of(newest):
        raise Failure(f"round {number} could not be begun; `liveopt status` says why")
    _print(newest, number, wants_json=json)


def _wait(folder: Path, number: int) -> None:
    """Until a round has ended, with how far it is."""
    until_s = time.monotonic() + BEGIN_S
    try:
        with Meter(1, f"round {number}", "trials") as meter:
            while True:
                own = _progress(folder)
                if own is not None and own["number"] < number and time.monotonic() > until_s:
                    raise Failure(
                        f"round {number} has not begun: the run was halted or started again, or"
                        " rounds fail (`liveopt status` says why); ask once more"
                    )
                if own is not None and own["number"] == number:
                    meter.total = max(own["wanted"], 1)
                    meter.add(own["done"] - meter.done)
                if own is not None and (own["number"], own["phase"] in OVER) > (number, False):
                    if own["number"] == number and (trouble := own.get("trouble")):
                        raise Failure(f"round {number} was given up: {trouble}")
                    return
                time.sleep(LOOK_S)
    except KeyboardInterrupt:
        note(f"round {number} goes on; see it with: liveopt reoptimize --show {number}")
        raise


def _progress(folder: Path) -> dict[str, Any] | None:
    try:
        said = caller.status(folder)["status"] or {}
    except caller.NotRunning as error:
        raise typer.Exit(complain(nobody(error, folder), Exit.NOT_RUNNING)) from error
    except caller.NoAnswer:
        return None
    found: dict[str, Any] | None = said.get("search")
    return found


def _print(run: Path, number: int | None, *, wants_json: bool) -> None:
    numbers = numbers_of(run)
    if number is None:
        _list(run, numbers, wants_json=wants_json)
        return
    if number not in numbers:
        raise BadParameter(f"{run} has no round {number}; see `liveopt reoptimize --list`")
    found = round_of(run, number)
    _complain(run, found)
    if wants_json:
        as_json(msgspec.to_builtins(found))
        return
    for line in _lines(found):
        typer.echo(line)


def _list(run: Path, numbers: Sequence[int], *, wants_json: bool) -> None:
    if wants_json:
        rounds = [round_of(run, number) for number in numbers]
        as_json(msgspec.to_builtins(rounds))
        for one in rounds:
            _complain(run, one)
        return
    briefs = [brief_of(run, number) for number in numbers]
    for brief in briefs:
        _complain(run, brief)
    if not briefs:
        note(f"{run} has had no round of search yet")
    table(COLUMNS, [row for brief in briefs for row in _rows(brief)])


def _complain(run: Path, one: Round | Brief) -> None:
    if one.outcome is not None and one.outcome.phase == "unreadable":
        note(f"round {one.number} cannot be read: {place(run, one.number)}/{one.outcome.trouble}")


def _rows(one: Brief) -> Iterator[tuple[object, ...]]:
    for symbol in one.symbols or ():
        yield (
            one.number, one.why, symbol.symbol, symbol.bars, symbol.trials, symbol.tested,
            symbol.proposed, _became(one.outcome, symbol.skipped),
        )  # fmt: skip
    if not one.symbols:
        yield one.number, one.why, "", "", "", "", "", _became(one.outcome)


def _became(outcome: Outcome | None, skipped: str = "") -> str:
    if skipped and (outcome is None or outcome.phase != "unreadable"):
        return f"not searched: {skipped}"
    if outcome is None:
        return "under way, or left open by an end of the run"
    match outcome.phase:
        case "unreadable":
            return "UNREADABLE"
        case "given up":
            return f"GIVEN UP: {outcome.trouble or f'its process died {outcome.deaths} times'}"
        case "ended":
            return f"{outcome.admitted} joined, {outcome.replaced} replaced"


def _lines(one: Round) -> Iterator[str]:
    asked = f", by {one.by}" if one.by else ""
    yield f"round {one.number} ({one.why}{asked}): {_became(one.outcome)}"
    for searched in one.searched or ():
        yield from _searched(searched)


def _searched(one: Searched) -> Iterator[str]:
    yield f"{one.symbol}: {one.bars} bars, {one.trials:,} trials in this run so far"
    if one.skipped:
        yield f"  not searched: {one.skipped}"
    for finalist in one.finalists[:SHOWN]:
        yield f"  {_finalist(finalist)}"
    if len(one.finalists) > SHOWN:
        yield f"  and {len(one.finalists) - SHOWN} more that did worse"
    if one.studies:
        yield f"  studies: liveopt opt show {one.studies[0]} (all: liveopt opt list)"


def _finalist(one: Finalist) -> str:
    verdict = f"fails: {', '.join(one.stopped_by)}" if one.stopped_by else "PROPOSED"
    return (
        f"{one.variant.id} {one.variant.strategy:<20} {one.variant.origin:<15} Sharpe a bar out of"
        f" sample {one.out_of_sample:+.4f}, {one.trades} trades; {verdict}"
    )
