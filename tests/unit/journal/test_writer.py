"""The thread that writes: in order, inputs first, told when durable, silent once it is broken."""

import asyncio
import errno
import io
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from liveopt import logs
from liveopt.journal.appender import Limits
from liveopt.journal.disk import DISK, Disk
from liveopt.journal.lock import Locked
from liveopt.journal.places import START, Position, parse_own, segment_path
from liveopt.journal.reader import Reader, Record, holds, records
from liveopt.journal.recovery import recover
from liveopt.journal.writer import LOCK, JournalBroken, Writer
from tests.unit.journal.journals_made import ground

NAMES = ("inputs", "trades", "decisions")
QUIET = Limits(ballast_bytes=0, still_s=1e9)


def _opened(
    folder: Path,
    disk: Disk = DISK,
    limits: Limits = QUIET,
    trouble: Callable[[str, BaseException], None] | None = None,
) -> Writer:
    def none(kind: str, error: BaseException) -> None:
        raise AssertionError((kind, error))

    starts = {name: recover(folder, name, repair=True) for name in NAMES}
    return Writer(ground(folder, limits, disk), starts, trouble or none)


def _number(number: int) -> bytes:
    return b'{"number":%d}' % number


def _kinds(folder: Path, name: str) -> list[str]:
    found = [parse_own(line.content) for line in Reader(folder, name)]
    return ["data" if one is None else one.type for one in found]


