"""What is said of compiling is true: the first time is told apart from the next market's."""

from pathlib import Path

import pytest

from liveopt.cli.compiling import telling
from liveopt.engine.kernels import load_kernel

KERNEL = """
import numba

@numba.njit("f8(f8)", cache=True)
def twice(value):
    return value + value
"""


def said(capsys: pytest.CaptureFixture[str]) -> str:
    telling()(1, 3)
    return capsys.readouterr().out


def test_the_first_time_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LIVEOPT_CACHE", str(tmp_path))
    assert said(capsys) == "  compiling for this processor, the first time only: 1 of 3\n"
    tell = telling()
    load_kernel(KERNEL)
    tell(2, 3)
    assert "the first time only: 2 of 3" in capsys.readouterr().out, "to the end of this one"
    later = said(capsys)
    assert later == "  compiling for this processor, what no run has needed before: 1 of 3\n"


def test_where_nothing_can_be_kept_no_time_is_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("LIVEOPT_CACHE", str(tmp_path / "file"))
    assert "first time" not in said(capsys)
