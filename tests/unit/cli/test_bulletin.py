"""What an operator reads of a service: the worst first, and nothing that was not said."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from liveopt.cli.bulletin import lines
from liveopt.core.bars import SECOND_NS
from liveopt.core.events import FeedState
from liveopt.guard.gate import HALT
from liveopt.live.board import listing
from liveopt.live.report import report
from liveopt.live.rounds import Progress, facts
from liveopt.live.service import Service, World
from liveopt.live.supervise import Supervisor
from liveopt.walk.events import Pause, Promote
from tests import contest
from tests.run import SYMBOL, Live, opening, ticks, variants

MARKET = ticks(400, step_s=20.0)
NOW_NS = MARKET[-1].at_ns + 2 * SECOND_NS


def guards(own: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """The guard's word around the engine's, all well unless told otherwise."""
    engine = {"pid": 8, "starts": 1, "last_exit": None, "beat_age_ms": 40.0, "acknowledged": 1}
    return {
        "pid": 7,
        "port": 4000,
        "halted": False,
        "mode": "open",
        "number": 1,
        "latch": {"by": "http", "reason": "lunch"},
        "engine": engine | changed.pop("engine", {}),
        "checks": [{"name": "engine alive", "ok": True, "why": "pid 8"}],
        "status": own,
        "status_age_ms": 90.0,
    } | changed


@pytest.fixture
def live(tmp_path: Path) -> Live:
    found = Live(tmp_path)
    found.take([*opening(variants(16, reckless=0.6)), *MARKET])
    return found


def told(live: Live) -> dict[str, Any]:
    """What the engine of that run says."""

    def closed(_: object) -> Any:
        raise AssertionError("a report opens no feed")

    boss = Supervisor(np.random.default_rng(1), print)
    board = live.pump.board
    board.phase = "running"
    world = World(closed, None, None)
    return report(
        Service(live.folder, live.state, live.writer, live.pump, board, world, boss), board
    )


def about(found: list[str], name: str) -> list[str]:
    """The lines of one subject, those without a word of their own behind theirs."""
    mine, last = [], ""
    for line in found:
        last = line[:10].strip() or last
        mine += [line[10:]] if last == name else []
    return mine


def test_a_run_is_told_in_the_order_in_which_it_matters(live: Live) -> None:
    live.pump.feed(FeedState(1, "trades", "live", 5))
    champion = [one for one in listing(live.state, 1) if one["champion"]]
    own = told(live)
    found = lines(guards(own), champion, NOW_NS)
    live.close()
    subjects = [line[:10].strip() for line in found if line[:10].strip()]
    assert subjects == ["RUNNING", "engine", "feed", "variants", "gate", "champion", "lateness"]
    assert about(found, "RUNNING") == [str(live.folder)]
    assert about(found, "engine")[0].startswith("process 8, heartbeat 0.0 s ago, last word 0.1 s")
    (feed,) = about(found, "feed")
    assert feed.startswith(f"{SYMBOL} {MARKET[-1].price:g}, last tick 2023-11-15 00:")
    assert "UTC (2.0 s ago)" in feed
    many, *others = about(found, "variants")
    assert many.startswith(f"{sum(own['variants'].values())}: ")
    assert own["stopped"]["safety_loss_limit"] > 0
    assert others[0].startswith("stopped: ")
    assert any("in position" in line for line in others)
    assert about(found, "gate") == [f"0 eligible: {own['eligible_reason']}"]
    (main,) = about(found, "champion")
    assert main.startswith(f"main, ma_crossover on {SYMBOL}: {champion[0]['status']}, ")
    assert f"{champion[0]['metrics']['roi']:+.2%}" in main
    assert about(found, "lateness")[0].endswith("0 late ticks, 0 holes, 0 standstills")


def rivals(tmp_path: Path, **gate: bool) -> Live:
    """A contest in which one is about to pass, or has."""
    live = Live(tmp_path)
    terms = msgspec.structs.replace(contest.GATE, **gate)
    live.take([*contest.opening(terms), *contest.waves(200)])
    return live


def test_who_has_passed_waits_for_consent_and_the_command_is_said(tmp_path: Path) -> None:
    live = rivals(tmp_path, auto=False)
    found = about(lines(guards(told(live)), [], NOW_NS), "gate")
    assert found == [
        "1 eligible",
        f"quick has PASSED on {SYMBOL} (XBTUSDTM-1-2); it waits for your consent:"
        " liveopt promotions promote quick --reason ...",
    ]
    live.take([Promote(live.state.at_ns, "quick", "me", "it passed")])
    watch = live.state.markets[SYMBOL].contest.watch  # type: ignore[union-attr]
    assert watch is not None
    watch.warned = True
    found = about(lines(guards(told(live)), [], NOW_NS), "gate")
    live.close()
    assert found[0].startswith("0 eligible: nobody has any evidence yet")
    assert found[1] == "WARNING: quick is less than half as good as was promised"
    assert found[2] == "1 promotions and 0 demotions since this start"


def test_who_is_promoted_by_itself_needs_no_consent(tmp_path: Path) -> None:
    live = rivals(tmp_path, auto=False)
    own = told(live)
    live.close()
    own["gate"][SYMBOL]["auto"] = True
    assert about(lines(guards(own), [], NOW_NS), "gate")[1].endswith("promoted with the next look")
    own["gate"][SYMBOL]["phase"] = "cooling"
    line = about(lines(guards(own), [], NOW_NS), "gate")[1]
    assert line.endswith(
        "the champion is new and the gate itself waits; by hand: liveopt promotions promote quick"
        " --reason ..."
    )


def test_in_a_halt_nobody_is_said_to_wait_for_consent(tmp_path: Path) -> None:
    live = rivals(tmp_path, auto=False)
    live.stop(HALT)
    live.take(contest.waves(1, first=200))
    found = about(lines(guards(told(live)), [], NOW_NS), "gate")
    live.close()
    assert found[1].endswith("; nobody is promoted in a halt")


def test_one_who_has_passed_and_is_paused_does_not_wait_for_consent(tmp_path: Path) -> None:
    live = rivals(tmp_path, auto=False)
    live.take([Pause(live.state.at_ns, ("quick",), "me")])
    found = about(lines(guards(told(live)), [], NOW_NS), "gate")
    live.close()
    assert found == ["0 eligible: quick has passed, but it is paused"]


def test_a_run_without_a_gate_has_one_line_about_it(tmp_path: Path) -> None:
    live = Live(tmp_path)
    live.take([*contest.opening(None), *contest.waves(3)])
    own = told(live)
    live.close()
    found = about(lines(guards(own), [], NOW_NS), "gate")
    assert found == ["0 eligible: this run has no promotion gate"]


def test_a_halt_stands_before_all_else_and_says_who_has_not_heard_of_it(live: Live) -> None:
    live.stop(HALT)
    own = told(live)
    live.close()
    shut = guards(own, halted=True, mode="halt", number=2)
    assert lines(shut, [], NOW_NS)[0] == (
        "HALTED    halt by http: lunch; the engine has NOT ACKNOWLEDGED it"
    )
    shut["engine"]["acknowledged"] = 2
    assert lines(shut, [], NOW_NS)[0] == "HALTED    halt by http: lunch"


def test_what_is_wrong_is_said_at_once(live: Live) -> None:
    live.pump.feed(FeedState(1, "trades", "stale", 5))
    live.pump.board.restarts["feed"] = 2
    own = told(live)
    live.close()
    red = [{"name": "journal ok", "ok": False, "why": "the engine's `journal_ok`"}]
    found = lines(guards(own, checks=red, engine={"starts": 3}), [], NOW_NS)
    assert found[1] == "FAIL      journal ok: the engine's `journal_ok`"
    assert "trades is stale" in about(found, "feed")
    assert "restarts: 2 of feed" in about(found, "lateness")
    assert "started 3 times" in about(found, "engine")[0]


def test_a_market_that_is_ahead_of_our_clock_has_no_age(live: Live) -> None:
    own = told(live)
    live.close()
    (feed,) = about(lines(guards(own), [], MARKET[-1].at_ns - 1), "feed")
    assert "ago" not in feed


def test_an_engine_that_has_said_nothing_yet_is_shown_as_such() -> None:
    began = guards({}, status_age_ms=None, engine={"beat_age_ms": None})
    assert lines(began, [], NOW_NS)[0] == "STARTING  the engine has not said anything yet"
    assert "heartbeat never, last word never" in lines(began, [], NOW_NS)[1]
    down = guards({}, status_age_ms=None, engine={"pid": None, "last_exit": -9})
    first, second = lines(down, [], NOW_NS)
    assert first.startswith("DOWN ")
    assert "not running (last exit code -9)" in second


def test_a_run_that_is_still_to_begin_is_starting(tmp_path: Path) -> None:
    live = Live(tmp_path)
    own = told(live) | {"phase": "starting"}
    live.close()
    assert lines(guards(own), [], NOW_NS)[0].startswith("STARTING ")


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (Progress(), []),
        (Progress(3), []),
        (
            Progress(3, "searching", "every", 1_200, 4_000),
            ["round 3 (every): 1,200 of 4,000 trials"],
        ),
        (
            Progress(3, "searching", "left open", 0, 0, 2),
            ["round 3 (left open): 0 of 0 trials; its process died 2 times"],
        ),
        (
            Progress(3, "given up", "regime", 1_200, 4_000, 5),
            ["round 3 (regime) was GIVEN UP; its process died 5 times: see the log"],
        ),
        (
            Progress(3, "given up", "every", 0, 0, trouble="no space left on device"),
            ["round 3 (every) was GIVEN UP: no space left on device"],
        ),
        (
            Progress(3, "proposing", "asked", 4_000, 4_000, 0, 8, 2, 1),
            ["round 3 (asked): 4,000 trials, 8 proposed, 2 joined, 1 replaced"],
        ),
        (
            Progress(3, "ended", "asked", 4_000, 4_000, 1, 8, 5, 3),
            ["round 3 (asked): 4,000 trials, 8 proposed, 5 joined, 3 replaced; its process died 1"
             " times"],
        ),
    ],
)  # fmt: skip
def test_the_search_beside_the_run_has_a_line_once_there_was_one(
    live: Live, progress: Progress, words: list[str]
) -> None:
    own = told(live) | {"search": facts(progress)}
    live.close()
    found = lines(guards(own), [], NOW_NS)
    assert about(found, "search") == words
    subjects = [line[:10].strip() for line in found]
    if words:
        assert subjects.index("gate") < subjects.index("search") < subjects.index("lateness")


def test_an_engine_without_a_search_has_no_line_of_it(live: Live) -> None:
    own = told(live)
    live.close()
    assert own["search"] is None
    assert about(lines(guards(own), [], NOW_NS), "search") == []
    del own["search"]  # as an engine of before says it
    assert about(lines(guards(own), [], NOW_NS), "search") == []