class Gated(Disk):
    """Lets no sync through before it may, and notes what it is asked to do."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.waiting = threading.Event()
        self.calls: list[tuple[str, str]] = []
        self.names: dict[int, str] = {}
        self.error: OSError | None = None

    def open_append(self, path: Path) -> int:
        fd = super().open_append(path)
        self.names[fd] = path.name.rpartition("-")[0]
        return fd

    def write(self, fd: int, data: memoryview) -> int:
        self.calls.append(("write", self.names[fd]))
        return super().write(fd, data)

    def fdatasync(self, fd: int) -> None:
        self.waiting.set()
        assert self.open.wait(10.0)
        if self.error is not None:
            raise self.error
        super().fdatasync(fd)
        self.calls.append(("sync", self.names[fd]))


def test_what_was_appended_is_there_after_closing(tmp_path: Path) -> None:
    writer = _opened(tmp_path)
    seqs = [writer.append(NAMES[i % 3], _number(i)) for i in range(10_000)]
    assert seqs == [i // 3 + 1 for i in range(10_000)]
    writer.close()
    assert writer.durable == {"inputs": 3_334, "trades": 3_333, "decisions": 3_333}
    assert writer.backlog == 0
    for which, name in enumerate(NAMES):
        expected = [Record(i // 3 + 1, _number(i)) for i in range(which, 10_000, 3)]
        assert list(records(tmp_path, name)) == expected
        assert recover(tmp_path, name).verdict == "clean"


def test_a_restart_goes_on_where_it_was(tmp_path: Path) -> None:
    for number in range(3):
        writer = _opened(tmp_path)
        assert writer.durable["inputs"] == number
        assert writer.append("inputs", _number(number)) == number + 1
        writer.close()
    assert _kinds(tmp_path, "inputs") == ["Genesis"] + ["data", "Still"] * 3
    assert _kinds(tmp_path, "trades") == ["Genesis"]


def test_inputs_are_on_the_disk_before_outputs_are_written(tmp_path: Path) -> None:
    disk = Gated()
    writer = _opened(tmp_path, disk)
    disk.calls.clear()
    disk.open.clear()
    writer.append("decisions", _number(1))
    assert disk.waiting.wait(5.0)  # this one is under way; the rest is one batch
    for name in ("decisions", "inputs", "trades"):
        writer.append(name, _number(2))
    assert writer.backlog == 4
    disk.open.set()
    writer.close()
    assert disk.calls[:8] == [
        ("write", "decisions"), ("sync", "decisions"),
        ("write", "inputs"), ("sync", "inputs"),
        ("write", "trades"), ("write", "decisions"), ("sync", "trades"), ("sync", "decisions"),
    ]  # fmt: skip


def test_nothing_is_durable_before_the_disk_says_so(tmp_path: Path) -> None:
    disk = Gated()
    writer = _opened(tmp_path, disk)
    told: list[Mapping[str, int]] = []
    writer.when_durable(told.append)
    disk.open.clear()
    disk.waiting.clear()
    writer.append("inputs", _number(1))
    assert disk.waiting.wait(5.0)
    assert writer.durable["inputs"] == 0
    assert told == []
    disk.open.set()
    writer.close()
    assert told == [{"inputs": 1, "trades": 0, "decisions": 0}]


def test_an_input_is_acknowledged_before_the_outputs_beside_it_are_written(tmp_path: Path) -> None:
    disk = Gated()
    writer = _opened(tmp_path, disk)
    told: list[tuple[int, int, tuple[str, str]]] = []
    writer.when_durable(lambda at: told.append((at["inputs"], at["decisions"], disk.calls[-1])))
    disk.open.clear()
    writer.append("trades", _number(1))
    assert disk.waiting.wait(5.0)  # this one is under way; the rest is one batch
    for name in ("inputs", "decisions"):
        writer.append(name, _number(1))
    disk.open.set()
    writer.close()
    assert told == [(0, 0, ("sync", "trades")), (1, 0, ("sync", "inputs")),
                    (1, 1, ("sync", "decisions"))]  # fmt: skip


def test_once_broken_nobody_is_told_of_the_inputs_of_a_batch_either(tmp_path: Path) -> None:
    disk = Gated()
    writer = _opened(tmp_path, disk, trouble=lambda *_: None)
    told: list[Mapping[str, int]] = []

    def tell(at: Mapping[str, int]) -> None:
        told.append(at)
        disk.open.clear()  # for the next batch, which is the inputs and the decisions
        disk.waiting.clear()

    writer.when_durable(tell)
    disk.open.clear()
    writer.append("trades", _number(1))
    assert disk.waiting.wait(5.0)
    for name in ("inputs", "decisions"):
        writer.append(name, _number(1))
    disk.open.set()
    writer.close(wait_s=0.2)
    assert isinstance(writer.failed, TimeoutError)
    disk.open.set()
    writer.close()
    assert told == [{"inputs": 0, "trades": 1, "decisions": 0}]
    assert writer.durable["inputs"] == 0


def test_a_batch_has_no_more_records_and_bytes_than_it_may(tmp_path: Path) -> None:
    disk = Gated()
    limits = Limits(ballast_bytes=0, still_s=1e9, batch_records=10, batch_bytes=2_000)
    writer = _opened(tmp_path, disk, limits)
    disk.open.clear()
    for number in range(25):
        writer.append("inputs", _number(number))
    for _ in range(6):
        writer.append("trades", b'{"note":"%b"}' % (b"x" * 900))
    disk.open.set()
    writer.close()
    counts = {name: [line.count for line in Reader(tmp_path, name)] for name in NAMES}
    assert max(counts["inputs"]) == 10
    assert max(counts["trades"]) == 3  # the third is the one that goes over


def test_a_mark_is_called_when_all_before_it_is_durable_and_nothing_after(tmp_path: Path) -> None:
    disk = Gated()
    writer = _opened(tmp_path, disk)
    disk.open.clear()
    marked: list[tuple[dict[str, Position], int]] = []
    writer.mark(lambda places: marked.append((places, writer.durable["inputs"])))
    writer.append("inputs", _number(1))
    writer.append("trades", _number(1))
    writer.mark(lambda places: marked.append((places, writer.durable["inputs"])))
    writer.append("inputs", _number(2))
    disk.open.set()
    writer.close()
    (first, none), (second, one) = marked
    assert (none, one) == (0, 1)
    assert [first[name].seq for name in NAMES] == [0, 0, 0]
    assert [second[name].seq for name in NAMES] == [1, 1, 0]
    for places in (first, second):
        assert all(holds(tmp_path, name, place) for name, place in places.items())
    assert list(records(tmp_path, "inputs", second["inputs"])) == [Record(2, _number(2))]


def test_a_snapshot_that_fails_does_not_break_the_journal(tmp_path: Path) -> None:
    trouble: list[str] = []
    writer = _opened(tmp_path, trouble=lambda kind, _: trouble.append(kind))

    def save(error: int) -> Callable[[dict[str, Position]], None]:
        def fail(_: dict[str, Position]) -> None:
            raise OSError(error, "no")

        return fail

    writer.mark(save(errno.EIO))
    writer.append("inputs", _number(1))
    writer.mark(save(errno.ENOSPC))
    writer.append("inputs", _number(2))
    writer.close()
    assert trouble == ["disk_full"]
    assert writer.durable["inputs"] == 2


class FullLog(io.StringIO):
    """A log on the disk that is full."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_that_holds_the_log_as_well_is_told_and_outlived(tmp_path: Path) -> None:
    class Full(Disk):
        full = False

        def write(self, fd: int, data: memoryview) -> int:
            if self.full:
                self.full = False
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(fd, data)

    def save(_: dict[str, Position]) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    trouble: list[str] = []
    disk = Full()
    writer = _opened(tmp_path, disk, trouble=lambda kind, _: trouble.append(kind))
    logs.setup(stream=FullLog())
    disk.full = True
    writer.append("inputs", _number(1))
    writer.mark(save)
    writer.append("inputs", _number(2))
    writer.close()
    assert trouble == ["disk_full", "disk_full"]
    assert writer.durable["inputs"] == 2


