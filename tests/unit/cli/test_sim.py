"""`liveopt sim`: what it says, and what it refuses."""

import json
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import typer
from typer.testing import CliRunner, Result

from liveopt.cli.show import Failure
from liveopt.cli.sim import sim
from liveopt.live.record import Recorder
from liveopt.optimize.parameters import BadParameter

FEW = ("--symbols", "BTC-USDT,XBTUSDTM", "--for", "0.2")

app = typer.Typer()
app.command()(sim)


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def started(*words: str) -> dict[str, Any]:
    result = run("--json", *words)
    assert result.exit_code == 0, result.exception
    said: dict[str, Any] = json.loads(result.stdout)
    return said


def test_with_json_one_line_says_where_it_listens() -> None:
    result = run("--json", *FEW)
    assert result.exit_code == 0
    assert result.stdout.count("\n") == 1
    said = json.loads(result.stdout)
    assert urlsplit(said["spot"]).port != urlsplit(said["futures"]).port
    assert said["symbols"] == ["BTC-USDT", "XBTUSDTM"]
    assert said["key"]
    assert said["secret"]
    assert said["passphrase"]


def test_without_json_it_gives_an_example_to_paste() -> None:
    result = run(*FEW, "--faults", "pong-stall")
    assert "liveopt feed watch --symbol BTC-USDT --feed http://127.0.0.1:" in result.stdout
    assert "pong-stall" in result.stdout


def test_the_key_comes_from_the_seed() -> None:
    one, other = (started(*FEW, "--seed", seed) for seed in ("1", "2"))
    assert one["key"] == started(*FEW, "--seed", "1")["key"] != other["key"]


@pytest.mark.parametrize("speed", ["0.5", "10", "max"])
def test_the_market_may_go_at_another_speed(speed: str) -> None:
    assert str(started(*FEW, "--speed", speed)["speed"]).removesuffix(".0") == speed


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--symbols", "BTC-USDTT"), "did you mean BTC-USDT"),
        (("--symbols", ","), "--symbols ,"),
        (("--faults", "pong-stal"), "did you mean pong-stall"),
        (("--faults", "gap:chanse=1"), "takes no 'chanse'"),
        (("--speed", "fast"), "--speed fast"),
        (("--speed", "0"), "--speed 0"),
        (("--edge", "luck:1m:0.1"), "--edge"),
        (("--start", "yesterday"), "--start"),
        (("--regime", "boom"), "--regime: no regime 'boom'"),
        (("--plan", "/no/such/plan.toml"), "--plan"),
        (("--play", "/no/such/file.csv"), "/no/such/file.csv"),
        (("--play", "/no/such/file.csv:NOPE"), "'NOPE' is no symbol"),
    ],
)
def test_what_cannot_be_is_refused_before_it_listens(words: tuple[str, ...], why: str) -> None:
    result = run(*words, "--for", "0.1")
    assert isinstance(result.exception, BadParameter | ValueError)
    assert why in str(result.exception)


def test_a_plan_with_an_unknown_fault_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plan.jsonl"
    path.write_text('{"at": 1, "fault": "gab"}')
    result = run("--plan", str(path))
    assert isinstance(result.exception, BadParameter)
    assert "did you mean gap" in str(result.exception)


def test_a_port_that_is_taken_is_named_so() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = run("--spot-port", str(taken.getsockname()[1]), *FEW)
    assert isinstance(result.exception, Failure)
    assert "taken" in str(result.exception)


def test_a_file_of_trades_or_of_candles_is_played(tmp_path: Path) -> None:
    trades = tmp_path / "trades.csv"
    trades.write_text("time,price,size\n1700000000,60000,0.5\n1700000060,60001,0.5\n")
    candles = tmp_path / "candles.csv"
    rows = (f"{1_700_000_040 + 60 * n},60000,60002,59999,60001,5" for n in range(3))
    candles.write_text("time,open,high,low,close,volume\n" + "\n".join(rows) + "\n")
    said = started("--play", str(trades), "--play", f"{candles}:XBTUSDTM", "--for", "0.1")
    assert said["symbols"] == ["BTC-USDT", "XBTUSDTM"]


def test_a_file_may_be_about_a_symbol_that_is_not_built_in(tmp_path: Path) -> None:
    trades = tmp_path / "trades.csv"
    trades.write_text("time,price,size\n1700000000,0.00213,5.5\n1700000060,0.00214,1\n")
    said = started("--play", f"{trades}:XRP-ETH", "--for", "0.1")
    assert said["symbols"] == ["XRP-ETH"]
    refused = run("--play", str(trades), "--for", "0.1").exception
    assert isinstance(refused, BadParameter)
    assert "FILE:XRP-USDT" in str(refused)


def test_a_recording_of_raw_frames_is_played(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, "spot", ["ETH-BTC"])
    for number in range(3):
        data = {"symbol": "ETH-BTC", "price": "0.0335", "size": "0.5", "tradeId": f"{number}",
                "time": str(1_700_000_000_000_000_000 + number)}  # fmt: skip
        push = {"topic": "/market/match:ETH-BTC", "type": "message", "data": data}
        recorder.add(json.dumps(push), 1_700_000_000_000_000_000 + number, number)
    recorder.close()
    assert started("--play", f"{tmp_path}:ETH-BTC", "--for", "0.1")["symbols"] == ["ETH-BTC"]
    refused = run("--play", str(tmp_path), "--for", "0.1").exception
    assert isinstance(refused, BadParameter)
    assert "it has some of: ETH-BTC" in str(refused)


def test_every_fault_is_listed_with_its_line_and_its_parameters() -> None:
    rows = {row["name"]: row for row in json.loads(run("--list-faults", "--json").stdout)}
    assert rows["ws-cut"]["parameters"] == {"every": 30, "code": 1000}
    assert rows["order-invisible"]["group"] == "trading"
    assert rows["order-invisible"]["parameters"] == {"seconds": 2}
    assert rows["duplicate-pushes"]["parameters"] == {"copies": 2}
    lines = run("--list-faults").stdout.splitlines()
    assert len(lines) == len(rows) + 1
