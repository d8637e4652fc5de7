"""`liveopt reoptimize`: a search for better variants beside the run, and what searches brought."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from liveopt.cli import rounds
from liveopt.cli.ask import ask
from liveopt.cli.nobody import nobody
from liveopt.cli.progress import Meter
from liveopt.cli.show import Exit, Failure, as_json, complain, note, table
from liveopt.cli.stop import JsonOption, StateOption, state_folder
from liveopt.guard import caller
from liveopt.journal.folder import find
from liveopt.optimize.parameters import BadParameter
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

    JSON keys (a list of such with --list): `number`, `why`, `outcome` (`phase`, `done`, `wanted`,
    `deaths`, `proposed`, `admitted`, `replaced`; null while it goes on), `searched` (of each symbol
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
    if number not in rounds.numbers_of(newest):
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
    numbers = rounds.numbers_of(run)
    if number is not None and number not in numbers:
        raise BadParameter(f"{run} has no round {number}; see `liveopt reoptimize --list`")
    found = [_facts(run, one) for one in (numbers if number is None else [number])]
    if wants_json:
        as_json(msgspec.to_builtins(found if number is None else found[0]))
    elif number is None:
        if not found:
            note(f"{run} has had no round of search yet")
        table(COLUMNS, [row for one in found for row in _rows(one)])
    else:
        for line in _lines(found[0]):
            typer.echo(line)


def _facts(run: Path, number: int) -> dict[str, Any]:
    found: dict[str, Any] = {"number": number, "why": None, "outcome": None, "searched": None}
    try:
        found |= {"why": rounds.task_of(run, number).why, "outcome": rounds.outcome_of(run, number)}
        result = rounds.result_of(run, number)
        found["searched"] = None if result is None else result.searched
    except rounds.Unreadable as error:
        note(f"round {number} cannot be read: {error}")
        found["outcome"] = {"phase": "unreadable", "deaths": 0, "admitted": 0, "replaced": 0}
    return found


def _rows(one: Mapping[str, Any]) -> Iterator[tuple[object, ...]]:
    for searched in one["searched"] or ():
        yield (
            one["number"], one["why"], searched.symbol, searched.bars, searched.trials,
            len(searched.finalists), len(searched.proposals), _became(one, searched.skipped),
        )  # fmt: skip
    if not one["searched"]:
        yield one["number"], one["why"], "", "", "", "", "", _became(one)


def _became(one: Mapping[str, Any], skipped: str = "") -> str:
    outcome = one["outcome"]
    if skipped:
        return f"not searched: {skipped}"
    if outcome is None:
        return "under way, or left open by an end of the run"
    if outcome["phase"] == "unreadable":
        return "UNREADABLE"
    if outcome["phase"] == "given up":
        return f"GIVEN UP: its process died {outcome['deaths']} times"
    return f"{outcome['admitted']} joined, {outcome['replaced']} replaced"


def _lines(one: Mapping[str, Any]) -> Iterator[str]:
    yield f"round {one['number']} ({one['why']}): {_became(one)}"
    for searched in one["searched"] or ():
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