def test_a_journal_that_breaks_is_told_though_the_log_is_on_its_disk(tmp_path: Path) -> None:
    disk = Gated()
    trouble: list[str] = []
    writer = _opened(tmp_path, disk, trouble=lambda kind, _: trouble.append(kind))
    logs.setup(stream=FullLog())
    disk.error = OSError(errno.EIO, "gone")
    writer.append("inputs", _number(1))
    writer.close()
    assert writer.failed is disk.error
    assert trouble == ["broken"]


def test_silence_seals_what_was_said_and_only_that(tmp_path: Path) -> None:
    writer = _opened(tmp_path, limits=Limits(ballast_bytes=0, still_s=0.05))
    writer.append("inputs", _number(1))
    until = time.monotonic() + 5.0
    while "Still" not in _kinds(tmp_path, "inputs") and time.monotonic() < until:
        time.sleep(0.01)
    assert _kinds(tmp_path, "inputs") == ["Genesis", "data", "Still"]
    for number in range(20):  # the inputs never fall silent; the trades do
        writer.append("inputs", _number(number))
        if number == 0:
            writer.append("trades", _number(1))
        time.sleep(0.01)
    assert _kinds(tmp_path, "trades") == ["Genesis", "data", "Still"]
    writer.close()
    assert _kinds(tmp_path, "decisions") == ["Genesis"]
    assert recover(tmp_path, "inputs").position.seq == 21  # silence has no number


def test_a_sync_that_fails_ends_it_and_is_not_asked_again(tmp_path: Path) -> None:
    disk = Gated()
    trouble: list[tuple[str, BaseException]] = []
    told: list[Mapping[str, int]] = []
    broken = threading.Event()

    def on_trouble(kind: str, error: BaseException) -> None:
        trouble.append((kind, error))
        broken.set()

    writer = _opened(tmp_path, disk, trouble=on_trouble)
    writer.when_durable(told.append)
    syncs = len(disk.calls)
    disk.error = OSError(errno.EIO, "gone")
    writer.append("inputs", _number(1))
    assert broken.wait(5.0)
    with pytest.raises(JournalBroken, match="gone"):
        writer.append("inputs", _number(2))
    with pytest.raises(JournalBroken, match="gone"):
        writer.mark(lambda _: None)
    writer.close()
    assert trouble == [("broken", disk.error)]
    assert writer.failed is disk.error
    assert told == []
    assert writer.durable["inputs"] == 0
    assert disk.calls[syncs:] == [("write", "inputs")]


def test_too_much_that_waits_breaks_it_rather_than_being_dropped(tmp_path: Path) -> None:
    disk = Gated()
    trouble: list[str] = []
    limits = Limits(ballast_bytes=0, still_s=1e9, backlog_bytes=1_000)
    writer = _opened(tmp_path, disk, limits, lambda kind, _: trouble.append(kind))
    disk.open.clear()

    def flood() -> None:
        for number in range(1_000):
            writer.append("inputs", _number(number))

    with pytest.raises(JournalBroken, match="too slow"):
        flood()
    assert trouble == ["broken"]
    disk.open.set()
    writer.close()
    assert writer.durable["inputs"] == 0


def test_a_disk_that_does_not_answer_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    disk = Gated()
    trouble: list[str] = []
    writer = _opened(tmp_path, disk, trouble=lambda kind, _: trouble.append(kind))
    disk.open.clear()
    writer.append("inputs", _number(1))
    writer.close(wait_s=0.05)
    assert trouble == ["broken"]
    assert isinstance(writer.failed, TimeoutError)
    disk.open.set()
    writer.close()


