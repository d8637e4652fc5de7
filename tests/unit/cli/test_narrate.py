"""What a run says of itself while it runs: who leads in evidence, who has passed."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from liveopt.cli.narrate import closing, gate, line, search
from liveopt.live.rounds import Progress, Rounds, Schedule
from liveopt.live.service import Service, World
from liveopt.live.supervise import Supervisor
from liveopt.walk.events import Promote
from tests import contest
from tests.run import SYMBOL, Live
from tests.seeking import Kept


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


SAID = [
    (Progress(), ""),
    (Progress(2), ""),
    (Progress(2, "searching", "every", 0, 0), "search 2: 0%"),
    (Progress(2, "searching", "every", 500, 2_000), "search 2: 25%"),
    (Progress(2, "proposing", "every", 2_000, 2_000, 0, 3, 1), ""),
    (Progress(2, "given up", "every", 500, 2_000, 5), ""),
    (Progress(2, "ended", "every", 2_000, 2_000, 0, 3, 1), "search 2: 3 proposed, 1 joined"),
]


@pytest.mark.parametrize(("progress", "words"), SAID)
def test_the_search_is_told_while_it_goes_on_and_what_it_brought(
    progress: Progress, words: str
) -> None:
    assert search(progress) == words


def test_a_line_has_the_search_where_there_is_something_to_say(tmp_path: Path) -> None:
    live = Live(tmp_path)
    live.take([*contest.opening(), *contest.waves(5)])
    own = service(live)
    before = line(own, live.pump.board)
    own.rounds = Rounds(live.pump, Kept(), Schedule(0, on_regime=False))
    assert line(own, live.pump.board) == before
    own.rounds.progress = Progress(2, "searching", "every", 500, 2_000)
    assert line(own, live.pump.board) == f"{before} | search 2: 25%"
    live.close()
