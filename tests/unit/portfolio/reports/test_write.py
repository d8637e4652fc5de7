"""The folder of a run."""

import csv
import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from liveopt.portfolio.reports.write import write
from liveopt.portfolio.result import Report

STAMP = "20260102_030405"
NAMES = [
    f"portfolio_composition_{STAMP}.csv",
    f"performance_report_{STAMP}.txt",
    f"zone_analysis_report_{STAMP}.md",
    f"ulta_inversion_report_{STAMP}.md",
    f"ulta_{STAMP}.csv",
    f"optimization_summary_{STAMP}.xlsx",
    f"equity_curves_{STAMP}.png",
    f"algorithm_comparison_{STAMP}.png",
    f"execution_summary_{STAMP}.json",
]


@pytest.mark.parametrize("which", ["plain", "zoned", "tested"])
def test_all_files_are_there_and_the_same_twice(
    which: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    report: Report = request.getfixturevalue(which)
    found = write(report, tmp_path / "a")
    assert [path.name for path in found] == NAMES
    folder = tmp_path / "a" / f"run_{STAMP}"
    assert sorted(folder.iterdir()) == sorted(found)
    again = write(report, tmp_path / "b")
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in found]


def test_a_report_that_fails_does_not_lose_the_others_and_is_said(
    plain: Report, tmp_path: Path
) -> None:
    broken = dataclasses.replace(plain, started="no moment at all")  # the workbook's date
    found = write(broken, tmp_path)
    missing = f"optimization_summary_{STAMP}.xlsx"
    log = f"error_log_{STAMP}.txt"
    assert [path.name for path in found] == [
        *(name for name in NAMES[:-1] if name != missing), log, NAMES[-1],
    ]  # fmt: skip
    told = (tmp_path / f"run_{STAMP}" / log).read_text()
    assert f"{missing}: ValueError" in told
    summary = json.loads((tmp_path / f"run_{STAMP}" / NAMES[-1]).read_text())
    assert list(summary["reports"]["failed"]) == [missing]
    assert not (tmp_path / f"run_{STAMP}" / missing).exists()


def test_a_file_that_cannot_be_put_in_its_place_is_said(plain: Report, tmp_path: Path) -> None:
    folder = tmp_path / f"run_{STAMP}"
    (folder / NAMES[1]).mkdir(parents=True)
    found = write(plain, tmp_path)
    assert folder / NAMES[1] not in found
    assert "IsADirectoryError" in (folder / f"error_log_{STAMP}.txt").read_text()


def test_a_summary_that_fails_is_said_and_the_folder_is_not_complete(
    plain: Report, tmp_path: Path
) -> None:
    broken = dataclasses.replace(plain, steps={"load": object()})  # type: ignore[dict-item]
    found = [path.name for path in write(broken, tmp_path)]
    assert NAMES[-1] not in found
    assert found[-1] == f"error_log_{STAMP}.txt"
    assert NAMES[-1] in (tmp_path / f"run_{STAMP}" / found[-1]).read_text()


def test_written_again_what_went_wrong_before_is_gone(plain: Report, tmp_path: Path) -> None:
    write(dataclasses.replace(plain, started="no moment at all"), tmp_path)
    assert [path.name for path in write(plain, tmp_path)] == NAMES
    assert not (tmp_path / f"run_{STAMP}" / f"error_log_{STAMP}.txt").exists()


def test_a_folder_that_cannot_be_made_is_an_error(plain: Report, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        write(plain, tmp_path / "file")


@pytest.mark.parametrize("run", ["../out", "run_/../../out", "", "other"])
def test_a_runs_name_leads_nowhere_else(plain: Report, run: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        write(dataclasses.replace(plain, run=run), tmp_path)


def test_no_cell_of_any_csv_is_a_formula(plain: Report, zoned: Report, tmp_path: Path) -> None:
    for i, report in enumerate((plain, zoned)):
        for path in write(report, tmp_path / str(i)):
            if path.suffix != ".csv":
                continue
            with path.open(newline="") as file:
                cells = [cell for row in csv.reader(file) for cell in row]
            assert len(cells) > 100
            for cell in cells:
                assert cell[:1] not in {"=", "+", "@", "\t", "\r"}
                assert not cell.startswith("-") or float(cell) <= 0.0


def test_importing_the_door_draws_nothing() -> None:
    code = (
        "import sys; import liveopt.cli; import liveopt.portfolio.reports.write;"
        "sys.exit('matplotlib' in sys.modules or 'xlsxwriter' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
