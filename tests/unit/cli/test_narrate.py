"""What a run says of itself while it runs: who leads in evidence, who has passed."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from liveopt.cli.narrate import closing, gate, line
from liveopt.live.service import Service, World
from liveopt.live.supervise import Supervisor
from liveopt.walk.events import Promote
from tests import contest
from tests.run import SYMBOL, Live


def service(live: Live) -> Service:
    def closed(_: object) -> Any:
        raise AssertionError("a narration opens no feed")

    boss = Supervisor(np.random.default_rng(1), print)
    board, world = live.pump.board, World(closed, None, None)
    return Service(live.folder, live.state, live.writer, live.pump, board, world, boss)


def test_a_run_tells_who_leads_and_who_has_passed(tmp_path: Path) -> None:
    live = Live(tmp_path)
    board = live.pump.board
    terms = msgspec.structs.replace(contest.GATE, auto=False)
    market = contest.waves(200)
    live.take([*contest.opening(terms), *market[:12]])
    assert "gate" not in line(service(live), board), "there is nothing to say yet"
    live.take(market[12:480])
    assert " | gate: quick leads, evidence " in line(service(live), board)
    assert gate(live.state.markets[SYMBOL], board).endswith(", lacks insufficient_samples")
    live.take(market[480:])
    assert " | quick PASSED the gate, waiting for your consent" in line(service(live), board)
    assert "promotions" not in closing(service(live), board)
    live.take([Promote(live.state.at_ns, "quick", "me", "it passed")])
    assert "PASSED" not in line(service(live), board)
    assert "1 promotions, 0 demotions" in closing(service(live), board)
    live.close()
