"""The gate: what is shut stays shut, and what is read is what was written."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.guard.gate import (
    DISK_FULL,
    FLATTEN,
    HALT,
    JOURNAL_BROKEN,
    OPEN,
    SIZE,
    UNSAID,
    BadGate,
    Gate,
    Heard,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gate"


def test_what_one_process_shuts_the_other_reads(path: Path) -> None:
    gate = Gate.create(path)
    program = (
        "import sys; from pathlib import Path; from liveopt.guard.gate import Gate;"
        "gate = Gate.open(Path(sys.argv[1])); print(gate.wanted, flush=True); input();"
        "print(gate.wanted, gate.number, flush=True); gate.acknowledge(gate.number, 70, 5, 3, 1)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "0\n"
        number = gate.shut(HALT)
        assert other.communicate("\n")[0] == f"1 {number}\n"
    assert gate.heard == Heard(number, 70, 5, 3, 1)


def test_a_new_gate_is_one_that_no_engine_has_acknowledged(path: Path) -> None:
    gate = Gate.create(path)
    assert gate.heard.number < gate.number
    assert gate.beats == 0


def test_a_weaker_stop_does_not_replace_a_stronger(path: Path) -> None:
    gate = Gate.create(path)
    gate.shut(FLATTEN)
    gate.shut(HALT)
    assert gate.wanted == FLATTEN == gate.own


def test_shut_from_outside_holds_until_opened(path: Path) -> None:
    gate, other = Gate.create(path), Gate.open(path)
    before = gate.number
    assert other.shut_from_outside(FLATTEN) == before + 1
    other.shut_from_outside(HALT)
    assert (gate.wanted, gate.own) == (FLATTEN, OPEN)
    gate.shut(HALT)
    assert gate.wanted == FLATTEN
    gate.open_again()
    assert gate.wanted == OPEN
    assert other.shut_from_outside(HALT) > before + 3


def test_why_it_was_shut_from_outside_is_known_until_it_is_opened(path: Path) -> None:
    gate, other = Gate.create(path), Gate.open(path)
    assert gate.why == UNSAID
    other.shut_from_outside(HALT, JOURNAL_BROKEN)
    assert gate.why == JOURNAL_BROKEN
    other.shut_from_outside(FLATTEN)
    assert gate.why == UNSAID
    other.shut_from_outside(FLATTEN, DISK_FULL)
    gate.open_again()
    assert gate.why == UNSAID
    other.shut_from_outside(HALT, DISK_FULL)
    assert Gate.create(path).why == UNSAID


@given(
    st.lists(
        st.sampled_from([("guard", HALT), ("guard", FLATTEN), ("open", 0), ("outside", HALT)]),
        max_size=30,
    )
)
def test_every_change_has_a_higher_number_and_the_strongest_wish_holds(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, int]]
) -> None:
    gate = Gate.create(tmp_path_factory.mktemp("gate") / "gate")
    last, wish = gate.number, OPEN
    for act, mode in acts:
        if act == "open":
            number, wish = gate.open_again(), OPEN
        else:
            number = gate.shut(mode) if act == "guard" else gate.shut_from_outside(mode)
            wish = max(wish, mode)
        assert number == gate.number > last
        assert gate.wanted == wish
        last = number
    gate.close()


def test_made_anew_it_counts_on_and_forgets_the_engine(path: Path) -> None:
    gate = Gate.create(path)
    number = gate.shut(HALT)
    gate.acknowledge(number, 9, 1, 0)
    gate.beat()
    again = Gate.create(path, HALT)
    assert again.number > number
    assert again.wanted == HALT
    assert again.heard == Heard(0, 0, 0, 0, 0)
    assert again.beats == 0


def test_a_heartbeat_counts(path: Path) -> None:
    gate, engine = Gate.create(path), Gate.open(path)
    engine.beat()
    engine.beat()
    assert gate.beats == 2


@pytest.mark.parametrize("content", [b"", b"x" * SIZE, b"\0" * SIZE, b"liveopt1"])
def test_another_file_is_no_gate(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(BadGate):
        Gate.open(path)


def test_a_link_is_not_followed_when_the_gate_is_made(path: Path, tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(b"mine")
    path.symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match="symbolic link"):
        Gate.create(path)
    assert (tmp_path / "victim").read_bytes() == b"mine"


def test_its_blocks_are_allocated_so_that_a_store_cannot_meet_a_full_disk(path: Path) -> None:
    Gate.create(path)
    assert path.stat().st_blocks * 512 >= SIZE
