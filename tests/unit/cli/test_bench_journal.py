"""The bench of a writer alone counts every record, and the disk beside it at the same pace."""

from pathlib import Path

from liveopt.cli.bench_journal import RECORD, Syncs, journal, quantiles, slice_bytes


def test_a_writer_alone_tells_how_soon_each_record_is_on_the_disk(tmp_path: Path) -> None:
    disk = Syncs()
    disk.measure(tmp_path)
    found = journal(tmp_path / "journal", disk)
    assert found["fdatasync_ms"]["max"] > 0.0
    assert found["ack_p99_over_paced_fdatasync_p99"] > 0.0
    assert len(disk.paced) > 100
    written = (tmp_path / "journal").glob("inputs-*.jsonl")
    lines = [line for path in written for line in path.read_bytes().splitlines(keepends=True)]
    data = [len(line) for line in lines if line.startswith(RECORD[:-1])]
    assert len(data) == found["ack_ms"]["count"]
    assert abs(sum(data) / len(data) * 50 / slice_bytes() - 1.0) < 0.03  # alone: no more, no less
    assert not list(tmp_path.rglob("syncs"))


def test_quantiles_are_of_those_that_were_measured() -> None:
    assert quantiles([3.0]) == {"p50": 3.0, "p99": 3.0, "max": 3.0}
    assert quantiles([float(n) for n in range(101)]) == {"p50": 50.0, "p99": 99.0, "max": 100.0}
