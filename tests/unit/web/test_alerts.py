"""Alerts: what raises one, what lets it fall, and what the inbox remembers."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from liveopt.web.alerts import Alert, Alerts, Sight, memory_share, rules
from liveopt.web.errors import Problem
from liveopt.web.picture import Clocks, Picture
from tests.unit.web.watching import Engine

FRESH = Clocks(1_000, 1_000, 1_000, 100, 3, 100)
GUARD: dict[str, Any] = {"halted": False, "engine": {"last_exit": None}, "latch": {}}


def sight(engine: Engine | None = None, **changed: Any) -> Sight:
    picture = Picture()
    picture.take((engine or Engine()).frame(), 1.0, 1_000)
    picture.connected = True
    plain = Sight(picture, FRESH, GUARD, None, "", 0, live=True)
    return replace(plain, **changed)


def codes(found: Sight) -> set[str]:
    return {code for code, _, _ in rules(found)} - {"memory"}


def test_nothing_is_wrong_with_a_run_that_goes_well() -> None:
    assert codes(sight()) == set()


def losing() -> Engine:
    engine = Engine()
    engine.columns["trades"][:] = [3, 4, 0]
    engine.columns["roi"][:] = [-0.01, -0.02, 0.0]
    return engine


def reporting(**report: Any) -> Engine:
    return Engine(report=report)


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("crash_rate", sight(reporting(stopped={"slow_error": 2}, variants={"active": 9}))),
        ("api_limit", sight(limited_ms=500)),
        ("emergency_stop", sight(reporting(halted="halt"))),
        ("emergency_stop", sight(guard=GUARD | {"halted": True})),
        ("all_negative", sight(losing())),
        ("stale_feed", sight(clocks=Clocks(1, 1, 1, 6_000, 1, 1))),
        ("feed_gap", sight(reporting(holes=1))),
        ("feed_gap", sight(gaps=2)),
        ("clock_skew", sight(clocks=Clocks(3_000, 1_000, 1, 1, 1, 1))),
        ("engine_silent", sight(clocks=Clocks(1, 1, 1, 1, 1, 4_000))),
        ("replay_mismatch", sight(guard=GUARD | {"engine": {"last_exit": 7}})),
        ("journal", sight(reporting(journal_ok=False))),
        ("journal_damage", sight(damage="a line")),
    ],
)
def test_each_trouble_has_its_alert_and_no_other(code: str, seen: Sight) -> None:
    assert codes(seen) == {code}


@pytest.mark.parametrize(
    "seen",
    [
        sight(reporting(stopped={"safety_loss_limit": 9}, variants={"active": 1})),
        sight(reporting(stopped={"slow_error": 1}, variants={"active": 10})),
        sight(limited_ms=61_000),
        sight(clocks=Clocks(3_000, 1_000, 1, 1, 1, 1), live=False),
        sight(clocks=Clocks(None, None, None, None, None, None)),
    ],
)
def test_what_is_usual_raises_none(seen: Sight) -> None:
    assert codes(seen) == set()


def test_one_variant_at_a_profit_is_enough() -> None:
    engine = losing()
    engine.columns["roi"][1] = 0.0
    assert codes(sight(engine)) == set()
    engine = losing()
    engine.columns["status"][:] = np.uint8(4)
    assert codes(sight(engine)) == set(), "who has stopped is judged no more"


def test_the_memory_of_this_machine_is_known() -> None:
    share = memory_share()
    assert share is not None
    assert 0.0 < share < 1.0


def test_the_inbox_counts_rises_and_remembers_times() -> None:
    now, told = [5_000_000_000], list[Alert]()
    inbox = Alerts(lambda: now[0], told.append)
    bad, good = sight(gaps=1), sight()
    for seen in (bad, bad, good, good, bad):
        inbox.look(seen)
        now[0] += 1_000_000_000
    line = inbox.lines["feed_gap"]
    assert (line.first_ms, line.last_ms, line.count, line.active) == (5_000, 9_000, 2, True)
    assert [one.active for one in told if one.code == "feed_gap"] == [True, False, True]


def test_an_acknowledgement_has_a_name_and_ends_with_the_next_rise() -> None:
    inbox = Alerts(lambda: 1)
    inbox.look(sight(gaps=1))
    assert inbox.acknowledge("feed_gap", "key 1").acknowledged_by == "key 1"
    inbox.look(sight())
    inbox.look(sight(gaps=1))
    assert inbox.lines["feed_gap"].acknowledged_by is None
    for name, by in (("nothing", "key 1"), ("feed_gap", ""), ("feed_gap", "x" * 65)):
        with pytest.raises(Problem):
            inbox.acknowledge(name, by)
