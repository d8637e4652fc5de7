"""A run's settings are decided once, where it begins."""

from pathlib import Path

import pytest

from liveopt.cli import frozen, plan
from liveopt.config import ConfigError, Settings
from liveopt.journal.appender import Ground, Limits
from liveopt.journal.recovery import recover
from liveopt.journal.writer import Writer


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    found = tmp_path / "20261121-083000"
    found.mkdir()
    return found


def begun(run: Path, code: str) -> None:
    """A run whose first line names that code."""
    ground = Ground(run, {"code": code}, lambda: 1, Limits(ballast_bytes=0))
    writer = Writer(ground, {"inputs": recover(run, "inputs")}, lambda _kind, _error: None)
    writer.append("inputs", b'{"a":1}')
    writer.close()


def test_what_was_put_down_is_read_whatever_the_file_says_now(run: Path) -> None:
    mine = Settings.model_validate(
        {"account": {"capital": 5_000.1}, "live": {"symbols": ["ETHUSDTM"], "set": ["fast=3"]}}
    )
    frozen.keep(run, mine)
    Path("liveopt.toml").write_text("no settings at all")
    assert frozen.settings_of(run) == mine
    assert (run / frozen.NAME).stat().st_mode & 0o777 == 0o600
    frozen.keep(run, Settings())
    assert frozen.settings_of(run) == mine


def test_a_run_that_is_still_to_be_made_has_the_settings_of_now(run: Path) -> None:
    Path("liveopt.toml").write_text("[account]\ncapital = 123.0\n")
    assert frozen.settings_of(run).account.capital == 123.0
    assert frozen.settings_of(run.parent / "none").account.capital == 123.0


def test_a_start_that_was_cut_off_while_it_wrote_them_is_taken_up(run: Path) -> None:
    (run / "settings.json.part").write_text("{")
    frozen.keep(run, Settings())
    assert frozen.settings_of(run) == Settings()
    assert [path.name for path in run.iterdir()] == [frozen.NAME]


def test_other_code_does_not_go_on_with_a_run(run: Path) -> None:
    frozen.keep(run, Settings())
    begun(run, plan.code_hash())
    assert frozen.settings_of(run) == Settings()
    other = run.with_name("20261121-083001")
    other.mkdir()
    frozen.keep(other, Settings())
    begun(other, "0" * 16)
    with pytest.raises(ConfigError, match=r"another version of liveopt.*--fresh"):
        frozen.settings_of(other)


def test_what_a_run_does_not_take_up_is_named(run: Path) -> None:
    before = Settings.model_validate({"feed": {"settle_ms": 2.0}, "live": {"slow_budget_ms": 40}})
    assert frozen.left_aside(run, before) == [], "it has none yet"
    frozen.keep(run, before)
    assert frozen.left_aside(run, before) == []
    now = Settings.model_validate(
        {
            "feed": {"settle_ms": 3.0, "recording_mib": 32},
            "live": {"slow_budget_ms": 50},
            "journal": {"snapshot_s": 7, "folder": "elsewhere"},
            "control": {"port": 7, "answer_ms": 500},
            "engine": {"threads": 1},
        }
    )
    assert frozen.left_aside(run, now) == [
        "feed.settle_ms",
        "live.slow_budget_ms",
        "journal.snapshot_s",
    ]


def test_every_setting_is_taken_up_or_left_aside_or_decides() -> None:
    """A new one must be sorted: whoever adds it says here what becomes of it in a run."""
    of_now = {
        *("journal.folder", "control.port", "control.answer_ms", "control.heartbeat_s"),
        *(f"web.{key}" for key, _ in Settings().web),
        *(f"portfolio.{key}" for key, _ in Settings().portfolio),
        *("feed.recording_mib", "engine.device", "engine.threads", "engine.memory_mib"),
    }
    for section, values in Settings():
        for key, _ in values:
            decides = section in plan.DECIDING_SECTIONS and (
                section != "live" or key not in plan.NOT_DECIDING
            )
            keys = frozen.ENGINES.get(section, ())
            aside = keys is None or key in keys
            assert decides + aside + (f"{section}.{key}" in of_now) == 1, f"{section}.{key}"


@pytest.mark.parametrize("text", ["", "{", '{"account": {"capital": -1}}', '{"sparkle": 1}'])
def test_settings_that_cannot_be_read_are_refused_with_a_way_on(run: Path, text: str) -> None:
    (run / frozen.NAME).write_text(text)
    with pytest.raises(ConfigError, match="--fresh"):
        frozen.settings_of(run)
