"""`liveopt stop` and `liveopt resume`: the emergency stop from a terminal, and its end."""

from pathlib import Path
from typing import Annotated, Any

import typer

from liveopt.cli.show import Exit, Failure, as_json, complain
from liveopt.config import ConfigError, load
from liveopt.guard import caller
from liveopt.guard.gate import Mode

FALLBACK = Path("logs")

StateOption = Annotated[
    Path | None,
    typer.Option(help="The state folder; `journal.folder` of the settings if not given."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document with stable keys.")]


def state_folder(given: Path | None) -> Path:
    """Settings that cannot be read must not keep anybody from stopping."""
    if given is not None:
        return given
    try:
        return Path(load().journal.folder)
    except ConfigError as error:
        typer.echo(f"liveopt: {error}; taking {FALLBACK}/ as the state folder", err=True)
        return FALLBACK


def stop(
    flatten: Annotated[
        bool, typer.Option("--flatten", help="Also close what is open, at the market.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why, for the journal.")] = "",
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Emergency stop: no new positions from now on, through every restart.

    Works when the service hangs or its door is dead; when nothing runs, the next start is halted.
    Example: `liveopt stop --flatten --reason "prices look wrong"`

    JSON keys: `running`, `via` (door or files), `latched`, `mode`, `number`, `halt` (the latch's
    number of it), `seq`, `took_ms`, `variants_stopped`, `positions_open`, `not_acknowledged`,
    `errors`. Exit code 0 if latched and acknowledged, 5 if the engine did not acknowledge, 1 if the
    latch could not be written, 3 if there is no state folder.
    """
    folder = state_folder(state)
    if not folder.is_dir():
        raise typer.Exit(
            complain(f"there is no state folder {folder.resolve()}; --state DIR", Exit.NOT_RUNNING)
        )
    mode: Mode = "halt_and_flatten" if flatten else "halt"
    said = caller.stop(folder, mode, reason or "liveopt stop")
    if json:
        as_json(said)
    else:
        for line in _stopped(said, folder):
            typer.echo(line)
    raise typer.Exit(_code(said))


def _code(said: dict[str, Any]) -> int:
    if not said["latched"]:
        return Exit.ERROR
    return Exit.TIMEOUT if said["not_acknowledged"] else Exit.OK


def _stopped(said: dict[str, Any], folder: Path) -> list[str]:
    """What happened, and only that."""
    again = 'Resume: liveopt resume --reason "..."'
    if not said["running"]:
        what = f"nothing runs in {folder.resolve()}"
        latched = f"{what}; its next start is halted. {again}"
        return [latched if said["latched"] else what, *_errors(said)]
    lines = [_acknowledged(said)]
    lines.append(f"Latched. {again}" if said["latched"] else "NOT LATCHED: a restart may trade!")
    if said["via"] == "files":
        lines.append("The door did not answer: halted by the gate, the latch, HALT and SIGUSR1.")
    return lines + _errors(said)


def _acknowledged(said: dict[str, Any]) -> str:
    if said["not_acknowledged"]:
        return f"NOT ACKNOWLEDGED by {', '.join(said['not_acknowledged'])} - the gate is shut."
    word = "HALTED, flattening," if said["mode"] == "halt_and_flatten" else "HALTED"
    return (
        f"{word} in {said['took_ms']:.0f} ms: {said['variants_stopped']} variants acknowledged,"
        f" {said['positions_open']} paper positions open."
    )


def _errors(said: dict[str, Any]) -> list[str]:
    return [f"error: {error}" for error in said["errors"]]


def resume(
    reason: Annotated[str, typer.Option(help="Why entries are let through again.")],
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """End a halt: entries are let through again, if every check is green.

    It ends the halt that stood when it was typed: a stop that comes meanwhile holds.
    Example: `liveopt resume --reason "checked the feed"`

    JSON keys: `resumed`, `number`, `seq`, `took_ms`, `not_acknowledged`, `errors`, and when refused
    `checks` (`name`, `ok`, `why`) and `halt` (the latch's number of another that stands). Exit code
    6 if refused, 3 if nothing runs, 5 if nobody answers.
    """
    folder = state_folder(state)
    try:
        number = caller.status(folder)["latch"]["number"]
        reply = caller.resume(folder, reason, number)
    except caller.NotRunning as error:
        text = f"{error}: start it, it comes up halted, then resume"
        raise typer.Exit(complain(text, Exit.NOT_RUNNING)) from error
    except caller.NoAnswer as error:
        raise typer.Exit(complain(error, Exit.TIMEOUT)) from error
    if "resumed" not in reply.body:
        raise Failure(str(reply.body.get("error", reply.status)))
    if json:
        as_json(reply.body)
    else:
        _tell_resumed(reply.body)
    if not reply.body["resumed"]:
        raise typer.Exit(Exit.HALTED)
    raise typer.Exit(Exit.TIMEOUT if reply.body["not_acknowledged"] else Exit.OK)


def _tell_resumed(said: dict[str, Any]) -> None:
    if said["resumed"]:
        late = ", ".join(said["not_acknowledged"])
        typer.echo(f"resumed in {said['took_ms']:.0f} ms")
        if late:
            typer.echo(f"not acknowledged yet by {late}")
        return
    typer.echo("still HALTED")
    for check in said.get("checks", ()):
        typer.echo(f"  {'ok  ' if check['ok'] else 'FAIL'}  {check['name']}: {check['why']}")
    for line in _errors(said):
        typer.echo(f"  {line}")
