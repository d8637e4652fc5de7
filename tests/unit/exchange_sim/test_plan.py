"""Plans of faults."""

from pathlib import Path

import pytest

from liveopt.exchange_sim.faults import Faults
from liveopt.exchange_sim.kinds import BadFault
from liveopt.exchange_sim.plan import BadPlan, Entry, Plan, check_plan, read_plan

TOML = """
[[event]]
market = 60
fault = "gap"
chance = 0.5
symbol = "XBTUSDTM"
[[event]]
at = 90.5
off = "all"
"""
LINES = """{"market": 60, "fault": "gap", "chance": 0.5, "symbol": "XBTUSDTM"}

{"at": 90.5, "off": "all"}
"""
ENTRIES = [
    Entry(60.0, True, "gap", "", {"chance": 0.5, "symbol": "XBTUSDTM"}),
    Entry(90.5, False, "", "all", {}),
]


@pytest.mark.parametrize(("name", "text"), [("plan.toml", TOML), ("plan.jsonl", LINES)])
def test_both_spellings_say_the_same(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert read_plan(path) == ENTRIES


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "5",
        '{"fault": "gap"}',
        '{"at": 1, "market": 1, "fault": "gap"}',
        '{"at": -1, "fault": "gap"}',
        '{"at": "soon", "fault": "gap"}',
        '{"at": 1}',
        '{"at": 1, "fault": "gap", "off": "gap"}',
        '{"at": 1, "fault": "gap", "chance": [1]}',
    ],
)
def test_a_line_that_makes_no_sense_is_refused_with_its_place(tmp_path: Path, line: str) -> None:
    path = tmp_path / "plan.jsonl"
    path.write_text(line)
    with pytest.raises(BadPlan, match=r"plan\.jsonl"):
        read_plan(path)


def test_bad_toml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text("[[event")
    with pytest.raises(BadPlan):
        read_plan(path)


def test_a_plan_is_checked_before_it_is_followed() -> None:
    faults = Faults(1, lambda: 0.0)
    check_plan(ENTRIES, faults)
    for bad in (Entry(1.0, True, "gab"), Entry(1.0, True, off="gab"),
                Entry(1.0, True, "gap", params={"x": 1})):  # fmt: skip
        with pytest.raises(BadFault):
            check_plan([bad], faults)


def test_events_happen_at_their_time_on_their_clock() -> None:
    faults = Faults(1, lambda: 0.0)
    plan = Plan([*ENTRIES, Entry(70.0, True, off="gap"), Entry(80.0, True, "burst")])
    assert plan.next_ns == 60 * 10**9
    plan.follow(faults, 59_999_999_999, 0.0)
    assert faults.now() == []
    plan.follow(faults, 60_000_000_000, 0.0)
    assert [one.kind.name for one in faults.now()] == ["gap"]
    plan.follow(faults, 85_000_000_000, 0.0)
    assert [one.kind.name for one in faults.now()] == ["burst"]
    assert not plan.next_ns
    plan.follow(faults, 85_000_000_000, 90.5)
    assert faults.now() == []


def test_what_begins_by_market_time_ends_by_it() -> None:
    server, market = [0.0], [60.0]
    faults = Faults(1, lambda: server[0], lambda: market[0])
    plan = Plan([Entry(60.0, True, "gap", "", {"for": 10.0})])
    plan.follow(faults, 60_000_000_000, 0.0)
    server[0] = 1_000.0
    assert faults.now()
    market[0] = 70.0
    assert faults.now() == []


@pytest.mark.parametrize("text", ["x = 1\n", "[[fault]]\nat = 1\n", "event = 3\n", ""])
def test_a_plan_of_another_shape_is_not_an_empty_plan(tmp_path: Path, text: str) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(text)
    with pytest.raises(BadPlan, match=r"\[\[event\]\]"):
        read_plan(path)
