"""The latch: whatever the disk does to it, it never reads as open when it was halted."""

import errno
import os
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.guard.latch import HALT_FILE, REASON_MAX, SIZE, SLOT, Change, Latch, State, _make

STOP = Change("loss", "http", 5, "halt")
GO = Change("looked at it", "http", 6)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "latch"


def opened(path: Path) -> Latch:
    latch = Latch(path)
    latch.open()
    return latch


def test_one_that_was_never_made_is_open(path: Path) -> None:
    assert not Latch(path).read().halted
    assert not opened(path).read().halted


def test_set_and_clear_are_seen_by_whoever_reads_the_file(path: Path) -> None:
    latch = opened(path)
    latch.set(STOP)
    assert Latch(path).read() == State(
        halted=True, mode="halt", number=1, reason="loss", by="http", at_ns=5
    )
    latch.clear(GO)
    after = Latch(path).read()
    assert (after.halted, after.reason, after.number) == (False, "looked at it", 2)


def test_only_the_halt_that_was_read_is_cleared(path: Path) -> None:
    latch = opened(path)
    read = latch.set(STOP).number
    Latch(path).set(Change("another process", "cli", 6))
    left = latch.clear(Change("looked at it", "me", 7, ends=read))
    assert (left.halted, left.reason, latch.read()) == (True, "another process", left)
    assert not latch.clear(Change("looked at both", "me", 8, ends=left.number)).halted


def test_a_damaged_latch_can_be_cleared_whatever_was_read(path: Path) -> None:
    latch = opened(path)
    latch.set(STOP)
    with path.open("r+b") as file:
        file.write(b"?")
    damaged = latch.read()
    assert damaged.halted
    latch.clear(Change("looked at it", "me", 7, ends=damaged.number))
    assert not latch.read().halted


def test_a_weaker_stop_keeps_the_stronger_mode_until_cleared(path: Path) -> None:
    latch = opened(path)
    latch.set(Change("a", "cli", 1, "halt_and_flatten"))
    assert latch.set(STOP).mode == "halt_and_flatten"
    latch.clear(GO)
    assert latch.set(STOP).mode == "halt"


def test_who_only_saw_that_it_is_halted_leaves_the_words_of_who_knew(path: Path) -> None:
    latch = opened(path)
    latch.set(STOP)
    later = latch.set(Change("a signal", "signal", 9, "halt_and_flatten", guessed=True))
    assert (later.reason, later.by, later.mode) == ("loss", "http", "halt_and_flatten")
    latch.clear(GO)
    first = latch.set(Change("a signal", "signal", 9, guessed=True))
    assert (first.reason, first.by) == ("a signal", "signal")
    assert latch.set(STOP).by == "http"


class Late(Latch):
    """Before it has the file another process writes into it."""

    def open(self) -> None:
        if self._fd < 0:
            Latch(self.path).set(Change("flatten it", "cli", 1, "halt_and_flatten"))
        super().open()


@pytest.mark.parametrize("guessed", [True, False])
def test_of_two_stops_at_once_the_stronger_is_kept_whoever_writes_last(
    path: Path, *, guessed: bool
) -> None:
    later = Late(path).set(Change("just halt", "guard", 2, guessed=guessed))
    assert (later.number, later.mode) == (2, "halt_and_flatten")
    assert later.by == ("cli" if guessed else "guard")


def test_of_two_who_make_it_at_once_nobody_writes_where_nobody_reads(path: Path) -> None:
    guard = opened(path)
    _make(path)  # by one who had looked before there was one
    guard.set(STOP)
    assert Latch(path).read().halted
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_words_that_are_no_utf_8_keep_no_stop_from_being_written(path: Path) -> None:
    """A command line may hold such bytes."""
    state = opened(path).set(Change("bad \udcff reason", "\udcff", 1))
    assert Latch(path).read() == state
    assert (state.halted, state.reason, state.by) == (True, "bad ? reason", "?")


def test_the_file_keeps_its_size_and_its_blocks(path: Path) -> None:
    latch = opened(path)
    before = (path.stat().st_size, path.stat().st_blocks, path.stat().st_ino)
    for _ in range(10):
        latch.set(STOP)
        latch.clear(GO)
    assert (path.stat().st_size, path.stat().st_blocks, path.stat().st_ino) == before
    assert before[0] == SIZE


def test_a_halt_file_beside_it_halts(path: Path) -> None:
    latch = opened(path)
    (path.parent / HALT_FILE).symlink_to("nowhere")
    assert latch.read().halted
    assert latch.read().by == HALT_FILE
    assert not latch.read(with_file=False).halted


