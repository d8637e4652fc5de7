"""`liveopt data fetch` against a small exchange of its own thread: whole, resumed, refused."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pyarrow.parquet
import pytest
import typer

from liveopt.cli.app import main
from liveopt.cli.data import data
from liveopt.core.bars import MINUTE_NS, SECOND_NS, Bars
from liveopt.data.candles import read_candles
from liveopt.data.market import synthetic_bars

NOON_NS = 1_704_110_400 * SECOND_NS
START = "2024-01-01T12:00"
MARKET = synthetic_bars(6_000, 4, MINUTE_NS, NOON_NS)
SPOT = {
    "symbol": "BTC-USDT", "baseCurrency": "BTC", "quoteCurrency": "USDT", "baseMinSize": "0.00001",
    "baseMaxSize": "1000", "baseIncrement": "0.00000001", "priceIncrement": "0.1",
    "enableTrading": True, "feeCategory": 1,
}  # fmt: skip
CONTRACT = {
    "symbol": "XBTUSDTM", "type": "FFWCSX", "baseCurrency": "XBT", "quoteCurrency": "USDT",
    "settleCurrency": "USDT", "maxOrderQty": 1000000, "lotSize": 1, "tickSize": 0.1,
    "multiplier": 0.001, "maintainMargin": 0.004, "makerFeeRate": 0.0002, "takerFeeRate": 0.0006,
    "isInverse": False, "status": "Open", "fundingRateGranularity": 28800000, "maxLeverage": 125,
}  # fmt: skip


class Exchange(ThreadingHTTPServer):
    """Both venues' candles of one market, as the exchange writes them, up to its own now."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.now_ns = NOON_NS + 6_000 * MINUTE_NS + 30 * SECOND_NS
        self.quiet: set[int] = set()  # minutes without a trade
        self.pages: list[tuple[int, int]] = []
        self.delay_s = 0.0
        self.after_pages: Callable[[int], tuple[int, bytes] | None] = lambda _: None

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed does not wait for its answer."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def candles(self, venue: str, query: dict[str, str]) -> list[list[Any]]:
        names = ("startAt", "endAt") if venue == "spot" else ("from", "to")
        unit_ns = SECOND_NS if venue == "spot" else 1_000_000
        first_ns, last_ns = (int(query[name]) * unit_ns for name in names)
        self.pages.append((first_ns, last_ns))
        rows: list[list[Any]] = []
        columns = (MARKET.at_ns, *MARKET.floats())
        for at, o, h, low, c, v in zip(*(column.tolist() for column in columns), strict=True):
            minute = (at - NOON_NS) // MINUTE_NS
            if first_ns <= at <= min(last_ns, self.now_ns) and minute not in self.quiet:
                if venue == "spot":
                    rows.insert(0, [str(at // unit_ns), *map(str, (o, c, h, low, v, v * c))])
                else:
                    rows.append([at // unit_ns, o, h, low, c, v])
        return rows[: 1_500 if venue == "spot" else 200]

    def answer(self, path: str, query: dict[str, str]) -> Any:
        match path:
            case "/api/v1/timestamp":
                return self.now_ns // 1_000_000
            case "/api/v2/symbols":
                return [SPOT]
            case "/api/v1/contracts/active":
                return [CONTRACT]
            case "/api/v1/market/candles":
                return self.candles("spot", query)
            case _:
                return self.candles("futures", query)


class Handler(BaseHTTPRequestHandler):
    server: Exchange
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        at = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(at.query).items()}
        is_page = "candles" in at.path or "kline" in at.path
        failure = self.server.after_pages(len(self.server.pages)) if is_page else None
        time.sleep(self.server.delay_s if is_page else 0.0)
        status, body = failure or (
            200,
            json.dumps({"code": "200000", "data": self.server.answer(at.path, query)}).encode(),
        )
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is the library's
        pass


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    with Exchange() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "btc.parquet"


Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    exchange: Exchange,
    out: Path,
) -> Call:
    """`liveopt data fetch OUT --feed URL ...`; exit code, stdout, stderr."""

    def run(
        *arguments: object, symbol: str = "BTC-USDT", start: str = START
    ) -> tuple[int, str, str]:
        words = ["fetch", str(out), "--symbol", symbol, "--from", start]
        if "--feed" not in arguments:
            words += ["--feed", exchange.url]
        monkeypatch.setattr("sys.argv", ["liveopt data", *words, *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main(typer.main.get_command(data))
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err

    return run


def same(one: Bars, other: Bars) -> bool:
    columns = zip((one.at_ns, *one.floats()), (other.at_ns, *other.floats()), strict=True)
    return all(np.array_equal(ours, theirs) for ours, theirs in columns)


def test_what_the_exchange_has_arrives_bit_for_bit(
    call: Call, exchange: Exchange, out: Path
) -> None:
    code, text, _ = call("--json")
    facts = json.loads(text)
    assert code == 0
    assert same(read_candles(out), MARKET)
    assert len(exchange.pages) == 4
    assert facts["rows"] == facts["new_rows"] == 6_000
    assert facts["from"] == "2024-01-01T12:00:00Z"
    assert facts["to"] == "2024-01-05T16:00:00Z"
    assert facts["last"] == "2024-01-05T15:59:00Z"
    assert (facts["missing"], facts["gap_spans"], facts["volume_in"]) == (0, [], "base currency")
    assert not out.with_name("btc.parquet.part").exists()


def test_futures_come_in_their_own_pages_and_words(
    call: Call, exchange: Exchange, out: Path
) -> None:
    code, text, _ = call("--json", "--to", "2024-01-01T22:00", symbol="XBTUSDTM")
    assert code == 0
    assert same(read_candles(out), MARKET.part(0, 600))
    assert len(exchange.pages) == 3
    assert json.loads(text)["volume_in"] == "lots"


def test_the_candle_that_is_still_open_is_left_out(
    call: Call, exchange: Exchange, out: Path
) -> None:
    exchange.now_ns = NOON_NS + 100 * MINUTE_NS + 3 * SECOND_NS
    assert call()[0] == 0
    assert len(read_candles(out)) == 99  # the hundredth ended 3 s ago and may still change
    exchange.now_ns += 57 * SECOND_NS
    assert call()[0] == 0
    assert len(read_candles(out)) == 100


def test_the_file_can_be_back_tested(
    call: Call, out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("--to", "2024-01-02T12:00")[0] == 0
    words = ["liveopt", "backtest", "ma_crossover", "--data", str(out), "--json"]
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    assert json.loads(capsys.readouterr().out)["data"]["bars"] == 1_440


def test_gaps_are_told_and_filled_when_asked(call: Call, exchange: Exchange, out: Path) -> None:
    exchange.quiet = {0, 100, 101, 102, 500}
    facts = json.loads(call("--json")[1])
    assert (facts["rows"], facts["missing"], facts["gaps"], facts["filled"]) == (5_995, 5, 3, 0)
    assert facts["gap_spans"][1] == {
        "from": "2024-01-01T13:40:00Z", "to": "2024-01-01T13:43:00Z", "candles": 3,
    }  # fmt: skip
    code, _, said = call("--fill")
    assert code == 4
    assert "fill no" in said
    facts = json.loads(call("--json", "--fill", "--force")[1])
    # The first minute has no close before it.
    assert (facts["rows"], facts["missing"], facts["filled"]) == (5_999, 1, 4)
    bars = read_candles(out)
    assert bars.volume[99:102].tolist() == [0.0, 0.0, 0.0]
    assert bars.open[99] == bars.close[98]


def test_the_text_shows_the_longest_gaps(call: Call, exchange: Exchange) -> None:
    exchange.quiet = {*range(10, 3_000, 40), 4_000, 4_001, 4_002}
    _, text, said = call()
    assert "missing\t78" in text
    assert "missing from 2024-01-04T06:40:00Z to 2024-01-04T06:43:00Z: 3 candles" in said
    assert "and 66 shorter ones" in said


def test_a_failure_keeps_what_came_and_the_same_command_continues(
    call: Call, exchange: Exchange, out: Path
) -> None:
    exchange.after_pages = lambda done: (
        (400, b'{"code":"400100","msg":"no"}') if done >= 2 else None
    )
    code, _, said = call()
    assert code == 1
    assert "the exchange refused: no (code 400100, HTTP 400). What came is kept" in said
    assert not out.exists()
    exchange.after_pages = lambda _: None
    exchange.pages.clear()
    facts = json.loads(call("--json")[1])
    assert same(read_candles(out), MARKET)
    assert len(exchange.pages) == 2
    assert facts["new_rows"] == 6_000


def test_a_file_grows_with_the_market(call: Call, exchange: Exchange, out: Path) -> None:
    call("--to", "2024-01-02")
    exchange.pages.clear()
    facts = json.loads(call("--json")[1])
    assert same(read_candles(out), MARKET)
    assert (facts["rows"], facts["new_rows"]) == (6_000, 5_280)
    assert exchange.pages[0][0] == NOON_NS + 720 * MINUTE_NS
    exchange.pages.clear()
    code, text, _ = call("--json")
    assert (code, json.loads(text)["new_rows"], exchange.pages) == (0, 0, [])


def test_an_unfinished_download_can_be_ended_earlier(
    call: Call, exchange: Exchange, out: Path
) -> None:
    exchange.after_pages = lambda done: (400, b"{}") if done >= 2 else None
    call()
    facts = json.loads(call("--json", "--to", "2024-01-02")[1])
    assert same(read_candles(out), MARKET.part(0, 720))
    assert (facts["to"], facts["missing"]) == ("2024-01-02T00:00:00Z", 0)


def test_an_unfinished_download_of_something_else_is_not_touched(
    call: Call, exchange: Exchange, out: Path
) -> None:
    exchange.after_pages = lambda done: (400, b"{}") if done >= 1 else None
    call()
    part = out.with_name("btc.parquet.part")
    left = part.read_bytes()
    exchange.after_pages = lambda _: None
    code, _, said = call("--timeframe", "5m")
    assert code == 4
    assert "is of another download (symbol BTC-USDT, timeframe 1m" in said
    assert part.read_bytes() == left


def test_a_part_left_behind_by_a_finished_download_does_no_harm(
    call: Call, exchange: Exchange, out: Path
) -> None:
    """Killed after the file was put in place and before the part was taken away."""
    part = out.with_name("btc.parquet.part")
    exchange.after_pages = lambda done: (400, b"{}") if done >= 2 else None
    call("--to", "2024-01-04")
    left = part.read_bytes()
    exchange.after_pages = lambda _: None
    call("--to", "2024-01-04")
    part.write_bytes(left)
    assert call()[0] == 0
    assert same(read_candles(out), MARKET)
    assert not part.exists()


@pytest.mark.parametrize(
    ("arguments", "options", "why"),
    [
        (["--timeframe", "5m"], {}, "timeframe 1m"),
        ([], {"start": "2024-01-01T13:00"}, "from 2024-01-01T12:00:00Z"),
        (["--no-resume"], {}, "exists"),
    ],
)
def test_a_file_of_another_download_is_not_touched(
    arguments: list[str], options: dict[str, str], why: str, call: Call, out: Path
) -> None:
    call("--to", "2024-01-01T20:00")
    before = out.read_bytes()
    code, _, said = call(*arguments, **options)
    assert code == 4
    assert why in said
    assert "--force replaces it" in said
    assert out.read_bytes() == before


def test_a_file_of_somebody_else_is_not_touched_without_force(call: Call, out: Path) -> None:
    pyarrow.parquet.write_table(pyarrow.table({"x": [1]}), out)
    code, _, said = call()
    assert code == 4
    assert "none of liveopt" in said
    assert call("--force")[0] == 0
    assert same(read_candles(out), MARKET)


@pytest.mark.parametrize(
    ("arguments", "options", "code", "why"),
    [
        ([], {"symbol": "BTC-USDC"}, 2, "did you mean BTC-USDT?"),
        ([], {"symbol": "QQQ-ZZZZZZ"}, 2, "it lists 1 others"),
        ([], {"symbol": "XBTUSDTXM"}, 2, "did you mean XBTUSDTM?"),
        ([], {"symbol": "BTCUSDT"}, 2, "spot ones look like BTC-USDT"),
        (["--timeframe", "3m"], {"symbol": "XBTUSDTM"}, 2, "futures has no 3m candles; there are"),
        (["--timeframe", "7m"], {}, 2, "no interval '7m'"),
        (["--timeframe", "1s"], {}, 2, "spot has no 1s candles"),
        (["--to", "2023-01-01"], {}, 2, "is not before --to 2023-01-01"),
        ([], {"start": "yesterday"}, 2, "cannot read 'yesterday' as a time"),
        ([], {"start": "2030-01-01"}, 2, "no candle has closed since --from 2030-01-01"),
        (["--to", "2019-01-03"], {"start": "2019-01-01"}, 1, "there is no candle of BTC-USDT"),
        (["--feed", "binance"], {}, 2, "give kucoin, sim, or an address"),
        (["--feed", "http://127.0.0.1:1"], {}, 1, "is `liveopt sim` running there?"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_a_way_out(
    arguments: list[str], options: dict[str, str], code: int, why: str, call: Call, out: Path
) -> None:
    ended, _, said = call(*arguments, **options)
    assert ended == code
    assert why in said
    assert list(out.parent.iterdir()) == []


def test_the_name_and_the_folder_are_looked_at_before_the_download(
    call: Call, monkeypatch: pytest.MonkeyPatch, exchange: Exchange, tmp_path: Path
) -> None:
    for path, why in ((tmp_path / "x.csv", ".parquet"), (tmp_path / "no" / "x.parquet", "folder")):
        words = [
            "fetch",
            str(path),
            "--symbol",
            "BTC-USDT",
            "--from",
            START,
            "--feed",
            exchange.url,
        ]
        monkeypatch.setattr("sys.argv", ["liveopt data", *words])
        with pytest.raises(SystemExit) as end:
            main(typer.main.get_command(data))
        assert end.value.code == 2, why
    assert exchange.pages == []


def test_a_simulated_exchange_needs_no_network(call: Call, out: Path) -> None:
    code, text, _ = call("--feed", "sim", "--json", "--timeframe", "1d", symbol="XBTUSDTM")
    facts = json.loads(text)
    bars = read_candles(out)
    assert code == 0
    assert facts["rows"] == len(bars) > 5
    assert facts["gap_spans"][0]["from"] == "2024-01-02T00:00:00Z"  # before it began
    # It is another market each time, so nothing is put behind the one before.
    code, _, said = call("--feed", "sim", "--timeframe", "1d", symbol="XBTUSDTM")
    assert code == 4
    assert "exists; --force replaces it" in said
    code, _, said = call("--feed", "sim", "--force", symbol="NOPE-USDT")
    assert (code, "the simulated exchange has BTC-USDT" in said) == (2, True)
    assert same(read_candles(out), bars)


PROGRAM = """
import typer
from liveopt.cli.app import main
from liveopt.cli.data import data
main(typer.main.get_command(data))
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_or_killed_it_continues_where_it_stopped(
    how: signal.Signals, call: Call, exchange: Exchange, out: Path
) -> None:
    exchange.delay_s = 0.3
    words = ["fetch", str(out), "--symbol", "BTC-USDT", "--from", START, "--feed", exchange.url]
    command = [sys.executable, "-c", PROGRAM, *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=os.environ, text=True) as process:
        part = out.with_name("btc.parquet.part")
        while not part.exists() or part.read_bytes().count(b"\n") < 3:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(how)
        _, said = process.communicate()
    assert process.returncode == (130 if how is signal.SIGINT else -signal.SIGKILL)
    assert ("the same command continues" in said) == (how is signal.SIGINT)
    assert not out.exists()
    exchange.delay_s = 0.0
    exchange.pages.clear()
    assert call()[0] == 0
    assert same(read_candles(out), MARKET)
    # Only what was missing; the page that was under way may be answered late.
    assert min(page[0] for page in exchange.pages) == NOON_NS + 3_000 * MINUTE_NS
