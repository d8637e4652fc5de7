"""Each fault once at every whole test run; `python -m tests.kill.stop --each 10` does more."""

from pathlib import Path

import pytest

from tests.kill.stop import FAULTS, run


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_stop_stops_whatever_else_goes_wrong(tmp_path: Path) -> None:
    tally = run(list(FAULTS), each=1, seed=1, room=tmp_path)
    assert tally.wrong == []
    assert tally.halted_starts == sum(tally.stops.values()) >= len(FAULTS) - 1
    assert tally.acknowledged > 0
    assert tally.entries > 0
