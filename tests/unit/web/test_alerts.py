"""Alerts: what raises one, what lets it fall, and what the inbox remembers."""

from dataclasses import replace
from typing import Any

import msgspec
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


def spending(used: int) -> Engine:
    return reporting(budget={"pools": {"futures": {"limit": 2_000, "used": used}}})


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("crash_rate", sight(crashed=(2, 19))),
        ("api_limit.own", sight(limited_ms=500)),
        ("api_limit.exchange", sight(refused_ms=500)),
        ("api_limit.exchange", sight(spending(1_801))),
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
        ("gpu_fallback", sight(reporting(device="cpu"), wish="gpu")),
        ("gpu_fallback", sight(idle="CuPy is not installed")),
        ("guard_silent", sight(guard=None, guard_ms=5_001)),
        ("keys_unreadable", sight(keys="Input data was truncated")),
        ("webhooks", sight(undelivered=1)),
        ("part_failed.jobs", sight(failing={"jobs": "DatabaseError"})),
    ],
)
def test_each_trouble_has_its_alert_and_no_other(code: str, seen: Sight) -> None:
    assert codes(seen) == {code}


@pytest.mark.parametrize(
    "seen",
    [
        sight(crashed=(1, 10)),
        sight(crashed=(0, 0)),
        sight(limited_ms=61_000),
        sight(refused_ms=61_000),
        sight(spending(1_800)),
        sight(guard=None, guard_ms=5_000),
        sight(clocks=Clocks(3_000, 1_000, 1, 1, 1, 1), live=False),
        sight(clocks=Clocks(None, None, None, None, None, None)),
        sight(reporting(device="cpu")),
        sight(reporting(device="cpu"), wish="cpu"),
        sight(wish="gpu"),
    ],
)
def test_what_is_usual_raises_none(seen: Sight) -> None:
    assert codes(seen) == set()


