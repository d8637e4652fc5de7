"""The phases of a contest: each can be reached and left, and the table knows what is used."""

import ast
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

import pytest

from liveopt.promotion.states import NEXT, Cause, Phase

PHASES, CAUSES = get_args(Phase), get_args(Cause)


def turned() -> set[str]:
    """Every cause that the walk names when it turns a contest."""
    spec = find_spec("liveopt.walk.succession")
    assert spec is not None
    assert spec.origin is not None
    calls = [n for n in ast.walk(ast.parse(Path(spec.origin).read_text("utf-8"))) if is_turn(n)]
    return {ast.literal_eval(call.args[0]) for call in calls if isinstance(call, ast.Call)}


def is_turn(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "turn"
    )


def test_the_table_speaks_of_known_phases_and_causes_only() -> None:
    assert {phase for phase, _ in NEXT} | set(NEXT.values()) == set(PHASES)
    assert {cause for _, cause in NEXT} == set(CAUSES)


def test_the_walk_uses_every_cause_and_no_other() -> None:
    assert turned() == set(CAUSES)


@pytest.mark.parametrize("start", PHASES)
def test_every_phase_leads_to_every_other(start: Phase) -> None:
    reached: set[Phase] = {start}
    for _ in PHASES:
        reached |= {after for (phase, _), after in NEXT.items() if phase in reached}
    assert reached == set(PHASES)


@pytest.mark.parametrize("phase", PHASES)
def test_a_change_of_champion_is_possible_in_every_phase_and_cools_it(phase: Phase) -> None:
    assert NEXT[phase, "changed"] == "cooling"


@pytest.mark.parametrize("phase", PHASES)
def test_somebody_may_pass_unless_the_champion_is_new(phase: Phase) -> None:
    assert NEXT.get((phase, "passed")) == (None if phase == "cooling" else "found")


def test_only_what_has_begun_can_end() -> None:
    assert [phase for phase, cause in NEXT if cause == "cooled"] == ["cooling"]
    assert [phase for phase, cause in NEXT if cause == "withdrawn"] == ["found"]
    assert NEXT["cooling", "cooled"] == NEXT["found", "withdrawn"] == "gathering"
