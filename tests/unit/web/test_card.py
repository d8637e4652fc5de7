"""A graphics card that lies idle is told of, with the reason, and nothing else is."""

import importlib.util
import sys
from pathlib import Path

import pytest

from liveopt.web.card import idle, there


def test_a_card_is_there_when_the_kernel_says_so(tmp_path: Path) -> None:
    driver, devices = tmp_path / "gpus", tmp_path / "dev"
    devices.mkdir()
    (devices / "nvidiactl").touch()
    assert not there(driver, devices)
    (devices / "nvidia0").touch()
    assert there(driver, devices)
    driver.mkdir()
    (driver / "0000:01:00.0").mkdir()
    (devices / "nvidia0").unlink()
    assert there(driver, devices)


@pytest.mark.skipif(importlib.util.find_spec("cupy") is not None, reason="CuPy is installed")
async def test_without_cupy_a_card_is_idle_and_the_reason_is_the_searches_own() -> None:
    assert await idle("auto", card=True) == "CuPy is not installed; `make gpu` adds it"
    assert await idle("gpu", card=True) != ""
    assert await idle("cpu", card=True) == "", "it was not wanted"
    assert await idle("auto", card=False) == "", "there is none to be idle"


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("print('gpu', 'Some Model')", ""),
        ("print('cpu', 'no driver; 8 threads')", "no driver"),
        ("raise SystemExit(1)", "it cannot be asked"),
    ],
)
async def test_what_the_asked_process_says_is_told(program: str, why: str) -> None:
    assert await idle("auto", card=True, ask=(sys.executable, "-c", program)) == why


async def test_a_process_that_cannot_be_started_is_no_trouble() -> None:
    assert await idle("auto", card=True, ask=("/no/such/program",)) == "it cannot be asked"
