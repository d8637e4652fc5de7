"""`liveopt feed` as a person meets it: against the simulated exchange, and against files."""

import json
import resource
import signal
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from liveopt.cli.glance import Glance
from liveopt.core.bars import MINUTE_NS
from liveopt.core.events import (
    Bar,
    Candle,
    Disagreement,
    FeedState,
    Hole,
    Late,
    Quote,
    Refused,
    Tick,
)
from liveopt.live.play import read_frames
from liveopt.live.record import Recorder

START_NS = 1_700_000_040_000_000_000
Call = Callable[..., tuple[int, str, str]]


def trades(path: Path, count: int = 500) -> Path:
    """Trades a tenth of a second apart."""
    at_ms = [START_NS // 1_000_000 + 100 * i for i in range(count)]
    table = {
        "timestamp": at_ms,
        "price": [100.0 + i % 7 for i in range(count)],
        "amount": [1.0] * count,
    }
    pa.parquet.write_table(pa.table(table), path)
    return path


def test_the_simulated_exchange_is_watched_without_a_network(call: Call) -> None:
    code, out, err = call("feed", "watch", "--symbol", "BTC-USDT", "--feed", "sim", "--for", 4)
    assert code == 0, err
    lines = out.splitlines()
    assert lines[-1].startswith("BTC-USDT ")
    assert "gaps 0" in lines[-1]
    assert lines[-1].endswith("live")


def test_programs_get_json_a_second(call: Call) -> None:
    arguments = ("feed", "watch", "-s", "XBTUSDTM", "-s", "ETHUSDTM", "--feed", "sim", "--for", 5)
    code, out, err = call(*arguments, "--json")
    assert code == 0, err
    rows = [json.loads(line) for line in out.splitlines()]
    assert len(rows) >= 3
    last = {row["symbol"]: row for row in rows[-1]}
    assert set(last) == {"XBTUSDTM", "ETHUSDTM"}
    assert last["XBTUSDTM"]["bid"] < last["XBTUSDTM"]["ask"]
    assert last["XBTUSDTM"]["ticks"] > 0
    assert last["XBTUSDTM"]["state"] == "live"


def test_a_table_of_trades_is_played_to_its_end(call: Call, tmp_path: Path) -> None:
    path = trades(tmp_path / "xrp.parquet")
    code, out, err = call("feed", "watch", "--feed", path, "--speed", "max", "--json")
    assert code == 0, err
    (row,) = json.loads(out.splitlines()[-1])
    assert (row["symbol"], row["ticks"], row["price"]) == ("xrp", 500, 100.0 + 499 % 7)


def test_a_recording_is_made_and_played(call: Call, tmp_path: Path) -> None:
    folder = tmp_path / "recorded"
    code, out, err = call(
        "feed", "record", "-s", "XBTUSDTM", "--feed", "sim", "--out", folder, "--for", 4, "--json"
    )
    assert code == 0, err
    made = json.loads(out)
    assert made["frames"] > 10
    assert made["ticks"]["XBTUSDTM"] > 0
    assert list(folder.glob("feed-*.jsonl.gz"))
    code, out, err = call("feed", "watch", "--feed", folder, "--speed", "max", "--json")
    assert code == 0, err
    (row,) = json.loads(out.splitlines()[-1])
    assert row["symbol"] == "XBTUSDTM"
    assert row["ticks"] > 0


def test_a_recording_that_cannot_be_written_ends_the_command_with_a_true_count(
    call: Call, tmp_path: Path
) -> None:
    folder = tmp_path / "full"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, hard))
    try:
        words = ("feed", "record", "-s", "BTC-USDT", "--feed", "sim", "--for", 50, "--json")
        code, out, err = call(*words, "--out", folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert code == 1
    assert "recording stopped, File too large" in err
    told = json.loads(out)
    assert told["stopped"] == "File too large"
    assert told["frames"] == sum(1 for _ in read_frames(folder)) > 0


def test_a_recording_wants_a_live_feed_and_a_folder_of_its_own(call: Call, tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "something").write_text("")
    record = ("feed", "record", "-s", "BTC-USDT", "--for", 2)
    code, _, err = call(*record, "--feed", "sim", "--out", tmp_path / "used")
    assert (code, "a folder of its own" in err) == (2, True)
    code, _, err = call(*record, "--feed", tmp_path / "used", "--out", tmp_path / "new")
    assert (code, "of a live feed" in err) == (2, True)
    code, _, err = call(*record, "--feed", "sim", "--out", "/proc/nope")
    assert (code, "recording stopped" in err) == (1, True)


def test_a_symbol_that_a_recording_has_not_is_told_with_those_it_has(
    call: Call, tmp_path: Path
) -> None:
    folder = tmp_path / "recorded"
    recorder = Recorder(folder, "spot", ["BTC-USDT"])
    # The documentation's example of a spot match (official SDK's spec).
    frame = (
        '{"topic":"/market/match:BTC-USDT","type":"message","subject":"trade.l3match","data":'
        '{"price":"67523","sequence":"11067996711960577","side":"buy","size":"0.003",'
        '"symbol":"BTC-USDT","time":"1729843222921000000","type":"match"}}'
    )
    recorder.add(frame, 1_729_843_222_921_000_000, 1)
    recorder.close()
    code, _, err = call("feed", "watch", "--feed", folder, "-s", "ETH-USDT", "--speed", "max")
    assert (code, "nothing of ETH-USDT; it has BTC-USDT" in err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--feed", "sim"), 2, "which --symbol?"),
        (("--feed", "sim", "-s", "BTC-USDT", "-s", "XBTUSDTM"), 2, "one feed for each"),
        (("--feed", "sim", "-s", "DOGE-USDT"), 2, "the simulated exchange has BTC-USDT"),
        (("--feed", "sim", "-s", "bitcoin"), 2, "spot ones look like BTC-USDT"),
        (
            (
                "--feed",
                "nowhere.parquet",
            ),
            4,
            "nowhere.parquet",
        ),
        (
            (
                "--feed",
                "nowhere",
            ),
            4,
            "no such file",
        ),
        (("--feed", "http://example.com", "-s", "BTC-USDT"), 2, "neither https"),
        (("--feed", "sim", "-s", "BTC-USDT", "--speed", "fast"), 2, "or max"),
        (("--feed", "http://127.0.0.1:9", "-s", "BTC-USDT", "--speed", "2"), 2, "its own time"),
        (("--feed", "127.0.0.1:9", "-s", "BTC-USDT"), 2, "http://127.0.0.1:9"),
        (("--feed", "http://127.0.0.1:9", "-s", "XBTUSDTM"), 1, "is `liveopt sim` running there?"),
    ],
)
def test_what_cannot_be_watched_says_why_and_what_to_do(
    call: Call, arguments: tuple[str, ...], code: int, said: str
) -> None:
    found, _, err = call("feed", "watch", *arguments, "--for", 3)
    assert found == code
    assert said in err
    assert "Traceback" not in err


