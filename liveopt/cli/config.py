"""`liveopt config`: what the settings are, where each comes from, whether they can be used."""

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from liveopt.cli.fit import misfits
from liveopt.cli.market import JsonOption
from liveopt.cli.show import Exit, as_json, complain, table
from liveopt.config import ConfigError, Loaded, examine, schema, toml_value

config = typer.Typer(no_args_is_help=True, help="Show and check the settings.")
SECRET = "set, never shown"  # noqa: S105  words, not a secret
UNSET = "not set"
WEBHOOKS = "webhooks"
NO_FILE = "the defaults and the environment"


@config.command()
def show(
    origin: Annotated[
        bool, typer.Option("--origin", help="Also where each value comes from.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Every setting as liveopt sees it here. The API key is never shown.

    Example: `liveopt config show --origin`
    """
    loaded = examine()
    if json:
        as_json(_document(loaded, origin=origin))
        return
    lines = [
        (f"{section}.{key}", toml_value(_shown(key, value)), loaded.origin(section, key))
        for section, keys in loaded.settings
        for key, value in keys
    ]
    lines.append(("KUCOIN_API_KEY", *_api_key(loaded)))
    width = 3 if origin else 2
    table(("key", "value", "from")[:width], [line[:width] for line in lines])


@config.command()
def check(
    file: Annotated[
        Path | None, typer.Argument(help="Instead of the file that liveopt would read here.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Say whether `liveopt run` could start with these settings; exit code 4 if not.

    The environment counts, as it would for a run. Example: `liveopt config check liveopt.toml`
    """
    found: list[str] = []
    read = file
    try:
        loaded = examine(file)
    except ConfigError as error:
        found = str(error).splitlines()
    else:
        read = loaded.file
        found = misfits(loaded)
    if json:
        as_json({"file": None if read is None else str(read), "ok": not found, "problems": found})
    elif not found:
        typer.echo(f"{read or NO_FILE}: good")
    if found:
        if not json:
            complain("\nliveopt: ".join(found), Exit.CONFIG)
        raise typer.Exit(Exit.CONFIG)


@config.command(name="schema")
def print_schema() -> None:
    """The JSON Schema of liveopt.toml, for editors.

    Example: `liveopt config schema > liveopt.schema.json`
    """
    as_json(schema())


def _document(loaded: Loaded, *, origin: bool) -> dict[str, Any]:
    settings = loaded.settings
    found: dict[str, Any] = {
        "file": None if loaded.file is None else str(loaded.file),
        "settings": {
            section: {key: _shown(key, value) for key, value in keys.items()}
            for section, keys in settings.model_dump(mode="json").items()
        },
        "api_key": _api_key(loaded)[0],
    }
    if origin:
        found["origin"] = {
            f"{section}.{key}": loaded.origin(section, key)
            for section, keys in settings
            for key, _ in keys
        } | {"api_key": _api_key(loaded)[1]}
    return found


def _shown(key: str, value: Any) -> Any:
    """Of a webhook's address, where it leads: whoever knows all of it can write there."""
    if key != WEBHOOKS:
        return value
    return [f"{url.scheme}://{url.hostname}/..." for url in map(urlsplit, value)]


def _api_key(loaded: Loaded) -> tuple[str, str]:
    return (UNSET, "") if loaded.api_key is None else (SECRET, loaded.api_key.origin)
