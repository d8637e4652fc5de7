"""`liveopt portfolio run`: from a wide CSV to a portfolio and its reports."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from liveopt import config
from liveopt.cli import market as options
from liveopt.cli.portfolio.hearing import Hearing, hearing_of
from liveopt.cli.portfolio.reading import opened
from liveopt.cli.portfolio.sample import sample
from liveopt.cli.portfolio.showing import document, plan, show
from liveopt.cli.portfolio.terms import terms_of
from liveopt.cli.portfolio.working import status, worker
from liveopt.cli.show import as_json
from liveopt.cli.working import stamp
from liveopt.config import Portfolio, Settings
from liveopt.data.panel.columns import Form
from liveopt.data.panel.stored import Span
from liveopt.engine.device import choose
from liveopt.optimize.parameters import BadParameter
from liveopt.portfolio.held import cut
from liveopt.portfolio.optimize import Means
from liveopt.portfolio.reports.write import write
from liveopt.portfolio.result import Report
from liveopt.portfolio.run import Stamp, examined, warnings
from liveopt.portfolio.run import run as run_all
from liveopt.portfolio.steps import Steps

portfolio = typer.Typer(
    no_args_is_help=True, help="Portfolios of strategies: eight algorithms, a vote, eight reports."
)
portfolio.command()(sample)
portfolio.command()(worker)
portfolio.command()(status)
Mode = Literal["full", "zones"]


@portfolio.callback()
def root() -> None:
    """Portfolios of strategies, from a table of their daily profit and loss.

    Example: `liveopt portfolio run desk.csv --size 35 --out reports`
    """


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for."""

    files: Sequence[Path]
    form: Form
    dates: Span
    out: Path
    into: Path | None
    correlations: bool
    device: Literal["auto", "cpu", "gpu"]


FilesArgument = Annotated[
    list[Path], typer.Argument(help="CSV files, or a panel of `liveopt data import`.")
]
SizeOption = Annotated[int | None, typer.Option(help="Strategies of a portfolio, 10 to 100.")]
SizeToOption = Annotated[
    int | None, typer.Option(help="Try sizes up to this one, and keep the best.")
]
OutOption = Annotated[Path, typer.Option(help="Where the run's folder goes.")]
IntoOption = Annotated[
    Path | None, typer.Option(help="Instead: the empty folder that the reports go into.")
]
ModeOption = Annotated[
    Mode | None, typer.Option(help="One portfolio of all sessions, or one a zone.")
]
AlgorithmsOption = Annotated[
    str | None, typer.Option(help="Which of ga,pso,sa,de,aco,hc,bo,random; usually all.")
]
EvaluationsOption = Annotated[
    int | None, typer.Option(help="Portfolios that each algorithm may try.")
]
TimeOption = Annotated[float | None, typer.Option(help="Seconds that each algorithm has.")]
HoldoutOption = Annotated[
    float | None,
    typer.Option(help="Share of the days, the last ones, that the search does not see."),
]
SeedOption = Annotated[int | None, typer.Option(help="Seed of all chance.")]
WorkersOption = Annotated[int | None, typer.Option(help="Algorithms at a time; 0: cores.")]
MoreOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Any key of [portfolio] in the settings. Repeatable."
    ),
]
DatesOption = Annotated[
    str, typer.Option(metavar="FROM:TO", help="Only these days: 2024-01-01:2024-06-30.")
]
BadOption = Annotated[
    Literal["refuse", "zero"], typer.Option(help="What is no number: refuse, or take as zero.")
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option("--exclude", help="No strategies of this name (* ?).", show_default=False),
]
SureOption = Annotated[
    Literal["auto", "percent", "fraction"],
    typer.Option("--confidence", help="In what the file says how sure a regime is."),
]
PairsOption = Annotated[
    bool, typer.Option(help="Correlate all pairs for the reports; the search needs it not.")
]
DryOption = Annotated[
    bool, typer.Option("--dry-run", help="Read, check and say what would be done.")
]
EventsOption = Annotated[
    bool, typer.Option("--events", help="Progress as JSON lines on stdout; for programs.")
]


