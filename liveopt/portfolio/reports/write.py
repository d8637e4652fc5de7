"""Writes the files of a run into a folder of their own; the only door to the reports.

Each file is whole or not there. The execution summary comes last: where it is, all is there that
there will be. A report that cannot be made does not keep the others from being made; why is said
in `error_log_<ts>.txt` and in the summary.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from liveopt import whole
from liveopt.portfolio.reports import gist
from liveopt.portfolio.result import Report

Make = Callable[[Report], bytes]
SUMMARY: Final = "execution_summary"
ERRORS: Final = "error_log"
"""There only if something went wrong."""
FAULTS: Final = (
    ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, MemoryError, OSError,
    RuntimeError, TypeError, ValueError,
)  # fmt: skip
"""What a report may come to grief by: a full disk, a library that is not there, a bug of ours."""


def write(report: Report, output: Path) -> list[Path]:
    """The files, in `output`/`report.run`; the first whose name begins with ERRORS tells of faults.

    OSError if not even that can be written.
    """
    assert Path(report.run).name == report.run
    assert report.run.startswith("run_")
    folder, stamp = output / report.run, gist.stamp(report)
    summary = folder / f"{SUMMARY}_{stamp}.json"
    log = folder / f"{ERRORS}_{stamp}.txt"
    folder.mkdir(parents=True, exist_ok=True)
    for old in (summary, log):
        old.unlink(missing_ok=True)
    written: list[Path] = []
    failed: dict[str, str] = {}
    for name, make in _makers(stamp):
        if _written(folder / name, make, report, failed):
            written.append(folder / name)
    if failed:
        whole.write(log, _log(failed), private=False)
        written.append(log)
    names = [path.name for path in written] + [summary.name]

    def summed(report: Report) -> bytes:
        from liveopt.portfolio.reports.execution import content

        return content(report, names, failed)

    if _written(summary, summed, report, faults := dict(failed)):
        return [*written, summary]
    whole.write(log, _log(faults), private=False)
    return [*written, *([] if failed else [log])]


def _written(path: Path, make: Make, report: Report, failed: dict[str, str]) -> bool:
    try:
        whole.write(path, make(report), private=False)
    except FAULTS as error:
        failed[path.name] = f"{type(error).__name__}: {error}"
        return False
    return True


def _log(failed: dict[str, str]) -> bytes:
    lines = ["These reports of the run could not be written; the others could.", ""]
    lines += [f"{name}: {why}" for name, why in failed.items()]
    return ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace")


def _makers(stamp: str) -> Iterator[tuple[str, Make]]:
    """Every file but the summary. What each needs is loaded when it is made."""
    yield f"portfolio_composition_{stamp}.csv", _composition
    yield f"performance_report_{stamp}.txt", _performance
    yield f"zone_analysis_report_{stamp}.md", _zones
    yield f"ulta_inversion_report_{stamp}.md", _ulta
    yield f"ulta_{stamp}.csv", _ulta_csv
    yield f"optimization_summary_{stamp}.xlsx", _workbook
    yield f"equity_curves_{stamp}.png", _equity
    yield f"algorithm_comparison_{stamp}.png", _comparison


def _composition(report: Report) -> bytes:
    from liveopt.portfolio.reports.composition import csv_of

    return csv_of(report)


def _performance(report: Report) -> bytes:
    from liveopt.portfolio.reports.performance import text

    return text(report)


def _zones(report: Report) -> bytes:
    from liveopt.portfolio.reports.zone import markdown

    return markdown(report)


def _ulta(report: Report) -> bytes:
    from liveopt.portfolio.reports.ulta import markdown

    return markdown(report)


def _ulta_csv(report: Report) -> bytes:
    from liveopt.portfolio.reports.ulta import csv_of

    return csv_of(report)


def _workbook(report: Report) -> bytes:
    from liveopt.portfolio.reports.workbook.compose import xlsx

    return xlsx(report)


def _equity(report: Report) -> bytes:
    from liveopt.portfolio.reports.equity import png

    return png(report)


def _comparison(report: Report) -> bytes:
    from liveopt.portfolio.reports.comparison import png

    return png(report)
