"""Settings: which source wins, what is refused, and whether the message helps."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from liveopt.config import ConfigError, Settings, load

SHIPPED = Path(__file__).parents[2] / "config" / "liveopt.toml"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.upper().startswith("LIVEOPT_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def write(text: str, name: str = "mine.toml") -> Path:
    file = Path(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def complaint(file: Path | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load(file)
    return str(caught.value)


def test_without_a_file_the_defaults_hold() -> None:
    settings = load()
    assert settings == Settings()
    assert settings.account.capital == 10_000.0
    assert settings.costs.taker_fee == 0.0006
    assert settings.engine.device == "auto"


def test_the_shipped_file_says_the_defaults() -> None:
    assert load(SHIPPED) == load()


def test_the_default_file_is_found_in_the_working_directory() -> None:
    write("[account]\ncapital = 500.0\n", "config/liveopt.toml")
    assert load().account.capital == 500.0


def test_a_variable_names_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    write("[account]\ncapital = 500.0\n", "config/liveopt.toml")
    monkeypatch.setenv("LIVEOPT_CONFIG", str(write("[account]\ncapital = 700.0\n")))
    assert load().account.capital == 700.0


def test_an_argument_wins_over_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEOPT_CONFIG", "elsewhere.toml")
    assert load(write("[account]\ncapital = 700.0\n")).account.capital == 700.0


def test_the_environment_wins_over_the_file_key_by_key(monkeypatch: pytest.MonkeyPatch) -> None:
    file = write("[account]\ncapital = 700.0\nleverage = 3.0\n")
    monkeypatch.setenv("LIVEOPT__ACCOUNT__CAPITAL", "900")
    monkeypatch.setenv("LIVEOPT__ENGINE__DEVICE", "cpu")
    settings = load(file)
    assert (settings.account.capital, settings.account.leverage) == (900.0, 3.0)
    assert settings.engine.device == "cpu"


def test_settings_do_not_change() -> None:
    settings = load()
    with pytest.raises(ValidationError):
        settings.account.capital = 1.0  # type: ignore[misc]
    with pytest.raises(ValidationError):
        settings.account = settings.account  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[account]\nfraction = 1.5\n", ["account.fraction", "less than or equal to 1", "share"]),
        ("[account]\ncapital = 0\n", ["account.capital", "greater than 0"]),
        ("[account]\ncapital = nan\n", ["account.capital", "finite"]),
        ("[account]\nleverage = inf\n", ["account.leverage", "finite"]),
        ("[costs]\ntaker_fee = 0.06\n", ["costs.taker_fee", "a fraction: 0.0006 is 0.06 %"]),
        ("[engine]\ndevice = 'tpu'\n", ["engine.device", "'auto', 'cpu' or 'gpu'"]),
        ("[engine]\nthreads = 1.5\n", ["engine.threads", "valid integer", "0 for all cores"]),
        ("[engine]\nmemory = 9\n", ["engine.memory", "unknown", "did you mean memory_mib?"]),
        ("[engine]\nzzz = 9\n", ["engine.zzz", "known: device, memory_mib, threads"]),
        ("[acount]\ncapital = 1.0\n", ["acount", "unknown", "did you mean account?"]),
        ("account = 3\n", ["account", "[account]"]),
        ("_env_file = 'other'\n", ["_env_file", "unknown"]),
        ("[account\n", ["not valid TOML", "line 1"]),
    ],
)
def test_a_bad_file_is_refused_with_a_cure(text: str, words: list[str]) -> None:
    said = complaint(write(text))
    assert said.startswith("mine.toml: ")
    for word in words:
        assert word in said


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("LIVEOPT__ACCOUNT__LEVERAGE", "500", ["account.leverage", "1 to 100"]),
        ("LIVEOPT__ACCOUNT__CAPITEL", "500", ["account.capitel", "did you mean capital?"]),
        ("LIVEOPT__COST__SLIPPAGE", "0", ["cost", "did you mean costs?"]),
        ("LIVEOPT__COSTS", "cheap", ["costs", "LIVEOPT__SECTION__KEY=value"]),
    ],
)
def test_a_bad_variable_is_refused_with_a_cure(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: list[str]
) -> None:
    monkeypatch.setenv(name, value)
    said = complaint()
    assert said.startswith("environment")
    for word in words:
        assert word in said


def test_every_mistake_is_told_at_once() -> None:
    said = complaint(write("[account]\ncapital = -1.0\n[engine]\nthreads = -1\n"))
    assert len(said.splitlines()) == 2


def test_a_named_file_must_exist() -> None:
    assert complaint(Path("gone.toml")).startswith("gone.toml: cannot be read")


def test_a_file_that_is_no_text_is_refused() -> None:
    file = Path("mine.toml")
    file.write_bytes(b"\xff\xfe")
    assert "not valid TOML" in complaint(file)