def test_after_closing_nothing_is_taken(tmp_path: Path) -> None:
    writer = _opened(tmp_path)
    writer.close()
    writer.close()
    with pytest.raises(JournalBroken, match="closed"):
        writer.append("inputs", _number(1))
    with pytest.raises(JournalBroken, match="closed"):
        writer.mark(lambda _: None)


@pytest.mark.parametrize("content", [b"{}", b"", b'{"a":1}\n'])
def test_a_record_that_is_no_line_is_refused_and_takes_no_number(
    tmp_path: Path, content: bytes
) -> None:
    writer = _opened(tmp_path)
    with pytest.raises(ValueError, match="a record is one"):
        writer.append("inputs", content)
    with pytest.raises(KeyError):
        writer.append("nobody", _number(1))
    assert writer.append("inputs", _number(1)) == 1
    writer.close()


def test_a_run_has_one_writer(tmp_path: Path) -> None:
    writer = _opened(tmp_path)
    with pytest.raises(Locked):
        _opened(tmp_path)
    writer.close()
    _opened(tmp_path).close()


def test_a_writer_that_cannot_begin_holds_nothing(tmp_path: Path) -> None:
    class Refusing(Disk):
        def fsync_dir(self, folder: Path) -> None:
            raise OSError(errno.EIO, "no names")

    with pytest.raises(OSError, match="no names"):
        _opened(tmp_path, Refusing())
    writer = _opened(tmp_path)  # the lock is free
    writer.append("inputs", _number(1))
    writer.close()
    assert recover(tmp_path, "inputs").records == 1


def test_without_room_for_the_ballast_it_begins_and_says_so(tmp_path: Path) -> None:
    class NoRoom(Disk):
        code = errno.ENOSPC

        def allocate(self, fd: int, size: int) -> None:
            raise OSError(self.code, "no")

    trouble: list[str] = []
    limits = Limits(ballast_bytes=1_000)
    _opened(tmp_path, NoRoom(), limits, lambda kind, _: trouble.append(kind)).close()
    assert trouble == ["disk_full"]
    NoRoom.code = errno.EIO
    with pytest.raises(OSError, match="no"):
        _opened(tmp_path, NoRoom(), limits)


@contextmanager
def _thread_errors() -> Iterator[list[BaseException | None]]:
    found: list[BaseException | None] = []
    before, threading.excepthook = threading.excepthook, lambda args: found.append(args.exc_value)
    yield found
    threading.excepthook = before


def test_a_bug_in_its_thread_breaks_it_too(tmp_path: Path) -> None:
    trouble: list[str] = []
    writer = _opened(tmp_path, trouble=lambda kind, _: trouble.append(kind))

    def wrong(_: Mapping[str, int]) -> None:
        raise RuntimeError("a bug")

    writer.when_durable(wrong)
    with _thread_errors() as errors:
        writer.append("inputs", _number(1))
        writer.close()
    assert [str(error) for error in errors] == ["a bug"]
    assert trouble == ["broken"]


def test_a_tear_is_told_of_first(tmp_path: Path) -> None:
    writer = _opened(tmp_path)
    writer.append("inputs", _number(1))
    writer.close()
    path = segment_path(tmp_path, "inputs", 1)
    path.write_bytes(path.read_bytes()[:-9])
    writer = _opened(tmp_path)
    writer.append("inputs", _number(2))
    writer.close()
    kinds = ["Genesis", "data", "Recovered", "data", "Still"]
    assert _kinds(tmp_path, "inputs") == kinds
    assert recover(tmp_path, "inputs").verdict == "clean"


async def test_an_event_loop_is_woken_when_its_record_is_durable(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    writer = _opened(tmp_path)
    durable: asyncio.Queue[int] = asyncio.Queue(10)

    def tell(at: Mapping[str, int]) -> None:
        loop.call_soon_threadsafe(durable.put_nowait, at["inputs"])

    writer.when_durable(tell)
    for number in range(1, 5):
        writer.append("inputs", _number(number))
        assert await asyncio.wait_for(durable.get(), 5.0) == number
    await asyncio.to_thread(writer.close)
    assert (tmp_path / LOCK).exists()
    assert START.seq == 0
