"""Recordings: every byte comes back, a kill costs the open block, and the disk has a bound."""

import gzip
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from liveopt.core.bars import HOUR_NS, SECOND_NS
from liveopt.live.play import read_frames
from liveopt.live.record import Limits, Recorder, RecordingStopped, segments

AT_NS = 1_700_000_000_000_000_000
EVERY_FRAME = Limits(block_ns=0)


def record(folder: Path, frames: list[str | bytes], limits: Limits | None = None) -> Recorder:
    """Frames that came a millisecond apart."""
    recorder = Recorder(folder, "kucoin", ["BTC-USDT"], limits)
    for number, frame in enumerate(frames):
        recorder.add(frame, AT_NS + number * 1_000_000, number * 1_000_000)
    recorder.close()
    return recorder


def recorded(folder: Path) -> list[bytes]:
    return [frame.data for frame in read_frames(folder)]


@given(
    st.lists(st.one_of(st.binary(max_size=200), st.text(max_size=200)), min_size=1, max_size=30),
    st.integers(1, 2_000),
    st.integers(200, 5_000),
)
def test_every_frame_comes_back_byte_for_byte(
    frames: list[str | bytes], block_bytes: int, segment_bytes: int
) -> None:
    limits = Limits(block_bytes=block_bytes, segment_bytes=segment_bytes)
    with tempfile.TemporaryDirectory() as name:
        recorder = record(Path(name), frames, limits)
        back = list(read_frames(Path(name)))
    sent = [frame.encode() if isinstance(frame, str) else frame for frame in frames]
    assert [frame.data for frame in back] == sent
    assert [frame.at_ns for frame in back] == [AT_NS + i * 1_000_000 for i in range(len(frames))]
    assert [frame.gap_ns for frame in back] == [0] + [1_000_000] * (len(frames) - 1)
    assert recorder.frames == len(frames)


def test_a_segment_says_what_it_is_and_is_read_with_gzip_and_json(tmp_path: Path) -> None:
    record(tmp_path, ['{"type":"pong"}', b"\xff\x00"])
    lines = gzip.decompress((tmp_path / "feed-000001.jsonl.gz").read_bytes()).splitlines()
    assert [json.loads(line) for line in lines] == [
        {
            "recording": 1,
            "venue": "kucoin",
            "symbols": ["BTC-USDT"],
            "started": AT_NS,
            "segment": 1,
        },
        {"at": AT_NS, "mono": 0, "text": '{"type":"pong"}'},
        {"at": AT_NS + 1_000_000, "mono": 1_000_000, "base64": "/wA="},
    ]


def test_a_torn_end_costs_its_block_wherever_it_is_torn(tmp_path: Path) -> None:
    path = tmp_path / "feed-000001.jsonl.gz"
    recorder = Recorder(tmp_path, "kucoin", [], EVERY_FRAME)
    sizes = []
    for number in range(3):
        recorder.add(f"frame {number}" * 5, AT_NS, number)
        sizes.append(path.stat().st_size)
    recorder.close()
    whole = path.read_bytes()
    assert len(whole) == sizes[-1]
    for size in range(sizes[-2] + 1, sizes[-1]):
        path.write_bytes(whole[:size])
        with capture_logs() as logs:
            assert recorded(tmp_path) == [b"frame 0" * 5, b"frame 1" * 5]
        assert logs == [
            {
                "event": "torn end of a recording skipped",
                "log_level": "warning",
                "path": str(path),
                "bytes": size - sizes[-2],
            }
        ]


def test_a_segment_torn_before_its_first_frame_is_empty(tmp_path: Path) -> None:
    record(tmp_path, ["x"])
    path = tmp_path / "feed-000001.jsonl.gz"
    whole = path.read_bytes()
    header = whole.index(b"\x1f\x8b", 1)  # where the second member begins
    for size in range(header + 1):
        path.write_bytes(whole[:size])
        assert recorded(tmp_path) == []


