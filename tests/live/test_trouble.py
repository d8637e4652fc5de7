"""What goes wrong in a real engine is told as what it was: in the latch, and by whom."""

import resource
from pathlib import Path

import pytest

from liveopt.guard.latch import Latch
from tests.kill.stage import exchange, service, wait_for


@pytest.mark.timeout(240)
def test_a_halt_by_a_journal_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with exchange(tmp_path) as sim, service(tmp_path, sim.url) as found:
        found.start()
        found.at_work()
        pid = found.engine_pid()
        assert pid is not None
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        latch = Latch(found.state / "latch")
        wait_for(lambda: latch.read(with_file=False).halted)
        said = latch.read(with_file=False)
        assert said.by == "journal"
        assert said.reason == "the journals can no longer be written; the log says why"
