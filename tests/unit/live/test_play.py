"""Playing back: each thing when it is due, at any speed, and bad files refused by line."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from math import inf, nan
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from liveopt.core.bars import MINUTE_NS, SECOND_NS
from liveopt.core.events import Bar, Tick
from liveopt.data.tables import DataError
from liveopt.live import play
from liveopt.live.play import (
    BATCH,
    BadRecording,
    play_candles,
    play_frames,
    play_trades,
    read_frames,
)
from liveopt.live.record import Limits, Recorder
from tests.virtual import World, run

AT_NS = 1_700_000_000_000_000_000
AT_S = AT_NS // SECOND_NS

HEADER = '{"recording":1,"venue":"kucoin","symbols":[],"started":1,"segment":1}'
# The first frame that came in a session recorded for cryptofeed (sample_data/KUCOIN.ws.1.0).
WELCOME = '{"id":"NSkIrWGB1s","type":"welcome"}'
CAPTURE = f"""{{"t":1619378325.387221,"dir":"connect","url":"wss://push-private.kucoin.com/endpoint"}}
{{"t":1619378326.125891,"dir":"sent","msg":{{"id":1,"type":"subscribe"}}}}
{{"t":1619378326.134871,"dir":"recv","msg":{WELCOME}}}
{{"t":1619378326.634871,"dir":"recv","msg":"not JSON \\u20ac"}}
"""


def make_recording(folder: Path, at_ns: list[int], mono_ns: list[int]) -> Path:
    """A segment with a frame at each of these times."""
    recorder = Recorder(folder, "kucoin", [], Limits(block_ns=0))
    for at, mono in zip(at_ns, mono_ns, strict=True):
        recorder.add(f"{at}", at, mono)
    recorder.close()
    return folder


async def arrivals(world: World, played: AsyncIterator[object]) -> list[tuple[float, object]]:
    return [(round(world.elapsed_s, 6), it) async for it in played]


def test_frames_come_at_the_pace_of_the_monotonic_clock(tmp_path: Path) -> None:
    # The wall clock jumped back an hour, then forward a day; the frames came 1 and 2 s apart.
    at_ns = [AT_NS, AT_NS - 3_600 * SECOND_NS, AT_NS + 86_400 * SECOND_NS]
    make_recording(tmp_path, at_ns, [5 * SECOND_NS, 6 * SECOND_NS, 8 * SECOND_NS])
    frames = [(at, f"{at}".encode()) for at in at_ns]

    def play_at(speed: float) -> list[tuple[float, object]]:
        return run(lambda world: arrivals(world, play_frames(tmp_path, speed)))

    assert play_at(1.0) == list(zip([0.0, 1.0, 3.0], frames, strict=True))
    assert play_at(10.0) == list(zip([0.0, 0.1, 0.3], frames, strict=True))
    assert play_at(0.5) == list(zip([0.0, 2.0, 6.0], frames, strict=True))
    assert play_at(inf) == list(zip([0.0, 0.0, 0.0], frames, strict=True))


def test_between_segments_the_wall_clock_tells_the_pause(tmp_path: Path) -> None:
    make_recording(tmp_path, [AT_NS, AT_NS + SECOND_NS], [900 * SECOND_NS, 901 * SECOND_NS])
    make_recording(tmp_path, [AT_NS + 60 * SECOND_NS], [3 * SECOND_NS])  # after a restart
    make_recording(tmp_path, [AT_NS], [4 * SECOND_NS])  # the wall clock went back
    assert [frame.gap_ns for frame in read_frames(tmp_path)] == [0, SECOND_NS, 59 * SECOND_NS, 0]


def test_a_reader_that_is_late_is_not_made_later(tmp_path: Path) -> None:
    times = [number * SECOND_NS for number in range(5)]
    make_recording(tmp_path, times, times)

    async def main(world: World) -> list[float]:
        came = []
        async for _frame in play_frames(tmp_path):
            came.append(world.elapsed_s)
            await asyncio.sleep(2.5 if len(came) == 1 else 0.0)
        return came

    assert run(main) == [0.0, 2.5, 2.5, 3.0, 4.0]


def test_others_get_their_turn_while_frames_come_as_fast_as_possible(tmp_path: Path) -> None:
    times = list(range(2_000))
    make_recording(tmp_path, times, times)

    async def main(_: World) -> int:
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0.0)

        task = asyncio.create_task(other())
        async for _frame in play_frames(tmp_path, inf):
            pass
        task.cancel()
        return turns

    assert run(main, shuffle=False) >= 2_000 // 256 - 1


def test_a_capture_gives_what_was_received(tmp_path: Path) -> None:
    path = tmp_path / "capture.jsonl"
    path.write_text(CAPTURE)
    frames = [(frame.at_ns, frame.gap_ns, frame.data.decode()) for frame in read_frames(path)]
    assert frames == [
        (1_619_378_326_134_871_000, 0, WELCOME),
        (1_619_378_326_634_871_000, 500_000_000, "not JSON €"),
    ]
    packed = tmp_path / "capture.jsonl.gz"
    packed.write_bytes(gzip.compress(CAPTURE.encode()))
    assert list(read_frames(packed)) == list(read_frames(path))


@given(st.dictionaries(st.text(), st.one_of(st.integers(), st.text(), st.none())))
def test_a_captured_message_keeps_its_bytes(message: dict[str, object]) -> None:
    raw = json.dumps(message)
    row = play._captured_row(f'{{"dir":"recv","msg":{raw},"t":1}}'.encode())
    assert row == (SECOND_NS, SECOND_NS, raw.encode())


def test_an_unpacked_recording_is_read_like_a_packed_one(tmp_path: Path) -> None:
    make_recording(tmp_path, [1, 2, 3], [1, 2, 3])
    packed = tmp_path / "feed-000001.jsonl.gz"
    plain = tmp_path / "feed.jsonl"
    plain.write_bytes(gzip.decompress(packed.read_bytes()))
    assert list(read_frames(plain)) == list(read_frames(packed))


def test_the_last_line_may_lack_its_end_and_a_torn_one_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "capture.jsonl"
    path.write_text(CAPTURE.rstrip("\n"))
    assert len(list(read_frames(path))) == 2
    path.write_text(CAPTURE.rstrip("\n")[:-10])
    with capture_logs() as logs:
        assert len(list(read_frames(path))) == 1
    assert [log["event"] for log in logs] == ["torn end of a recording skipped"]


def test_zeros_after_the_last_block_are_a_torn_end(tmp_path: Path) -> None:
    make_recording(tmp_path, [1, 2], [1, 2])
    with (tmp_path / "feed-000001.jsonl.gz").open("ab") as file:
        file.write(bytes(1_000_000))
    with capture_logs() as logs:
        assert len(list(read_frames(tmp_path))) == 2
    assert [log["event"] for log in logs] == ["torn end of a recording skipped"]


def test_a_damaged_block_is_refused_after_the_frames_before_it(tmp_path: Path) -> None:
    make_recording(tmp_path, [1, 2, 3], [1, 2, 3])
    path = tmp_path / "feed-000001.jsonl.gz"
    data = bytearray(path.read_bytes())
    data[data.rindex(b"\x1f\x8b") - 10] ^= 1  # in the block before the last
    path.write_bytes(data)
    frames = read_frames(path)
    assert next(frames).data == b"1"
    with pytest.raises(BadRecording, match=r"feed-000001.jsonl.gz: line 3: the block is damaged"):
        next(frames)


@pytest.mark.parametrize("packed", [False, True])
def test_what_is_too_long_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, packed: bool
) -> None:
    monkeypatch.setattr(play, "BLOCK_BYTES_MAX", 1_000)
    path = tmp_path / "long.jsonl"
    text = b"x" * 2_000
    path.write_bytes(gzip.compress(text) if packed else text)
    with pytest.raises(BadRecording, match=r"line 1: a (line|block) of more than 1000 bytes"):
        list(read_frames(path))


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("nonsense\n", 1, "malformed"),
        ('{"recording":2}\n', 1, "this is version 2 of the format, known is 1"),
        ('{"recording":1}\n', 1, "missing required field"),
        (HEADER + '\n{"at":1}\n', 2, "missing required field `mono`"),
        (HEADER + '\n{"at":1,"mono":1}\n', 2, "neither text nor base64"),
        (HEADER + '\n{"at":1,"mono":1,"base64":"?"}\n', 2, "base64"),
        (HEADER + '\n{"at":1,"mono":1,"text":"x"}\n\n', 3, "truncated"),
        (CAPTURE + '{"t":1}\n', 5, "missing required field `dir`"),
        (CAPTURE + '{"t":1,"dir":"recv"}\n', 5, "a received line without msg"),
        (CAPTURE + '{"t":1619378325000,"dir":"recv","msg":{}}\n', 5, "not seconds since 1970"),
        (CAPTURE + '{"t":-1,"dir":"recv","msg":{}}\n', 5, "not seconds since 1970"),
        (CAPTURE + '{"t":"NaN","dir":"recv","msg":{}}\n', 5, "not seconds since 1970"),
    ],
)
def test_a_bad_line_is_refused_with_file_and_line(
    tmp_path: Path, text: str, line: int, why: str
) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(text)
    with pytest.raises(BadRecording, match=why) as bad:
        list(read_frames(path))
    assert (bad.value.path, bad.value.line) == (path, line)
    assert str(bad.value).startswith(f"{path}: line {line}: ")


def test_a_recording_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match="there is no such file or folder"):
        list(read_frames(tmp_path / "nowhere"))
    with pytest.raises(BadRecording, match=r"no feed-\*.jsonl.gz in this folder"):
        list(read_frames(tmp_path))


def test_missing_segments_are_told(tmp_path: Path) -> None:
    for number in range(3):
        make_recording(tmp_path, [number], [number])
    (tmp_path / "feed-000002.jsonl.gz").unlink()
    with capture_logs() as logs:
        assert [frame.data for frame in read_frames(tmp_path)] == [b"0", b"2"]
    assert [(log["event"], log["missing"]) for log in logs] == [
        ("the recording lacks segments", [2])
    ]


@pytest.mark.parametrize("speed", [0.0, -1.0, nan])
def test_a_speed_that_leads_nowhere_is_refused(tmp_path: Path, speed: float) -> None:
    make_recording(tmp_path, [1], [1])

    async def main(world: World) -> None:
        with pytest.raises(ValueError, match="cannot be played at speed"):
            await arrivals(world, play_frames(tmp_path, speed))

    run(main)


def write_table(path: Path, columns: dict[str, list[object]]) -> Path:
    table = pa.table(columns)
    match path.suffix:
        case ".csv":
            rows = zip(*columns.values(), strict=True)
            lines = [",".join(columns), *(",".join(map(str, row)) for row in rows)]
            path.write_text("\n".join(lines) + "\n")
        case ".parquet":
            pyarrow.parquet.write_table(table, path)
        case _:
            pyarrow.feather.write_feather(table, path)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".feather"])
def test_trades_come_as_ticks_when_they_are_due(tmp_path: Path, suffix: str) -> None:
    columns: dict[str, list[object]] = {
        "time": [AT_S, AT_S, AT_S + 1, AT_S + 3],
        "price": [10.0, 11.0, 12.0, 13.0],
        "size": [1.0, 2.0, 3.0, 4.0],
    }
    path = write_table(tmp_path / f"trades{suffix}", columns)
    ticks = [
        Tick(AT_NS, 10.0, 1.0, "BTC-USDT"),
        Tick(AT_NS, 11.0, 2.0, "BTC-USDT"),
        Tick(AT_NS + SECOND_NS, 12.0, 3.0, "BTC-USDT"),
        Tick(AT_NS + 3 * SECOND_NS, 13.0, 4.0, "BTC-USDT"),
    ]

    def play_at(speed: float) -> list[tuple[float, object]]:
        return run(lambda world: arrivals(world, play_trades(path, speed, "BTC-USDT")))

    assert play_at(1.0) == [(0.0, ticks[:2]), (1.0, ticks[2:3]), (3.0, ticks[3:])]
    assert play_at(2.0) == [(0.0, ticks[:2]), (0.5, ticks[2:3]), (1.5, ticks[3:])]
    assert play_at(inf) == [(0.0, ticks)]


def test_candles_come_one_interval_after_the_other(tmp_path: Path) -> None:
    columns: dict[str, list[object]] = {
        "time": [AT_S + 60 * number for number in range(3)],
        "open": [10.0, 11.0, 12.0],
        "high": [11.0, 12.0, 13.0],
        "low": [9.0, 10.0, 11.0],
        "close": [11.0, 12.0, 13.0],
        "volume": [1.0, 2.0, 3.0],
    }
    path = write_table(tmp_path / "candles.csv", columns)
    played = run(lambda world: arrivals(world, play_candles(path, 60.0)))
    assert played == [
        (number * 1.0, [Bar(AT_NS + number * MINUTE_NS, 10.0 + number, 11.0 + number,
                            9.0 + number, 11.0 + number, 1.0 + number)])
        for number in range(3)
    ]  # fmt: skip


def test_a_batch_is_bounded_and_others_run_between_batches(tmp_path: Path) -> None:
    rows = 2 * BATCH + 1
    columns: dict[str, list[object]] = {
        "time": [AT_S] * rows,
        "price": [1.0] * rows,
        "size": [1.0] * rows,
    }
    path = write_table(tmp_path / "trades.parquet", columns)

    async def main(_: World) -> list[tuple[int, int]]:
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0.0)

        task = asyncio.create_task(other())
        batches = [(len(ticks), turns) async for ticks in play_trades(path, inf)]
        task.cancel()
        return batches

    sizes, turns = zip(*run(main, shuffle=False), strict=True)
    assert sizes == (BATCH, BATCH, 1)
    assert turns[0] < turns[1] < turns[2]


def test_a_bad_table_is_refused_before_anything_is_played(tmp_path: Path) -> None:
    path = tmp_path / "trades.csv"
    path.write_text(f"time,price,size\n{AT_S},1,1\n{AT_S},-1,1\n")
    with pytest.raises(DataError, match=r"trades.csv: row 2, line 3 of the file, column 'price'"):
        play_trades(path)
    path.write_text(f"time,open,high,low,close,volume\n{AT_S},1,1,2,1,1\n")
    with pytest.raises(DataError, match=r"trades.csv: row 1, line 2 of the file, column 'low'"):
        play_candles(path)
