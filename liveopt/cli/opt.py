"""`liveopt opt`: the studies there are, and what to do with them."""

import json as text
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from liveopt import config
from liveopt.cli import market as options
from liveopt.cli.finding import show as show_result
from liveopt.cli.show import Failure, as_json, table
from liveopt.cli.studies import command, store_of
from liveopt.cli.working import work, write
from liveopt.optimize.studies import hyperopt
from liveopt.optimize.studies.plan import code_version
from liveopt.optimize.studies.store import ROUND, Entry

opt = typer.Typer(
    no_args_is_help=True, help="Studies of `liveopt optimize`: stored, resumed, cancelled."
)
StudyArgument = Annotated[str, typer.Argument(help="A study of `liveopt opt list`.")]


@opt.callback()
def root() -> None:
    """Studies of `liveopt optimize`, in the folder of the journals.

    Example: `liveopt opt list`
    """


@opt.command("list")
def list_(
    every: Annotated[
        bool, typer.Option("--all", help="Also those of the searches beside a run.")
    ] = False,
    json: options.JsonOption = False,
) -> None:
    """Every study that somebody began, the newest first.

    Example: `liveopt opt list --all`
    """
    with store_of(config.load()) as store:
        found = store.entries()
    wanted = [entry for entry in found if every or not entry.id.startswith(ROUND)]
    lines, left_out = [_line(entry) for entry in wanted], len(found) - len(wanted)
    if json:
        as_json(lines)
    elif lines:
        table(tuple(lines[0]), [tuple(line.values()) for line in lines])
    else:
        typer.echo("no studies yet; `liveopt optimize --help` has an example", err=True)
    if left_out:
        typer.echo(
            f"left out: {left_out} of the searches beside runs; --all shows them, and"
            " `liveopt reoptimize --list` what came of each search",
            err=True,
        )


@opt.command()
def show(study: StudyArgument, json: options.JsonOption = False) -> None:
    """What came of a study, or how far it is.

    Example: `liveopt opt show opt_1a2b3c4d`
    """
    entry = _entry(study)
    if entry.result is None:
        line = _line(entry) | {"reproduce": command(entry.plan)}
        if json:
            as_json(line)
        else:
            table(("what", "value"), list(line.items()))
        return
    found = _kept(entry)["result"]
    if json:
        as_json(found)
    else:
        show_result(found)


@opt.command()
def resume(
    study: StudyArgument,
    workers: Annotated[int, typer.Option(min=0, max=256, help="Processes; 0 is this one.")] = 0,
    json: options.JsonOption = False,
) -> None:
    """Go on after the last generation that was kept; the result is the same as without a break.

    Example: `liveopt opt resume opt_1a2b3c4d`
    """
    settings = config.load()
    with store_of(settings) as store:
        plan = store.entry(study).plan
        if plan.code != code_version() and not study.startswith(ROUND):
            raise Failure(f"{study} was begun by another version, {plan.code}; begin anew")
        plan = store.take(study)
    work(plan, settings, (workers, None, json), study)


@opt.command()
def cancel(study: StudyArgument) -> None:
    """Ask a study to end after its generation; all that was evaluated is kept.

    Example: `liveopt opt cancel opt_1a2b3c4d`
    """
    with store_of(config.load()) as store:
        was = store.cancel(study)
    typer.echo(f"{study} {'ends after its generation' if was == 'running' else 'is cancelled'}")


@opt.command()
def export(
    study: StudyArgument,
    out: Annotated[Path, typer.Option(help="The file to write.")],
    schema: Annotated[
        Literal["liveopt", "hyperopt"], typer.Option(help="Ours, or HyperOpt-Trade's results.")
    ] = "liveopt",
) -> None:
    """Write a completed study's result as JSON.

    Example: `liveopt opt export opt_1a2b3c4d --out result.json --schema hyperopt`
    """
    entry = _entry(study)
    if entry.result is None:
        raise Failure(f"{study} is {entry.status}, not completed: liveopt opt resume {study}")
    kept = _kept(entry)
    found = kept["result"]
    write(out, hyperopt.results(found, kept["history"]) if schema == "hyperopt" else found)


def _entry(study: str) -> Entry:
    with store_of(config.load()) as store:
        return store.entry(study)


def _kept(entry: Entry) -> dict[str, Any]:
    found: dict[str, Any] = text.loads(entry.result or "{}")
    return found


def _line(entry: Entry) -> dict[str, Any]:
    plan = entry.plan
    verdict = "-"
    if entry.result is not None:
        verdict = "passes" if _kept(entry)["result"]["passes"] else "FAILS"
    return {
        "study": entry.id,
        "status": entry.status,
        "verdict": verdict,
        "strategy": plan.strategy,
        "algorithm": plan.algorithm,
        "evaluated": entry.evaluated,
        "of": plan.evals,
        "data": plan.data.file,
        "created": entry.created,
    }
