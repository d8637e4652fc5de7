"""Each bit of a 64 KiB journal flipped, seen from the batch before it, and each length it can have.

`python -m tests.crash.bits` flips them all again, seen from the journal's start.
"""

from pathlib import Path

import pytest

from tests.crash.bits import SIZE, Rot

PARTS = 16


@pytest.fixture
def rot(tmp_path: Path) -> Rot:
    return Rot(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_no_flipped_bit_is_silent_and_none_that_was_sealed_is_called_torn(
    rot: Rot, part: int
) -> None:
    tally = rot.flip(part, PARTS)
    assert tally.wrong == []
    assert tally.flips >= SIZE * 8 // PARTS
    assert tally.verdicts["corrupt"] > 100 * tally.verdicts["torn"] > 0  # in the last line


def test_flipped_bits_in_short_from_the_start(rot: Rot) -> None:
    tally = rot.flip(5, 331, from_start=True)
    assert tally.wrong == []
    assert set(tally.verdicts) <= {"corrupt", "torn"}


def test_whatever_length_it_is_cut_to_the_whole_lines_are_kept(rot: Rot) -> None:
    tally = rot.cut()
    assert tally.wrong == []
    assert tally.cuts >= SIZE
