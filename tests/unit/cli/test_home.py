"""What `liveopt` alone says: the common commands, and how things stand in this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from liveopt import __version__
from liveopt.cli.home import home, state
from liveopt.guard.latch import Change, Latch
from liveopt.guard.lock import Lock


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("LIVEOPT_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def latch() -> Iterator[Latch]:
    Path("logs").mkdir()
    latch = Latch(Path("logs/latch"))
    latch.open()
    yield latch
    latch.close()


def test_the_common_commands_are_named() -> None:
    said = home()
    assert said.startswith(f"liveopt {__version__} - not initialised here")
    for word in ("demo", "init", "doctor", "run", "stop", "backtest", "sweep", "--help"):
        assert word in said


def test_a_folder_with_a_file_is_ready() -> None:
    Path("liveopt.toml").touch()
    assert state() == "ready, not running (liveopt.toml)"


def test_a_folder_that_has_run_is_ready(latch: Latch) -> None:
    assert state() == "ready, not running (no liveopt.toml: the defaults hold)"


def test_a_run_is_told_with_its_process(latch: Latch) -> None:
    with Lock(Path("logs/lock")):
        assert state().startswith("running, process ")
    assert state().startswith("ready")


def test_a_halt_is_told_with_its_reason_running_or_not(latch: Latch) -> None:
    latch.set(Change("too hot", "me", 1))
    assert state() == 'HALTED: too hot; `liveopt resume --reason "..."`'
    with Lock(Path("logs/lock")):
        assert state().startswith("HALTED, process ")


def test_bad_settings_do_not_hide_the_commands() -> None:
    Path("liveopt.toml").write_text("[live]\nzzz = 1\n[control]\nzzz = 2\n")
    said = home()
    assert "the settings cannot be used: liveopt.toml:2: live.zzz" in said
    assert "liveopt config check" in said
    assert "demo" in said


def test_a_state_folder_that_cannot_be_read_is_told() -> None:
    Path("logs").touch()
    assert state() == "logs cannot be read: Not a directory"
