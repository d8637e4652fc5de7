"""`liveopt promotions`: verdicts, changes of champion and why, and a person's word on them."""

from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from liveopt.cli import frozen, ruling
from liveopt.cli.ask import ask, asked
from liveopt.cli.nobody import nobody
from liveopt.cli.show import Exit, Failure, as_json, complain, note, table
from liveopt.cli.stop import JsonOption, StateOption, state_folder
from liveopt.core.bars import interval_ns
from liveopt.guard import caller
from liveopt.journal.folder import NoRun, find, latest
from liveopt.journal.places import journals
from liveopt.live.pump import INPUTS
from liveopt.live.recount import Check, Terms, from_sums, from_trades, left_out, terms_of
from liveopt.live.replay import Replay
from liveopt.live.rulings import Ruling, Rulings, read_rulings
from liveopt.live.told import facts
from liveopt.optimize.parameters import BadParameter
from liveopt.strategies import load
from liveopt.walk.explain import explain as explained
from liveopt.walk.verdicts import Promoted, Verdict

promotions = typer.Typer(
    no_args_is_help=True, help="The promotion gate: its verdicts, and changes of champion."
)

COLUMNS: Final = ("id", "when", "symbol", "variant", "track", "evidence", "n", "outcome")

RunOption = Annotated[
    Path | None, typer.Option("--run", help="A run's folder; the newest if not given.")
]
VariantArgument = Annotated[str, typer.Argument(help="A variant's name.", metavar="VARIANT")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; the journal keeps it.")]


@promotions.command("list")
def list_rulings(run: RunOption = None, json: JsonOption = False) -> None:
    """Verdicts and changes of champion in their order, from the journals: nothing needs to run.

    Example: `liveopt promotions list --run logs/latest`

    JSON: a list of `id`, `kind` (verdict, promotion, demotion, warning or season_end), `at_ns`,
    `symbol`, `variant`, `champion` (before it), `track` (each or worlds), `evidence`, `n` (evidence
    bars), `holds`, `stopped_by`, `became` (falls_short, waits, promoted, overtaken, withdrawn,
    paused, gone or ended), `earned`, `verdict`, `by`, `why`. What a kind does not have is null.
    """
    found = _rulings(_run(run)).all
    if json:
        as_json([facts(one) for one in found])
        return
    if not found:
        note("no verdict yet; `liveopt promotions explain VARIANT` says what a variant lacks")
    table(COLUMNS, [ruling.row(one) for one in found])


@promotions.command()
def show(
    number_: Annotated[str, typer.Argument(help="As `list` calls it.", metavar="ID")],
    run: RunOption = None,
    json: JsonOption = False,
) -> None:
    """One verdict or change of champion: all it rests on, much of it computed once more.

    Computed once more are: evidence, V, the edge and its interval, from the sums that were
    recorded; whether each condition and the verdict hold; from the trades in the journals their
    number, confidence, Sharpe ratio, win rate and the worst. What is not is named. Exit code 7 if a
    figure does not follow. Example: `liveopt promotions
    show XBTUSDTM-1-2`

    JSON keys: those of `list`, `record` (all that was recorded), `evidence_of` (the verdict behind
    a promotion, as `show` shows it), `recomputed` (`name`, `recorded`, `recomputed`, `agrees`),
    `not_recomputed` (names in the record, and codes of conditions) and `agrees`.
    """
    folder = _run(run)
    rulings = _rulings(folder)
    one = _called(rulings, number_, folder)
    behind = _behind(rulings, one)
    checks, others = _recounted(folder, one if behind is None else behind)
    agrees = all(check.agrees for check in checks)
    if json:
        as_json(_document(one, behind, checks, others))
    else:
        for line in ruling.lines(one):
            typer.echo(line)
        if behind is not None:
            for line in ("", *ruling.lines(behind)):
                typer.echo(line)
        for line in ruling.recount(checks, others):
            typer.echo(line)
    if not agrees:
        raise typer.Exit(Exit.REPLAY_MISMATCH)


@promotions.command()
def explain(
    variant: VariantArgument,
    run: RunOption = None,
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """What stands between a variant and promotion, and how long it takes at this rate.

    Asks the run that goes on; where none does, or with --run, the newest one is folded again, and
    nothing is written. Exit code 3 if there is none. Example: `liveopt promotions explain main`

    JSON keys: `variant`, `status`, `text`, `symbol`, `champion`, `trades`, `trades_needed`,
    `evidence`, `evidence_needed`, `needed_alone`, `needed_worlds`, `confidence`, `p_value`,
    `evidence_bars`, `edge`, `low`, `high`, `rank`, `ranked`, `conditions` (`code`, `has`, `needs`,
    `ok`), `stopped_by`, `track`, `verdict`, `outlook` (passed, conditions, bars, never or
    unknown), `bars_to_go`, `watch` (of a champion: `predecessor`, `evidence`, `demotes_at`,
    `warned`, `bars`).
    """
    found = _folded(_run(run), variant) if run is not None else _asked(state, variant)
    if json:
        as_json(found)
        return
    typer.echo(f"{found['variant']}: {found['text']}")
    for line in ruling.explained(found):
        typer.echo(line)


@promotions.command()
def promote(
    variant: VariantArgument, reason: ReasonOption, state: StateOption = None,
    json: JsonOption = False,
) -> None:  # fmt: skip
    """Make a variant the champion. Where a verdict on it still holds, this is your consent.

    Without one it is marked NOT EARNED for ever. Refused in a halt. Example: `liveopt promotions
    promote 1c4f... --reason "a month of evidence"`

    JSON keys: `at_ns`, `symbol`, `variant`, `predecessor`, `verdict`, `earned`, `by`, `why`,
    `epoch`. Exit code 1 if refused, 3 if nothing runs.
    """
    words = {"kind": "promote", "variant": variant, "by": "cli", "why": reason}
    said = ask(state, words)
    if json:
        as_json(said)
        return
    earned = f"earned by {said['verdict']}" if said["earned"] else "NOT EARNED: no verdict holds"
    typer.echo(
        f"{said['variant']} is champion of {said['symbol']} in place of {said['predecessor']};"
        f" {earned}. Back: liveopt promotions rollback --symbol {said['symbol']} --reason ..."
    )


@promotions.command()
def rollback(
    reason: ReasonOption,
    symbol: Annotated[str, typer.Option("--symbol", help="Needed if there are several.")] = "",
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Make the former champion the champion again.

    Example: `liveopt promotions rollback --reason "it trades too much"`

    JSON keys: `at_ns`, `symbol`, `variant` (champion until now), `restored`, `earned`, `by`, `why`,
    `evidence`, `bars`, `epoch`. Exit code 1 if refused, 3 if nothing runs.
    """
    said = ask(state, {"kind": "demote", "symbol": symbol, "by": "cli", "why": reason})
    if json:
        as_json(said)
        return
    typer.echo(f"{said['restored']} is champion of {said['symbol']} again, not {said['variant']}")


def _run(given: Path | None) -> Path:
    return find(state_folder(None) if given is None else given)[0]


def _rulings(folder: Path) -> Rulings:
    """Whose consent a run waits for that goes on no more, nobody can give."""
    found = read_rulings(folder)
    state = folder.resolve().parent
    newest = latest(state)
    if newest is None or newest.resolve() != folder.resolve() or not caller.runs(state):
        found.ended()
    return found


def _called(rulings: Rulings, name: str, folder: Path) -> Ruling:
    for one in rulings.all:
        if one.id == name:
            return one
    raise BadParameter(f"{name}: {folder} has none of this name; see `liveopt promotions list`")


def _behind(rulings: Rulings, one: Ruling) -> Ruling | None:
    """The verdict that a promotion rests on."""
    if not isinstance(one.record, Promoted) or not one.record.verdict:
        return None
    return next((other for other in rulings.all if other.id == one.record.verdict), None)


def _recounted(folder: Path, one: Ruling) -> tuple[list[Check], list[str]]:
    """Every figure that can be had once more, and the names of the others."""
    if not isinstance(one.record, Verdict):
        return [], []
    found = from_sums(one.record)
    symbol = one.record.symbol
    terms = terms_of(folder, symbol) or _terms_kept(folder, symbol)
    if terms is None:
        return found, left_out(one.record, trades=False)
    found += from_trades(folder, one.record, one.bar_ns, terms)
    return found, left_out(one.record, trades=True)


def _terms_kept(folder: Path, symbol: str) -> Terms | None:
    """From the settings that the run began with: inputs are not kept for ever."""
    settings = frozen.kept(folder)
    if settings is None or symbol not in settings.live.symbols:
        return None
    live = settings.live
    return Terms(live.seed + live.symbols.index(symbol), interval_ns(live.signal))


def _document(
    one: Ruling, behind: Ruling | None, checks: list[Check], others: list[str]
) -> dict[str, Any]:
    return facts(one) | {
        "record": msgspec.to_builtins(one.record),
        "evidence_of": None if behind is None else msgspec.to_builtins(behind.record),
        "recomputed": [
            {
                "name": check.name,
                "recorded": check.recorded,
                "recomputed": check.recomputed,
                "agrees": check.agrees,
            }
            for check in checks
        ],
        "not_recomputed": others,
        "agrees": all(check.agrees for check in checks),
    }


def _asked(state: Path | None, variant: str) -> dict[str, Any]:
    folder = state_folder(state)
    try:
        return asked(folder, {"kind": "explain", "id": variant})
    except caller.NotRunning as error:
        try:
            run, _ = find(folder)
        except NoRun:
            raise typer.Exit(complain(nobody(error, folder), Exit.NOT_RUNNING)) from error
        typer.echo(f"liveopt: {error}; this is how its last run ended ({run})", err=True)
        return _folded(run, variant)


def _folded(run: Path, variant: str) -> dict[str, Any]:
    """A run gone through once more, up to its end."""
    if INPUTS not in journals(run):
        raise Failure(f"{run}: its inputs are gone, so it cannot be folded again")
    replay = Replay(run, load())
    for _ in replay.steps():
        pass
    different = replay.difference
    if different is not None or replay.damage:
        why = replay.damage
        if different is not None:
            why = f"it does not fold to what {different.journal} says"
        text = f"{run}: {why}; `liveopt replay {run} --check` shows where"
        raise typer.Exit(complain(text, Exit.REPLAY_MISMATCH))
    found = explained(replay.state, variant)
    if found.status == "unknown":
        raise Failure(found.text)
    plain: dict[str, Any] = msgspec.to_builtins(found)
    return plain
