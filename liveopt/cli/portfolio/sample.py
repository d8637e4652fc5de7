"""`liveopt portfolio sample`: a CSV to try it all on."""

from pathlib import Path
from typing import Annotated

import typer

from liveopt.cli.show import Failure
from liveopt.data.panel import sample as desk

FileArgument = Annotated[Path, typer.Argument(help="The CSV to write.")]
StrategiesOption = Annotated[int, typer.Option(min=1, max=100_000, help="Columns.")]
SessionsOption = Annotated[int, typer.Option(min=1, max=10_000, help="Rows: weekdays.")]
SeedOption = Annotated[int, typer.Option(min=0, help="The same seed, the same file.")]


def sample(
    file: FileArgument,
    strategies: StrategiesOption = 2_000,
    sessions: SessionsOption = 250,
    seed: SeedOption = 1,
) -> None:
    """Write a made-up desk's daily profit and loss, to try a portfolio run on.

    Example: `liveopt portfolio sample desk.csv --strategies 2000 --sessions 250`
    """
    try:
        with file.open("x", encoding="utf-8") as out:
            out.writelines(desk.lines(strategies, sessions, seed))
    except FileExistsError:
        raise Failure(f"{file} exists; name another") from None
    except OSError as error:
        raise Failure(f"{file}: {error.strerror}") from None
    typer.echo(f"{file}: {strategies:,} strategies, {sessions:,} sessions, seed {seed}", err=True)