@portfolio.command()
def run(
    files: FilesArgument,
    size: SizeOption = None,
    size_to: SizeToOption = None,
    out: OutOption = Path("output"),
    into: IntoOption = None,
    mode: ModeOption = None,
    algorithms: AlgorithmsOption = None,
    evaluations: EvaluationsOption = None,
    time_limit: TimeOption = None,
    holdout: HoldoutOption = None,
    seed: SeedOption = None,
    workers: WorkersOption = None,
    more: MoreOption = None,
    dates: DatesOption = ":",
    bad_cells: BadOption = "refuse",
    exclude: ExcludeOption = None,
    confidence: SureOption = "auto",
    correlations: PairsOption = True,
    dry_run: DryOption = False,
    events: EventsOption = False,
    json: options.JsonOption = False,
) -> None:
    """Find the portfolio that does best, say why, and write the reports.

    Losing strategies are turned round (ULTA), all are correlated, then every algorithm searches;
    the best of them and of their vote is taken. The same seed gives the same portfolio.

    Example: `liveopt portfolio run desk.csv --size 35 --out reports`
    """
    settings = config.load()
    given: dict[str, Any] = {
        "size": size, "size_to": size_to, "mode": mode, "evaluations": evaluations,
        "time_limit_s": time_limit, "seed": seed, "workers": workers, "holdout": holdout,
        "algorithms": algorithms.split(",") if algorithms else None,
    }  # fmt: skip
    terms = terms_of(settings.portfolio, given, more or [])
    form = Form(bad_cells=bad_cells, exclude=exclude or (), confidence=confidence)
    wanted = Wanted(files, form, _span(dates), out, into, correlations, settings.engine.device)
    with _ended_by_sigterm(), hearing_of(events=events) as hearing:
        if dry_run:
            _plan(wanted, terms, settings, hearing, as_document=json)
            return
        report, folder, written = _run(wanted, terms, settings, hearing)
    found = document(report, folder, written)
    if events:
        hearing.done(found | {"folder": folder.name})  # where it is, whoever began it knows
    elif json:
        as_json(found)
    else:
        show(report, folder, written)


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """As by Ctrl-C: what was laid out for the search is taken away."""

    def end(*_: object) -> None:
        raise SystemExit(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _run(
    wanted: Wanted, terms: Portfolio, settings: Settings, hearing: Hearing
) -> tuple[Report, Path, list[Path]]:
    device = choose(wanted.device, settings.engine.threads).device.name
    started = stamp()
    folder = _folder(wanted, f"run_{datetime.fromisoformat(started):%Y%m%d_%H%M%S}")
    named = Stamp(folder.name, started)
    written: list[Path] = []
    try:
        report, written = _done(wanted, terms, device, named, hearing)
    finally:
        if not written and wanted.into is None:
            with suppress(OSError):  # what has failed leaves no folder that looks like a run
                folder.rmdir()
    return report, folder, written


def _done(
    wanted: Wanted, terms: Portfolio, device: str, named: Stamp, hearing: Hearing
) -> tuple[Report, list[Path]]:
    steps = Steps(hearing.hear)
    steps.begin("load", "reading " + ", ".join(file.name for file in wanted.files))
    read = opened(
        wanted.files, wanted.form, wanted.dates, lambda share: steps.tell(share, "reading")
    )
    means = Means(device, read.cache, wanted.correlations)
    report = run_all(read.panel, read.source, terms, means, named, steps)
    steps.begin("outputs", "writing the reports")
    written = write(report, wanted.out if wanted.into is None else wanted.into.parent)
    steps.end()
    return report, written


def _plan(
    wanted: Wanted, terms: Portfolio, settings: Settings, hearing: Hearing, *, as_document: bool
) -> None:
    device = choose(wanted.device, settings.engine.threads)
    steps = Steps(hearing.hear)
    steps.begin("load", "reading")
    read = opened(wanted.files, wanted.form, wanted.dates, lambda _: None)
    searched, _ = cut(read.panel, terms.holdout)
    examined(searched, terms)
    notes = [*read.source.notes, *warnings(searched, terms)]
    plan(read.panel, terms, notes, f"{device.device.name}: {device.reason}", as_document)


def _folder(wanted: Wanted, name: str) -> Path:
    """A folder of this run alone, made now: what cannot be written is known before the work."""
    into = wanted.into
    if into is not None:
        if not into.name.startswith("run_") or not into.is_dir() or any(into.iterdir()):
            raise BadParameter(f"--into {into}: an empty folder whose name begins with run_")
        return into
    number, folder = 1, wanted.out / name
    while True:
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            number += 1
            folder = wanted.out / f"{name}_{number}"
        except OSError as error:
            raise BadParameter(f"--out {wanted.out}: {error.strerror}") from None
        else:
            return folder


def _span(text: str) -> Span:
    first, colon, last = text.partition(":")
    for day in (first, last):
        try:
            if day:
                datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            raise BadParameter(f"--dates {text}: {day!r} is no day; write 2024-01-31") from None
    if not colon:
        raise BadParameter(f"--dates {text}: write FROM:TO, either may be left out")
    return first or None, last or None
