"""The `liveopt` command: what it can do, and which exit code says what."""

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from liveopt import __version__, logs
from liveopt.cli.backtest import backtest
from liveopt.cli.bench import bench
from liveopt.cli.config import config
from liveopt.cli.data import data
from liveopt.cli.doctor import doctor
from liveopt.cli.feed import feed
from liveopt.cli.gate import gate
from liveopt.cli.home import home
from liveopt.cli.init import init
from liveopt.cli.journal import journal
from liveopt.cli.keys import keys
from liveopt.cli.link import link
from liveopt.cli.opt import opt
from liveopt.cli.optimize import optimize
from liveopt.cli.portfolio import portfolio
from liveopt.cli.promotions import promotions
from liveopt.cli.reoptimize import reoptimize
from liveopt.cli.replay import replay
from liveopt.cli.run import demo, run
from liveopt.cli.searching import search_round
from liveopt.cli.serve import serve
from liveopt.cli.show import Exit, Failure, complain
from liveopt.cli.sim import sim
from liveopt.cli.status import status
from liveopt.cli.stop import resume, stop
from liveopt.cli.strategies import strategies
from liveopt.cli.sweep import sweep
from liveopt.cli.variants import variants
from liveopt.cli.web import web
from liveopt.config import ConfigError
from liveopt.core.bars import BadBar
from liveopt.core.strategy import BadKnobs
from liveopt.data.tables import DataError
from liveopt.engine.gpu import NoGpu
from liveopt.guard.lock import Locked
from liveopt.journal import lock as journal_lock
from liveopt.journal.folder import NoRun
from liveopt.live.play import BadRecording
from liveopt.live.record import RecordingStopped
from liveopt.live.recover import Corrupt
from liveopt.live.trail import Diverged
from liveopt.optimize.parameters import BadParameter
from liveopt.portfolio.refused import Refused

app = typer.Typer(
    add_completion=True,
    no_args_is_help=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Debug lines on stderr.")
    ] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """Run many variants of a trading strategy in one batch, offline and live alike.

    Exit codes: 0 done, 1 error, 2 usage, 3 not running, 4 configuration or data, 5 timeout,
    6 refused by the halt latch, 7 replay mismatch, 70 gave up after crashes,
    79 another run goes on, 130 interrupted.
    """
    logs.setup(level="debug" if verbose else "info")
    if version:
        typer.echo(__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(home())


app.command()(demo)
app.command()(init)
app.command()(doctor)
app.command()(run)
app.command()(status)
app.command()(stop)
app.command()(resume)
app.command()(replay)
app.add_typer(variants, name="variants")
app.add_typer(promotions, name="promotions")
app.add_typer(journal, name="journal")
app.add_typer(keys, name="keys")
app.command()(link)
app.command(hidden=True)(serve)
app.command(hidden=True)(web)
app.command(hidden=True)(search_round)
app.add_typer(config, name="config")
app.command()(strategies)
app.command()(backtest)
app.command()(sweep)
app.command()(optimize)
app.add_typer(opt, name="opt")
app.add_typer(portfolio, name="portfolio")
app.command()(reoptimize)
app.command()(sim)
app.add_typer(feed, name="feed")
app.add_typer(data, name="data")
app.add_typer(bench, name="bench")
app.add_typer(gate, name="gate")


KNOWN: dict[type[Exception], Exit] = {
    ConfigError: Exit.CONFIG,
    DataError: Exit.CONFIG,
    BadBar: Exit.CONFIG,
    BadParameter: Exit.USAGE,
    BadKnobs: Exit.USAGE,
    Refused: Exit.CONFIG,
    NoGpu: Exit.ERROR,
    BadRecording: Exit.CONFIG,
    Corrupt: Exit.CONFIG,
    Diverged: Exit.REPLAY_MISMATCH,
    Locked: Exit.LOCKED,
    journal_lock.Locked: Exit.LOCKED,
    NoRun: Exit.CONFIG,
    RecordingStopped: Exit.ERROR,
    Failure: Exit.ERROR,
}
"""Failures that say themselves what is wrong, and their exit codes."""

OUT_OF_MEMORY = "out of memory; run fewer variants (--random, --grid) or lower engine.memory_mib"


def main(command: Callable[[], object] = app) -> None:
    """Run the command line; a known failure becomes one line on stderr and its exit code."""
    try:
        command()
    except tuple(KNOWN) as error:
        sys.exit(complain(error, next(c for kind, c in KNOWN.items() if isinstance(error, kind))))
    except SyntaxError as error:  # of a strategy's file, or NotPlain: what a step may not say
        place = f"{error.filename}:{error.lineno}: " if error.filename else ""
        sys.exit(complain(f"{place}{error.msg}", Exit.ERROR))
    except MemoryError:
        sys.exit(complain(OUT_OF_MEMORY, Exit.ERROR))
    except KeyboardInterrupt:
        sys.exit(complain("interrupted", Exit.INTERRUPTED))
    except SystemExit as end:  # typer turns the interrupt into this
        if end.code == Exit.INTERRUPTED:
            complain("interrupted", Exit.INTERRUPTED)
        raise
