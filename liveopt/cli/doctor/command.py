"""The command: every check in turn, then the verdict."""

from collections.abc import Iterator
from typing import Annotated

import typer

from liveopt.cli.doctor.exchange import exchange_rows
from liveopt.cli.doctor.folder import folder_rows
from liveopt.cli.doctor.machine import machine_rows
from liveopt.cli.doctor.row import Row
from liveopt.cli.doctor.web import web_rows
from liveopt.cli.fit import misfits
from liveopt.cli.market import JsonOption
from liveopt.cli.show import Exit, as_json
from liveopt.config import ConfigError, Settings, examine


def doctor(
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask nothing of the exchange.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Check this machine, the state folder and the exchange; exit code 1 if something fails.

    Every row says ok, warn, fail or skip, and how to mend it. Example: `liveopt doctor --offline`
    """
    rows: list[Row] = []
    for row in _rows(offline=offline):
        rows.append(row)
        if not json:
            _say(row)
    ok = all(row.status != "fail" for row in rows)
    if json:
        as_json({"ok": ok, "checks": [row._asdict() for row in rows]})
    if not ok:
        raise typer.Exit(Exit.ERROR)


def _rows(*, offline: bool) -> Iterator[Row]:
    settings = Settings()
    try:
        loaded = examine()
    except ConfigError as error:
        for text in str(error).splitlines():
            yield Row("settings", "fail", text, "the rest is looked at with the defaults")
    else:
        settings = loaded.settings
        wrong = misfits(loaded)
        for text in wrong:
            yield Row("settings", "fail", text)
        if not wrong:
            yield Row("settings", "ok", str(loaded.file or "the defaults"))
    yield from machine_rows(settings)
    yield from folder_rows(settings)
    yield from web_rows(settings)
    yield from exchange_rows(settings, offline=offline)


def _say(row: Row) -> None:
    typer.echo(f"{row.status:<5} {row.check:<9} {row.text}")
    if row.mend:
        typer.echo(f"{'':<16}-> {row.mend}")
