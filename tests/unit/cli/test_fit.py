"""Settings that are each within their range and yet cannot be run together."""

from pathlib import Path
from typing import Any

import pytest

from liveopt.cli.fit import misfits
from liveopt.config import Loaded, Settings


def found(live: dict[str, Any], **account: float) -> list[str]:
    settings = Settings.model_validate({"live": live, "account": account})
    return misfits(Loaded(settings, None, {("live", "signal"): "mine.toml:9"}))


def test_the_defaults_fit() -> None:
    assert found({}) == []


@pytest.mark.parametrize(
    ("live", "words"),
    [
        ({"symbols": ["XBTUSDTM", "BTC-USDT"]}, ["live.symbols", "spot and futures"]),
        ({"symbols": ["XBTUSDTM", "XBTUSDTM"]}, ["live.symbols", "twice"]),
        ({"symbols": ["BTCUSDT"]}, ["live.symbols", "no KuCoin symbol"]),
        ({"symbols": ["ZZZ-USDT"], "feed": "sim"}, ["live.symbols", "no ZZZ-USDT", "BTC-USDT"]),
        ({"feed": "gone.parquet"}, ["live.feed", "is not there"]),
        ({"feed": "localhost:8080"}, ["live.feed", "http://localhost:8080"]),
        ({"signal": "5s"}, ["mine.toml:9: live.signal", "history_bars"]),
        ({"signal": "3m"}, ["live.signal", "futures has no candles of 3m"]),
        ({"strategies": ["macdd"]}, ["live.strategies", "did you mean macd?"]),
        ({"strategies": ["macd", "macd"]}, ["live.strategies", "twice"]),
        ({"champion": "zzzzzz"}, ["live.champion", "`liveopt strategies`"]),
        ({"champion_set": ["fast=100000"]}, ["live.champion_set", "outside its range"]),
        ({"champion_set": ["fats=10"]}, ["live.champion_set", "did you mean fast?"]),
        ({"set": ["stop=0.02", "zzz=1"]}, ["live.set", "zzz"]),
        ({"set": ["stop=0.02", "stop=0.03"]}, ["live.set", "twice"]),
        ({"slow": ["gone.py"]}, ["live.slow", "gone.py is no file"]),
    ],
)
def test_what_does_not_fit_is_told_with_its_place_and_a_cure(
    live: dict[str, Any], words: list[str]
) -> None:
    (said,) = found(live)
    for word in words:
        assert word in said


@pytest.mark.parametrize(
    "live",
    [
        {"symbols": ["BTC-USDT"], "signal": "3m"},
        {"signal": "5s", "history_bars": 0},
        {"feed": "http://127.0.0.1:8080"},
        {"set": ["fast=12"]},  # of one strategy of four
        {"champion_set": ["fast=12", "slow=50", "kind=sma"]},
    ],
)
def test_what_fits_is_left_alone(live: dict[str, Any]) -> None:
    assert found(live) == []


def test_a_recording_has_the_bars_it_has(tmp_path: Path) -> None:
    file = tmp_path / "trades.parquet"
    file.touch()
    assert found({"feed": str(file), "signal": "5s"}) == []


def table(path: Path, step_s: int) -> str:
    rows = [f"{1_700_000_040 + n * step_s},10,11,9,10,1" for n in range(5)]
    path.write_text("\n".join(["time,open,high,low,close,volume", *rows]))
    return str(path)


@pytest.mark.parametrize(
    ("step_s", "signal", "fits"),
    [(60, "1m", True), (60, "5m", True), (300, "1m", False), (180, "5m", False)],
)
def test_candles_of_a_table_make_up_the_signal_bars(
    tmp_path: Path, step_s: int, signal: str, fits: bool
) -> None:
    said = found({"feed": table(tmp_path / "c.csv", step_s), "signal": signal})
    assert (said == []) == fits
    if not fits:
        assert f"no signal bars of {signal}" in said[0]


def test_a_table_is_of_one_symbol(tmp_path: Path) -> None:
    feed = table(tmp_path / "c.csv", 60)
    (said,) = found({"feed": feed, "symbols": ["XBTUSDTM", "ETHUSDTM"]})
    assert "of one symbol" in said


def test_spot_has_no_leverage() -> None:
    assert found({"symbols": ["XBTUSDTM"]}, leverage=3.0) == []
    (said,) = found({"symbols": ["BTC-USDT"]}, leverage=3.0)
    assert said == "default: account.leverage: spot has no leverage; set 1.0"