def test_no_single_flipped_bit_opens_it(path: Path) -> None:
    latch = opened(path)
    latch.set(STOP)
    latch.clear(GO)
    latch.set(STOP)
    page, wrong = path.read_bytes(), []
    with path.open("r+b", buffering=0) as file:
        for bit in range(SIZE * 8):
            place, flipped = bit // 8, page[bit // 8] ^ 1 << bit % 8
            os.pwrite(file.fileno(), bytes([flipped]), place)
            if not latch.read().halted:
                wrong.append(bit)
            os.pwrite(file.fileno(), page[place : place + 1], place)
    assert wrong == []


@pytest.mark.parametrize("before", ["open", "halted"])
def test_a_stop_torn_by_a_power_cut_is_halted_or_as_before(path: Path, before: str) -> None:
    latch = opened(path)
    latch.set(STOP)
    if before == "open":
        latch.clear(GO)
    old = path.read_bytes()
    latch.set(Change("the one that is torn", "signal", 9, "halt_and_flatten"))
    new = path.read_bytes()
    latch.close()
    rng = random.Random(1)
    for _ in range(300):
        sector = rng.choice([1, 8, 512])
        places = range(0, SIZE, sector)
        taken = {place for place in places if rng.random() < 0.5}
        mixed = b"".join(
            (new if place in taken else old)[place : place + sector] for place in places
        )
        path.write_bytes(mixed)
        assert latch.read().halted or mixed == old


@given(st.binary(max_size=SIZE + 10))
def test_any_other_content_is_halted(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("latch") / "latch"
    path.write_bytes(content)
    assert Latch(path).read().halted


def test_zeros_are_halted(path: Path) -> None:
    path.write_bytes(b"\0" * SIZE)
    assert Latch(path).read().halted


def test_one_that_cannot_be_read_is_halted(path: Path) -> None:
    path.mkdir()
    assert Latch(path).read().halted


def test_a_damaged_one_is_mended_by_the_next_stop_and_by_a_resume(path: Path) -> None:
    latch = opened(path)
    latch.set(STOP)
    with path.open("r+b") as file:
        file.seek(SLOT + 100)
        file.write(b"\xff" * 50)
    assert "unreadable" in latch.read().reason
    assert latch.set(STOP) == latch.read()
    with path.open("r+b") as file:
        file.write(b"\xff" * SIZE)
    latch.clear(GO)
    assert not Latch(path).read().halted


@given(st.text(max_size=2 * REASON_MAX))
def test_every_reason_fits(tmp_path_factory: pytest.TempPathFactory, reason: str) -> None:
    latch = opened(tmp_path_factory.mktemp("latch") / "latch")
    state = latch.set(Change(reason, reason, 1))
    assert state.halted
    assert latch.read().halted
    latch.close()


def test_the_longest_reason_of_the_worst_characters_fits(path: Path) -> None:
    latch = opened(path)
    latch.set(Change("\x01" * 600, "\x01" * 600, 1))
    assert latch.read().halted
    assert path.stat().st_size == SIZE


@pytest.mark.parametrize("fault", ["write", "sync", "short"])
def test_a_disk_that_refuses_is_told_and_what_stood_before_still_stands(
    path: Path, fault: str
) -> None:
    opened(path).set(STOP)

    def write(found: int, content: bytes, offset: int) -> int:
        if fault == "write":
            raise OSError(errno.EIO, "no disk")
        if fault == "short":
            return os.pwrite(found, content[:100], offset)
        return os.pwrite(found, content, offset)

    def sync(found: int) -> None:
        if fault == "sync":
            raise OSError(errno.EIO, "no disk")

    latch = Latch(path, write, sync)
    with pytest.raises(OSError, match=r"no disk|100 of"):
        latch.set(Change("later", "http", 9))
    assert latch.read().halted


def test_it_needs_no_descriptor_when_it_is_set(path: Path) -> None:
    latch = opened(path)
    low = os.open(path, os.O_RDONLY)
    os.close(low)
    latch.set(STOP)
    again = os.open(path, os.O_RDONLY)
    os.close(again)
    assert low == again, "set left a descriptor open"


def test_two_who_write_at_once_do_not_lose_the_halt(path: Path) -> None:
    one, other = opened(path), opened(path)
    for number in range(1, 20, 2):
        assert one.set(STOP).number == number
        assert other.set(STOP).number == number + 1
    assert other.read() == one.read()


def test_a_write_never_touches_the_slot_that_holds_what_is_in_force(path: Path) -> None:
    latch = opened(path)
    for number in range(1, 6):
        latch.set(Change(f"stop {number}", "cli", 1))
        page = path.read_bytes()
        kept = [f"stop {n}".encode() for n in range(1, 6) if f"stop {n}".encode() in page]
        assert kept == [f"stop {n}".encode() for n in range(max(1, number - 1), number + 1)]
