"""`liveopt status`: how the service does, asked of its guard, which answers when the rest hangs."""

from typing import Annotated, Any

import typer

from liveopt.cli.show import Exit, as_json, complain
from liveopt.cli.stop import JsonOption, StateOption, state_folder
from liveopt.guard import caller


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
    `checks`, `status` (what the engine said last) and `status_age_ms`.
    """
    try:
        said = caller.status(state_folder(state))
    except caller.NotRunning as error:
        raise typer.Exit(_fail(error, Exit.NOT_RUNNING, quiet=quiet)) from error
    except caller.NoAnswer as error:
        raise typer.Exit(_fail(error, Exit.TIMEOUT, quiet=quiet)) from error
    if quiet:
        return
    if json:
        as_json(said)
        return
    for line in lines(said):
        typer.echo(line)


def _fail(error: Exception, code: Exit, *, quiet: bool) -> int:
    return int(code) if quiet else complain(error, code)


def lines(said: dict[str, Any]) -> list[str]:
    """For people: the guard's own facts, then the engine's."""
    engine, latch = said["engine"], said["latch"]
    out = [f"guard    process {said['pid']}, port {said['port']}"]
    if said["halted"]:
        out.append(f"HALTED   {said['mode']} by {latch['by']}: {latch['reason']}")
    if engine["pid"] is None:
        out.append(f"engine   not running (last exit code {engine['last_exit']})")
    else:
        again = f", started {engine['starts']} times" if engine["starts"] > 1 else ""
        out.append(
            f"engine   process {engine['pid']}, heartbeat {_ago(engine['beat_age_ms'])}{again}"
        )
    if said["status_age_ms"] is None:
        return [*out, "         it has not said anything yet"]
    out.append(f"         its last word {_ago(said['status_age_ms'])}")
    return out + [f"  {name}  {text}" for name, text in facts(said["status"])]


def facts(status: dict[str, Any], above: str = "") -> list[tuple[str, str]]:
    """What the engine said, one fact a line; a count is followed by its reason on the same line.

    `{"eligible": 0, "eligible_reason": "..."}` becomes `eligible  0: ...`.
    """
    out = []
    for name, value in status.items():
        if name.endswith("_reason") and name.removesuffix("_reason") in status:
            continue
        if isinstance(value, dict):
            out += facts(value, f"{above}{name}.")
            continue
        reason = status.get(f"{name}_reason")
        out.append((above + name, f"{value}: {reason}" if reason else str(value)))
    return out


def _ago(ms: float | None) -> str:
    return "never" if ms is None else f"{ms / 1e3:.1f} s ago"