def test_a_killed_process_loses_nothing_that_was_written(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from liveopt.live.record import Limits, Recorder
recorder = Recorder(Path({str(tmp_path)!r}), "kucoin", [], Limits(block_ns=0, segment_bytes=9_000))
number = 0
while True:
    recorder.add(str(number), number, number)
    print(number, flush=True)
    number += 1
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if int(line) == 500:
                child.kill()
        last = int(line)
    found = recorded(tmp_path)
    assert found == [str(number).encode() for number in range(len(found))]
    assert len(found) > last >= 500
    assert len(segments(tmp_path)) > 1
    record(tmp_path, ["after the restart"])
    assert recorded(tmp_path) == [*found, b"after the restart"]


def test_a_block_waits_until_it_is_full_or_old(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, "kucoin", [])
    recorder.add("a", AT_NS, 0)
    recorder.tend(SECOND_NS - 1)
    assert segments(tmp_path) == []
    recorder.tend(SECOND_NS)
    assert recorded(tmp_path) == [b"a"]
    recorder.add("b", AT_NS, 2 * SECOND_NS)
    recorder.add("c", AT_NS, 3 * SECOND_NS)
    assert recorded(tmp_path) == [b"a", b"b", b"c"]
    recorder.add("d", AT_NS, 3 * SECOND_NS)
    recorder.add("e" * 65_536, AT_NS, 3 * SECOND_NS)
    assert len(recorded(tmp_path)) == 5
    recorder.tend(9 * SECOND_NS)  # nothing waits
    recorder.close()


def test_a_segment_ends_by_size(tmp_path: Path) -> None:
    limits = Limits(block_bytes=1, segment_bytes=1_000)
    record(tmp_path, [f"{number:050}" for number in range(100)], limits)
    sizes = [path.stat().st_size for _, path in segments(tmp_path)]
    assert len(sizes) > 5
    assert max(sizes) <= 1_000
    assert min(sizes[:-1]) > 800
    assert len(recorded(tmp_path)) == 100


def test_a_segment_ends_by_age(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, "kucoin", [], EVERY_FRAME)
    for hour in range(3):
        recorder.add("x", AT_NS + hour * HOUR_NS, hour * HOUR_NS)
        recorder.add("y", AT_NS + hour * HOUR_NS, (hour + 1) * HOUR_NS - 1)
    recorder.close()
    assert [path.name for _, path in segments(tmp_path)] == [
        "feed-000001.jsonl.gz",
        "feed-000002.jsonl.gz",
        "feed-000003.jsonl.gz",
    ]


def test_the_oldest_segments_make_room_and_other_files_stay(tmp_path: Path) -> None:
    note = tmp_path / "notes.txt"
    note.write_text("x" * 100_000)
    limits = Limits(block_bytes=1, segment_bytes=1_000, total_bytes=5_000)
    frames: list[str | bytes] = [f"{number:050}" for number in range(500)]
    recorder = Recorder(tmp_path, "kucoin", [], limits)
    for number, frame in enumerate(frames):
        recorder.add(frame, AT_NS, number)
        assert sum(path.stat().st_size for _, path in segments(tmp_path)) <= 5_000
    recorder.close()
    left = recorded(tmp_path)
    assert left == [str(frame).encode() for frame in frames[-len(left) :]]
    assert 50 < len(left) < 500
    assert recorder.segments_deleted == segments(tmp_path)[0][0] - 1
    assert note.exists()
    record(tmp_path, ["a new run"], limits)
    assert sum(path.stat().st_size for _, path in segments(tmp_path)) <= 5_000


def test_a_full_disk_stops_the_recording_by_name_and_leaves_it_whole(tmp_path: Path) -> None:
    code = f"""
import resource
from pathlib import Path
from liveopt.live.record import Limits, Recorder, RecordingStopped
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, resource.RLIM_INFINITY))
recorder = Recorder(Path({str(tmp_path)!r}), "kucoin", [], Limits(block_bytes=300))
stops = []
for number in range(1_000):
    try:
        recorder.add(f"{{number * 7919 ** 20:099}}", number, number)
    except RecordingStopped as stop:
        stops.append(stop)
assert len(set(map(id, stops))) == 1 and stops[0] is recorder.stopped, stops
assert len(stops) + recorder.frames == 1_001  # the add that failed had taken its frame
try:
    recorder.tend(10 ** 12)
except RecordingStopped:
    print(recorder.frames, stops[0].frames_lost, stops[0].path.name, stops[0].why)
recorder.close()
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    taken, lost, name, why = told.stdout.strip().split(maxsplit=3)
    assert (name, why) == ("feed-000001.jsonl.gz", "File too large")
    assert 1 <= int(lost) <= 3
    with capture_logs() as logs:
        assert len(recorded(tmp_path)) == int(taken) - int(lost) > 10
    assert logs == []  # no torn end
    assert (tmp_path / name).stat().st_size <= 2_000


def test_a_folder_that_cannot_be_is_told_with_the_first_block(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    recorder = Recorder(tmp_path / "file", "kucoin", [], EVERY_FRAME)
    with pytest.raises(RecordingStopped, match=r"file: recording stopped, .*; 1 frames lost"):
        recorder.add("x", AT_NS, 0)
    with pytest.raises(RecordingStopped) as stopped:
        recorder.add("y", AT_NS, 1)
    assert stopped.value is recorder.stopped
    with pytest.raises(RecordingStopped):
        recorder.tend(1)
    recorder.close()


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Path]:
    recorder = Recorder(tmp_path, "kucoin", [], EVERY_FRAME)
    recorder.add("x", AT_NS, 0)
    yield tmp_path
    recorder.close()


def test_a_folder_has_one_recorder(busy: Path) -> None:
    second = Recorder(busy, "kucoin", [], EVERY_FRAME)
    with pytest.raises(RecordingStopped, match="another recorder writes to this folder"):
        second.add("y", AT_NS, 0)
    second.close()
    assert recorded(busy) == [b"x"]


def test_after_close_a_new_segment_begins(tmp_path: Path) -> None:
    recorder = record(tmp_path, ["x"])
    recorder.add("y", AT_NS, 0)
    recorder.close()
    assert [number for number, _ in segments(tmp_path)] == [1, 2]
    assert recorded(tmp_path) == [b"x", b"y"]


def test_a_total_without_room_for_a_segment_is_refused() -> None:
    with pytest.raises(ValueError, match="no room for a segment"):
        Limits(segment_bytes=2_000, total_bytes=1_000)