def late(*lags_ms: int) -> Sight:
    """After frames a quarter of a second apart, at which the disk was so far behind."""
    found = sight()
    for at_ms, lag_ms in enumerate(lags_ms):
        found.picture.owed.see(250 * at_ms, at_ms, at_ms - lag_ms // 250)
    return found


def test_a_slow_disk_raises_and_only_a_quick_one_lets_it_fall() -> None:
    slow, slower, quick = late(*[1_000] * 5), late(*[1_500] * 8), late(*[500] * 60)
    assert [one.picture.owed.worst_ms() for one in (slow, slower, quick)] == [750, 1_250, 250]
    code = "journal_slow"
    assert code in codes(slower)
    assert code not in codes(slow) | codes(quick)
    assert code in {found for found, *_ in rules(slow, {code})}, "still too slow to be over"
    assert code not in {found for found, *_ in rules(quick, {code})}
    inbox = Alerts(lambda: 1)
    actives = []
    for seen in (slow, slower, slow, quick, slow):
        inbox.look(seen)
        line = inbox.lines.get(code)
        actives.append(line is not None and line.active)
    assert actives == [False, True, True, False, False]
    slower.picture.connected = False
    assert code not in codes(slower), "of an engine that is gone nothing is known"


@pytest.mark.parametrize(
    ("id_", "worse", "better", "good"),
    [
        ("crash_rate", sight(crashed=(11, 100)), sight(crashed=(6, 100)), sight(crashed=(5, 100))),
        (
            "api_limit.exchange",
            sight(spending(1_900)), sight(spending(1_601)), sight(spending(1_600)),
        ),
    ],
)  # fmt: skip
def test_what_rose_falls_only_well_below_where_it_rose(
    id_: str, worse: Sight, better: Sight, good: Sight
) -> None:
    assert id_ in {found for found, *_ in rules(worse)}
    assert id_ not in {found for found, *_ in rules(better)}
    assert id_ in {found for found, *_ in rules(better, {id_})}
    assert id_ not in {found for found, *_ in rules(good, {id_})}


def test_crashes_raise_the_alert_and_an_hour_without_lets_it_fall() -> None:
    now, turned = [3_600_000_000_000], list[Alert]()
    inbox = Alerts(lambda: now[0], turned=turned.append)
    engine, picture = Engine(), Picture()

    def look(crashed: int) -> bool:
        now[0] += 1_000_000_000
        variants = {"active": 100 - crashed, "stopped": crashed}
        engine.report |= {"stopped": {"error": crashed}, "variants": variants}
        picture.take(engine.frame(), 1.0, 1_000)
        picture.connected = True
        inbox.look(Sight(picture, FRESH, GUARD, None, "", 0, live=True))
        line = inbox.lines.get("crash_rate")
        return line is not None and line.active

    assert [look(crashed) for crashed in (0, 10, 11, 12, 12)] == [False, False, True, True, True]
    now[0] += 3_600_000_000_000
    assert not look(12), "the variants are still there, and it is long ago"
    assert [one.active for one in turned if one.id == "crash_rate"] == [True, False]


def test_who_asked_is_told_of_a_rise_and_of_the_fall_and_of_nothing_between() -> None:
    changed, turned = list[Alert](), list[Alert]()
    inbox = Alerts(lambda: 1, changed.append, turned.append)
    for seen in (sight(gaps=1), sight(gaps=2), sight(gaps=2), sight(gaps=3)):
        inbox.look(seen)
    inbox.acknowledge("feed_gap", "key 1")
    inbox.look(sight(gaps=4))
    inbox.look(sight())
    own = [one for one in turned if one.id == "feed_gap"]
    assert [(one.active, one.text[:1]) for one in own] == [(True, "1"), (False, "4")]
    texts = [one.text[:1] for one in changed if one.id == "feed_gap"]
    assert texts == ["1", "2", "3", "3", "4", "4"], "the inbox and the page have it all"


def test_each_part_that_fails_is_a_line_of_its_own() -> None:
    turned = list[Alert]()
    inbox = Alerts(lambda: 1, turned=turned.append)
    for failing in ({"jobs": "a"}, {"jobs": "a", "tail": "b"}, {"tail": "b"}):
        inbox.look(sight(failing=failing))
    lines = [(one.id, one.code, one.active) for one in turned if one.code != "memory"]
    assert lines == [
        ("part_failed.jobs", "part_failed", True),
        ("part_failed.tail", "part_failed", True),
        ("part_failed.jobs", "part_failed", False),
    ]
    assert "searches that were submitted wait" in inbox.lines["part_failed.jobs"].text


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


def test_what_stood_before_a_restart_stands_until_it_is_judged_anew() -> None:
    now_s, told = [1.0], list[Alert]()
    before = Alert("emergency_stop", "emergency_stop", "critical", "x", 1, 2, 3, True, "me")
    gone = Alert("feed_gap", "feed_gap", "warning", "y", 1, 2, 1, True, "me")
    alerts = Alerts(lambda: 10**15, turned=told.append, clock_s=lambda: now_s[0])
    alerts.recall({one.id: one for one in (before, gone)})
    alerts.look(sight(Engine()))
    assert {one.id for one in alerts.all() if one.active} >= {"emergency_stop", "feed_gap"}
    now_s[0] += 11.0
    alerts.look(sight(guard=GUARD | {"halted": True}))
    stands, fell = alerts.lines["emergency_stop"], alerts.lines["feed_gap"]
    assert (stands.active, stands.count, stands.acknowledged_by) == (True, 3, "me")
    assert (fell.active, fell.acknowledged_by) == (False, "me")
    heard = [(one.id, one.active) for one in told if one.id != "memory"]
    assert heard == [("emergency_stop", True), ("feed_gap", False)]


def test_of_a_rise_that_the_process_before_may_not_have_told_others_hear_once() -> None:
    changed, told = list[Alert](), list[Alert]()
    stood = Alert("feed_gap", "feed_gap", "warning", "1 gaps", 1, 2, 3, True, "me")
    alerts = Alerts(lambda: 5_000_000_000, changed.append, told.append, clock_s=lambda: 0.0)
    alerts.recall({stood.id: stood})
    alerts.look(sight())
    assert [one for one in told if one.id == stood.id] == [], "whether it is so is not known yet"
    for gaps in (1, 2, 2):
        alerts.look(sight(gaps=gaps))
    (copy,) = [one for one in told if one.id == stood.id]
    assert (copy.id, copy.count, copy.active) == (stood.id, 3, True), "a copy, and known as one"
    assert copy.last_ms == 5_000
    fallen = msgspec.structs.replace(stood, active=False)
    alerts = Alerts(lambda: 5_000_000_000, turned=told.append)
    alerts.recall({stood.id: stood})
    alerts.look(sight())
    alerts._turn(fallen)
    told.clear()
    for _ in range(3):
        alerts.look(sight(gaps=1))
    assert [one.count for one in told if one.id == stood.id] == [4], "a new rise is told once"


def test_of_a_fall_just_before_a_restart_others_hear_again_and_of_an_old_one_not() -> None:
    told = list[Alert]()
    now_ms = 10_000_000
    new, old = (
        Alert(id_, id_, "warning", "x", 1, now_ms - ago_ms, 1, False, None)
        for id_, ago_ms in (("feed_gap", 60_000), ("stale_feed", 3_600_000))
    )
    alerts = Alerts(lambda: now_ms * 1_000_000, turned=told.append)
    alerts.recall({one.id: one for one in (new, old)})
    assert told == [new]


def test_a_clock_that_is_set_back_lets_what_stood_fall_all_the_same() -> None:
    wall_ns, now_s = [10**18], [100.0]
    alerts = Alerts(lambda: wall_ns[0], clock_s=lambda: now_s[0])
    stood = Alert("feed_gap", "feed_gap", "warning", "y", 1, 2, 1, True, None)
    alerts.recall({stood.id: stood})
    wall_ns[0] -= 3_600 * 10**9
    now_s[0] += 11.0
    alerts.look(sight())
    assert not alerts.lines[stood.id].active
