"""`liveopt init`: what it asks, what it writes, and that it never overwrites unasked."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from liveopt.config import Settings, as_toml, load

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIVEOPT_CONFIG", raising=False)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def give(*lines: str) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))

    return give


def test_without_questions_it_writes_the_defaults_with_comments(call: Call, tmp_path: Path) -> None:
    code, out, err = call("init", "--yes")
    assert (code, err) == (0, "")
    assert "PAPER ONLY" in out
    assert (tmp_path / "liveopt.toml").read_text() == as_toml(Settings())
    assert [path.name for path in tmp_path.iterdir()] == ["liveopt.toml"]


def test_it_asks_four_things(call: Call, answers: Callable[..., None]) -> None:
    answers("BTC-USDT, ETH-USDT", "50", "macd", "sim")
    code, _, err = call("init")
    assert code == 0, err
    live = load().live
    assert live.symbols == ("BTC-USDT", "ETH-USDT")
    assert (live.variants, live.strategies, live.feed) == (50, ("macd",), "sim")
    assert live.champion == "ma_crossover"


def test_an_empty_answer_takes_what_is_offered(call: Call, answers: Callable[..., None]) -> None:
    answers("", "", "", "")
    assert call("init")[0] == 0
    assert load() == Settings()


def test_an_answer_that_cannot_be_used_is_asked_again(
    call: Call, answers: Callable[..., None]
) -> None:
    answers("btc", "ETHUSDTM", "many", "0", "7", "macdd", "macd", "gone.csv", "kucoin")
    code, _, err = call("init")
    assert code == 0
    for word in ("XBTUSDTM", "valid integer", "1 to 1000000", "did you mean macd?", "not there"):
        assert word in err
    live = load().live
    assert (live.symbols, live.variants) == (("ETHUSDTM",), 7)
    assert (live.strategies, live.feed) == (("macd",), "kucoin")


def test_a_symbol_that_the_simulator_lacks_is_told_at_the_feed(
    call: Call, answers: Callable[..., None]
) -> None:
    answers("ZZZUSDTM", "", "", "sim", "kucoin")
    code, _, err = call("init")
    assert code == 0
    assert "has no ZZZUSDTM" in err


def test_when_the_answers_end_nothing_is_written(
    call: Call, answers: Callable[..., None], tmp_path: Path
) -> None:
    answers("XBTUSDTM", "5")
    assert call("init")[0] == 1
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_stays_unless_forced(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "liveopt.toml"
    file.write_text("# mine\n")
    code, _, err = call("init", "--yes")
    assert code == 1
    assert "--force" in err
    assert file.read_text() == "# mine\n"
    assert call("init", "--yes", "--force")[0] == 0
    assert load() == Settings()


def test_a_folder_that_cannot_be_written_to_is_told(call: Call, tmp_path: Path) -> None:
    (tmp_path / ".liveopt.toml.new").mkdir()
    code, _, err = call("init", "--yes")
    assert code == 1
    assert "liveopt.toml cannot be written: Is a directory" in err


def test_it_says_when_another_file_is_read(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEOPT_CONFIG", "other.toml")
    code, _, err = call("init", "--yes")
    assert code == 0
    assert "LIVEOPT_CONFIG names other.toml" in err


def test_the_help_has_an_example(call: Call) -> None:
    assert "Example" in call("init", "--help")[1]
