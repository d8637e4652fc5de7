"""How a command line hands a command to the run that goes on here, and says what came of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from liveopt.cli.nobody import nobody
from liveopt.cli.show import Exit, Failure, complain
from liveopt.cli.stop import state_folder
from liveopt.guard import caller


def ask(state: Path | None, words: Mapping[str, Any]) -> dict[str, Any]:
    """The engine's answer; exit code 3 if nothing runs."""
    folder = state_folder(state)
    try:
        return asked(folder, words)
    except caller.NotRunning as error:
        raise typer.Exit(complain(nobody(error, folder), Exit.NOT_RUNNING)) from error


def asked(folder: Path, words: Mapping[str, Any]) -> dict[str, Any]:
    """The same for who knows what to do where nothing runs."""
    try:
        reply = caller.command(folder, words)
    except caller.NoAnswer as error:
        raise typer.Exit(complain(error, Exit.TIMEOUT)) from error
    body = reply.body.get("body")
    if reply.status != 200 or not isinstance(body, dict):
        said = body if isinstance(body, dict) else reply.body
        raise Failure(str(said.get("error", f"the door answered {reply.status}")))
    return body
