"""How busy the processors are is what the kernel counted between two looks."""

from pathlib import Path
from time import process_time

import pytest

from liveopt.web.machine import APART_S, STAT, Busy

CPU = "cpu  {user} 5 10 {idle} 20 1 2 3 7 7\ncpu0 1 1 1 1 1 1 1 1 1 1\n"


def test_the_share_is_of_the_time_since_the_last_look(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    stat.write_text(CPU.format(user=100, idle=1_000))
    busy = Busy(stat)
    stat.write_text(CPU.format(user=130, idle=1_070))
    assert busy.look(5.0) == 30.0
    stat.write_text(CPU.format(user=130, idle=1_170))
    assert busy.look(5.0 + APART_S / 2) == 30.0, "too soon to say anything new"
    assert busy.look(5.0 + APART_S) == 0.0


@pytest.mark.parametrize("words", ["", "cpu 1 2", "cpu a b c d e f g h", None])
def test_where_the_kernel_does_not_say_there_is_no_number(
    tmp_path: Path, words: str | None
) -> None:
    stat = tmp_path / "stat"
    if words is not None:
        stat.write_text(words)
    busy = Busy(stat)
    assert [busy.look(at_s) for at_s in (1.0, 9.0)] == [None, None]


@pytest.mark.skipif(not STAT.exists(), reason="there is no /proc here")
def test_a_machine_that_computes_is_busy() -> None:
    busy = Busy()
    end_s = process_time() + 0.2
    while process_time() < end_s:
        pass
    found = busy.look(9.0)
    assert found is not None
    assert 0.0 < found <= 100.0
