"""The faults there are, and what they take."""

from typing import get_args

import pytest

from liveopt.exchange_sim.kinds import KINDS, BadFault, Group, Value, check

BY_NAME = {kind.name: kind for kind in KINDS}


def test_every_fault_has_a_name_of_its_own_and_a_line() -> None:
    assert len(BY_NAME) == len(KINDS)
    assert all(kind.text and "_" not in kind.name for kind in KINDS)
    assert {kind.group for kind in KINDS} == set(get_args(Group))


def test_usual_values_make_sense() -> None:
    for kind in KINDS:
        check(kind, kind.usual)


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("gap", "chanse", 0.5),
        ("gap", "chance", 1.5),
        ("gap", "chance", -0.1),
        ("gap", "chance", "often"),
        ("gap", "for", float("nan")),
        ("gap", "count", 0.0),
        ("gap", "venue", "margin"),
        ("gap", "symbol", 5.0),
        ("ws-cut", "code", 42.0),
        ("ws-cut", "code", 1006.0),
        ("ws-cut", "code", 5000.0),
        ("ws-cut", "every", 0.0),
        ("subscribe-error", "code", 401.0),
        ("rest-html", "status", 42.0),
        ("connect-http", "status", 600.0),
        ("one-sided", "side", "middle"),
        ("token-expired", "as", "mail"),
        ("duplicate", "copies", -1.0),
        ("skip-bars", "nth", 0.0),
    ],
)
def test_what_makes_no_sense_is_refused_and_named(name: str, key: str, value: Value) -> None:
    with pytest.raises(BadFault, match=key):
        check(BY_NAME[name], {key: value})


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("gap", "chance", 0.0),
        ("ws-cut", "code", 1012.0),
        ("ws-cut", "code", 4999.0),
        ("subscribe-error", "code", 406.0),
        ("rest-code", "code", 400100.0),
        ("rest-code", "code", "400100"),
        ("clock-skew", "ms", -6000.0),
        ("order-invisible", "seconds", 9.0),
        ("duplicate-pushes", "copies", 3.0),
    ],
)
def test_what_makes_sense_is_taken(name: str, key: str, value: Value) -> None:
    check(BY_NAME[name], {key: value})
