"""`liveopt config` as a person meets it: what is shown, what is refused, and never a secret."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

Call = Callable[..., tuple[int, str, str]]
OURS = re.compile(r"LIVEOPT_|OPTIMIZER_|KUCOIN_|DEMO_MODE", re.IGNORECASE)


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if OURS.match(name)]:
        monkeypatch.delenv(name)


def rows(out: str) -> dict[str, list[str]]:
    first, *others = (line.split("\t") for line in out.splitlines())
    assert first[:2] == ["key", "value"]
    return {line[0]: line[1:] for line in others}


def test_show_has_every_value(call: Call) -> None:
    code, out, err = call("config", "show")
    assert (code, err) == (0, "")
    shown = rows(out)
    assert shown["live.symbols"] == ['["XBTUSDTM"]']
    assert shown["control.port"] == ["8788"]
    assert shown["KUCOIN_API_KEY"] == ["not set"]


def test_show_says_where_each_value_comes_from(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "liveopt.toml").write_text("[live]\n\nseed = 7\nvariants = 9\n")
    monkeypatch.setenv("OPTIMIZER_MAX_VARIANTS", "5")
    shown = rows(call("config", "show", "--origin")[1])
    assert shown["live.seed"] == ["7", "liveopt.toml:3"]
    assert shown["live.variants"] == ["5", "environment OPTIMIZER_MAX_VARIANTS"]
    assert shown["control.port"] == ["8788", "default"]


def test_show_as_json(call: Call, tmp_path: Path) -> None:
    (tmp_path / "liveopt.toml").write_text("[live]\nseed = 7\n")
    shown = json.loads(call("config", "show", "--origin", "--json")[1])
    assert shown["file"] == "liveopt.toml"
    assert shown["settings"]["live"]["seed"] == 7
    assert shown["origin"]["live.seed"] == "liveopt.toml:2"
    assert "origin" not in json.loads(call("config", "show", "--json")[1])


@pytest.mark.parametrize("options", [[], ["--origin"], ["--json"], ["--origin", "--json"]])
@pytest.mark.parametrize("source", ["environment", "file"])
def test_the_api_key_is_never_shown(
    call: Call,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    source: str,
) -> None:
    names = ["KUCOIN_API_KEY", "KUCOIN_API_SECRET", "KUCOIN_API_PASSPHRASE"]
    if source == "environment":
        for name in names:
            monkeypatch.setenv(name, f"hunter2-{name}")
    else:
        file = tmp_path / "my.key"
        file.write_text("\n".join(f"{name}=hunter2-{name}" for name in names))
        file.chmod(0o600)
        monkeypatch.setenv("KUCOIN_API_FILE", str(file))
    code, out, err = call("config", "show", *options)
    assert code == 0
    assert "hunter2" not in out + err
    assert "set, never shown" in out


def test_check_says_that_all_is_good(call: Call, tmp_path: Path) -> None:
    code, out, err = call("config", "check")
    assert (code, err) == (0, "")
    assert out == "the defaults and the environment: good\n"
    (tmp_path / "mine.toml").write_text('[live]\nset = ["fast=12", "stop=0.02"]\n')
    assert call("config", "check", "mine.toml")[:2] == (0, "mine.toml: good\n")


@pytest.mark.parametrize("how", [(), ("--json",)])
def test_of_a_webhook_only_its_host_is_shown(
    call: Call, monkeypatch: pytest.MonkeyPatch, how: tuple[str, ...]
) -> None:
    monkeypatch.setenv("LIVEOPT__WEB__WEBHOOKS", "https://hooks.example/T01/known-to-few?k=1")
    code, out, _ = call("config", "show", *how)
    assert code == 0
    assert "https://hooks.example/..." in out
    assert "known-to-few" not in out


def test_check_tells_every_mistake_of_a_file(call: Call, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[account]\ncapital = 0\n[live]\nvariant = 5\n")
    code, out, err = call("config", "check", "mine.toml")
    assert (code, out) == (4, "")
    first, second = err.splitlines()
    assert first.startswith("liveopt: mine.toml:2: account.capital: ")
    assert second.startswith("liveopt: mine.toml:4: live.variant: unknown")
    assert "did you mean variants?" in second


def test_check_as_json(call: Call, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[live]\nchampion = 'ma_crosover'\n")
    code, out, err = call("config", "check", "mine.toml", "--json")
    assert (code, err) == (4, "")
    said = json.loads(out)
    assert (said["file"], said["ok"]) == ("mine.toml", False)
    (problem,) = said["problems"]
    assert problem.startswith("mine.toml:2: live.champion: ")
    assert "did you mean ma_crossover?" in problem


def test_the_schema_is_json(call: Call) -> None:
    code, out, _ = call("config", "schema")
    assert code == 0
    assert json.loads(out)["properties"].keys() >= {"live", "journal", "control"}


def test_settings_that_cannot_be_used_end_with_4(call: Call, tmp_path: Path) -> None:
    (tmp_path / "liveopt.toml").write_text("[live]\nmode = 'live'\n")
    code, out, err = call("config", "show")
    assert (code, out) == (4, "")
    assert "liveopt.toml:2: live.mode: real orders need three switches" in err


@pytest.mark.parametrize("command", ["show", "check", "schema"])
def test_every_help_has_an_example(call: Call, command: str) -> None:
    assert "Example" in call("config", command, "--help")[1]
