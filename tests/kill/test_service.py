"""25 kills at every whole test run; `python -m tests.kill.service --kills 500` kills more."""

from pathlib import Path

import pytest

from tests.kill.service import run


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_killed_service_loses_nothing(tmp_path: Path) -> None:
    tally = run(25, seed=1, room=tmp_path)
    assert tally.wrong == []
    assert sum(tally.kills.values()) == 25
    assert len(tally.kills) == 3
    assert tally.records > 1_000
    assert tally.second > 0
