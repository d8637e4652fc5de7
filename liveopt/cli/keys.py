"""`liveopt keys`: who may use the API, and for what."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from liveopt.cli.show import Failure, as_json, table
from liveopt.cli.stop import JsonOption, StateOption, state_folder
from liveopt.core.bars import SECOND_NS
from liveopt.guard.clock import WALL
from liveopt.web.keys import SCOPES, Key, Keys, NoKey, Unreadable

keys = typer.Typer(no_args_is_help=True, help="API keys: who may use the API, and for what.")

NameArgument = Annotated[str, typer.Argument(help="What it is for; it stands in lists and logs.")]
ScopeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--scope",
        help="What it may do beside reading: optimize (searches), trade (promote, pause, resume,"
        " stop), stop (the emergency stop alone), admin (everything). Repeatable; usually read.",
    ),
]
DaysOption = Annotated[
    float, typer.Option("--days", min=0.0, max=36_500.0, help="Ends after so many; 0 is never.")
]


@keys.command()
def create(
    name: NameArgument,
    scope: ScopeOption = None,
    days: DaysOption = 0.0,
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Make a key and show it, this once: only its hash is kept.

    Example: `liveopt keys create grafana --scope read`

    JSON keys: `key`, `id`, `name`, `scopes`, `expires_at`.
    """
    own = Keys(state_folder(state))
    with _plainly():
        text = own.create(name, scope or ["read"], WALL(), days)
        made = own.all()[-1]
    if json:
        as_json({"key": text} | {n: v for n, v in _told(made).items() if n in SHOWN})
        return
    typer.echo(text)
    typer.echo("Keep it now: it is not shown again. Use: Authorization: Bearer <key>", err=True)


SHOWN = ("id", "name", "scopes", "expires_at")


@keys.command("list")
def list_keys(state: StateOption = None, json: JsonOption = False) -> None:
    """Every key that was made; the keys themselves are nowhere.

    Example: `liveopt keys list`

    JSON: a list of `id`, `name`, `scopes`, `created_at`, `expires_at`, `revoked_at`, `last_used_at`
    (null for never; a use is known a minute later), `status` (valid, expired or revoked).
    """
    own = Keys(state_folder(state))
    used = own.uses.all()
    with _plainly():
        found = [_told(key, used.get(key.id, 0)) for key in own.all()]
    if json:
        as_json(found)
        return
    if not found:
        typer.echo("no keys yet; `liveopt keys create NAME --scope read` makes one", err=True)
        return
    columns = ("id", "name", "scopes", "created_at", "expires_at", "last_used_at", "status")
    rows = [
        tuple(", ".join(v) if isinstance(v := one[c], list) else v or "-" for c in columns)
        for one in found
    ]
    table(columns, rows)


@keys.command()
def revoke(
    id_: Annotated[str, typer.Argument(help="As `list` calls it.", metavar="ID")],
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """It opens nothing any more: within a second also where a service runs.

    Example: `liveopt keys revoke 1a2b3c4d`

    JSON keys: those of `list`.
    """
    own = Keys(state_folder(state))
    with _plainly():
        key = own.revoke(id_, WALL())
    if json:
        as_json(_told(key, own.uses.all().get(key.id, 0)))
    else:
        typer.echo(f"{key.id} ({key.name}) is revoked")


@contextmanager
def _plainly() -> Iterator[None]:
    """What goes wrong is said in one line, with what to do."""
    try:
        yield
    except (NoKey, Unreadable) as error:
        raise Failure(str(error)) from error
    except OSError as error:
        raise Failure(f"the list of keys cannot be written: {error.strerror}") from error


def _told(key: Key, used_ns: int = 0) -> dict[str, Any]:
    status = "valid" if key.alive(WALL()) else "revoked" if key.revoked_ns else "expired"
    return {
        "id": key.id,
        "name": key.name,
        "scopes": [scope for scope in SCOPES if scope in key.scopes],
        "created_at": _at(key.created_ns),
        "expires_at": _at(key.expires_ns),
        "revoked_at": _at(key.revoked_ns),
        "last_used_at": _at(used_ns),
        "status": status,
    }


def _at(time_ns: int) -> str | None:
    if not time_ns:
        return None
    return datetime.fromtimestamp(time_ns // SECOND_NS, UTC).isoformat(timespec="seconds")
