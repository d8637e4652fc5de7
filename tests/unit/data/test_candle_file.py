"""A file of candles is there whole or not at all, and a download survives whatever kills it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from liveopt.core.bars import MINUTE_NS, Bars
from liveopt.data.candle_file import Part, read_about, write_candles
from liveopt.data.candles import read_candles
from liveopt.data.market import synthetic_bars
from liveopt.data.tables import DataError

NOON_NS = 1_704_110_400_000_000_000
ABOUT = {"symbol": "BTC-USDT", "timeframe": "1m"}


def bars(rows: int = 300) -> Bars:
    return synthetic_bars(rows, 1, MINUTE_NS, NOON_NS)


def same(one: Bars, other: Bars) -> bool:
    columns = zip((one.at_ns, *one.floats()), (other.at_ns, *other.floats()), strict=True)
    return all(np.array_equal(ours, theirs) for ours, theirs in columns)


def pages(part: Part, market: Bars, size: int) -> None:
    for start in range(0, len(market), size):
        page = market.part(start, start + size)
        part.add(page, int(page.at_ns[-1]) + MINUTE_NS)


def test_what_is_written_is_read_bit_for_bit_and_says_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "c.parquet"
    write_candles(path, bars(), ABOUT)
    assert same(read_candles(path), bars())
    assert read_about(path) == ABOUT
    assert [file.name for file in tmp_path.iterdir()] == ["c.parquet"]


def test_a_file_that_cannot_be_put_in_place_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "c.parquet"
    (path / "inside").mkdir(parents=True)
    with pytest.raises(DataError, match="cannot be written"):
        write_candles(path, bars(), ABOUT)
    assert [file.name for file in tmp_path.iterdir()] == ["c.parquet"]


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "c.parquet"
    write_candles(path, bars(), ABOUT)
    write_candles(path, bars(10), {})
    assert same(read_candles(path), bars(10))
    assert read_about(path) == {}


def test_a_folder_that_is_not_there_is_an_error_with_the_path(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no/c\.parquet: cannot be written"):
        write_candles(tmp_path / "no" / "c.parquet", bars(), ABOUT)


def test_a_file_of_others_says_nothing_and_what_is_no_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.parquet"
    path.write_bytes(b"PAR1 not really")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        read_about(path)


def test_pages_add_up(tmp_path: Path) -> None:
    with Part(tmp_path / "c.part", ABOUT, NOON_NS) as part:
        assert part.done_ns == NOON_NS
        pages(part, bars(), 70)
        assert same(part.bars(), bars())
        assert part.rows == 300


def test_an_empty_page_is_progress_too(tmp_path: Path) -> None:
    for _ in range(2):
        with Part(tmp_path / "c.part", ABOUT, NOON_NS) as part:
            part.add(bars(0), part.done_ns + 70 * MINUTE_NS)
    with Part(tmp_path / "c.part", ABOUT, NOON_NS) as part:
        assert part.done_ns == NOON_NS + 140 * MINUTE_NS
        assert part.rows == 0
        assert len(part.bars()) == 0


@pytest.mark.parametrize("lost", [1, 2, 100, 5_000])
def test_a_torn_page_is_fetched_again_and_the_whole_ones_are_kept(
    tmp_path: Path, lost: int
) -> None:
    path = tmp_path / "c.part"
    with Part(path, ABOUT, NOON_NS) as part:
        pages(part, bars(), 100)
    os.truncate(path, path.stat().st_size - lost)
    with Part(path, ABOUT, NOON_NS) as part:
        assert part.done_ns == NOON_NS + 200 * MINUTE_NS
        assert same(part.bars(), bars(200))
        part.add(bars().part(200, 300), NOON_NS + 300 * MINUTE_NS)
        assert same(part.bars(), bars())


def test_a_torn_head_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "c.part"
    path.write_bytes(b'{"about":{"sym')
    with Part(path, ABOUT, NOON_NS) as part:
        pages(part, bars(), 300)
        assert same(part.bars(), bars())


def test_a_part_of_another_download_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "c.part"
    with Part(path, ABOUT, NOON_NS) as part:
        pages(part, bars(), 100)
    before = path.read_bytes()
    with (
        pytest.raises(DataError, match=r"another download \(symbol BTC-USDT, timeframe 1m\)"),
        Part(path, ABOUT | {"timeframe": "5m"}, NOON_NS),
    ):
        pass
    assert path.read_bytes() == before


def test_a_part_without_a_page_is_not_left_behind_and_binds_nobody(tmp_path: Path) -> None:
    path = tmp_path / "c.part"
    with Part(path, ABOUT, NOON_NS):
        head = path.read_bytes()
    assert not path.exists()
    path.write_bytes(head)  # as a process leaves it that was killed
    with Part(path, {"symbol": "ETH-USDT"}, NOON_NS) as part:
        pages(part, bars(), 300)
        assert same(part.bars(), bars())


def test_a_part_that_begins_elsewhere_is_left_over_and_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "c.part"
    with Part(path, ABOUT, NOON_NS) as part:
        pages(part, bars(), 100)
    with Part(path, ABOUT, NOON_NS + 300 * MINUTE_NS) as part:
        assert part.rows == 0
        assert part.done_ns == NOON_NS + 300 * MINUTE_NS


@pytest.mark.parametrize("text", ["hello\n", '{"about":{},"start_ns":0}\nhello\n', "[]\n"])
def test_a_file_that_is_no_download_is_not_touched(tmp_path: Path, text: str) -> None:
    path = tmp_path / "c.part"
    path.write_text(text)
    with (
        pytest.raises(DataError, match="is no unfinished download"),
        Part(path, ABOUT, NOON_NS),
    ):
        pass
    assert path.read_text() == text


def test_two_processes_do_not_share_a_part(tmp_path: Path) -> None:
    path = tmp_path / "c.part"
    with (
        Part(path, ABOUT, NOON_NS),
        pytest.raises(DataError, match="another process"),
        Part(path, ABOUT, NOON_NS),
    ):
        pass


def test_a_finished_part_goes_away(tmp_path: Path) -> None:
    path = tmp_path / "c.part"
    with Part(path, ABOUT, NOON_NS) as part:
        part.remove()
    assert not path.exists()


WRITER = """
import sys, pathlib
from liveopt.core.bars import MINUTE_NS
from liveopt.data.candle_file import Part
from liveopt.data.market import synthetic_bars
market = synthetic_bars(1000, 1, MINUTE_NS, 1704110400000000000)
with Part(pathlib.Path(sys.argv[1]), {"symbol": "BTC-USDT", "timeframe": "1m"},
          1704110400000000000) as part:
    for start in range(0, 1000, 10):
        page = market.part(start, start + 10)
        part.add(page, int(page.at_ns[-1]) + MINUTE_NS)
        print(start, flush=True)
"""


def test_a_killed_process_leaves_every_page_it_reported(tmp_path: Path) -> None:
    path = tmp_path / "c.part"
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            if int(line) >= 300:
                writer.send_signal(signal.SIGKILL)
                break
    with Part(path, ABOUT, NOON_NS) as part:
        kept = part.bars()
        assert len(kept) >= 310
        assert part.done_ns == NOON_NS + len(kept) * MINUTE_NS
        assert same(kept, synthetic_bars(1000, 1, MINUTE_NS, NOON_NS).part(0, len(kept)))
