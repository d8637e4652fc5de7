"""The commands that must not wait for the others' imports: stop, resume, status."""

import typer

from liveopt import logs
from liveopt.cli.status import status
from liveopt.cli.stop import resume, stop

urgent = typer.Typer(
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
urgent.command()(stop)
urgent.command()(resume)
urgent.command()(status)


def run() -> None:
    """One of them."""
    logs.setup(level="info")
    urgent()
