"""`liveopt status`: how the service does, asked of its guard, which answers when the rest hangs."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from liveopt.cli.bulletin import lines
from liveopt.cli.nobody import nobody
from liveopt.cli.show import Exit, as_json, complain
from liveopt.cli.stop import JsonOption, StateOption, state_folder
from liveopt.guard import caller
from liveopt.guard.clock import WALL

FRESH_MS: Final = 1_000.0
"""An engine whose heartbeat is older is not asked for more: status is for when things go wrong."""
CHAMPIONS_S: Final = 1.0


def status(
    state: StateOption = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Only the exit code: for health checks.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """How the service does; exit code 0 running, 3 not running, 5 if its guard does not answer.

    Example: `liveopt status --json`

    JSON keys: `pid`, `port`, `halted`, `mode`, `number`, `latch`, `engine` (`pid`, `starts`,
    `last_exit`, `beat_age_ms`, `acknowledged`, `seq`, `variants_stopped`, `positions_open`),
    `web` (`pid`, `starts`, `last_exit`, `port`, `trouble`, why it cannot start; null where none is
    wanted), `checks`, `status` (what the engine said last; its `gate` has for each symbol `phase`,
    `champion`, `predecessor`, `epoch`, `bar`, `season`, `variants`, `threshold`, `leaders`,
    `eligible`, `auto`, `warned`, `against_champion`) and `status_age_ms`.
    """
    folder = state_folder(state)
    try:
        said = caller.status(folder)
    except caller.NotRunning as error:
        text = nobody(error, folder)
        raise typer.Exit(_fail(text, Exit.NOT_RUNNING, quiet=quiet)) from error
    except caller.NoAnswer as error:
        raise typer.Exit(_fail(error, Exit.TIMEOUT, quiet=quiet)) from error
    if quiet:
        return
    if json:
        as_json(said)
        return
    for line in lines(said, champions(folder, said), WALL()):
        typer.echo(line)


def _fail(error: Exception | str, code: Exit, *, quiet: bool) -> int:
    return int(code) if quiet else complain(error, code)


def champions(state: Path, said: dict[str, Any]) -> list[dict[str, Any]]:
    """How they stand, asked of the engine; none if it does not answer at once, for it may hang."""
    markets = (said["status"] or {}).get("markets")
    age_ms = said["engine"]["beat_age_ms"]
    if not markets or age_ms is None or age_ms > FRESH_MS:
        return []
    words = {"command": {"kind": "variants", "limit": len(markets)}}
    try:
        body = caller.ask(state, "POST", "/api/optimizer/command", words, CHAMPIONS_S).body
    except (caller.NotRunning, caller.NoAnswer):
        return []
    found = (body.get("body") or {}).get("variants", ())
    return [one for one in found if one["champion"]]
