"""Three kills at every whole test run; `python -m tests.kill.rounds --kills 50` kills more."""

from pathlib import Path

import pytest

from tests.kill.rounds import run


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_killed_search_costs_its_generation_and_nothing_else(tmp_path: Path) -> None:
    tally = run(3, seed=1, room=tmp_path)
    assert tally.wrong == []
    assert sum(tally.kills.values()) == 3
    assert tally.barren < 3, "too early to show anything"
    assert tally.rounds > 0
    assert tally.generations > 0
    assert tally.ticks > 100
