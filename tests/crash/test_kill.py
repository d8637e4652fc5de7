"""25 kills at every test run; `python -m tests.crash.kill --kills 5000` kills more."""

import pytest

from tests.crash.kill import run


@pytest.mark.slow
def test_what_a_killed_writer_had_told_is_there() -> None:
    tally = run(25, seed=1)
    assert tally.wrong == []
    assert tally.kills == 25
    assert tally.told > 1_000
    assert tally.snapshots > 0