def test_a_glance_counts_what_happened_to_each_symbol() -> None:
    glance = Glance()
    topic = "/contractMarket/execution:XBTUSDTM"
    tick = Tick(START_NS, 100.0, 1.0, "XBTUSDTM", 1, 1)
    bar = Bar(START_NS, 1.0, 1.0, 1.0, 1.0, 1.0)
    glance.take(
        [
            tick,
            Quote(START_NS, "XBTUSDTM", 1, 99.0, 1.0, 101.0, 1.0),
            Late(tick),
            Hole("XBTUSDTM", 1, 2, "cut"),
            Disagreement("XBTUSDTM", MINUTE_NS, bar, None),
            FeedState(1, topic, "reconnecting", 1, "cut"),
            FeedState(1, "/contractMarket/tickerV2:XBTUSDTM", "stale", 1),
            Refused(1, "", "no JSON", 3),
            Candle("BTC-USDT", MINUTE_NS, bar),
            Refused(1, "/market/match:ETH-USDT", "404"),
        ],
        10.0,
    )
    rows = {str(row["symbol"]): row for row in glance.rows(12.0)}
    xbt = rows["XBTUSDTM"]
    assert (xbt["price"], xbt["bid"], xbt["ask"], xbt["age_s"]) == (100.0, 99.0, 101.0, 2.0)
    assert (xbt["late"], xbt["gaps"], xbt["differences"], xbt["reconnects"]) == (1, 1, 1, 1)
    assert (xbt["state"], xbt["why"], xbt["refused_frames"]) == ("reconnecting", "cut", 3)
    assert rows["BTC-USDT"]["price"] == 1.0
    assert (rows["ETH-USDT"]["state"], rows["ETH-USDT"]["age_s"]) == ("refused", None)
    assert "XBTUSDTM 100  age 2.0 s" in glance.line(12.0)
    assert "reconnecting (cut)" in glance.line(12.0)
    assert Glance().line(1.0) == "connecting ..."
