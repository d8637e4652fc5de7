"""`liveopt link`: one more one-time address of the dashboard that runs."""

from datetime import UTC, datetime

import typer

from liveopt import config
from liveopt.cli import front
from liveopt.cli.nobody import nobody
from liveopt.cli.show import Exit, Failure, as_json, complain
from liveopt.cli.stop import JsonOption, StateOption, state_folder
from liveopt.core.bars import SECOND_NS
from liveopt.guard import caller
from liveopt.guard.clock import WALL
from liveopt.web.links import LINK_S, Links


def link(state: StateOption = None, json: JsonOption = False) -> None:
    """A new address of the running dashboard, for another browser: good once, for ten minutes.

    Example: `liveopt link`

    JSON keys: `address`, `expires_at`. Exit code 3 if nothing runs, 5 if its guard does not answer.
    """
    folder = state_folder(state)
    try:
        web = caller.status(folder).get("web")
    except caller.NotRunning as error:
        raise typer.Exit(complain(nobody(error, folder), Exit.NOT_RUNNING)) from error
    except caller.NoAnswer as error:
        raise typer.Exit(complain(error, Exit.TIMEOUT)) from error
    if web is None or web["port"] is None:
        raise Failure("this run has no dashboard: web.enabled is false")
    if web.get("trouble"):
        raise Failure(f"no dashboard: {web['trouble']}; `liveopt status` says how the run does")
    if not front.is_built():
        raise Failure("the dashboard is not built here; `make ui` builds it")
    where, now_s = front.address(config.load().web, web["port"]), WALL() / SECOND_NS
    try:
        word = Links(folder).make(now_s)
    except OSError as error:
        raise Failure(f"no link can be put into {folder}: {error.strerror}") from error
    address = f"{where}/#t={word}"
    if json:
        until = datetime.fromtimestamp(int(now_s + LINK_S), UTC)
        as_json({"address": address, "expires_at": until.isoformat(timespec="seconds")})
        return
    typer.echo(address)
    typer.echo("It works once, within ten minutes.", err=True)
