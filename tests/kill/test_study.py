"""Three kills at every test run; `python -m tests.kill.study --kills 200` kills more."""

from pathlib import Path

import pytest

from tests.kill.study import run


@pytest.mark.timeout(240)
def test_a_killed_study_loses_no_more_than_the_generation_under_way(tmp_path: Path) -> None:
    tally = run(3, seed=1, room=tmp_path)
    assert tally.wrong == []
    assert tally.kills == 3
    assert tally.early < tally.kills, "too early to show anything"
